"""Intervals and paired differences: against closed forms, slow definitions and simulation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from mlrun.intervals import Question, _draws, difference, interval
from mlrun.metrics import ENTRIES, applies, specify
from mlrun.records import Difference, Interval, Prediction, Task

BINARY = Task("classification", ("no", "yes"), {"false_negative": 5.0, "false_positive": 1.0})
THREE = Task("classification", ("a", "b", "c"))
REGRESSION = Task("regression")
ANOMALY = Task("anomaly", (0, 1))


def classes(rows: int, labels: int, noise: float, seed: int) -> tuple[Any, Prediction]:
    """The same truth for every noise; a prediction that is right more often with less of it."""
    truth = np.random.default_rng(99).integers(0, labels, rows)
    heights = np.random.default_rng(seed).normal(size=(rows, labels)) * noise
    heights[np.arange(rows), truth] += 1
    table = np.exp(heights)
    return truth, Prediction(heights.argmax(axis=1), table / table.sum(axis=1, keepdims=True))


def numbers(rows: int, noise: float, seed: int) -> tuple[Any, Prediction]:
    truth = np.random.default_rng(99).normal(10, 3, rows)
    return truth, Prediction(truth + noise * np.random.default_rng(seed).normal(size=rows))


def some(task: Task, rows: int, noise: float, seed: int) -> tuple[Any, Prediction]:
    if task.kind == "regression":
        return numbers(rows, noise, seed)
    return classes(rows, len(task.labels), noise, seed)


def about(name: str, truth: Any, task: Task, **params: Any) -> Question:
    return Question(specify(name, params), np.asarray(truth), task)


def errors_of(found: Interval | Difference) -> float:
    """The standard error that a 95 % interval was made with."""
    assert found.low is not None
    assert found.high is not None
    return (found.high - found.low) / (2 * 1.959963984540054)


FITTING = [
    (name, task)
    for name in sorted(ENTRIES)
    for task in (BINARY, THREE, REGRESSION, ANOMALY)
    if applies(name, task) is None
]


# -- what holds for every metric ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "task"), FITTING)
def test_intervals_hold_their_value_and_keep_to_the_bounds(name: str, task: Task) -> None:
    truth, prediction = some(task, 60, 0.8, 1)
    found = interval(about(name, truth, task), prediction)
    assert found.value is not None
    if ENTRIES[name].interval == "none":
        assert found.low is found.high is None
        return
    least, most = ENTRIES[name].bounds
    assert found.low is not None
    assert found.high is not None
    assert least <= found.low <= found.value <= found.high <= most
    assert found.low < found.high


@pytest.mark.parametrize(("name", "task"), FITTING)
def test_differences_turn_round_with_their_order(name: str, task: Task) -> None:
    truth, first = some(task, 60, 0.6, 1)
    question, second = about(name, truth, task), some(task, 60, 0.9, 2)[1]
    one, other = difference(question, first, second), difference(question, second, first)
    assert one.difference is not None
    assert one.difference == -(other.difference or 0.0)
    assert one.p_value == pytest.approx(other.p_value)
    if one.low is not None:
        assert (one.low, one.high) == pytest.approx((-(other.high or 0), -(other.low or 0)))


@pytest.mark.parametrize(("name", "task"), FITTING)
def test_a_prediction_does_not_differ_from_itself(name: str, task: Task) -> None:
    truth, prediction = some(task, 60, 0.6, 1)
    found = difference(about(name, truth, task), prediction, prediction)
    assert found.difference == 0.0
    assert found.p_value in ({None} if ENTRIES[name].interval == "none" else {1.0})


@pytest.mark.parametrize(("name", "task"), FITTING)
def test_one_row_has_a_value_at_most(name: str, task: Task) -> None:
    truth, prediction = some(task, 1, 0.6, 1)
    question = about(name, truth, task)
    found = interval(question, prediction)
    assert found.low is None or ENTRIES[name].interval in {"proportion", "chosen"}
    assert difference(question, prediction, prediction).difference in {0.0, None}


@pytest.mark.parametrize(("name", "task"), FITTING)
def test_perfect_predictions_are_not_certain_of_themselves(name: str, task: Task) -> None:
    truth = np.arange(1.0, 13.0) if task.kind == "regression" else np.arange(12) % len(task.labels)
    table = None if task.kind == "regression" else np.eye(len(task.labels))[truth]
    found = interval(about(name, truth, task), Prediction(truth, table))
    assert found.value is not None
    assert found.low is None or found.low < found.value or found.high is None or found.high > found.value


def test_the_same_question_gets_the_same_answer() -> None:
    truth, prediction = classes(80, 2, 0.8, 1)
    again = [interval(about("f1", truth, BINARY), prediction) for _ in range(2)]
    assert again[0] == again[1]


def test_what_is_not_defined_has_neither_value_nor_test() -> None:
    truth, labels = np.array([0, 1, 1]), Prediction(np.array([0, 1, 0]))
    assert interval(about("log_loss", truth, BINARY), labels) == Interval(None)
    assert difference(about("roc_auc", truth, BINARY), labels, labels) == Difference(None)
    assert interval(about("recall", [0, 0, 0], BINARY), labels) == Interval(None)


# -- one method after the other ----------------------------------------------------------------------------------------


def test_accuracy_has_wilsons_interval_and_recall_that_of_its_positives() -> None:
    truth, prediction = classes(80, 2, 0.8, 1)
    right = truth == prediction.values
    for name, rows in {"accuracy": right, "recall": right[truth == 1], "specificity": right[truth == 0]}.items():
        theirs = stats.binomtest(int(rows.sum()), len(rows)).proportion_ci(method="wilson")
        found = interval(about(name, truth, BINARY), prediction)
        assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_precision_has_wilsons_interval_over_the_rows_that_the_prediction_chose() -> None:
    truth, prediction = classes(80, 2, 0.8, 1)
    chosen = {"precision": prediction.values == 1, "precision_at": np.zeros(80, dtype=bool)}
    assert prediction.probabilities is not None
    chosen["precision_at"][np.argsort(-prediction.probabilities[:, 1])[:20]] = True
    for name, rows in chosen.items():
        theirs = stats.binomtest(int(truth[rows].sum()), int(rows.sum())).proportion_ci(method="wilson")
        found = interval(about(name, truth, BINARY, **({"k": 0.25} if name == "precision_at" else {})), prediction)
        assert found.value == truth[rows].mean()
        assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_log_loss_differs_by_scipys_paired_t() -> None:
    truth, first = classes(80, 2, 0.8, 1)
    second = classes(80, 2, 1.0, 2)[1]
    assert first.probabilities is not None
    assert second.probabilities is not None
    losses = [-np.log(table[np.arange(80), truth]) for table in (first.probabilities, second.probabilities)]
    theirs = stats.ttest_rel(*losses)
    found = difference(about("log_loss", truth, BINARY), first, second)
    assert found.method == "paired t"
    assert found.p_value == pytest.approx(theirs.pvalue, rel=1e-10)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval()), rel=1e-9)


def test_accuracy_differs_by_mcnemars_exact_test() -> None:
    truth, first = classes(80, 3, 0.5, 1)
    second = classes(80, 3, 1.2, 2)[1]
    one, other = truth == first.values, truth == second.values
    theirs = stats.binomtest(int((one & ~other).sum()), int((one ^ other).sum()))
    found = difference(about("accuracy", truth, THREE), first, second)
    assert found.method == "McNemar, exact"
    assert found.p_value == pytest.approx(theirs.pvalue, rel=1e-10)


def slow_delong(truth: Any, first: Any, second: Any) -> tuple[Any, Any]:
    """Areas and their covariance matrix, pair by pair, as DeLong et al. (1988) write it."""
    kernels = []
    for heights in (first, second):
        gap = heights[truth == 1][:, None] - heights[truth == 0][None, :]
        kernels.append((gap > 0) + 0.5 * (gap == 0))
    rows = np.cov([kernel.mean(axis=1) for kernel in kernels]) / int((truth == 1).sum())
    columns = np.cov([kernel.mean(axis=0) for kernel in kernels]) / int((truth == 0).sum())
    return [kernel.mean() for kernel in kernels], rows + columns


def test_auc_has_delongs_variance_alone_and_in_pairs() -> None:
    truth = np.random.default_rng(7).integers(0, 2, 90)
    first, second = (np.round(truth + np.random.default_rng(seed).normal(size=90), 1) for seed in (1, 2))  # with ties
    areas, covariance = slow_delong(truth, first, second)
    predictions = [Prediction((heights > 0.5).astype(np.int64), scores=heights) for heights in (first, second)]
    question = about("roc_auc", truth, BINARY)
    alone, pair = interval(question, predictions[0]), difference(question, *predictions)
    assert alone.value == pytest.approx(areas[0], abs=1e-15)
    assert errors_of(alone) == pytest.approx(math.sqrt(covariance[0, 0]), rel=1e-12)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert pair.difference == pytest.approx(areas[0] - areas[1], abs=1e-15)
    assert errors_of(pair) == pytest.approx(math.sqrt(variance), rel=1e-12)
    z = (areas[0] - areas[1]) / math.sqrt(variance)
    assert pair.p_value == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-10)


def test_auc_of_many_classes_has_the_error_that_a_bootstrap_finds() -> None:
    truth, prediction = classes(300, 3, 1.2, 1)
    found = interval(about("roc_auc", truth, THREE), prediction)
    bootstrap = interval(about("average_precision", truth, THREE), prediction)  # for scale: the same order
    generator, draws = np.random.default_rng(0), []
    assert prediction.probabilities is not None
    for _ in range(400):
        drawn = generator.integers(0, 300, 300)
        part = Prediction(prediction.values[drawn], prediction.probabilities[drawn])
        draws.append(Question(specify("roc_auc"), truth[drawn], THREE).value(part))
    assert errors_of(found) == pytest.approx(float(np.std(draws)), rel=0.15)
    assert errors_of(bootstrap) > 0


def test_auc_intervals_cover_what_they_say() -> None:
    # 400 samples of 60 rows from two normals one apart: the area is Φ(1/√2) = .7602; noise of the coverage .011.
    generator, true, covered = np.random.default_rng(11), float(stats.norm.cdf(1 / math.sqrt(2))), 0
    truth = np.arange(60) % 2
    for _ in range(400):
        heights = generator.normal(size=60) + truth
        found = interval(about("roc_auc", truth, BINARY), Prediction(truth, scores=heights))
        covered += (found.low or 0) <= true <= (found.high or 0)
    assert 0.90 < covered / 400 < 0.98


def test_a_constant_prediction_has_an_auc_of_one_half_for_certain() -> None:
    truth = np.arange(20) % 2
    constant = Prediction(np.zeros(20, dtype=np.int64), scores=np.zeros(20))
    assert interval(about("roc_auc", truth, BINARY), constant) == Interval(0.5, 0.5, 0.5)


def test_rmse_has_the_root_of_its_squares_interval() -> None:
    truth, prediction = numbers(80, 1.0, 1)
    squares = interval(about("mse", truth, REGRESSION), prediction)
    roots = interval(about("rmse", truth, REGRESSION), prediction)
    assert (roots.low, roots.high) == pytest.approx((math.sqrt(squares.low or 0), math.sqrt(squares.high or 0)))


def test_rmse_differs_by_what_a_bootstrap_finds() -> None:
    truth, first = numbers(300, 1.0, 1)
    second = Prediction(first.values + 0.4 * np.random.default_rng(2).normal(size=300))  # errs where the first does
    found = difference(about("rmse", truth, REGRESSION), first, second)
    one, other = truth - first.values, truth - second.values

    def gap(a: Any, b: Any, axis: int) -> Any:
        return np.sqrt((a**2).mean(axis)) - np.sqrt((b**2).mean(axis))

    generator = np.random.default_rng(0)
    theirs = stats.bootstrap((one, other), gap, paired=True, n_resamples=999, rng=generator, method="basic")
    assert errors_of(found) == pytest.approx(float(theirs.standard_error), rel=0.1)


@pytest.mark.parametrize("rows", [200, 30_000])
def test_every_draw_has_each_class_in_its_share(rows: int) -> None:
    truth = (np.arange(rows) < rows // 50).astype(np.int64)
    draws = list(_draws(Question(specify("f1"), truth, BINARY)))
    assert {len(drawn) for drawn in draws} == {min(rows, 4000)}
    assert {int(truth[drawn].sum()) for drawn in draws} == {min(rows, 4000) // 50}


@pytest.mark.parametrize("rows", [400, 20_000])
def test_the_bootstrap_finds_the_error_of_balanced_accuracy_whether_rows_are_capped_or_not(rows: int) -> None:
    # Inside the classes the recalls are independent proportions: variance = Σ r (1 − r) / n_c / k².
    truth, prediction = classes(rows, 2, 1.0, 1)
    sides = [(truth == code, prediction.values[truth == code] == code) for code in (0, 1)]
    variance = sum(right.mean() * (1 - right.mean()) / side.sum() for side, right in sides) / 4
    found = interval(about("balanced_accuracy", truth, BINARY), prediction)
    assert errors_of(found) == pytest.approx(math.sqrt(variance), rel=0.15)


def test_r2_and_f1_have_the_error_that_scipys_bootstrap_finds() -> None:
    truth, prediction = classes(400, 2, 1.0, 1)

    def f1(actual: Any, predicted: Any, axis: int) -> Any:
        return 2 * (actual * predicted).sum(axis) / (actual.sum(axis) + predicted.sum(axis))

    generator = np.random.default_rng(0)
    theirs = stats.bootstrap((truth, prediction.values), f1, paired=True, n_resamples=999, rng=generator)
    found = interval(about("f1", truth, BINARY), prediction)
    assert errors_of(found) == pytest.approx(float(theirs.standard_error), rel=0.2)


def test_the_better_of_two_is_found_and_chance_is_not() -> None:
    truth, good = classes(400, 2, 0.7, 1)
    alike, bad = classes(400, 2, 0.7, 2)[1], classes(400, 2, 2.0, 3)[1]
    for name in ("accuracy", "f1", "roc_auc", "log_loss", "average_precision", "cost"):
        assert (difference(about(name, truth, BINARY), good, bad).p_value or 0) < 0.001
        assert (difference(about(name, truth, BINARY), good, alike).p_value or 0) > 0.01


@pytest.mark.parametrize(
    ("metric", "samples"),
    [
        *(("log_loss", 800), ("accuracy", 1500), ("roc_auc", 1000), ("f1", 120), ("rmse", 800)),
        pytest.param("f1", 700, marks=pytest.mark.long),
    ],
)
def test_a_true_null_is_rejected_as_often_as_said(metric: str, samples: int) -> None:
    """Two models as good as each other on the same rows: 5 % ± 2 at the issue's bar; McNemar's exact test below it.

    Of F1, whose bootstrap is slow, few samples are drawn where time is short.
    """
    generator, rejected, rows = np.random.default_rng(5), 0, 200
    task = REGRESSION if metric == "rmse" else BINARY
    for _ in range(samples):
        both, own = (
            generator.normal(size=rows),
            generator.normal(size=(2, rows)),
        )  # what they err on together, and apart
        if metric == "rmse":
            truth, pair = np.zeros(rows), [Prediction(both + noise) for noise in own]
        else:
            truth = (generator.random(rows) < 0.4).astype(np.int64)
            heights = [2.0 * truth - 1 + both + noise for noise in own]
            chances = [1 / (1 + np.exp(-height)) for height in heights]
            pair = [Prediction((chance > 0.5).astype(np.int64), np.column_stack([1 - chance, chance]))
                    for chance in chances]  # fmt: skip
        p_value = difference(Question(specify(metric), truth, task), *pair).p_value
        rejected += (1.0 if p_value is None else p_value) < 0.05
    noise = 2 * math.sqrt(0.05 * 0.95 / samples)
    assert rejected / samples <= 0.05 + max(0.02, noise)
    assert rejected / samples >= (0.01 if metric == "accuracy" else 0.05 - max(0.02, noise))


def test_what_a_question_keeps_of_a_prediction_is_never_told_of_another() -> None:
    truth, reference = classes(300, 2, 1.0, 1)
    shared = about("roc_auc", truth, BINARY)
    for seed in range(2, 30):  # each is gone before the next is made, whose id may be the same
        _, other = classes(300, 2, 1.5, seed)
        assert difference(shared, other, reference) == difference(about("roc_auc", truth, BINARY), other, reference)
