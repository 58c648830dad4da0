"""From scores at growing numbers of training rows to what more rows would bring, and what holds a model back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlrun import intervals, metrics, statistics
from mlrun.distributions import normal_ppf
from mlrun.intervals import Question
from mlrun.records import Difference, Prediction
from mlrun.weighing import tolerance

if TYPE_CHECKING:
    from mlrun.check_contracts import Context
    from mlrun.growth.parts import Point
    from mlrun.records import Array

MoreData = Literal["yes", "no", "unclear"]
Reading = Literal["bias", "variance", "balanced", "unclear"]
FEWEST_SIZES = 5  # a law has three numbers, and one size is left out at a time
AGREE_WITHIN = 2.0  # leave-one-out fits that differ by more say nothing of the future
LARGE_GAP = 0.1  # of the way from the best constant to perfect: from here on a gap is variance
HIGH_ERROR = 0.5  # of that way not gone: from here on an error without a gap is bias
EXPONENTS = np.geomspace(0.02, 4.0, 400)

Scores = tuple[tuple[float | None, ...], ...]  # sizes, repeats


@dataclass(frozen=True, slots=True)
class Curve:
    """Scores of a model by size and repeat, on test and on training rows, and what they say.

    doubling: turned so that more is better. extrapolated: {rows, low, high} of twice the rows, where that can be said.
    """

    metric: str
    rows: tuple[int, ...]
    scores: Scores
    train_scores: Scores
    doubling: Difference
    more_data: MoreData
    reading: Reading
    extrapolated: dict[str, Any] | None


def read(context: Context, points: Sequence[Point]) -> Curve:
    """Return what the points of a model say, by the first metric, on rows with labels; points ascend in rows."""
    dataset, spec = context.dataset, context.metrics[0]
    truth: Array = dataset.truth  # type: ignore[assignment]  # the check needs labels
    judged = context.rows

    def score(rows: Array, prediction: Prediction) -> float | None:
        return metrics.score((spec,), truth[rows], prediction, dataset.task, context.folder)[spec.label]

    scores = tuple(tuple(score(judged, each) for each in point.predictions) for point in points)
    trained = tuple(
        tuple(score(rows, each) for rows, each in zip(point.seen, point.trained, strict=True)) for point in points
    )
    question = Question(spec, truth[judged], dataset.task, context.confidence, context.seed, context.folder)
    doubling = last_doubling(question, points)
    sizes, last = tuple(point.rows for point in points), mean_of(scores[-1])
    rope = tolerance(context.rope, question.metric.bounds[1], last)
    return Curve(
        spec.label,
        sizes,
        scores,
        trained,
        doubling,
        more_data(doubling, rope),
        reading(
            mean_of(trained[-1]),
            last,
            constant_score(context, question),
            question,
            rope,
        ),
        extrapolated(sizes, [mean_of(each) for each in scores], 2 * sizes[-1]),
    )


def mean_of(scores: Sequence[float | None]) -> float | None:
    """Return the mean of the scores that are defined."""
    known = [score for score in scores if score is not None]
    return math.fsum(known) / len(known) if known else None


def constant_score(context: Context, question: Question) -> float | None:
    """Return the score on the judged rows of the best constant answer, learned from the training rows."""
    rows, truth = len(question.truth), context.dataset.truth
    if truth is None:
        return None
    seen = truth[context.train]
    if question.task.kind == "regression":
        said = Prediction(np.full(rows, seen.mean()))
    else:
        shares = np.bincount(seen, minlength=len(question.task.labels)) / len(seen)
        said = Prediction(np.full(rows, shares.argmax()), np.tile(shares, (rows, 1)))
    value = question.value(said)
    return value if math.isfinite(value) else None


def last_doubling(question: Question, points: Sequence[Point]) -> Difference:
    """Return the gain in score from half of the largest size to the whole of it, on the same test rows.

    Where half was not measured it lies between its neighbours, in the logarithm of rows; where nothing so small was,
    the gain since the smallest size is scaled to one doubling. The error of a test difference is that of
    `intervals.difference`; the spread of repeats over drawn rows is added to its square.
    """
    whole, weights = points[-1].predictions[0], weights_of_half([point.rows for point in points])
    if not weights:
        return Difference(None)
    gain, error, known = 0.0, 0.0, True
    for position, weight in weights:
        each = [intervals.gain(question, whole, prediction) for prediction in points[position].predictions]
        gains = np.array([difference.difference for difference in each if difference.difference is not None])
        if len(gains) == 0:
            return Difference(None)
        inside = [_error_of(difference, question.confidence) for difference in each]
        drawn = float(gains.var(ddof=1)) / len(gains) if len(gains) > 1 else 0.0
        gain += weight * float(gains.mean())
        known = known and all(part is not None for part in inside)
        error += weight * math.sqrt(float(np.mean([(part or 0.0) ** 2 for part in inside])) + drawn)
    if not known:
        return Difference(gain)
    low, high, p_value = statistics.t_interval(gain, error, math.inf, question.confidence)
    return Difference(gain, low, high, p_value, "paired, spread of repeats added")


def weights_of_half(sizes: Sequence[int]) -> list[tuple[int, float]]:
    """Return which of the ascending sizes stand for half of the largest, (position, weight) each."""
    half, smaller = sizes[-1] / 2, sizes[:-1]
    if not smaller:
        return []
    for position, size in enumerate(smaller):
        if math.isclose(size, half, rel_tol=0.02):
            return [(position, 1.0)]
    above = next((position for position, size in enumerate(smaller) if size > half), None)
    if above is None or above == 0:
        position = len(smaller) - 1 if above is None else 0
        return [(position, 1 / math.log2(sizes[-1] / smaller[position]))]
    low, high = math.log(smaller[above - 1]), math.log(smaller[above])
    weight = (high - math.log(half)) / (high - low)
    return [(above - 1, weight), (above, 1 - weight)]


def _error_of(difference: Difference, confidence: float) -> float | None:
    """Return the standard error that an interval's width stands for, by the normal distribution."""
    if difference.low is None or difference.high is None:
        return None
    return (difference.high - difference.low) / (2 * normal_ppf(0.5 + confidence / 2))


def more_data(doubling: Difference, rope: float) -> MoreData:
    """Return whether a doubling of the rows brings more than what does not matter."""
    if doubling.low is not None and doubling.low > rope:
        return "yes"
    if doubling.high is not None and doubling.high < rope:
        return "no"
    return "unclear"


# -- the future --------------------------------------------------------------------------------------------------------


def extrapolated(rows: Sequence[int], scores: Sequence[float | None], target: int) -> dict[str, Any] | None:
    """Return the range of scores at a number of rows by power laws a + b·n^−c, fitted with each point left out.

    None under five sizes, where the score does not move towards a limit, and where the gains that the fits promise
    differ by more than `AGREE_WITHIN` (Viering & Loog 2023, The Shape of Learning Curves, section 4).
    """
    sizes, values = np.array(rows, dtype=np.float64), np.array(scores, dtype=np.float64)
    if len(sizes) < FEWEST_SIZES or not np.isfinite(values).all():
        return None
    found: list[float] = []
    for left_out in range(len(sizes)):
        law = power_law(np.delete(sizes, left_out), np.delete(values, left_out))
        if law is None:
            return None
        _, scale, exponent = law
        step = scale * (target**-exponent - sizes[-1] ** -exponent)
        found.append(float(values[-1] + step))
    gains = np.abs(np.array(found) - values[-1])
    if gains.min() <= 0 or gains.max() > AGREE_WITHIN * gains.min() or np.ptp(np.sign(np.array(found) - values[-1])):
        return None
    return {"rows": target, "low": min(found), "high": max(found)}


def power_law(sizes: Array, scores: Array) -> tuple[float, float, float] | None:
    """Return a, b, c of the least squares fit of a + b·n^−c with c in [0.02, 4]; None when the best c is at an end."""
    best: tuple[float, float, float, float] | None = None
    for exponent in EXPONENTS:
        basis = sizes**-exponent
        basis_mean, score_mean = basis.mean(), scores.mean()
        scale = float((basis - basis_mean) @ (scores - score_mean) / np.square(basis - basis_mean).sum())
        limit = float(score_mean - scale * basis_mean)
        loss = float(np.square(limit + scale * basis - scores).sum())
        if best is None or loss < best[0]:
            best = (loss, limit, scale, float(exponent))
    if best is None or best[3] in (EXPONENTS[0], EXPONENTS[-1]):
        return None
    return best[1:]


# -- bias and variance -------------------------------------------------------------------------------------------------


def reading(
    train: float | None, test: float | None, constant: float | None, question: Question, rope: float
) -> Reading:
    """Name what holds a model back: variance = a large gap between train and test; bias = none, and a high error.

    Both are measured on the way from the score of the best constant answer to a perfect one.
    """
    low, high = question.metric.bounds
    perfect = high if question.metric.direction == "maximize" else low
    if train is None or test is None or constant is None or not math.isfinite(perfect) or constant == perfect:
        return "unclear"
    way = perfect - constant
    gap, left = (train - test) / way, (perfect - test) / way
    if gap > LARGE_GAP and abs(train - test) > rope:
        return "variance"
    return "bias" if left > HIGH_ERROR else "balanced"
