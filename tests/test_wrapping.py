"""Calibrations and cuts against scikit-learn, which learns them from the same folds, and the mammography costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_process import Done, run, write_spec
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_blobs, make_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, f1_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

from mlrun import metrics
from mlrun.errors import DataError, SpecError
from mlrun.latency import one_row_latency
from mlrun.predict import predict_alone, stored_model
from mlrun.records import MetricSpec, Prediction, Task
from mlrun.store import model_files
from mlrun.wrap.cuts import best_cut, cheapest_cut, closed_form, objective_of
from mlrun.wrap.recalibration import Method
from mlrun.wrapping import Wish, Wrapping, learn

MAMMOGRAPHY = Path(__file__).parents[2] / "shared" / "data" / "mammography" / "mammography.csv"
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)
METHODS: tuple[Method, ...] = ("sigmoid", "isotonic", "temperature")
CLOSE = {"sigmoid": 1e-8, "isotonic": 1e-12, "temperature": 5e-8}  # scikit-learn's search stops at √eps of ln T


def rows_of(classes: int, seed: int = 0) -> tuple[Any, Any]:
    found: tuple[Any, Any] = make_classification(
        900, 8, n_informative=5, n_classes=classes, flip_y=0.15, random_state=seed
    )
    return found


def task_of(classes: int, **costs: float) -> Task:
    return Task("classification", tuple(range(classes)), costs)


def said(response: Any, *, probabilities: bool) -> Prediction:
    values = (response > 0).astype(int) if response.ndim == 1 else response.argmax(axis=1)
    return Prediction(values, response, None) if probabilities else Prediction(values, None, response)


def by_us(model: Any, method: Method, x: Any, y: Any, response: str, *, logistic: bool = False) -> Prediction:
    """Return the wrapped prediction of the rows, learned from the same folds as scikit-learn's."""
    probable = response == "predict_proba"
    held_out = said(cross_val_predict(model, x, y, cv=FOLDS, method=response), probabilities=probable)
    whole = said(getattr(model.fit(x, y), response)(x), probabilities=probable)
    task = task_of(int(y.max()) + 1)
    return learn(Wish(method), held_out, y, task, logistic=logistic).apply(whole)


def by_scikit_learn(model: Any, method: Method, x: Any, y: Any) -> Any:
    return CalibratedClassifierCV(model, method=method, cv=FOLDS, ensemble=False).fit(x, y).predict_proba(x)


# -- calibration -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    ("model", "response"),
    [
        (GaussianNB(), "predict_proba"),
        (RandomForestClassifier(20, random_state=0), "predict_proba"),
        (LinearSVC(random_state=0), "decision_function"),
    ],
)
def test_calibration_is_scikit_learns_from_the_same_folds(
    model: Any, response: str, classes: int, method: Method
) -> None:
    x, y = rows_of(classes)
    ours = by_us(model, method, x, y, response)
    assert ours.probabilities is not None
    expected = by_scikit_learn(model, method, x, y)
    assert ours.probabilities == pytest.approx(expected, abs=CLOSE[method])
    assert ours.values.tolist() == expected.argmax(axis=1).tolist()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "model",
    [LogisticRegression(), LinearDiscriminantAnalysis(), GradientBoostingClassifier(n_estimators=20, random_state=0)],
)
def test_log_odds_stand_for_the_scores_behind_a_probability(model: Any, method: Method) -> None:
    x, y = rows_of(2)
    ours = by_us(model, method, x, y, "predict_proba", logistic=True)
    expected = by_scikit_learn(model, method, x, y)
    assert ours.probabilities == pytest.approx(expected, abs=CLOSE[method])


def test_the_example_of_scikit_learn_has_its_published_brier_scores() -> None:
    # its example "probability calibration of classifiers", and evaluation.md: none .104, isotonic .084, sigmoid .109
    x, y = make_blobs(50_000, centers=[(-5, -5), (0, 0), (5, 5)], shuffle=False, random_state=42)
    y = (np.arange(50_000) >= 25_000).astype(np.int64)
    train, test, truth, asked = train_test_split(x, y, test_size=0.9, random_state=42)
    held_out = said(cross_val_predict(GaussianNB(), train, truth, cv=2, method="predict_proba"), probabilities=True)
    plain = said(GaussianNB().fit(train, truth).predict_proba(test), probabilities=True)

    def brier(method: Method) -> float:
        made = learn(Wish(method), held_out, truth, task_of(2)).apply(plain).probabilities
        assert made is not None
        return float(np.square(made[:, 1] - asked).mean())

    assert [round(brier(method), 3) for method in ("none", "isotonic", "sigmoid")] == [0.104, 0.084, 0.109]


@pytest.mark.parametrize("method", METHODS)
def test_an_overconfident_model_comes_nearer_to_the_truth(method: Method) -> None:
    generator = np.random.default_rng(0)
    p = generator.random(4000)
    truth = (generator.random(4000) < p).astype(np.int64)
    sharp = p**3 / (p**3 + (1 - p) ** 3)
    wrapping = learn(Wish(method), two(sharp), truth, task_of(2), logistic=True)
    made = wrapping.apply(two(sharp)).probabilities
    assert made is not None
    assert np.abs(made[:, 1] - p).mean() < np.abs(sharp - p).mean() / 2
    assert made.sum(axis=1) == pytest.approx(1)


def two(p: Any) -> Prediction:
    p = np.asarray(p, dtype=np.float64)
    return Prediction((p > 0.5).astype(np.int64), np.column_stack([1 - p, p]))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("logistic", [True, False])
def test_what_cannot_be_learned_from_leaves_finite_probabilities(method: Method, *, logistic: bool) -> None:
    for p, truth in (([0.3] * 6, [0, 1, 0, 1, 0, 0]), ([0.0, 0.0, 1.0, 1.0], [0, 0, 1, 1]), ([0.2, 0.8], [1, 1])):
        made = learn(Wish(method), two(p), np.array(truth), task_of(2), logistic=logistic).apply(two(p))
        assert made.probabilities is not None
        assert np.isfinite(made.probabilities).all()
        assert made.probabilities.sum(axis=1) == pytest.approx(1)
    if method != "temperature":
        constant = learn(Wish(method), two([0.3] * 300), np.arange(300) % 4 // 3, task_of(2), logistic=logistic)
        made = constant.apply(two([0.3]))
        assert made.probabilities is not None
        assert made.probabilities[0, 1] == pytest.approx(0.25, abs=0.005)  # Platt's targets stand a little inside


def test_a_class_that_no_curve_admits_shares_with_the_others() -> None:
    nothing = (np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    wrapping = Wrapping("isotonic", "probabilities", (nothing, nothing, nothing))
    made = wrapping.apply(Prediction(np.array([0]), np.array([[0.2, 0.3, 0.5]]))).probabilities
    assert made is not None
    assert made.tolist() == [[1 / 3] * 3]


@pytest.mark.parametrize("method", METHODS)
def test_what_was_learned_survives_being_stored(tmp_path: Path, method: Method) -> None:
    x, y = rows_of(3)
    held_out = said(cross_val_predict(GaussianNB(), x, y, method="predict_proba"), probabilities=True)
    wrapping = learn(Wish(method), held_out, y, task_of(3))
    model_files.store(tmp_path / "m.skops", {"wrapping": wrapping.state()})
    payload = model_files.load(tmp_path / "m.skops")
    assert payload["format"] == 2
    again = Wrapping.restore(payload["wrapping"])
    assert str(again) == str(wrapping) == f"calibrated ({method})"
    made, expected = again.apply(held_out).probabilities, wrapping.apply(held_out).probabilities
    assert made is not None
    assert expected is not None
    assert made.tolist() == expected.tolist()


def test_labels_alone_cannot_be_wrapped_and_scores_only_calibrated() -> None:
    labels, truth = Prediction(np.array([0, 1])), np.array([0, 1])
    with pytest.raises(DataError, match="it gives no probabilities or scores"):
        learn(Wish("sigmoid"), labels, truth, task_of(2))
    with pytest.raises(DataError, match="it gives no probabilities, so"):
        learn(Wish(threshold=0.3), Prediction(np.array([0, 1]), None, np.array([-1.0, 1.0])), truth, task_of(2))


# -- the cut -----------------------------------------------------------------------------------------------------------

Outcomes = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.4, 0.5, 0.77, 1.0]), st.integers(0, 1)), min_size=1)


@given(Outcomes, st.floats(0.1, 50))
def test_no_cut_is_cheaper_than_the_tuned_one(rows: list[tuple[float, int]], miss: float) -> None:
    p, truth = (np.array(column) for column in zip(*rows, strict=True))
    task = task_of(2, false_negative=miss, false_positive=1.0)

    def cost(cut: float) -> float:
        missed, alarmed = (p < cut) & (truth == 1), (p >= cut) & (truth == 0)
        return miss * int(missed.sum()) + int(alarmed.sum())

    least = min(cost(cut) for cut in (0.0, 0.05, 0.2, 0.45, 0.6, 0.9, 2.0))
    assert cost(cheapest_cut(p, truth, task)) == pytest.approx(least)


@pytest.mark.parametrize(("name", "measure"), [("f1", f1_score), ("balanced_accuracy", balanced_accuracy_score)])
def test_no_cut_has_a_better_score_than_the_tuned_one(name: str, measure: Any) -> None:
    generator = np.random.default_rng(2)
    p = generator.random(300)
    truth = (generator.random(300) < p**2).astype(np.int64)
    cut = best_cut(p, truth, task_of(2), MetricSpec(name))
    best = max(measure(truth, p >= value) for value in p)
    assert measure(truth, p >= cut) == pytest.approx(best, abs=1e-12)


def test_a_cut_is_tuned_for_costs_else_the_first_metric_of_labels_else_balanced_accuracy() -> None:
    specs = (MetricSpec("roc_auc"), MetricSpec("f1"), MetricSpec("accuracy"))
    assert objective_of(specs, task_of(2, false_negative=2, false_positive=1), "").name == "cost"
    assert objective_of(specs, task_of(2), "").name == "f1"
    assert objective_of(specs[:1], task_of(2), "").name == "balanced_accuracy"


def test_the_positive_class_is_said_from_the_cut_on() -> None:
    made = Wrapping(threshold=0.3).apply(two([0.29, 0.3, 0.31]))
    assert made.values.tolist() == [0, 1, 1]
    truth, task = np.array([0, 1]), task_of(2, false_negative=4, false_positive=1)
    assert learn(Wish(threshold="from_costs"), two([0.1, 0.9]), truth, task).threshold == 0.2


@pytest.mark.skipif(not MAMMOGRAPHY.exists(), reason="the data is not here")
def test_mammography_costs_are_near_the_documented_ones() -> None:
    # evaluation.md, section 8, a miss 50 × a false alarm: never 1162, always 977, forest at 0.5 591, tuned 231, closed
    # form 217. Its folds and forest are not told; over seeds and sizes ours say 450–575, 198–273 and 200–265.
    table = pl.read_csv(MAMMOGRAPHY, has_header=False, quote_char="'")
    x, truth = table[:, :-1].to_numpy(), (table[:, -1].cast(pl.Int64) == 1).to_numpy().astype(np.int64)
    task = task_of(2, false_negative=50.0, false_positive=1.0)
    p = cross_val_predict(RandomForestClassifier(100, random_state=0), x, truth, cv=FOLDS, method="predict_proba")[:, 1]

    def cost(values: Any) -> float:
        found = metrics.score((MetricSpec("cost"),), truth, Prediction(values), task)["cost"]
        assert found is not None
        return found

    tuned = np.zeros_like(truth)
    for train, test in FOLDS.split(x, truth):
        tuned[test] = p[test] >= cheapest_cut(p[train], truth[train], task)
    assert cost(np.zeros_like(truth)) == pytest.approx(1162, abs=1)
    assert cost(np.ones_like(truth)) == pytest.approx(977, abs=1)
    assert 450 < cost((p >= 0.5).astype(np.int64)) < 620
    assert cost((p >= closed_form(task)).astype(np.int64)) == pytest.approx(217, abs=25)
    assert cost(tuned) == pytest.approx(231, abs=30)


# -- in a run ----------------------------------------------------------------------------------------------------------

COSTS = {"false_negative": 5, "false_positive": 1}
WRAPPED: dict[str, Any] = {
    "bayes": {"family": "gaussian_nb", "calibrate": "isotonic", "threshold": "tuned"},
    "svm": {"family": "linear_svm", "C": 1.0, "calibrate": "sigmoid"},
    "costly": {"family": "logistic_regression", "C": 1.0, "threshold": "from_costs"},
    "plain": {"family": "logistic_regression", "C": 1.0},
}


def written(folder: Path, models: dict[str, Any] | None = None, classes: int = 2, **sections: Any) -> Path:
    x, y = rows_of(classes)
    table = pl.DataFrame(x[:300], schema=[f"x{k}" for k in range(8)]).with_columns(y=pl.Series(y[:300]))
    table.with_columns(pl.format("c{}", "y").alias("y")).write_csv(folder / "rows.csv")
    whole = {
        "experiment": "wrapped",
        "data": {"source": "csv", "path": "rows.csv", "target": "y"},
        "metrics": ["accuracy", "log_loss"],
        "models": models or WRAPPED,
        "baselines": ["zero_rule"],
        "evaluation": "none",
        **sections,
    }
    return write_spec(folder, json.dumps(whole))


def line(done: Done, name: str) -> dict[str, Any]:
    return next(model for model in done.record["models"] if model["name"] == name)


def part(done: Done, name: str, which: str) -> pl.DataFrame:
    assert done.folder is not None
    table = pl.read_parquet(done.folder / "predictions" / f"{name}.parquet").filter(pl.col("part") == which)
    return table.select(column for column in table.columns if table[column].null_count() < table.height)


def test_a_run_shows_the_wrapped_champion_and_scores_its_folds_unwrapped(tmp_path: Path) -> None:
    done = run(written(tmp_path, costs=COSTS))
    costly, plain = part(done, "costly", "test"), part(done, "plain", "test")
    assert np.abs(costly["p_1"].to_numpy() - plain["p_1"].to_numpy()).max() == 0
    assert (costly["prediction"] == "c1").to_list() == (plain["p_1"] >= 1 / 6).to_list()
    assert line(done, "costly")["cv"] == line(done, "plain")["cv"]
    assert line(done, "costly")["test"]["accuracy"] != line(done, "plain")["test"]["accuracy"]
    assert line(done, "costly")["notes"] == ["threshold 0.167 from costs; its cv is without"]
    assert line(done, "bayes")["notes"][0].startswith("calibrated (isotonic), threshold 0.")
    assert "score" in part(done, "svm", "fold").columns
    assert "p_1" in part(done, "svm", "test").columns
    assert line(done, "svm")["cv"]["log_loss"]["mean"] is None
    assert line(done, "svm")["test"]["log_loss"]["value"] > 0


def test_the_stored_model_predicts_as_the_run_did(tmp_path: Path) -> None:
    done = run(written(tmp_path, costs=COSTS))
    assert done.folder is not None
    rows = pl.read_csv(tmp_path / "rows.csv")
    for name in WRAPPED:
        model, test = stored_model(done.folder, name, ()), part(done, name, "test")
        made = predict_alone(model, rows[test["row"].to_numpy()])
        assert [f"c{code}" for code in made.values] == test["prediction"].to_list()
        assert made.probabilities is not None
        assert made.probabilities[:, 1] == pytest.approx(test["p_1"].to_numpy(), abs=1e-15)
        assert one_row_latency(model, rows) > 0


def test_an_equal_run_takes_the_wrapped_champions_over_and_another_wish_does_not(tmp_path: Path) -> None:
    spec = written(tmp_path, costs=COSTS)
    first = run(spec)
    second = run(spec, fresh=True)
    for key in ("test", "notes", "fit_seconds", "identity"):
        assert [line(first, name)[key] for name in WRAPPED] == [line(second, name)[key] for name in WRAPPED]
    third = run(spec, "models.costly.threshold=0.9", "models.svm.calibrate=isotonic")
    same = [line(first, name)["identity"] == line(third, name)["identity"] for name in WRAPPED]
    assert same == [True, False, False, True]
    assert line(third, "costly")["notes"] == ["threshold 0.9; its cv is without"]


def test_many_classes_are_calibrated_one_against_the_rest(tmp_path: Path) -> None:
    models = {"svm": WRAPPED["svm"], "bayes": {"family": "gaussian_nb", "calibrate": "temperature"}}
    done = run(written(tmp_path, models, classes=3))
    for name in models:
        test = part(done, name, "test")
        assert test.select(pl.sum_horizontal("p_0", "p_1", "p_2")).to_series().to_list() == pytest.approx([1] * 60)
        assert line(done, name)["test"]["log_loss"]["value"] < np.log(3)


def test_a_family_of_the_users_that_gives_labels_alone_fails_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "own_labels.py").write_text(OWN)
    models = {"hard": {"family": "own_labels:hard", "calibrate": "sigmoid"}, "bayes": {"family": "gaussian_nb"}}
    done = run(written(tmp_path, models))
    assert line(done, "hard")["status"] == "failed"
    assert "it gives no probabilities or scores, so it cannot be wrapped" in line(done, "hard")["reason"]
    assert line(done, "bayes")["status"] == "done"


OWN = """
from sklearn.linear_model import LogisticRegression

class Hard:
    def fit(self, rows, truth):
        self.model = LogisticRegression().fit(rows, truth)
        return self

    def predict(self, rows):
        return self.model.predict(rows)

def hard(params, seed):
    return Hard()
"""


@pytest.mark.parametrize(
    ("models", "sections", "sentence"),
    [
        ({"gaussian_nb": {"threshold": "from_costs"}}, {}, "'threshold: from_costs' needs 'costs'. Write costs: "),
        (
            {"gaussian_nb": {"threshold": "from_costs"}},
            {"costs": {"false_negative": 0, "false_positive": 0}},
            "'threshold: from_costs' needs 'costs' that are not all 0",
        ),
        ({"linear_svm": {"threshold": 0.3}}, {}, "'threshold' needs probabilities, and linear_svm gives scores"),
        ({"gaussian_nb": {"threshold": 0.3}}, {"classes": 3}, "'threshold' is for two classes, and the task has 3"),
        (
            {"random_forest": {"calibrate": "sigmoid"}},
            {"data": {"source": "csv", "path": "rows.csv", "target": "x0"}, "metrics": ["rmse"]},
            "'calibrate' is for classification, and the task is regression",
        ),
        (
            {"a": {"family": "gaussian_nb"}, "b": {"family": "lda"},
             "vote": {"family": "voting", "members": ["a", "b"], "voting": "hard", "calibrate": "sigmoid"}},
            {"metrics": ["accuracy"]},
            "'calibrate' needs probabilities, and voting gives labels alone",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_wrapped_is_told_before_anything_is_fitted(
    tmp_path: Path, models: dict[str, Any], sections: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SpecError) as told:
        run(written(tmp_path, models, **sections))
    assert sentence in str(told.value)
    assert "spec.yaml:1:" in str(told.value)
