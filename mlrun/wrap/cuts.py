"""From probabilities, outcomes and costs or a metric to the probability from which the positive class is said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mlrun import metrics
from mlrun.records import MetricSpec, Prediction, Task

if TYPE_CHECKING:
    from mlrun.records import Array

CUTS = 500  # that are tried for a metric which is no sum over rows


def objective_of(specs: Sequence[MetricSpec], task: Task, folder: str) -> MetricSpec:
    """Return what a tuned cut is tuned for: costs where they are set, else the first metric that judges labels.

    Where there is none, balanced accuracy.
    """
    if task.costs:
        return MetricSpec("cost")
    labelled = (spec for spec in specs if metrics.entry(spec.name, folder).needs == "labels")
    return next(labelled, MetricSpec("balanced_accuracy"))


def closed_form(task: Task) -> float:
    """Return the probability from which a false alarm costs less than a miss: c_fp / (c_fp + c_fn) (Elkan 2001)."""
    alarm, miss = task.costs["false_positive"], task.costs["false_negative"]
    return alarm / (alarm + miss)


def cheapest_cut(p: Array, truth: Array, task: Task) -> float:
    """Return the cut of the (n,) probabilities at which mistakes cost least; of equal ones that nearest to theory."""
    values, place = np.unique(p, return_inverse=True)
    positives = np.bincount(place, truth == 1, len(values))
    negatives = np.bincount(place, truth == 0, len(values))
    missed = np.concatenate([[0], np.cumsum(positives)])  # below cut i lie the values before i
    alarmed = np.concatenate([np.cumsum(negatives[::-1])[::-1], [0]])
    cost = missed * task.costs["false_negative"] + alarmed * task.costs["false_positive"]
    return _nearest(_cuts_between(values), cost, closed_form(task))


def best_cut(p: Array, truth: Array, task: Task, objective: MetricSpec, folder: str = "") -> float:
    """Return the cut of the (n,) probabilities at which a metric is best, of at most CUTS; of equal ones nearest ½."""
    values = np.unique(p)
    if len(values) > CUTS:
        values = np.unique(np.quantile(values, np.linspace(0, 1, CUTS), method="nearest"))
    cuts, direction = _cuts_between(values), metrics.entry(objective.name, folder).direction
    losses, probabilities = [], np.column_stack([1 - p, p])
    for cut in cuts:
        said = Prediction((p >= cut).astype(np.int64), probabilities)
        score = metrics.score((objective,), truth, said, task, folder)[objective.label]
        losses.append(np.inf if score is None else score if direction == "minimize" else -score)
    return _nearest(cuts, np.array(losses), 0.5)


def _cuts_between(values: Array) -> Array:
    """Return a cut below all probabilities, the middles between those that follow each other, and one above all."""
    above = (values[-1] + 1) / 2 if values[-1] < 1 else 2.0
    return np.concatenate([values[:1] / 2, (values[1:] + values[:-1]) / 2, [above]])


def _nearest(cuts: Array, losses: Array, aim: float) -> float:
    least = cuts[losses <= losses.min() + 1e-12 * abs(losses.min())]
    return float(least[np.abs(least - aim).argmin()])
