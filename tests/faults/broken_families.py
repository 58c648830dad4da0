"""Families that do what families must not do; each does its deed in one fit only, so that the others show no harm.

Copied beside a spec by the tests, for it is a user's module there.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

import numpy as np
from sklearn.naive_bayes import GaussianNB

from mlrun.contracts import ModelFamily, Nested
from mlrun.origin.identity import fit_seed

IN_THE_FIRST_FOLD = (0, 0)
IN_THE_REFIT = (-1, -1)  # fit.FINAL, twice
DEEDS = {
    "segfault": IN_THE_FIRST_FOLD,
    "exits": IN_THE_FIRST_FOLD,
    "leaves": IN_THE_FIRST_FOLD,
    "hangs": IN_THE_FIRST_FOLD,
    "killed": IN_THE_FIRST_FOLD,
    "raises": IN_THE_FIRST_FOLD,
    "prints": IN_THE_FIRST_FOLD,
    "nan": IN_THE_FIRST_FOLD,
    "short": IN_THE_FIRST_FOLD,
    "strange": IN_THE_FIRST_FOLD,
    "flat": IN_THE_FIRST_FOLD,
    "too_wide": IN_THE_FIRST_FOLD,
    "late": IN_THE_REFIT,
    "unpicklable": IN_THE_REFIT,
    "unstorable": IN_THE_REFIT,
    "lonely": IN_THE_REFIT,
}


class KeepsOut:
    """Can be pickled, but not taken apart."""

    def __reduce_ex__(self, protocol: Any) -> Any:  # what pickle asks for
        return KeepsOut, ()

    def __reduce__(self) -> Any:  # what skops asks for
        raise LookupError("keep out")


class Breaks(GaussianNB):  # type: ignore[misc]
    def __init__(self, deed: str = "", here: bool = True, width: int = 1) -> None:
        super().__init__()
        self.deed, self.here, self.width = deed, here, width

    def fit(self, rows: Any, truth: Any) -> Any:
        if self.here and hasattr(self, f"_{self.deed}"):
            getattr(self, f"_{self.deed}")()
        return super().fit(rows, truth)

    def predict_proba(self, rows: Any) -> Any:
        if self._does("lonely") and len(rows) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        found = super().predict_proba(rows)
        if self._does("nan"):
            found[0] = np.nan
        if self._does("flat"):
            return found[:, 0]
        return found[:-1] if self._does("short") else found

    def predict(self, rows: Any) -> Any:
        return super().predict(rows) + (7 if self._does("strange") else 0)

    def _does(self, deed: str) -> bool:
        return self.here and self.deed == deed

    def _segfault(self) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    _late = _segfault

    def _exits(self) -> None:
        os._exit(3)

    def _leaves(self) -> None:
        sys.exit(5)

    def _hangs(self) -> None:
        time.sleep(1000)

    def _killed(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def _raises(self) -> None:
        raise ArithmeticError("no luck")

    def _prints(self) -> None:
        print("rubbish \x1b[31m \x00" * 100)
        os.write(1, b"\xff\xfe more rubbish\n")

    def _unpicklable(self) -> None:
        self.held: Any = lambda: 0

    def _unstorable(self) -> None:
        self.held = KeepsOut()

    def _too_wide(self) -> None:
        if self.width > 2:
            raise MemoryError("too wide")


def family(deed: str) -> ModelFamily:
    def build(params: Any, seed: int, members: Any = (), task: str = "classification") -> Any:
        return Breaks(deed, seed == fit_seed(0, deed, *DEEDS[deed]), params["width"])

    shared = Nested(
        ("width",),
        lambda several: max(several, key=lambda params: params["width"]),
        lambda estimator, params: estimator,
    )
    return ModelFamily(
        build=build,
        tasks=("classification",),
        simplicity_rank=50,
        hyperparameters=None,
        needs=("dense",),
        gives="probabilities",
        nested=shared if deed == "too_wide" else None,
    )


def __getattr__(name: str) -> ModelFamily:
    if name in DEEDS:
        return family(name)
    raise AttributeError(name)
