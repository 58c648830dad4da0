"""From what the members of an ensemble said to how alike their mistakes are, and what independent ones would give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mlrun.records import Array, Prediction, Task


def mistakes(truth: Array, prediction: Prediction, task: Task) -> Array:
    """Return what a prediction gets wrong, row by row: 0 or 1 of a class, the residual of a number; (n,) float64."""
    if task.kind == "regression":
        residuals: Array = truth - prediction.values
        return residuals
    wrong: Array = (truth != prediction.values).astype(np.float64)
    return wrong


def correlation(first: Array, second: Array) -> float | None:
    """Return Pearson's correlation, which of zeros and ones is phi; None where one side never changes."""
    one, other = first - first.mean(), second - second.mean()
    scale = math.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / scale if scale > 0 else None


def majority_accuracy(accuracies: Sequence[float]) -> float:
    """Return how often the majority of voters is right when their mistakes are independent (Condorcet 1785).

    A tie is right half of the time. The number of right voters is Poisson-binomial: one convolution a voter.
    """
    right = np.ones(1)
    for accuracy in accuracies:
        right = np.convolve(right, [1 - accuracy, accuracy])
    voters = len(accuracies)
    tie = float(right[voters // 2]) / 2 if voters % 2 == 0 else 0.0
    return math.fsum(right[voters // 2 + 1 :].tolist()) + tie


def averaged_rmse(residuals: Sequence[Array]) -> float:
    """Return the RMSE of the average of members whose residuals have these spreads and means, and no correlation."""
    count = len(residuals)
    bias = math.fsum(float(each.mean()) for each in residuals) / count
    spread = math.fsum(float(each.var()) for each in residuals) / count**2
    return math.sqrt(bias**2 + spread)
