"""Split conformal sets and intervals: a score from held-out rows, its quantile, and the coverage it should have."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mlrun.records import Array


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of n rows were covered, and how many had to be for a promise of exactly this coverage.

    low, high: the exact band of the share, inside which it falls with the given confidence. p_value: of a share as
    small as this one or smaller.
    """

    n: int
    share: float
    low: float
    high: float
    p_value: float


def set_scores(probabilities: Array) -> Array:
    """Return the score of each class of (n, k) probabilities: 1 − p (LAC; Sadinle, Lei & Wasserman 2019)."""
    found: Array = 1 - probabilities
    return found


def quantile_of(scores: Array, coverage: float) -> float:
    """Return the ⌈(n + 1) · coverage⌉-th smallest of (n,) calibration scores; inf where there are too few.

    A new score stays at or below it with at least that probability (Vovk et al. 2005; Angelopoulos & Bates 2023,
    section 1).
    """
    rank = rank_of(len(scores), coverage)
    return math.inf if rank > len(scores) else float(np.partition(scores, rank - 1)[rank - 1])


def rank_of(calibration_rows: int, coverage: float) -> int:
    """Return which of the calibration scores, from the smallest, is the quantile."""
    return math.ceil(round((calibration_rows + 1) * coverage, 9))


def judge_coverage(covered: Array, calibration_rows: int, coverage: float, confidence: float = 0.95) -> Coverage:
    """Compare the (n,) booleans of covered rows with what split conformal prediction promises, exactly.

    Given n calibration rows and distinct scores, the number covered among m new rows is beta-binomial with
    a = ⌈(n + 1) · coverage⌉ and b = n + 1 − a (Angelopoulos & Bates 2023, appendix C).
    """
    rows, count = len(covered), int(covered.sum())
    rank = rank_of(calibration_rows, coverage)
    if rank > calibration_rows:  # every row is covered, whatever it is
        return Coverage(rows, count / rows, 1.0, 1.0, 1.0 if count == rows else 0.0)
    below = np.cumsum(beta_binomial(rows, rank, calibration_rows + 1 - rank))
    tail = (1 - confidence) / 2
    low = int(np.searchsorted(below, tail))
    high = min(rows, int(np.searchsorted(below, 1 - tail)))
    return Coverage(rows, count / rows, low / rows, high / rows, min(1.0, float(below[count])))


def beta_binomial(n: int, a: float, b: float) -> Array:
    """Return P(K = k), k = 0 … n, of n draws whose chance of success is drawn once from Beta(a, b): (n + 1,)."""
    k = np.arange(n, dtype=np.float64)
    steps = np.log((n - k) * (a + k)) - np.log((k + 1) * (b + n - k - 1))
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    found: Array = np.exp(logs - logs.max())
    found /= found.sum()
    return found
