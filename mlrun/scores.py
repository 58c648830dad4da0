"""The maths of the metrics: from arrays of truth and prediction to numbers; nothing here knows of names or tasks.

Sums over rows are numpy's own, never BLAS products, whose last digits may depend on the number of threads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from mlrun.records import Array

NAN = float("nan")
EPS = float(np.finfo(np.float64).eps)
Average = Literal["macro", "weighted"]


# -- predicted classes: everything follows from three counts a class ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of each class, (k,) each: predicted rightly, predicted at all, in truth."""

    hits: Array
    predicted: Array
    actual: Array

    @property
    def n(self) -> int:
        return int(self.actual.sum())


def count(truth: Array, values: Array, classes: int) -> Counts:
    """Count the rows of each of so many classes; truth and values are (n,) class codes."""
    return Counts(
        hits=np.bincount(truth[truth == values], minlength=classes),
        predicted=np.bincount(values, minlength=classes),
        actual=np.bincount(truth, minlength=classes),
    )


def precision(counts: Counts) -> float:
    """Return the share of predicted positives that are positive; 0 when none is predicted, so silence cannot win."""
    predicted = int(counts.predicted[1])
    return int(counts.hits[1]) / predicted if predicted else 0.0


def f1(counts: Counts) -> float:
    """Return the harmonic mean of precision and recall; NaN when truth has no positive row."""
    actual = int(counts.actual[1])
    return 2 * int(counts.hits[1]) / (actual + int(counts.predicted[1])) if actual else NAN


def precision_average(counts: Counts, average: Average) -> float:
    """Return the mean precision of the classes seen in truth or prediction."""
    return _averaged(counts.hits, counts.predicted, counts, average)


def recall_average(counts: Counts, average: Average) -> float:
    """Return the mean recall of the classes seen in truth or prediction."""
    return _averaged(counts.hits, counts.actual, counts, average)


def f1_average(counts: Counts, average: Average) -> float:
    """Return the mean F1 of the classes seen in truth or prediction."""
    return _averaged(2 * counts.hits, counts.actual + counts.predicted, counts, average)


def _averaged(above: Array, below: Array, counts: Counts, average: Average) -> float:
    each = above / np.maximum(below, 1)  # 0 / 0 is 0, as in scikit-learn
    weights = counts.actual if average == "weighted" else (counts.actual + counts.predicted > 0)
    total = int(weights.sum())
    return float((each * weights).sum()) / total if total else NAN


def balanced_accuracy(counts: Counts) -> float:
    """Return the mean recall of the classes in truth."""
    present = counts.actual > 0
    return float((counts.hits[present] / counts.actual[present]).mean()) if present.any() else NAN


def matthews(counts: Counts) -> float:
    """Return Matthews' correlation, in its form for k classes (Gorodkin 2004); 0 when either side is constant."""
    predicted, actual = counts.predicted.astype(np.float64), counts.actual.astype(np.float64)
    n, hits = float(counts.n), float(counts.hits.sum())
    spread = (n * n - float(predicted @ predicted)) * (n * n - float(actual @ actual))
    return (hits * n - float(actual @ predicted)) / math.sqrt(spread) if spread > 0 else 0.0


def kappa(counts: Counts) -> float:
    """Return Cohen's kappa (1960), unweighted; NaN when both sides are one and the same constant."""
    n, hits = float(counts.n), float(counts.hits.sum())
    by_chance = float(counts.actual.astype(np.float64) @ counts.predicted) / n if n else n
    return 1 - (n - hits) / (n - by_chance) if n > by_chance else NAN


# -- rankings ----------------------------------------------------------------------------------------------------------


def auc(positive: Array, scores: Array) -> float:
    """Return the area under the ROC curve: the chance that a positive row scores higher, ties counted half.

    positive: (n,) booleans. scores: (n,). NaN when one class is missing or a score is. The Mann–Whitney count is in
    whole numbers, so the result does not depend on the order of the rows.
    """
    if not len(scores) or math.isnan(scores.max()):
        return NAN
    above, below = scores[positive], scores[~positive]
    if not len(above) or not len(below):
        return NAN
    below.sort()
    above.sort()  # in order they are found several times as fast
    wins = int(below.searchsorted(above).sum()) + int(below.searchsorted(above, "right").sum())
    return wins / (2 * len(above) * len(below))


def auc_influence(positive: Array, scores: Array) -> Array:
    """Return how much each row moves the area, (n,): the standard error is the root of the sum of squares, over n.

    The placements of DeLong, DeLong & Clarke-Pearson (1988, Biometrics 44) in O(n log n), less their mean, over the
    share of the row's class, with their n − 1. NaN with fewer than two rows of a class. The difference of two such
    arrays belongs to the difference of two areas, and their mean over classes to the mean area.
    """
    above, below = np.sort(scores[positive]), np.sort(scores[~positive])
    if min(len(above), len(below)) < 2:
        return np.full(len(scores), NAN)
    influence = np.empty(len(scores))
    influence[positive] = _placed(scores[positive], below)
    influence[~positive] = -_placed(scores[~positive], above)
    for side in (positive, ~positive):
        rows = int(np.count_nonzero(side))
        factor = len(scores) / math.sqrt(rows * (rows - 1))
        influence[side] = (influence[side] - influence[side].mean()) * factor
    return influence


def _placed(scores: Array, others: Array) -> Array:
    """Return for each score the share of the others (sorted) below it, ties counted half."""
    order = scores.argsort()  # in order they are found several times as fast
    ordered, places = scores[order], np.empty(len(scores))
    places[order] = others.searchsorted(ordered) + others.searchsorted(ordered, "right")
    return places / (2 * len(others))


def average_precision(positive: Array, scores: Array) -> float:
    """Return Σ (R_i − R_{i−1}) P_i over the thresholds, without interpolation; NaN when no row is positive."""
    total = int(np.count_nonzero(positive))
    if not total or math.isnan(scores.max()):
        return NAN
    order = scores.argsort()[::-1]
    ranked = scores[order]
    ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    hits = positive[order].cumsum()[ends]
    gained = np.diff(hits, prepend=0)
    return float((gained * hits / (ends + 1)).sum()) / total


def highest(scores: Array, k: float) -> Array:
    """Return which rows score highest, ceil(k · n) of them, as positions.

    Of equal scores the earlier row comes first, so many ties make the answer depend on the order of the rows.
    """
    rows = math.ceil(round(k * len(scores), 9))  # .07 · 100 is a hair above 7
    found: Array = (-scores).argsort(kind="stable")[:rows]
    return found


def precision_at(positive: Array, scores: Array, k: float) -> float:
    """Return the share of positives among the share k of rows that score highest."""
    first = highest(scores, k)
    return int(np.count_nonzero(positive[first])) / len(first) if len(first) else NAN


def recall_at(positive: Array, scores: Array, k: float) -> float:
    """Return the share of all positives that are among those rows; NaN when no row is positive."""
    total = int(np.count_nonzero(positive))
    return int(np.count_nonzero(positive[highest(scores, k)])) / total if total else NAN


# -- probabilities: one loss a row -------------------------------------------------------------------------------------


def log_losses(truth: Array, probabilities: Array) -> Array:
    """Return −ln of the probability given to the true class, clipped to [eps, 1 − eps] of float64: (n,), in nats."""
    given = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    found: Array = -np.log(given.clip(EPS, 1 - EPS))
    return found


def brier_losses(truth: Array, probabilities: Array) -> Array:
    """Return the squared distance to the truth, (n,): in [0, 1] for two classes, in [0, 2] for more (Brier 1950)."""
    if probabilities.shape[1] == 2:
        return np.square(probabilities[:, 1].astype(np.float64) - truth)
    distance = probabilities.astype(np.float64)
    distance[np.arange(len(truth)), truth] -= 1
    found: Array = np.einsum("ij,ij->i", distance, distance)
    return found


# -- numbers -----------------------------------------------------------------------------------------------------------


def relative_errors(truth: Array, values: Array) -> Array:
    """Return |error| / |truth|, (n,); a truth of 0 counts as eps, as in scikit-learn."""
    found: Array = np.abs(values - truth) / np.maximum(np.abs(truth), EPS)
    return found


def pinball_losses(truth: Array, values: Array, alpha: float) -> Array:
    """Return the quantile loss at alpha (Koenker & Bassett 1978), (n,)."""
    error = truth - values
    found: Array = np.maximum(alpha * error, (alpha - 1) * error)
    return found


def r2(truth: Array, values: Array) -> float:
    """Return 1 − SSE / SST; NaN under two rows; of a constant truth 1 when met exactly, else 0, as in scikit-learn."""
    if len(truth) < 2:
        return NAN
    unexplained = float(np.square(truth - values).sum())
    constant = truth.min() == truth.max()  # asked of the values: the rounded mean may be off by a hair
    total = 0.0 if constant else float(np.square(truth - truth.mean()).sum())  # 0 for tiny numbers too
    return 1 - unexplained / total if total else float(unexplained == 0)


def median_error(truth: Array, values: Array) -> float:
    """Return the median of |error|."""
    return float(np.median(np.abs(truth - values))) if len(truth) else NAN


def largest_error(truth: Array, values: Array) -> float:
    """Return the largest |error|."""
    return float(np.abs(truth - values).max()) if len(truth) else NAN
