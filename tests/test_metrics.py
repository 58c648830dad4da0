"""The table of metrics: equal to scikit-learn's, clear about what does not fit, quick."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import UndefinedMetricWarning

from mlrun import catalog
from mlrun.contracts import Metric
from mlrun.errors import DataError, UsageError
from mlrun.measures import ranking_of
from mlrun.metrics import ALIASES, ENTRIES, applies, defaults, entry, oriented, resolve, score, specify
from mlrun.records import MetricSpec, Prediction, Task

BINARY = Task("classification", ("no", "yes"), {"false_negative": 5.0, "false_positive": 1.0})
THREE = Task("classification", ("a", "b", "c"))
REGRESSION = Task("regression")
ANOMALY = Task("anomaly", (0, 1))
UNLABELLED = Task("anomaly")


def task_of(classes: int) -> Task:
    return Task("classification", tuple(range(classes)))


def ask(name: str, truth: Any, prediction: Prediction, task: Task, **params: Any) -> float | None:
    spec = specify(name, params)
    return score((spec,), np.asarray(truth), prediction, task)[spec.label]


def told(call: Callable[..., Any], *args: Any, **kwargs: Any) -> float:
    """What scikit-learn says, without its warnings on what is not defined."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        warnings.simplefilter("ignore", UserWarning)
        return float(call(*args, **kwargs))


def same(ours: float | None, theirs: float) -> bool:
    if ours is None:
        return math.isnan(theirs)
    return ours == pytest.approx(theirs, rel=1e-12, abs=1e-12)


@st.composite
def classified(draw: st.DrawFn, fewest: int = 2, most: int = 12) -> tuple[Any, Prediction, int]:
    """Truth, a prediction with many ties and certain probabilities, and the number of classes."""
    classes = draw(st.integers(fewest, most))
    rows = draw(st.integers(1, 40))
    code = st.integers(0, classes - 1)
    truth = np.array(draw(st.lists(code, min_size=rows, max_size=rows)))
    values = np.array(draw(st.lists(code, min_size=rows, max_size=rows)))
    weights = draw(st.lists(st.integers(0, 4), min_size=rows * classes, max_size=rows * classes))
    table = np.array(weights, dtype=float).reshape(rows, classes)
    table[table.sum(axis=1) == 0] = 1
    return truth, Prediction(values, table / table.sum(axis=1, keepdims=True)), classes


@st.composite
def measured(draw: st.DrawFn) -> tuple[Any, Prediction]:
    """True and predicted numbers; quarters, so that a constant truth is one to both."""
    rows = draw(st.integers(1, 40))
    number = st.integers(-4000, 4000).map(lambda quarters: quarters / 4)
    truth = draw(st.lists(number, min_size=rows, max_size=rows))
    return np.array(truth), Prediction(np.array(draw(st.lists(number, min_size=rows, max_size=rows))))


# -- equal to scikit-learn 1.9 -----------------------------------------------------------------------------------------


def rate(truth: Any, values: Any, wrong: int) -> float:
    """Return the share of a class that is called the other one, from scikit-learn's matrix."""
    row = reference.confusion_matrix(truth, values, labels=[0, 1])[wrong]
    return float(row[1 - wrong] / row.sum())


OF_CLASSES: dict[str, Callable[[Any, Any], float]] = {
    "accuracy": reference.accuracy_score,
    "balanced_accuracy": reference.balanced_accuracy_score,
    "mcc": reference.matthews_corrcoef,
    "kappa": reference.cohen_kappa_score,
    "f1_micro": lambda t, p: reference.f1_score(t, p, average="micro"),
    "precision_macro": lambda t, p: reference.precision_score(t, p, average="macro"),
    "recall_macro": lambda t, p: reference.recall_score(t, p, average="macro"),
    "f1_macro": lambda t, p: reference.f1_score(t, p, average="macro"),
    "precision_weighted": lambda t, p: reference.precision_score(t, p, average="weighted"),
    "recall_weighted": lambda t, p: reference.recall_score(t, p, average="weighted"),
    "f1_weighted": lambda t, p: reference.f1_score(t, p, average="weighted"),
}
OF_TWO: dict[str, Callable[[Any, Any], float]] = {
    "precision": reference.precision_score,
    "recall": reference.recall_score,
    "f1": reference.f1_score,
    "specificity": lambda t, p: reference.recall_score(t, p, pos_label=0),
    "false_positive_rate": lambda t, p: rate(t, p, 0),
    "false_negative_rate": lambda t, p: rate(t, p, 1),
}
OF_NUMBERS: dict[str, Callable[[Any, Any], float]] = {
    "mae": reference.mean_absolute_error,
    "mse": reference.mean_squared_error,
    "rmse": reference.root_mean_squared_error,
    "r2": reference.r2_score,
    "mape": reference.mean_absolute_percentage_error,
    "median_absolute_error": reference.median_absolute_error,
    "max_error": reference.max_error,
}


@pytest.mark.parametrize("name", OF_CLASSES)
@settings(deadline=None, max_examples=30)
@given(case=classified())
def test_metrics_of_classes_equal_scikit_learn(name: str, case: tuple[Any, Prediction, int]) -> None:
    truth, prediction, classes = case
    ours = ask(name, truth, prediction, task_of(classes))
    assert same(ours, told(OF_CLASSES[name], truth, prediction.values))


@pytest.mark.parametrize("name", OF_TWO)
@settings(deadline=None, max_examples=30)
@given(case=classified(most=2))
def test_metrics_of_two_classes_equal_scikit_learn_where_truth_has_the_class(
    name: str, case: tuple[Any, Prediction, int]
) -> None:
    truth, prediction, _ = case
    ours = ask(name, truth, prediction, BINARY)
    asked_for = 0 if name in ("specificity", "false_positive_rate") else 1
    if name != "precision" and asked_for not in truth:
        assert ours is None
    else:
        assert same(ours, told(OF_TWO[name], truth, prediction.values))


@settings(deadline=None, max_examples=80)
@given(case=classified())
def test_log_loss_and_brier_equal_scikit_learn(case: tuple[Any, Prediction, int]) -> None:
    truth, prediction, classes = case
    labels = list(range(classes))
    probabilities = prediction.probabilities
    assert probabilities is not None
    ours = ask("log_loss", truth, prediction, task_of(classes))
    assert same(ours, told(reference.log_loss, truth, probabilities, labels=labels))
    ours = ask("brier", truth, prediction, task_of(classes))
    assert same(ours, told(reference.brier_score_loss, truth, probabilities, labels=labels))


@settings(deadline=None, max_examples=80)
@given(case=classified(most=6))
def test_roc_auc_and_average_precision_equal_scikit_learn(case: tuple[Any, Prediction, int]) -> None:
    truth, prediction, classes = case
    probabilities = prediction.probabilities
    assert probabilities is not None
    ours = [ask(name, truth, prediction, task_of(classes)) for name in ("roc_auc", "average_precision")]
    if len(np.unique(truth)) < classes:  # not defined; a sole positive class still has an average precision, of 1
        assert ours[0] is None
        assert ours[1] is None or (classes == 2 and truth.all() and ours[1] == 1.0)
        return
    ranking = probabilities[:, 1] if classes == 2 else probabilities
    assert same(ours[0], told(reference.roc_auc_score, truth, ranking, multi_class="ovr"))
    assert same(ours[1], told(reference.average_precision_score, truth, ranking))


@pytest.mark.parametrize("name", OF_NUMBERS)
@settings(deadline=None, max_examples=30)
@given(case=measured())
def test_metrics_of_numbers_equal_scikit_learn(name: str, case: tuple[Any, Prediction]) -> None:
    truth, prediction = case
    assert same(ask(name, truth, prediction, REGRESSION), told(OF_NUMBERS[name], truth, prediction.values))


@settings(deadline=None, max_examples=30)
@given(case=measured(), alpha=st.floats(0, 1))
def test_pinball_equals_scikit_learn(case: tuple[Any, Prediction], alpha: float) -> None:
    truth, prediction = case
    theirs = told(reference.mean_pinball_loss, truth, prediction.values, alpha=alpha)
    assert same(ask("pinball", truth, prediction, REGRESSION, alpha=alpha), theirs)


def test_every_metric_of_the_table_is_held_against_scikit_learn_or_a_hand_computed_number() -> None:
    by_hand = {"cost", "precision_at", "recall_at"}
    others = {"roc_auc", "average_precision", "log_loss", "brier", "pinball"}
    assert {*OF_CLASSES, *OF_TWO, *OF_NUMBERS, *others, *by_hand} == set(ENTRIES)


def test_single_precision_probabilities_are_clipped_as_double_ones() -> None:
    certain = np.array([[1, 0], [0, 1]], dtype=np.float32)  # xgboost gives float32
    ours = ask("log_loss", [1, 1], Prediction(np.array([0, 1]), certain), BINARY)
    assert ours == pytest.approx(reference.log_loss([1, 1], certain.astype(float), labels=[0, 1]), rel=1e-14)


# -- by hand -----------------------------------------------------------------------------------------------------------


def test_cost_is_that_of_a_thousand_rows() -> None:
    # Mammography: 260 of 11,183 positive, a miss 50 times a false alarm: never alarming costs 1162, always 977.
    truth = (np.arange(11183) < 260).astype(np.int64)
    task = Task("classification", (0, 1), {"false_negative": 50, "false_positive": 1})
    assert ask("cost", truth, Prediction(np.zeros_like(truth)), task) == pytest.approx(1162, abs=0.6)
    assert ask("cost", truth, Prediction(np.ones_like(truth)), task) == pytest.approx(977, abs=0.6)


def test_precision_and_recall_at_look_at_the_top_share_rounded_up_and_break_ties_by_row() -> None:
    truth = np.array([0, 1, 1, 0, 1])
    prediction = Prediction(truth, scores=np.array([0.9, 0.8, 0.5, 0.5, 0.1]))
    assert ask("precision_at", truth, prediction, ANOMALY, k=0.4) == 1 / 2
    assert ask("precision_at", truth, prediction, ANOMALY, k=0.41) == 2 / 3  # three rows: the third, not the fourth
    assert ask("recall_at", truth, prediction, ANOMALY, k=0.41) == 2 / 3
    assert ask("precision_at", truth, prediction, ANOMALY) == 0.0  # one row of five


def test_of_many_equal_scores_the_earlier_rows_come_first() -> None:
    truth = (np.arange(400) < 40).astype(np.int64)
    scores = np.tile([1.0, 0.0, 1.0, 1.0], 100)
    assert ask("precision_at", truth, Prediction(truth, scores=scores), ANOMALY, k=0.075) == 1.0  # 30 of the first 40
    assert ask("precision_at", truth, Prediction(truth, scores=scores), ANOMALY, k=0.1) == 0.75


def test_a_share_that_binary_fractions_miss_by_a_hair_takes_no_row_more() -> None:
    truth = np.zeros(100, dtype=np.int64)
    truth[:7] = 1  # .07 × 100 is 7.000000000000001
    assert ask("precision_at", truth, Prediction(truth, scores=-np.arange(100.0)), ANOMALY, k=0.07) == 1.0


# -- not defined -------------------------------------------------------------------------------------------------------


def test_a_metric_without_what_it_needs_is_none() -> None:
    labels_only = Prediction(np.array([0, 1, 1]))
    scores_only = Prediction(np.array([0, 1, 1]), scores=np.array([-1.0, 0.5, 2.0]))
    specs = [MetricSpec(name) for name in ("accuracy", "roc_auc", "log_loss", "brier")]
    truth = np.array([0, 1, 1])
    assert score(specs, truth, labels_only, BINARY) == {
        "accuracy": 1.0,
        "roc_auc": None,
        "log_loss": None,
        "brier": None,
    }
    assert score(specs, truth, scores_only, BINARY) == {
        "accuracy": 1.0,
        "roc_auc": 1.0,
        "log_loss": None,
        "brier": None,
    }


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_numbers_that_are_none_or_too_large_give_none_not_a_warning(name: str) -> None:
    nan = np.array([math.nan, 0.3, 0.5])
    if "regression" in ENTRIES[name].targets:
        huge = Prediction(np.array([1e300, -1e300, 0.0]))
        found = [ask(name, [1.0, 2.0, 3.0], Prediction(nan), REGRESSION), ask(name, [1.0, 0.0, 3.0], huge, REGRESSION)]
        assert found[0] is None
        assert found[1] is None or math.isfinite(found[1])
    elif ENTRIES[name].needs == "probabilities":
        assert ask(name, [0, 1, 1], Prediction(np.array([0, 1, 1]), np.c_[1 - nan, nan]), BINARY) is None
    elif name in {"roc_auc", "average_precision"}:
        assert ask(name, [0, 1, 1], Prediction(np.array([0, 1, 1]), scores=nan), BINARY) is None


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_no_rows_at_all_give_none(name: str) -> None:
    if "regression" in ENTRIES[name].targets:
        assert ask(name, np.empty(0), Prediction(np.empty(0)), REGRESSION) is None
        return
    none = np.empty(0, dtype=np.int64)
    assert ask(name, none, Prediction(none, np.empty((0, 2)), np.empty(0)), BINARY) is None


# -- which ranking -----------------------------------------------------------------------------------------------------


def test_two_classes_are_ranked_by_scores_first_since_probabilities_saturate() -> None:
    scores = np.array([40.0, 50.0])
    probabilities = 1 / (1 + np.exp(-scores))
    assert probabilities[0] == probabilities[1] == 1.0
    both = Prediction(np.array([1, 1]), np.c_[1 - probabilities, probabilities], scores)
    assert ask("roc_auc", [0, 1], both, BINARY) == 1.0


def test_many_classes_are_ranked_by_probabilities_first_as_scikit_learn_does() -> None:
    table, scores = np.eye(3), np.ones((3, 3))
    assert ranking_of(Prediction(np.arange(3), table, scores)) is table
    assert ranking_of(Prediction(np.arange(3), None, scores)) is scores


# -- names -------------------------------------------------------------------------------------------------------------


def test_scikit_learns_names_are_known_with_and_without_neg() -> None:
    for long, short in {
        "neg_root_mean_squared_error": "rmse",
        "mean_absolute_error": "mae",
        "neg_mean_absolute_percentage_error": "mape",
        "matthews_corrcoef": "mcc",
        "cohen_kappa": "kappa",
        "neg_brier_score": "brier",
        "brier_score_loss": "brier",
        "neg_log_loss": "log_loss",
        "neg_median_absolute_error": "median_absolute_error",
        "neg_max_error": "max_error",
        "mean_pinball_loss": "pinball",
        "roc_auc_ovr": "roc_auc",
        "f1": "f1",
    }.items():
        assert resolve(long) == short


def test_no_alias_hides_an_entry_or_another_alias() -> None:
    assert not set(ALIASES) & set(ENTRIES)
    assert sum(len(metric.aliases) for metric in ENTRIES.values()) == len(ALIASES)


def test_an_unknown_name_brings_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"there is no metric 'roc_acu'; did you mean 'roc_auc'\?"):
        resolve("roc_acu")


def test_the_catalog_finds_the_table() -> None:
    assert catalog.find("metrics", "rmse") is ENTRIES["rmse"]
    assert set(catalog.names("metrics")) == set(ENTRIES)


def test_defaults_of_parameters_are_written_out_and_show_in_the_label() -> None:
    assert specify("precision_at").label == "precision_at(k=0.05)"
    assert specify("mean_pinball_loss", {"alpha": 0.9}).label == "pinball(alpha=0.9)"
    assert specify("rmse") == MetricSpec("rmse")


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("precision_at", {"k": 0}, "'k' of metric 'precision_at' must be a number > 0 and ≤ 1, not 0"),
        ("precision_at", {"k": "5%"}, "'k' of metric 'precision_at' must be a number > 0 and ≤ 1, not '5%'"),
        ("pinball", {"alhpa": 0.5}, "metric 'pinball' has no parameter 'alhpa'; did you mean 'alpha'?"),
        ("rmse", {"k": 1}, "metric 'rmse' takes no parameters, so not 'k'"),
    ],
)
def test_wrong_parameters_are_told(name: str, params: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        specify(name, params)
    assert str(raised.value) == said


@pytest.mark.parametrize("body", ["raise RuntimeError('no')", "return 'x'", "return None", "raise SystemExit(3)"])
def test_a_users_metric_that_fails_is_a_sentence(body: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    name = "own_metric_" + "".join(filter(str.isalnum, body))
    (tmp_path / f"{name}.py").write_text(f"def bad(truth, prediction, task):\n    {body}\n")
    spec = specify(f"{name}:bad", None, str(tmp_path))
    with pytest.raises(DataError, match=f"metric '{name}:bad' failed with"):
        score([spec], np.array([0, 1]), Prediction(np.array([0, 1])), Task("classification", ("a", "b")), str(tmp_path))


def test_a_users_own_metric_is_a_function_or_a_metric(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_metrics_of_a_test.py").write_text(
        "from mlrun.contracts import Metric\n"
        "def hits(truth, prediction, task, at=1):\n    return float((truth == prediction.values).sum() * at)\n"
        "misses = Metric(lambda t, p, k: float((t != p.values).sum()), 'minimize', (), 'labels', (0, 9), 'x')\n"
        "nothing = 3\n"
    )
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    truth, prediction, folder = np.array([0, 1, 1]), Prediction(np.array([0, 1, 0])), str(tmp_path)
    specs = (
        specify("own_metrics_of_a_test:hits", {"at": 2}, folder),
        specify("own_metrics_of_a_test:misses", None, folder),
    )
    assert list(score(specs, truth, prediction, BINARY, folder).values()) == [4.0, 1.0]
    assert oriented("own_metrics_of_a_test:misses", 1.0, folder) == -1.0
    with pytest.raises(UsageError, match="neither a function"):
        entry("own_metrics_of_a_test:nothing", folder)


# -- what fits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "task", "said"),
    [
        ("f1", THREE, "'f1' is for two classes, and the target has 3; say f1_macro or f1_weighted"),
        ("recall", THREE, "'recall' is for two classes, and the target has 3; say recall_macro or recall_weighted"),
        ("cost", Task("classification", (0, 1)), "'cost' needs costs"),
        ("cost", THREE, "'cost' is for two classes, and the target has 3"),
        ("neg_root_mean_squared_error", BINARY, "'neg_root_mean_squared_error' does not fit classification"),
        ("rmse", BINARY, "'rmse' does not fit classification; these do: accuracy"),
        ("log_loss", ANOMALY, "'log_loss' does not fit anomaly; these do"),
        ("roc_auc", UNLABELLED, "'roc_auc' needs labels, and the data has no target"),
        ("accuracy", REGRESSION, "'accuracy' does not fit regression; these do: rmse"),
    ],
)
def test_a_metric_that_does_not_fit_says_why_and_what_would(name: str, task: Task, said: str) -> None:
    assert str(applies(name, task)).startswith(said)


@pytest.mark.parametrize("task", [BINARY, THREE, REGRESSION, ANOMALY])
def test_defaults_fit_their_task_and_the_first_chooses(task: Task) -> None:
    chosen = defaults(task)
    assert [applies(spec.name, task) for spec in chosen] == [None] * len(chosen)
    assert chosen[0].name == {"regression": "rmse"}.get(task.kind, "accuracy" if task.multiclass else "roc_auc")


def test_anomalies_without_labels_have_no_metric() -> None:
    assert defaults(UNLABELLED) == ()


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_the_best_prediction_reaches_the_better_bound(name: str) -> None:
    metric = ENTRIES[name]
    numbers = "regression" in metric.targets
    truth = np.array([1.0, 2.0, 4.0]) if numbers else np.array([0, 1, 1])
    best = Prediction(truth) if numbers else Prediction(truth, np.c_[1 - truth, truth].astype(float))
    params = {"k": 2 / 3} if "k" in metric.parameters else {}
    found = ask(name, truth, best, REGRESSION if numbers else BINARY, **params)
    low, high = metric.bounds
    assert found == pytest.approx(high if metric.direction == "maximize" else low, abs=1e-15)


def test_oriented_scores_are_better_when_higher() -> None:
    assert oriented("roc_auc", 0.9) == 0.9
    assert oriented("rmse", 2.0) == -2.0


def test_six_metrics_of_a_fold_cost_a_small_part_of_a_fit() -> None:
    generator = np.random.default_rng(0)
    truth, chance = generator.integers(0, 2, 114), generator.random(114)
    prediction = Prediction((chance > 0.5).astype(np.int64), np.c_[1 - chance, chance])
    specs = [specify(name) for name in ("accuracy", "roc_auc", "log_loss", "f1", "brier", "average_precision")]
    times = []
    for _ in range(50):
        start = time.perf_counter()
        score(specs, truth, prediction, BINARY)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.0003  # measured .06 ms; a small fit takes 3.4 ms


def test_every_row_of_the_table_is_whole() -> None:
    for name, metric in ENTRIES.items():
        assert isinstance(metric, Metric), name
        assert metric.caption, name
        assert set(metric.kinds) == set(metric.parameters), name
        assert all(metric.kinds[key].admits(value) for key, value in metric.parameters.items()), name
        assert (metric.rows is not None) == (metric.interval in {"mean", "proportion", "chosen", "root_mean"}), name
