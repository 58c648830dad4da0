"""The difference of a metric between two groups of other rows, such as a slice and the rest."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlrun import statistics
from mlrun.distributions import normal_ppf
from mlrun.intervals import Bounds, Question, interval
from mlrun.records import Difference, Interval, Prediction

if TYPE_CHECKING:
    from mlrun.records import Array


@dataclass(frozen=True, slots=True)
class Group:
    """A metric of a prediction of some rows, with its interval."""

    question: Question
    prediction: Prediction
    score: Interval

    @classmethod
    def of(cls, question: Question, prediction: Prediction) -> Group:
        return cls(question, prediction, interval(question, prediction))


def group_difference(first: Group, second: Group) -> Difference:
    """Return the first group's score less that of the second, of other rows, with interval and two-sided p-value.

    A proportion: Newcombe's interval, Fisher's exact test. A mean of rows: Welch; RMSE: after the delta method.
    Everything else: from the two intervals (Zou & Donner 2008, Statistics in Medicine 27), of independent groups.
    """
    if first.score.value is None or second.score.value is None:
        return Difference(None)
    gap, kind = first.score.value - second.score.value, first.question.metric.interval
    if kind in {"proportion", "mean", "root_mean"}:
        rows = first.question.rows(first.prediction), second.question.rows(second.prediction)
        (low, high, p_value), method = GROUP_TESTS[kind](rows[0], rows[1], first.question.confidence)
    else:
        (low, high, p_value), method = _from_intervals(first, second), "square-and-add of two intervals"
    return (
        Difference(gap, p_value=None, method=method) if math.isnan(low) else Difference(gap, low, high, p_value, method)
    )


def _group_proportions(one: Array, other: Array, confidence: float) -> tuple[Bounds, str]:
    counts = int(np.count_nonzero(one)), len(one), int(np.count_nonzero(other)), len(other)
    return (*statistics.newcombe(*counts, confidence), statistics.fisher(*counts)), "Fisher, exact"


def _group_means(one: Array, other: Array, confidence: float) -> tuple[Bounds, str]:
    return statistics.welch(one, other, confidence), "Welch"


def _group_roots(one: Array, other: Array, confidence: float) -> tuple[Bounds, str]:
    roots = [math.sqrt(rows.mean()) for rows in (one, other)]
    if 0.0 in roots or min(len(one), len(other)) < 2:
        return (math.nan, math.nan, math.nan), "Welch, delta method"
    errors = [float(rows.var(ddof=1)) / len(rows) / (2 * root) ** 2
              for rows, root in zip((one, other), roots, strict=True)]  # fmt: skip
    found = statistics.welch_interval(roots[0] - roots[1], errors, (len(one), len(other)), confidence)
    return found, "Welch, delta method"


GROUP_TESTS: dict[str, Callable[[Array, Array, float], tuple[Bounds, str]]] = {
    "proportion": _group_proportions,
    "mean": _group_means,
    "root_mean": _group_roots,
}


def _from_intervals(first: Group, second: Group) -> Bounds:
    one, other = first.score, second.score
    if one.value is None or one.low is None or one.high is None:
        return math.nan, math.nan, math.nan
    if other.value is None or other.low is None or other.high is None:
        return math.nan, math.nan, math.nan
    gap = one.value - other.value
    below = math.hypot(one.value - one.low, other.high - other.value)
    above = math.hypot(one.high - one.value, other.value - other.low)
    error = (below if gap > 0 else above) / normal_ppf(0.5 + first.question.confidence / 2)  # on the side of zero
    return gap - below, gap + above, statistics.t_interval(gap, error, math.inf)[2]
