"""The interval of a metric on one prediction, or of its difference between two predictions of the same rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from mlrun import metrics, statistics
from mlrun.measures import ranking_of
from mlrun.records import Difference, Interval, MetricSpec, Prediction, Task
from mlrun.scores import auc_influence

if TYPE_CHECKING:
    from mlrun.contracts import Metric
    from mlrun.records import Array

Kept = TypeVar("Kept")
DRAWS = 200  # enough for a standard error (Efron & Tibshirani 1993, chapter 6)
DRAWN_ROWS = 4000  # where there are more, this many are drawn, and the spread is scaled by √(drawn / all)


@dataclass(frozen=True, slots=True)
class Question:
    """A metric, the rows on which it is asked for, and how sure the answer shall be.

    What is computed of a prediction is kept, so that one that is compared with several others is looked at once.
    """

    spec: MetricSpec
    truth: Array
    task: Task
    confidence: float = 0.95
    seed: int = 0
    folder: str = ""
    _known: dict[tuple[str, int], tuple[Prediction, Any]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def metric(self) -> Metric:
        return metrics.entry(self.spec.name, self.folder)

    def value(self, prediction: Prediction) -> float:
        """Return the score, NaN where it is not defined."""
        found = self.once(prediction, "value", self._value)
        return math.nan if found is None else found

    def _value(self, prediction: Prediction) -> float | None:
        return metrics.score((self.spec,), self.truth, prediction, self.task, self.folder)[self.spec.label]

    def once(self, prediction: Prediction, what: str, compute: Callable[[Prediction], Kept]) -> Kept:
        """Return what is computed of a prediction, which is kept with it: an id alone may come again."""
        known = self._known.get((what, id(prediction)))
        if known is None:
            known = self._known[what, id(prediction)] = prediction, compute(prediction)
        kept: Kept = known[1]
        return kept

    def rows(self, prediction: Prediction) -> Array:
        """Return what each row adds, for the metrics that are made of a mean of rows."""
        if self.metric.rows is None:
            raise TypeError(f"metric '{self.spec.name}' has an interval of rows, but no rows")
        with np.errstate(all="ignore"):
            found: Array = self.metric.rows(self.truth, prediction, self.task, **self.spec.params)
        return found


# -- one prediction ----------------------------------------------------------------------------------------------------


def interval(question: Question, prediction: Prediction) -> Interval:
    """Return the score with its confidence interval over the (n,) rows; None where it is not defined.

    A proportion: Wilson. A mean of rows: Student's t; RMSE: the root of that of its squares. ROC AUC: DeLong, and
    Newcombe where the classes do not overlap. Everything else: the standard error of a bootstrap inside the classes,
    from the question's seed. Never beyond the metric's bounds. No bounds where the rows show no spread at all though
    the prediction varies (a perfect one): how far to trust that, they cannot tell.
    """
    value = question.value(prediction)
    if math.isnan(value):
        return Interval(None)
    low, high = _bounds(question, prediction, value)
    if math.isnan(low) or math.isnan(high) or (low == high and np.ptp(prediction.values) > 0):
        return Interval(value)
    least, most = question.metric.bounds
    return Interval(value, max(low, least), min(high, most))


def _bounds(question: Question, prediction: Prediction, value: float) -> tuple[float, float]:
    kind, confidence = question.metric.interval, question.confidence
    if kind in {"proportion", "chosen"}:
        rows = question.rows(prediction)
        return statistics.wilson(int(np.count_nonzero(rows)), len(rows), confidence)
    if kind in {"mean", "root_mean"}:
        low, high, _ = statistics.mean_interval(question.rows(prediction), confidence)
        return (low, high) if kind == "mean" else (math.sqrt(max(low, 0.0)), math.sqrt(high))
    if kind == "auc":
        return _auc_bounds(question, prediction, value)
    if kind == "bootstrap":
        low, high, _ = _spread(value, _redraw(question, prediction), question)
        return low, high
    return math.nan, math.nan


def _auc_bounds(question: Question, prediction: Prediction, value: float) -> tuple[float, float]:
    if value in {0.0, 1.0}:
        sizes = np.bincount(question.truth)
        reach = statistics.separated_auc(int(sizes.min()), int(sizes.sum() - sizes.min()), question.confidence)
        return (reach, 1.0) if value == 1.0 else (0.0, 1 - reach)
    error = _standard_error(_influence(question, prediction))
    return statistics.t_interval(value, error, math.inf, question.confidence)[:2]


def _influence(question: Question, prediction: Prediction) -> Array:
    """Return how much each row moves the area under the ROC curve, or its mean over one class against the rest."""
    return question.once(prediction, "influence", lambda one: _influence_of(question, one))


def _influence_of(question: Question, prediction: Prediction) -> Array:
    ranking = ranking_of(prediction)
    if ranking.ndim == 1:
        return auc_influence(question.truth == 1, ranking)
    each = [auc_influence(question.truth == code, ranking[:, code]) for code in range(ranking.shape[1])]
    mean: Array = np.mean(each, axis=0)
    return mean


def _standard_error(influence: Array) -> float:
    return math.sqrt(float(np.square(influence).sum())) / len(influence)


# -- two predictions of the same rows ----------------------------------------------------------------------------------


def difference(question: Question, first: Prediction, second: Prediction) -> Difference:
    """Return the first's score less the second's on the same (n,) rows, with its interval and two-sided p-value.

    A mean of rows: a paired t; RMSE: the same after the delta method. A proportion: McNemar's exact test. ROC AUC:
    DeLong. Everything else: a bootstrap inside the classes with the same draws for both.
    """
    gap = question.value(first) - question.value(second)
    if math.isnan(gap):
        return Difference(None)
    test, method = TESTS[question.metric.interval]
    low, high, p_value = test(question, first, second)
    if math.isnan(low) or math.isnan(high):
        return Difference(gap, method=method)
    widest = question.metric.bounds[1] - question.metric.bounds[0]
    return Difference(gap, max(low, -widest), min(high, widest), p_value, method)


def gain(question: Question, first: Prediction, second: Prediction) -> Difference:
    """Return that difference turned by the metric's direction, so that more is better for the first."""
    found = difference(question, first, second)
    if question.metric.direction == "maximize" or found.difference is None:
        return found
    low, high = (None if bound is None else -bound for bound in (found.high, found.low))
    return Difference(-found.difference, low, high, found.p_value, found.method)


Bounds = tuple[float, float, float]  # low, high, p-value


def _paired_rows(question: Question, first: Prediction, second: Prediction) -> Bounds:
    return statistics.mean_interval(question.rows(first) - question.rows(second), question.confidence)


def _paired_roots(question: Question, first: Prediction, second: Prediction) -> Bounds:
    one, other = question.rows(first), question.rows(second)
    roots = math.sqrt(one.mean()), math.sqrt(other.mean())
    if 0.0 in roots:  # the root has no slope there
        return math.nan, math.nan, math.nan
    moves = one / (2 * roots[0]) - other / (2 * roots[1])  # d√m = dm / 2√m
    error = float(moves.std(ddof=1)) / math.sqrt(len(moves)) if len(moves) > 1 else math.nan
    return statistics.t_interval(roots[0] - roots[1], error, max(1, len(moves) - 1), question.confidence)


def _paired_proportions(question: Question, first: Prediction, second: Prediction) -> Bounds:
    one, other = question.rows(first), question.rows(second)
    return statistics.mcnemar(
        int(np.count_nonzero(one & ~other)), int(np.count_nonzero(other & ~one)), len(one), question.confidence
    )


def _paired_areas(question: Question, first: Prediction, second: Prediction) -> Bounds:
    gap = question.value(first) - question.value(second)
    error = _standard_error(_influence(question, first) - _influence(question, second))
    return statistics.t_interval(gap, error, math.inf, question.confidence)


def _paired_draws(question: Question, first: Prediction, second: Prediction) -> Bounds:
    gap = question.value(first) - question.value(second)
    return _spread(gap, _redraw(question, first) - _redraw(question, second), question)


def _no_test(question: Question, first: Prediction, second: Prediction) -> Bounds:  # noqa: ARG001 - as the others
    return math.nan, math.nan, math.nan


TESTS: dict[str, tuple[Callable[[Question, Prediction, Prediction], Bounds], str]] = {
    "mean": (_paired_rows, "paired t"),
    "root_mean": (_paired_roots, "paired t, delta method"),
    "proportion": (_paired_proportions, "McNemar, exact"),
    "chosen": (_paired_draws, "paired bootstrap, stratified"),
    "auc": (_paired_areas, "DeLong"),
    "bootstrap": (_paired_draws, "paired bootstrap, stratified"),
    "none": (_no_test, "none"),
}


# -- the bootstrap -----------------------------------------------------------------------------------------------------


def _redraw(question: Question, prediction: Prediction) -> Array:
    """Return the score on each of the draws, (DRAWS,); the same rows are drawn for every prediction of a question."""
    return question.once(
        prediction, "draws", lambda one: np.array([_value_of(question, one, drawn) for drawn in _draws(question)])
    )


def _draws(question: Question) -> Iterator[Array]:
    """Draw rows with replacement inside each class, in its share; at most DRAWN_ROWS at a time."""
    truth, generator = question.truth, np.random.default_rng(question.seed)
    strata = [np.arange(len(truth))]
    if question.task.kind != "regression":
        strata = [rows for rows in (np.flatnonzero(truth == code) for code in np.unique(truth)) if len(rows)]
    share = min(1.0, DRAWN_ROWS / len(truth))
    for _ in range(DRAWS):
        yield np.concatenate([rows[generator.integers(0, len(rows), math.ceil(share * len(rows)))] for rows in strata])


def _value_of(question: Question, prediction: Prediction, drawn: Array) -> float:
    probabilities, scores = prediction.probabilities, prediction.scores
    part = Prediction(
        prediction.values[drawn],
        None if probabilities is None else probabilities[drawn],
        None if scores is None else scores[drawn],
    )
    with np.errstate(all="ignore"):
        return question.metric.compute(question.truth[drawn], part, question.task, **question.spec.params)


def _spread(value: float, drawn: Array, question: Question) -> Bounds:
    """Return low, high and p-value from the standard deviation of the draws."""
    drawn = drawn[np.isfinite(drawn)]
    if len(question.truth) < 2 or len(drawn) < DRAWS / 2:
        return math.nan, math.nan, math.nan
    scale = math.sqrt(min(1.0, DRAWN_ROWS / len(question.truth)))
    return statistics.t_interval(value, scale * float(drawn.std(ddof=1)), math.inf, question.confidence)
