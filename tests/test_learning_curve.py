"""Learning curves: nested parts of the training rows, the last doubling, what it says of more data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fitted_subjects import changed, context_of, dataset_of, defaults, found, halves
from hypothesis import given
from hypothesis import strategies as some
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from mlrun import metrics
from mlrun.check_contracts import Context, Refit
from mlrun.checks.learning_curve import ENTRY
from mlrun.growth.parts import Point, latest_rows, nested_rows
from mlrun.growth.reading import extrapolated, last_doubling, more_data, power_law, reading, weights_of_half
from mlrun.intervals import Question
from mlrun.records import Difference, MetricSpec, Prediction, Task

if TYPE_CHECKING:
    from mlrun.records import Array

SIZES = (0.1, 0.2, 0.4, 0.7, 1.0)


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    with threadpool_limits(1):
        yield


def classes(model: Any, rows: int = 3000, **changes: Any) -> Context:
    """Return a model of ten numbers, of which three decide between three classes."""
    draw = np.random.default_rng(0)
    features = draw.normal(size=(rows, 10))
    truth = (features[:, :3] + draw.gumbel(0, 0.7, (rows, 3))).argmax(axis=1)
    train, test = halves(rows)
    return context_of(dataset_of(features, truth), train, test, {"m": model}, **changes)


# -- which rows --------------------------------------------------------------------------------------------------------


@given(some.lists(some.integers(0, 3), min_size=20, max_size=200), some.integers(0, 5))
def test_smaller_parts_lie_inside_larger_ones_and_keep_the_classes(labels: list[int], seed: int) -> None:
    strata, rows = np.array(labels), np.arange(len(labels)) * 3 + 1
    parts = nested_rows(rows, strata, SIZES, np.random.default_rng(seed))
    for smaller, larger in pairwise(parts):
        assert set(smaller.tolist()) <= set(larger.tolist())
    assert parts[-1].tolist() == rows.tolist()
    kinds = len(np.unique(strata))
    for part, share in zip(parts, SIZES, strict=True):
        assert len(part) == max(1, int(share * len(rows) + 0.5))
        for code in np.unique(strata):
            held = np.count_nonzero(strata[(part - 1) // 3] == code)
            assert abs(held - share * np.count_nonzero(strata == code)) <= kinds + 1
            assert held >= 1 or len(part) < kinds


def test_with_a_time_the_parts_are_the_latest_rows() -> None:
    times = np.array([5, 3, 9, 1, 7, 2])
    parts = latest_rows(np.arange(6), times, (0.5, 1.0))
    assert parts[0].tolist() == [0, 2, 4]
    asked: list[Array] = []
    context = classes(LogisticRegression())
    dated = replace(context.dataset, times=np.arange(3000)[::-1].copy())
    subject = replace(context.subjects[0], refit=spying(context.subjects[0].refit, asked))
    told = found(ENTRY, changed(context, dataset=dated, time="when", subjects=(subject,)))[0]
    assert [len(scores) for scores in told.details["scores"]] == [1] * 5  # the latest rows are the same each time
    assert asked[0].max() < np.sort(context.train)[220]  # the tenth that is latest here has the lowest positions


def spying(refit: Any, asked: list[Array]) -> Any:
    def ask(parts: Sequence[tuple[Array, Sequence[Array]]]) -> Any:
        asked.extend(rows for rows, _ in parts)
        return refit(parts)

    return ask


# -- the last doubling -------------------------------------------------------------------------------------------------


def test_half_lies_between_its_neighbours_in_the_logarithm_of_rows() -> None:
    assert weights_of_half([250, 500, 1000]) == [(1, 1.0)]
    (low, first), (high, second) = weights_of_half([100, 200, 400, 700, 1000])
    assert (low, high) == (2, 3)
    assert first * np.log(400) + second * np.log(700) == pytest.approx(np.log(500))
    assert first + second == pytest.approx(1)
    assert weights_of_half([700, 1000])[0][1] == pytest.approx(1 / np.log2(1000 / 700))
    assert weights_of_half([100, 1000])[0][1] == pytest.approx(1 / np.log2(10))
    assert weights_of_half([1000]) == []


def test_one_repeat_of_half_the_rows_is_the_paired_difference() -> None:
    # McNemar's interval of `intervals.difference` is tested there against statsmodels' and Bonett's figures
    from mlrun.intervals import difference

    draw = np.random.default_rng(0)
    truth = draw.integers(0, 2, 400)
    one, half = (Prediction(np.where(draw.random(400) < p, truth, 1 - truth)) for p in (0.9, 0.8))
    question = Question(MetricSpec("accuracy"), truth, Task("classification", (0, 1)))
    doubling, direct = (
        last_doubling(question, [Point(50, (half,)), Point(100, (one,))]),
        difference(question, one, half),
    )
    assert doubling.difference == pytest.approx(direct.difference)
    assert doubling.high is not None
    assert doubling.low is not None
    assert direct.high is not None
    assert direct.low is not None
    assert doubling.high - doubling.low == pytest.approx(direct.high - direct.low, rel=1e-6)


def test_repeats_that_differ_widen_the_interval() -> None:
    draw = np.random.default_rng(0)
    truth = draw.normal(size=300)
    task, spec = Task("regression"), MetricSpec("mae")
    near = Prediction(truth + draw.normal(0, 0.1, 300))
    steady = [Prediction(truth + draw.normal(0, 0.5, 300)) for _ in range(3)]
    shaken = [Prediction(truth + scale * draw.normal(0, 1, 300)) for scale in (0.1, 0.5, 0.9)]
    question = Question(spec, truth, task)

    def width(predictions: list[Prediction]) -> float:
        doubling = last_doubling(question, [Point(50, tuple(predictions)), Point(100, (near,))])
        assert doubling.low is not None
        assert doubling.high is not None
        assert doubling.difference is not None
        assert doubling.difference > 0  # a smaller error is a gain
        return doubling.high - doubling.low

    assert width(shaken) > 2 * width(steady)


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(0.006, 0.02, "yes"), (-0.01, 0.004, "no"), (0.001, 0.01, "unclear"), (None, None, "unclear")],
)
def test_more_data_helps_when_the_interval_is_beyond_the_rope(low: float | None, high: float | None, word: str) -> None:
    assert more_data(Difference(0.0, low, high), 0.005) == word


# -- the future --------------------------------------------------------------------------------------------------------


def test_a_power_law_is_found_again() -> None:
    sizes = np.array([100, 200, 400, 800, 1600.0])
    law = power_law(sizes, 0.9 - 2 * sizes**-0.5)
    assert law == pytest.approx((0.9, -2, 0.5), rel=0.02)


def test_a_power_law_is_scipys_least_squares() -> None:
    from scipy.optimize import curve_fit

    draw = np.random.default_rng(0)
    sizes = np.array([100, 200, 400, 800, 1600.0])
    scores = 0.9 - 2 * sizes**-0.6 + draw.normal(0, 0.002, 5)
    law = power_law(sizes, scores)
    assert law is not None
    theirs, _ = curve_fit(lambda n, a, b, c: a + b * n**-c, sizes, scores, p0=(0.9, -1, 0.5), maxfev=10_000)
    losses = [np.square(a + b * sizes**-c - scores).sum() for a, b, c in (law, theirs)]
    assert losses[0] == pytest.approx(losses[1], rel=0.01)


def test_the_future_is_a_range_where_the_fits_agree() -> None:
    rows = [100, 200, 400, 800, 1600]
    scores = [0.9 - 2 * n**-0.5 for n in rows]
    told = extrapolated(rows, scores, 3200)
    assert told is not None
    assert told["rows"] == 3200
    assert told["low"] <= 0.9 - 2 * 3200**-0.5 + 1e-4
    assert told["high"] >= 0.9 - 2 * 3200**-0.5 - 1e-4


@pytest.mark.parametrize(
    "scores",
    [
        [0.7, 0.8, 0.75, 0.85, 0.79],  # no law
        [0.8, 0.8, 0.8, 0.8, 0.8],  # no growth
        [0.5, 0.6, 0.7, 0.8, 0.9],  # no limit
        [0.7, 0.8, None, 0.85, 0.86],
    ],
)
def test_the_future_is_not_told_where_they_do_not(scores: list[float | None]) -> None:
    assert extrapolated([100, 200, 400, 800, 1600], scores, 3200) is None
    assert extrapolated([400, 800, 1600], scores[:3], 3200) is None


# -- bias and variance -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "test", "word"),
    [(0.62, 0.61, "bias"), (1.0, 0.8, "variance"), (0.95, 0.94, "balanced"), (None, 0.9, "unclear")],
)
def test_bias_is_a_high_error_without_a_gap_and_variance_a_large_gap(
    train: float | None, test: float, word: str
) -> None:
    question = Question(metrics.specify("accuracy"), np.array([0, 1]), Task("classification", (0, 1)))
    assert reading(train, test, 0.5, question, 0.005) == word


# -- the check ---------------------------------------------------------------------------------------------------------


def test_a_model_that_is_still_learning_wants_more_rows() -> None:
    told = found(ENTRY, classes(DecisionTreeClassifier(random_state=0), metric="accuracy"), sizes=(0.02, 0.04, 0.08))[0]
    assert told.status == "info"
    assert told.details["rows"] == [42, 84, 168]
    assert told.details["doubling"] > 0
    assert told.details["reading"] == "variance"
    assert [len(scores) for scores in told.details["scores"]] == [3, 3, 3]
    assert all(score == 1.0 for scores in told.details["train_scores"] for score in scores)  # a tree to its leaves


def test_a_line_that_has_learned_all_it_can_does_not() -> None:
    draw = np.random.default_rng(0)
    features = draw.normal(size=(4000, 2))
    truth = features @ [1.0, 2.0] + draw.normal(size=4000)
    train, test = halves(4000)
    context = context_of(dataset_of(features, truth), train, test, {"m": LinearRegression()}, metric="r2")
    told = found(ENTRY, context, sizes=(0.25, 0.5, 1.0), repeats=1)[0]
    assert told.details["more_data"] == "no"
    assert told.details["reading"] == "balanced"
    assert told.details["extrapolated"] is None
    assert "bring little" in told.reason


def test_the_whole_is_the_champion_and_is_not_fitted_again() -> None:
    asked: list[Array] = []
    context = classes(LogisticRegression(), metric="log_loss")
    subject = replace(context.subjects[0], refit=spying(context.subjects[0].refit, asked))
    told = found(ENTRY, changed(context, subjects=(subject,)))[0]
    assert [len(rows) for rows in asked] == [210, 420, 840, 1470] * 3
    assert told.details["rows"][-1] == 2100
    truth, said = context.truth, subject.test
    assert truth is not None
    assert said is not None
    assert said.probabilities is not None
    from sklearn.metrics import log_loss

    assert told.details["scores"][-1] == [pytest.approx(log_loss(truth, said.probabilities))]
    assert told.details["doubling"] == told.value


def test_what_it_finds_does_not_change_from_run_to_run() -> None:
    context = classes(LogisticRegression())
    assert found(ENTRY, context) == found(ENTRY, context)


def test_sizes_that_cannot_be_fitted_are_said() -> None:
    context = classes(LogisticRegression())

    def failing(parts: Any) -> list[Refit]:
        return [Refit(failure="raised: ValueError") for _ in parts]

    told = found(ENTRY, changed(context, subjects=(replace(context.subjects[0], refit=failing),)))[0]
    assert told.status == "not_run"
    assert "raised: ValueError" in told.reason
    assert found(ENTRY, context, sizes=(1.0,))[0].status == "not_run"
    few = changed(context, train=context.train[:10])
    assert found(ENTRY, few)[0].status == "not_run"


def test_its_price_is_the_fits_that_it_makes() -> None:
    context = classes(LogisticRegression())
    assert ENTRY.fits(context, defaults(ENTRY)) == pytest.approx(3 * 1.4)
    (auto,) = ENTRY.automatic(context)
    assert ENTRY.fits(context, {**defaults(ENTRY), **auto}) == pytest.approx(0.75)
    silent = changed(context, subjects=(replace(context.subjects[0], refit=None),))
    assert ENTRY.automatic(silent) == (auto,)  # so that `mlrun evaluate` says that nothing can be fitted again here
    assert ENTRY.fits(silent, {**defaults(ENTRY), **auto}) == 0
