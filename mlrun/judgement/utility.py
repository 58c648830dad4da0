"""From what each outcome is worth to what a model's answers are worth, row by row, and what they add to others'."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlrun import statistics
from mlrun.records import Difference, Prediction, Task

if TYPE_CHECKING:
    from mlrun.records import Array

OUTCOMES = ("tp", "fp", "tn", "fn")


@dataclass(frozen=True, slots=True)
class Worth:
    """What a row is worth, (k, k): by its class and by what is said of it; defer: where it is left to people."""

    table: Array
    defer: float | None = None

    def of(self, truth: Array, said: Array) -> Array:
        """Return what each row is worth, (n,); truth and said are class codes."""
        found: Array = self.table[truth, said]
        return found


@dataclass(frozen=True, slots=True)
class Deferral:
    """From which confidence a model answers by itself, learned on rows that it was not fitted on; inf = never."""

    threshold: float
    coverage: float
    worth: float


def worth_by_outcome(utility: Mapping[str, float]) -> Worth:
    """Return the worth of two classes from tp, fp, tn, fn and, where it is there, defer."""
    whole: dict[str, float | None] = {**dict.fromkeys(OUTCOMES, 0.0), "defer": None, **utility}
    table = np.array([[whole["tn"], whole["fp"]], [whole["fn"], whole["tp"]]], dtype=np.float64)
    return Worth(table, whole["defer"])


def worth_by_costs(costs: Mapping[str, float]) -> Worth:
    """Return the worth of two classes when mistakes cost, and nothing else counts."""
    return worth_by_outcome({"fp": -costs["false_positive"], "fn": -costs["false_negative"]})


def worth_by_rightness(task: Task) -> Worth:
    """Return the worth of any number of classes when a right answer is worth 1 and a wrong one nothing."""
    return Worth(np.eye(max(2, len(task.labels))))


def people_of(worth: Worth, truth: Array, accuracy: float, cost_per_row: float) -> Array:
    """Return what people are expected to make of each row, (n,): right with this chance, else any other answer.

    Whatever the class, they are right equally often, and every other answer is equally likely when they are not.
    """
    classes = len(worth.table)
    right = np.diagonal(worth.table)
    wrong = (worth.table.sum(axis=1) - right) / (classes - 1)
    found: Array = (accuracy * right + (1 - accuracy) * wrong)[truth] - cost_per_row
    return found


def confidence_of(prediction: Prediction) -> Array | None:
    """Return how sure a model is of each row, (n,): its largest probability; None where it gives none."""
    return None if prediction.probabilities is None else prediction.probabilities.max(axis=1)


def choose_deferral(worths: Array, confidence: Array, defer: float) -> Deferral:
    """Return the confidence from which a model's answers are worth most, when the rest are left to people.

    worths: (n,) of the model's own answers; rows of equal confidence stay together. Of equal cuts the lowest, so that
    no more is left to people than is worth it.
    """
    order = np.argsort(-confidence, kind="stable")
    sure = confidence[order]
    gained = np.concatenate([[0.0], np.cumsum(worths[order] - defer)])  # by answering the so many surest
    ends = np.concatenate([[0], np.flatnonzero(np.diff(sure)) + 1, [len(sure)]])
    best = ends[len(ends) - 1 - int(np.argmax(gained[ends][::-1]))]
    threshold = math.inf if best == 0 else float(sure[best - 1])
    return Deferral(threshold, best / len(sure), defer + float(gained[best]) / len(sure))


def deferred(worths: Array, confidence: Array, rule: Deferral, defer: float) -> Array:
    """Return what each row is worth, (n,), when those below the rule's confidence are left to people."""
    found: Array = np.where(confidence >= rule.threshold, worths, defer)
    return found


def gain(mine: Array, other: Array, confidence: float = 0.95) -> Difference:
    """Return the mean of mine less other's over the same (n,) rows, by a paired t."""
    low, high, p_value = statistics.mean_interval(mine - other, confidence)
    value = float((mine - other).mean()) if len(mine) else None
    if value is None or math.isnan(low):
        return Difference(value, method="paired t")
    return Difference(value, low, high, p_value, "paired t")
