"""From predictions of rows before and after an edit to how far each row moved, and whether it may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlrun.records import Label, Prediction, Task

if TYPE_CHECKING:
    from mlrun.records import Array

MOVED = 1e-9  # relative: less is rounding, which depends on the rows that are predicted together


@dataclass(frozen=True, slots=True)
class Moves:
    """What n rows were and became; one number a row: P(positive), P of the class first predicted, a number, a score.

    Labels without probabilities count as probabilities of 0 and 1 (`hard`). moved: whether anything said of the row is
    another, beyond rounding.
    """

    old: Array
    new: Array
    old_values: Array
    new_values: Array
    hard: bool
    moved: Array

    @property
    def change(self) -> Array:
        change: Array = self.new - self.old
        return change


def moves(old: Prediction, new: Prediction, task: Task, outcome: int | None = None) -> Moves:
    """Return how rows moved from one prediction to another; outcome: the class whose probability counts."""
    hard = task.kind == "classification" and (old.probabilities is None or new.probabilities is None)
    ways = {"regression": _numbers, "anomaly": _scores, "classification": _labels if hard else _probabilities}
    first, second = ways[task.kind](old, new, task, outcome)
    return Moves(first, second, old.values, new.values, hard, _moved(old, new))


def _numbers(old: Prediction, new: Prediction, task: Task, outcome: int | None) -> tuple[Array, Array]:  # noqa: ARG001 - as the others
    return old.values.astype(np.float64), new.values.astype(np.float64)


def _scores(old: Prediction, new: Prediction, task: Task, outcome: int | None) -> tuple[Array, Array]:
    if old.scores is None or new.scores is None:
        return _numbers(old, new, task, outcome)
    return old.scores, new.scores


def _labels(old: Prediction, new: Prediction, task: Task, outcome: int | None) -> tuple[Array, Array]:
    watched = _watched(old, task, outcome)
    return (old.values == watched).astype(np.float64), (new.values == watched).astype(np.float64)


def _probabilities(old: Prediction, new: Prediction, task: Task, outcome: int | None) -> tuple[Array, Array]:
    if old.probabilities is None or new.probabilities is None:
        return _labels(old, new, task, outcome)
    rows, watched = np.arange(len(old.values)), _watched(old, task, outcome)
    return old.probabilities[rows, watched], new.probabilities[rows, watched]


def _watched(old: Prediction, task: Task, outcome: int | None) -> Array:
    """Return the class of each row whose probability counts: the positive one of two, else that first predicted."""
    if outcome is None and not task.binary:
        return old.values
    return np.full(len(old.values), 1 if outcome is None else outcome)


def _moved(old: Prediction, new: Prediction) -> Array:
    """Return (n,) bool: whether anything that is said of a row changed, beyond rounding."""
    changed = _apart(old.values, new.values, 0.0)
    for one, other in ((old.probabilities, new.probabilities), (old.scores, new.scores)):
        if one is not None and other is not None and not changed.all():
            apart = _apart(one, other, MOVED)
            changed |= apart if apart.ndim == 1 else apart.any(axis=1)
    return changed


def _apart(one: Array, other: Array, least: float) -> Array:
    """Return where numbers differ by more than `least` and MOVED of the second, as numpy's isclose tells it."""
    if one.dtype.kind in "iub" and other.dtype.kind in "iub":
        return np.asarray(one != other)
    with np.errstate(invalid="ignore"):  # infinity less infinity
        near = np.abs(one - other) <= least + MOVED * np.abs(other)
        infinite = ~np.isfinite(other)
        return np.asarray(~np.where(infinite, one == other, near)) if infinite.any() else np.asarray(~near)


def spread_of(prediction: Prediction, task: Task) -> float:
    """Return the standard deviation of the numbers or scores that were said of some rows; 0 for one row."""
    said = prediction.scores if task.kind == "anomaly" and prediction.scores is not None else prediction.values
    return float(np.std(said)) if len(said) else 0.0


# -- what a row may not do -------------------------------------------------------------------------------------------


def inconsistent(moved: Moves, task: Task, tolerance: float, spread: float) -> Array:
    """Return (n,) bool: the rows whose answer changed where it may not (evaluation.md, section 2).

    Classes: another class, and a probability that moved by more than the tolerance (labels alone: another class).
    Regression: a change of more than the tolerance, relative to the first number. Anomalies: another verdict, and a
    score that moved by more than the tolerance in standard deviations of the scores.
    """
    size = np.abs(moved.change)
    if task.kind == "regression":
        fails: Array = size > tolerance * np.abs(moved.old)
        return fails & moved.moved
    flips: Array = moved.old_values != moved.new_values
    if moved.hard:
        return flips
    return flips & (size > (tolerance * spread if task.kind == "anomaly" else tolerance))


def wrong_way(moved: Moves, task: Task, expect: str, tolerance: float, spread: float) -> tuple[Array, Array]:
    """Return for n rows whether they moved against what is expected, and whether they can move at all.

    tolerance: of probability, else in standard deviations (`spread`: of y, of the scores). A probability within the
    tolerance of its end cannot move further; where only labels are said, every row can.
    """
    sign = 1.0 if expect == "increase" else -1.0
    allowed = tolerance if task.kind == "classification" else tolerance * spread
    against: Array = sign * moved.change < -allowed
    if task.kind != "classification" or moved.hard:
        return against, np.ones(len(against), dtype=bool)
    can: Array = moved.old < 1 - tolerance if sign > 0 else moved.old > tolerance
    return against & can, can


def wrong(truth: Array, said: Prediction, task: Task, tolerance: float) -> Array:
    """Return (n,) bool: the rows that are answered wrongly; numbers: by more than the tolerance, relative to truth."""
    if task.kind == "regression":
        off: Array = np.abs(said.values - truth) > tolerance * np.abs(truth)
        return off
    wrongly: Array = said.values != truth
    return wrongly


# -- as people read it -----------------------------------------------------------------------------------------------


def told(code: float, task: Task) -> Label:
    """Return a predicted value as a label or a number."""
    if task.kind == "regression":
        return float(code)
    if not task.labels:
        return "anomaly" if int(code) == 1 else "normal"
    return task.labels[int(code)]
