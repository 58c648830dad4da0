"""From scores of several models on several data sets to whether they differ: Friedman's test, Nemenyi's distance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from mlrun.distributions import beta_sf, normal_cdf

if TYPE_CHECKING:
    from mlrun.records import Array

STEPS, REACH = 400, 8.0  # of the integral over the smallest of k normal values


@dataclass(frozen=True, slots=True)
class Ranking:
    """Friedman's test of k models on n data sets.

    ranks: mean rank of each, 1 = best. statistic: Friedman's chi-square, corrected for ties; f_statistic and p_value:
    Iman's and Davenport's. critical_difference: mean ranks that lie further apart differ (Nemenyi).
    """

    ranks: tuple[float, ...]
    statistic: float
    f_statistic: float
    p_value: float
    critical_difference: float


def rank_models(scores: Array, confidence: float = 0.95) -> Ranking:
    """Rank models over data sets and test whether they differ at all.

    scores: (n, k), a row a data set, higher is better; n ≥ 2, k ≥ 2. Ties share their mean rank. Source: Demšar 2006,
    Statistical comparisons of classifiers over multiple data sets, JMLR 7, sections 3.2.1 and 3.2.2.
    """
    n, k = scores.shape
    ranks = np.array([_mean_ranks(-row) for row in scores])
    means = ranks.mean(axis=0)
    spread = float(np.square(ranks - (k + 1) / 2).sum())  # n k (k² − 1) / 12 without ties
    between = n * float(np.square(means - (k + 1) / 2).sum())
    statistic = n * (k - 1) * between / spread if spread else 0.0
    left = n * (k - 1) - statistic
    f_statistic = (n - 1) * statistic / left if left > 1e-12 else math.inf
    return Ranking(
        tuple(float(mean) for mean in means),
        statistic,
        f_statistic,
        _f_sf(f_statistic, k - 1, (k - 1) * (n - 1)),
        critical_difference(k, n, confidence),
    )


def critical_difference(models: int, data_sets: int, confidence: float = 0.95) -> float:
    """Return the distance of mean ranks from which on two of so many models differ (Nemenyi 1963; Demšar 2006)."""
    quantile = studentized_range_ppf(confidence, models) / math.sqrt(2)
    return quantile * math.sqrt(models * (models + 1) / (6 * data_sets))


@cache
def studentized_range_ppf(p: float, groups: int) -> float:
    """Return the range below which that of so many standard normal values lies with probability p."""
    low, high = 0.0, 40.0
    while high - low > 1e-10:
        middle = (low + high) / 2
        low, high = (middle, high) if studentized_range_cdf(middle, groups) < p else (low, middle)
    return (low + high) / 2


def studentized_range_cdf(width: float, groups: int) -> float:
    """Return P(range of so many standard normal values ≤ width), by Simpson's rule over the smallest of them."""
    step = 2 * REACH / STEPS
    total = 0.0
    for number in range(STEPS + 1):
        z = -REACH + number * step
        weight = 1 if number in (0, STEPS) else 4 if number % 2 else 2
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        total += weight * density * (normal_cdf(z + width) - normal_cdf(z)) ** (groups - 1)
    return min(1.0, groups * total * step / 3)


def _mean_ranks(values: Array) -> Array:
    """Return ranks from 1, the smallest first; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    shared: Array = (last - (counts - 1) / 2)[place]
    return shared


def _f_sf(x: float, first: float, second: float) -> float:
    """Return P(F > x) of Fisher's F with so many degrees of freedom."""
    if math.isinf(x):
        return 0.0
    return beta_sf(first * x / (first * x + second), first / 2, second / 2)
