"""Families that take their time, for tests that stop a run in the middle; copied beside a spec as a user's module."""

from __future__ import annotations

import subprocess
import time
from typing import Any

from sklearn.naive_bayes import GaussianNB

from mlrun.contracts import ModelFamily


class Sleeps(GaussianNB):  # type: ignore[misc]
    """Sleeps as long as asked, beside a process of its own that sleeps too."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.seconds = seconds

    def fit(self, rows: Any, truth: Any) -> Any:
        if self.seconds > 1:
            subprocess.Popen(["sleep", str(self.seconds)])
        time.sleep(self.seconds)
        return super().fit(rows, truth)


SLEEPS = ModelFamily(
    build=lambda params, seed, members=(), task="classification": Sleeps(params["seconds"]),
    tasks=("classification",),
    simplicity_rank=0,  # of families never measured the least simple runs first, and this one shall run last
    hyperparameters=None,
    needs=("dense",),
    gives="probabilities",
)
