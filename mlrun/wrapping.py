"""From a champion's out-of-fold predictions to its calibration and its cut, and what these make of a prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlrun.errors import DataError
from mlrun.records import MetricSpec, Prediction, Task
from mlrun.wrap.cuts import best_cut, cheapest_cut, closed_form, objective_of
from mlrun.wrap.recalibration import Curves, Method, Reads, calibrated, learn_curves

if TYPE_CHECKING:
    from mlrun.records import Array


@dataclass(frozen=True, slots=True)
class Wish:
    """What a spec asks of a champion beyond its fit; objective: what a tuned cut is tuned for."""

    calibrate: Method = "none"
    threshold: float | Literal["from_costs", "tuned"] = 0.5
    objective: MetricSpec | None = None

    @property
    def is_empty(self) -> bool:
        return self.calibrate == "none" and self.threshold == 0.5

    def __str__(self) -> str:
        """Return what the identity of a champion must hold of it; '' when it is as it was fitted."""
        if self.is_empty:
            return ""
        objective = self.objective.label if self.objective and self.threshold == "tuned" else ""
        return f"{self.calibrate} {self.threshold} {objective}".strip()


@dataclass(frozen=True, slots=True)
class Wrapping:
    """What was learned; plain data and arrays.

    reads: what the calibration is a function of. curves: one a class (the positive one of two; one in all for
    temperature), made of arrays: slope with intercept of a sigmoid; places, then values, of isotonic steps.
    threshold: from which probability the positive class is said; None = the most probable class. source: where it
    came from, in words.
    """

    method: Method = "none"
    reads: Reads = "probabilities"
    curves: Curves = ()
    threshold: float | None = None
    source: str = ""

    def apply(self, prediction: Prediction) -> Prediction:
        """Return the wrapped prediction of the same rows: calibrated, then cut."""
        if self.method == "none" and self.threshold is None:
            return prediction
        probabilities = calibrated(self.method, self.reads, self.curves, prediction)
        if self.threshold is None:
            values = probabilities.argmax(axis=1)
        else:
            values = (probabilities[:, 1] >= self.threshold).astype(np.int64)
        return Prediction(values, probabilities, prediction.scores if self.method == "none" else None)

    def __str__(self) -> str:
        told = [] if self.method == "none" else [f"calibrated ({self.method})"]
        if self.threshold is not None:
            told.append(f"threshold {self.threshold:.3g} {self.source}".strip())
        return ", ".join(told)

    def state(self) -> dict[str, Any]:
        """Return plain data, for a model file."""
        return {
            "method": self.method,
            "reads": self.reads,
            "curves": [list(curve) for curve in self.curves],
            "threshold": self.threshold,
            "source": self.source,
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Wrapping:
        """Return what gave this state."""
        curves = tuple(tuple(np.asarray(part, dtype=np.float64) for part in curve) for curve in state["curves"])
        return cls(state["method"], state["reads"], curves, state["threshold"], state["source"])


def learn(
    wish: Wish, prediction: Prediction, truth: Array, task: Task, *, logistic: bool = False, folder: str = ""
) -> Wrapping:
    """Learn a champion's wrapping from its out-of-fold predictions.

    prediction, truth: of the (n,) held-out rows of all folds. logistic: the probabilities are a function of scores,
    so that their log-odds are what is calibrated. A tuned cut is tuned on the calibrated probabilities. The
    calibration is that of scikit-learn's CalibratedClassifierCV(ensemble=False). Raises DataError when there are
    neither probabilities nor, to calibrate, scores.
    """
    reads: Reads = "log_odds" if logistic else "probabilities"
    if prediction.probabilities is None:
        if prediction.scores is None or wish.calibrate == "none":
            what = "probabilities or scores" if wish.calibrate != "none" else "probabilities"
            raise DataError(f"it gives no {what}, so it cannot be wrapped with `calibrate` or `threshold`")
        reads = "scores"
    curves = learn_curves(wish.calibrate, reads, prediction, truth, len(task.labels))
    if wish.threshold == 0.5:
        return Wrapping(wish.calibrate, reads, curves)
    p = calibrated(wish.calibrate, reads, curves, prediction)[:, 1]
    return Wrapping(wish.calibrate, reads, curves, *cut(wish, p, truth, task, folder))


def cut(wish: Wish, p: Array, truth: Array, task: Task, folder: str) -> tuple[float, str]:
    """Return from which probability the positive class is said, and where that came from."""
    if wish.threshold == "from_costs":
        return closed_form(task), "from costs"
    if wish.threshold != "tuned":
        return float(wish.threshold), ""
    objective = wish.objective or objective_of((), task, folder)
    if objective.name == "cost":
        return cheapest_cut(p, truth, task), "tuned for cost"
    return best_cut(p, truth, task, objective, folder), f"tuned for {objective.label}"
