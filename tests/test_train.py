"""Whole runs on small tables: scores are scikit-learn's on the same folds; what a run says of itself is true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from in_process import Done, run, write_spec
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import TransformedTargetRegressor
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import IsolationForest, StackingClassifier, VotingClassifier, VotingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, log_loss, root_mean_squared_error
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlrun import runs
from mlrun.errors import UsageError
from mlrun.events import FitFinished, Noted
from mlrun.predict import stored_model
from mlrun.preview import make_plan
from mlrun.provenance import fit_seed
from mlrun.ready import make_ready
from mlrun.records import Split
from mlrun.run_options import TrainOptions

ROWS = 90
RNG = np.random.default_rng(0)
CLASSES = RNG.integers(0, 3, ROWS)
NUMBERS = RNG.normal(size=(ROWS, 3)) + CLASSES[:, None] * [1.0, -0.5, 0.0]
AMOUNTS = np.exp(NUMBERS @ [0.5, 0.2, -0.1] + RNG.normal(size=ROWS) / 3)
WEIGHTS = RNG.integers(1, 5, ROWS)


def rows() -> pl.DataFrame:
    return pl.DataFrame(NUMBERS, schema=["a", "b", "c"]).with_columns(y=pl.Series(["xyz"[code] for code in CLASSES]))


def amounts() -> pl.DataFrame:
    return pl.DataFrame(NUMBERS, schema=["a", "b", "c"]).with_columns(y=pl.Series(AMOUNTS))


def written(folder: Path, table: pl.DataFrame, **sections: Any) -> Path:
    """Write a table and a spec that asks for three folds; `data` holds what is said beside source and path."""
    table.write_csv(folder / "rows.csv")
    data = {"source": "csv", "path": "rows.csv", "target": "y", **sections.pop("data", {})}
    whole = {"experiment": "small", "data": data, "split": {"folds": 3}, "baselines": ["zero_rule"], **sections}
    return write_spec(folder, json.dumps(whole))


def done(folder: Path, table: pl.DataFrame, **sections: Any) -> Done:
    return run(written(folder, table, **sections))


def split_of(folder: Path) -> Split:
    return make_ready(folder / "spec.yaml", (), None).split


def scores(found: Done, metric: str) -> dict[str, list[float]]:
    """Return model → its best trial's score on each fold."""
    lines = {line["id"]: line for line in map(json.loads, found.trials.splitlines())}
    return {
        model["name"]: lines[model["trial"]]["scores"][metric]
        for model in found.record["models"]
        if model["kind"] == "model" and model["trial"]
    }


def line(found: Done, name: str) -> dict[str, Any]:
    return next(model for model in found.record["models"] if model["name"] == name)


def predicted(found: Done, name: str, part: str = "test") -> pl.DataFrame:
    assert found.folder is not None
    table = pl.read_parquet(found.folder / "predictions" / f"{name}.parquet")
    return table.filter(pl.col("part") == part).sort("row")


def notes(found: Done) -> str:
    return "\n".join(event.text for event in found.events if isinstance(event, Noted))


def fits(found: Done) -> int:
    return sum(isinstance(event, FitFinished) for event in found.events)


def expected(
    split: Split, estimator: Any, truth: Any, measure: Any, method: str = "predict", **fit: Any
) -> list[float]:
    """Fit and score an estimator of scikit-learn on each fold."""
    found = []
    for fold in split.folds:
        weights = {name: values[fold.train] for name, values in fit.items()}
        fitted = estimator.fit(NUMBERS[fold.train], truth[fold.train], **weights)
        found.append(measure(truth[fold.valid], getattr(fitted, method)(NUMBERS[fold.valid])))
    return found


# -- ensembles ---------------------------------------------------------------------------------------------------------


def test_ensembles_score_as_scikit_learns_own_on_the_same_folds(tmp_path: Path) -> None:
    members = ["gaussian_nb", "lda", "logistic"]
    models = {
        "gaussian_nb": {"var_smoothing": 1e-9},
        "lda": {"solver": "svd"},
        "logistic": {"family": "logistic_regression", "C": 0.5},
        "hard": {"family": "voting", "members": members},
        "soft": {"family": "voting", "members": members, "voting": "soft", "weights": [[1, 2, 3]]},
        "stack": {"family": "stacking", "members": members[:2], "meta": "logistic"},
    }
    found = done(tmp_path, rows(), models=models, metrics=["accuracy", "log_loss"])
    assert found.record["exit_code"] == 0
    split = split_of(tmp_path)

    def logistic() -> Any:
        return make_pipeline(StandardScaler(), LogisticRegression(C=0.5))

    three = [("b", GaussianNB()), ("d", LinearDiscriminantAnalysis()), ("l", logistic())]
    hard, soft = VotingClassifier(three), VotingClassifier(three, voting="soft", weights=[1, 2, 3])
    stack = StackingClassifier(three[:2], LogisticRegression(C=0.5))
    accuracy, loss = scores(found, "accuracy"), scores(found, "log_loss")
    assert accuracy["hard"] == expected(split, hard, CLASSES, accuracy_score)
    assert accuracy["soft"] == expected(split, soft, CLASSES, accuracy_score)
    assert_allclose(loss["soft"], expected(split, soft, CLASSES, log_loss, "predict_proba"), rtol=1e-9)
    assert_allclose(loss["stack"], expected(split, stack, CLASSES, log_loss, "predict_proba"), rtol=1e-9)
    assert loss["hard"] == [None] * 3
    assert "cv is optimistic" in line(found, "soft")["notes"][0]
    # votes are counted, not fitted: 3 members and a stack on 3 folds
    assert found.record["fits"]["run"] == found.record["fits"]["planned"] == 4 * 3


def test_a_vote_without_the_first_metric_says_why_it_cannot_be_best(tmp_path: Path) -> None:
    models = {
        "gaussian_nb": {"var_smoothing": 1e-9},
        "lda": {"solver": "svd"},
        "hard": {"family": "voting", "members": ["gaussian_nb", "lda"]},
    }
    found = done(tmp_path, rows(), models=models, metrics=["roc_auc", "accuracy"])
    told = "roc_auc is not defined for what it predicts, so it cannot be best; `voting: soft` gives probabilities"
    assert told in line(found, "hard")["notes"]
    assert line(found, "lda")["notes"] == []


@pytest.mark.parametrize("log", [False, True])
def test_an_average_of_numbers_is_scikit_learns_also_of_logarithms(tmp_path: Path, log: bool) -> None:
    models = {
        "linear_regression": {"fit_intercept": True},
        "ridge": {"alpha": 1},
        "mean": {"family": "voting", "members": ["linear_regression", "ridge"]},
    }
    found = done(tmp_path, amounts(), models=models, **({"target_transform": "log"} if log else {}))
    ours: Any = VotingRegressor([("l", LinearRegression()), ("r", make_pipeline(StandardScaler(), Ridge()))])
    if log:
        ours = TransformedTargetRegressor(ours, func=np.log, inverse_func=np.exp)
    split = split_of(tmp_path)
    assert_allclose(scores(found, "rmse")["mean"], expected(split, ours, AMOUNTS, root_mean_squared_error), rtol=1e-9)
    champion = ours.fit(NUMBERS[split.train], AMOUNTS[split.train])
    assert_allclose(predicted(found, "mean")["prediction"], champion.predict(NUMBERS[split.test]), rtol=1e-9)


def test_a_committees_champion_says_what_its_members_champions_say_together(tmp_path: Path) -> None:
    table = rows().with_columns(town=pl.Series(RNG.choice(list("pqrstu"), ROWS)))
    encode = {"category": {"encode": "target"}}  # the seed of the preparation must be the same, alone and in company
    models = {
        "lda": {"solver": "svd", "prepare": encode},
        "forest": {"family": "random_forest", "n_estimators": [4, 8], "prepare": encode},
        "soft": {"family": "voting", "voting": "soft", "members": ["lda", "forest"]},
    }
    found = done(tmp_path, table, models=models, metrics=["log_loss"])
    for part in ("test", "fold"):
        for column in ("p_0", "p_1", "p_2"):
            alone = [predicted(found, name, part)[column].to_numpy() for name in ("lda", "forest")]
            assert_array_equal(predicted(found, "soft", part)[column].to_numpy(), np.mean(alone, axis=0))


def test_an_ensemble_without_one_of_its_members_is_skipped(tmp_path: Path) -> None:
    words = ["! ?"] * ROWS
    table = rows().with_columns(t=pl.Series([f"{word}{number}"[: 2 + number % 2] for number, word in enumerate(words)]))
    models = {
        "lda": {"solver": "svd", "prepare": {"text": {"max_terms": 5}}},
        "logistic_regression": {"C": 1},
        "vote": {"family": "voting", "members": ["lda", "logistic_regression"]},
    }
    found = done(tmp_path, table, models=models, data={"text": ["t"]})
    assert found.record["exit_code"] == 4
    assert found.record["status"] == "failed"
    assert found.reasons["vote/0000"].startswith("skipped member_failed")
    # the sentence about the column is our own, so the leaderboard passes it on
    assert "column 't' holds no words" in line(found, "lda")["reason"]


# -- anomalies ---------------------------------------------------------------------------------------------------------


def odd() -> pl.DataFrame:
    rng = np.random.default_rng(1)
    numbers = np.vstack([rng.normal(size=(170, 2)), rng.normal(size=(30, 2)) * 4 + 3])
    return pl.DataFrame(numbers, schema=["a", "b"]).with_columns(y=pl.Series([0] * 170 + [1] * 30))


def test_without_labels_families_are_laid_side_by_side_and_nothing_is_decided(tmp_path: Path) -> None:
    table = odd().drop("y")
    models = {"isolation_forest": {}, "knn_distance": {"n_neighbors": [5, 10]}, "kmeans_distance": {}}
    data = {"target": None}
    found = done(tmp_path, table, models=models, task="anomaly", data=data, baselines=["random", "max_z"])
    record = found.record
    assert (record["exit_code"], record["status"], record["best"]) == (0, "complete", None)
    assert record["verdict"] == {"word": "undecided", "reason": "no labels", "tests": []}
    assert len(found.trials.splitlines()) == 3  # the first combination of each family
    assert {model["budget"]["used"] for model in record["models"] if model["kind"] == "model"} == {1}
    forest, near = (predicted(found, name)["score"].to_numpy() for name in ("isolation_forest", "knn_distance"))
    rho = np.corrcoef(forest.argsort().argsort(), near.argsort().argsort())[0, 1]  # ranks without ties
    assert f"isolation_forest {rho:.2f}" in notes(found)
    assert "wider grid" not in notes(found)


def test_labels_of_anomalies_choose_and_are_never_seen_by_a_fit(tmp_path: Path) -> None:
    table = odd()
    models = {"isolation_forest": {"n_estimators": [5, 10]}}
    found = done(tmp_path, table, models=models, task="anomaly", baselines=["random"])
    assert found.record["metrics"][0]["label"] == "roc_auc"
    assert found.record["best"] == "isolation_forest"
    split, numbers = split_of(tmp_path), table.select("a", "b").to_numpy()
    size = line(found, "isolation_forest")["params"]["n_estimators"]
    theirs = IsolationForest(n_estimators=size, random_state=fit_seed(0, "isolation_forest", -1, -1))
    theirs.fit(numbers[split.train])  # no labels
    ours = predicted(found, "isolation_forest")
    assert_array_equal(ours["score"].to_numpy(), -theirs.score_samples(numbers[split.test]))
    cut = np.quantile(-theirs.score_samples(numbers[split.train]), 0.9)
    assert_array_equal(ours["prediction"].to_numpy(), (ours["score"].to_numpy() > cut).astype(int))


def test_normal_rows_only_and_another_contamination(tmp_path: Path) -> None:
    table, anomaly = odd(), {"train_on": "normal", "contamination": 0.3}
    models = {"kmeans_distance": {"n_clusters": 3}}
    found = done(tmp_path, table, models=models, task="anomaly", anomaly=anomaly, baselines=["max_z", "random"])
    plain = run(tmp_path / "spec.yaml", "anomaly.train_on=all")
    said = predicted(found, "kmeans_distance")
    assert not said["score"].equals(predicted(plain, "kmeans_distance")["score"])
    # of normal rows about 30 % lie above the cut
    share = said.filter(pl.col("truth") == 0)["prediction"].mean()
    assert share == pytest.approx(0.3, abs=0.15)


# -- targets, weights, rows --------------------------------------------------------------------------------------------


def test_the_logarithm_of_the_target_is_undone_in_predictions_and_in_the_stored_model(tmp_path: Path) -> None:
    found = done(tmp_path, amounts(), models={"linear_regression": {"fit_intercept": True}}, target_transform="log")
    split = split_of(tmp_path)
    ours = TransformedTargetRegressor(LinearRegression(), func=np.log, inverse_func=np.exp)
    theirs = expected(split, ours, AMOUNTS, root_mean_squared_error)
    assert_allclose(scores(found, "rmse")["linear_regression"], theirs, rtol=1e-9)
    assert found.folder is not None
    stored = stored_model(found.folder, None, ()).predict(amounts())
    assert_array_equal(stored.values[split.test], predicted(found, "linear_regression")["prediction"].to_numpy())


def test_the_stored_model_may_be_fitted_on_all_rows(tmp_path: Path) -> None:
    models = {"linear_regression": {"fit_intercept": True}}
    found = done(tmp_path, amounts(), models=models, final={"refit_on": "all"})
    split = split_of(tmp_path)
    honest = LinearRegression().fit(NUMBERS[split.train], AMOUNTS[split.train]).predict(NUMBERS[split.test])
    assert_allclose(predicted(found, "linear_regression")["prediction"], honest, rtol=1e-9)
    assert found.folder is not None
    stored = stored_model(found.folder, None, ()).predict(amounts()).values
    assert_allclose(stored, LinearRegression().fit(NUMBERS, AMOUNTS).predict(NUMBERS), rtol=1e-9)


def test_weights_are_used_by_those_who_take_them_and_said_of_the_others(tmp_path: Path) -> None:
    models = {"gaussian_nb": {"var_smoothing": 1e-9}, "lda": {"solver": "svd"}}
    table = rows().with_columns(w=pl.Series(WEIGHTS))
    found = done(tmp_path, table, models=models, data={"weight": "w"}, metrics=["log_loss"])
    split, loss = split_of(tmp_path), scores(found, "log_loss")
    weighted = expected(split, GaussianNB(), CLASSES, log_loss, "predict_proba", sample_weight=WEIGHTS)
    assert_allclose(loss["gaussian_nb"], weighted, rtol=1e-9)
    plain = expected(split, LinearDiscriminantAnalysis(), CLASSES, log_loss, "predict_proba")
    assert_allclose(loss["lda"], plain, rtol=1e-9)
    assert line(found, "lda")["notes"] == ["lda takes no weights: it was fitted without them"]
    assert line(found, "gaussian_nb")["notes"] == []


def test_a_limit_takes_the_first_rows(tmp_path: Path) -> None:
    found = done(tmp_path, amounts(), models={"ridge": {"alpha": 1}}, data={"limit": 40})
    assert len(predicted(found, "ridge")) + len(predicted(found, "ridge", "fold")) == 40
    assert predicted(found, "ridge", "fold")["row"].max() < 40  # type: ignore[operator]


def test_a_sample_is_marked_and_never_the_best(tmp_path: Path) -> None:
    spec = written(tmp_path, amounts(), models={"ridge": {"alpha": 1}})
    tried = run(spec, sample=50)
    assert tried.record["sampled"] == 50
    with pytest.raises(UsageError, match="complete on all rows"):
        runs.resolve(tmp_path / "runs", "small@best")
    whole = run(spec)
    assert whole.record["sampled"] is None
    assert runs.resolve(tmp_path / "runs", "small@best") == whole.folder


# -- budgets, winners, failures ----------------------------------------------------------------------------------------


def test_cpu_seconds_are_looked_at_between_rounds_and_make_the_run_depend_on_the_machine(
    tmp_path: Path,
) -> None:
    models = {"ridge": {"alpha": list(range(1, 41))}}
    found = done(tmp_path, amounts(), models=models, search={"budget": {"cpu_seconds": 0.001}})
    assert line(found, "ridge")["budget"] == {"granted": None, "used": 8}  # one round
    assert found.record["depends_on_machine"] is True


def test_of_equal_winners_the_simplest_is_the_best_and_of_equally_simple_ones_the_first(tmp_path: Path) -> None:
    table = pl.DataFrame({"x": np.arange(60) % 2, "y": ["no", "yes"] * 30})  # every model is right
    models = {
        "boosted": {"family": "gradient_boosting", "n_estimators": 2},
        "second": {"family": "gaussian_nb", "var_smoothing": 1e-9},
        "third": {"family": "gaussian_nb", "var_smoothing": 1e-9},
    }
    found = done(tmp_path, table, models=models, metrics=["accuracy"])
    assert {model["cv"]["accuracy"]["mean"] for model in found.record["models"] if model["kind"] == "model"} == {1.0}
    assert found.record["best"] == "second"


def test_the_ledger_shows_what_each_family_was_granted_and_used(tmp_path: Path) -> None:
    models = {"ridge": {"alpha": [1, 2, 3]}, "linear_regression": {"fit_intercept": True}}
    found = done(tmp_path, amounts(), models=models, search={"budget": {"trials": 10}})
    assert line(found, "ridge")["budget"] == {"granted": 10, "used": 3}
    assert line(found, "linear_regression")["budget"] == {"granted": 10, "used": 1}
    assert "families had different numbers of trials (1 to 3); expected best rmse at 1" in notes(found)
    champion = line(found, "ridge")
    assert champion["file"] == "models/ridge.skops"
    assert champion["size_bytes"] == (found.folder / champion["file"]).stat().st_size
    assert champion["p95_ms_1_row"] > 0
    assert champion["fit_seconds"] > 0
    assert champion["simplicity_rank"] >= 1
    assert champion["trial"].startswith("ridge/")


def test_a_family_that_is_given_no_native_codes_says_so(tmp_path: Path) -> None:
    table = rows().with_columns(town=pl.Series(RNG.choice(list("pqr"), ROWS)))
    models = {"lda": {"solver": "svd"}, "boosted": {"family": "xgboost", "n_estimators": 2}}
    found = done(tmp_path, table, models=models, prepare={"category": {"encode": "native"}})
    assert line(found, "lda")["notes"] == ["lda takes no categories as they are: one_hot in their stead"]
    assert line(found, "boosted")["notes"] == []


# -- baselines beside models -------------------------------------------------------------------------------------------


def two_classes() -> pl.DataFrame:
    truth = ["yes" if code else "no" for code in CLASSES]
    expert = [word if number % 3 else None for number, word in enumerate(truth)]
    return pl.DataFrame(NUMBERS, schema=["a", "b", "c"]).with_columns(y=pl.Series(truth), expert=pl.Series(expert))


@pytest.mark.parametrize("test", [0.2, 0])
def test_a_silent_baseline_is_laid_beside_the_models_on_its_rows_alone(tmp_path: Path, test: float) -> None:
    models = {"gaussian_nb": {"var_smoothing": 1e-9}}
    baselines = ["zero_rule", {"human": {"column": "expert"}}]
    split = {"folds": 3, "test": test}
    found = done(tmp_path, two_classes(), models=models, metrics=["accuracy"], baselines=baselines, split=split)
    said = two_classes()["expert"].is_not_null()
    part = "test" if test else "fold"
    model = predicted(found, "gaussian_nb", part)
    answered = model.filter(said.gather(model["row"]))
    if test:
        right = np.mean(answered["prediction"].to_numpy() == answered["truth"].to_numpy())
    else:
        by_fold = answered.group_by("fold").agg((pl.col("prediction") == pl.col("truth")).mean().alias("right"))
        right = np.mean(by_fold["right"].to_numpy())
    where = "test rows" if test else "rows of the folds"
    told = f"on the {len(answered)} {where} that human answers, accuracy: gaussian_nb {float(right):.4g}, human 1"
    assert told in notes(found)
    assert line(found, "human")["coverage"] == pytest.approx(len(answered) / len(model))
    assert ("over zero_rule" in found.record["verdict"]["reason"]) is (test > 0)
    assert ("no test rows" in found.record["verdict"]["reason"]) is (test == 0)


def test_an_earlier_runs_model_is_a_baseline_in_the_codes_of_this_run(tmp_path: Path) -> None:
    models = {"gaussian_nb": {"var_smoothing": 1e-9}}
    spec = written(tmp_path, two_classes(), models=models, data={"positive": "yes", "drop": ["expert"]})
    first = run(spec)
    old = {"existing": {"run": "small@latest", "name": "old"}}
    spec = written(tmp_path, two_classes(), models=models, data={"positive": "no", "drop": ["expert"]}, baselines=[old])
    second = run(spec)
    assert second.record["references"] == {"small@latest": "small@1"}
    said = predicted(second, "old")  # stratified by other codes, test holds other rows than there
    assert first.folder is not None
    there = stored_model(first.folder, None, ()).predict(two_classes())
    assert said["prediction"].to_list() == [("no", "yes")[code] for code in there.values[said["row"].to_numpy()]]
    assert there.probabilities is not None
    assert_array_equal(said["p_0"].to_numpy(), there.probabilities[said["row"].to_numpy(), 1])
    assert "an earlier run's model" in line(second, "old")["notes"][0]


# -- what is reused ----------------------------------------------------------------------------------------------------


def test_a_second_run_fits_nothing_and_says_the_same(tmp_path: Path) -> None:
    models = {
        "lda": {"solver": "svd"},
        "forest": {"family": "random_forest", "n_estimators": [2, 4]},
        "soft": {"family": "voting", "voting": "soft", "members": ["lda", "forest"]},
    }
    first = done(tmp_path, rows(), models=models)
    second = run(tmp_path / "spec.yaml")
    assert fits(second) == 0
    assert second.record["fits"]["reused"] == 4
    assert second.trials == first.trials
    for name in models:
        assert predicted(second, name).equals(predicted(first, name))


def test_other_costs_are_other_scores(tmp_path: Path) -> None:
    costs = {"false_negative": 5, "false_positive": 1}
    models = {"gaussian_nb": {"var_smoothing": 1e-9}}
    first = done(tmp_path, two_classes().drop("expert"), models=models, metrics=["cost"], costs=costs)
    second = run(tmp_path / "spec.yaml", "costs.false_negative=50")
    assert scores(first, "cost")["gaussian_nb"] != scores(second, "cost")["gaussian_nb"]


def test_a_plan_names_the_fits_that_the_run_then_makes(tmp_path: Path) -> None:
    models = {
        "ridge": {"alpha": [1, 2, 3]},
        "forest": {"family": "random_forest", "n_estimators": [2, 4, 6], "max_depth": [2, 3]},
    }
    spec = written(tmp_path, amounts(), models=models)
    plan = make_plan(spec, (), TrainOptions())
    assert {line.model: (line.trials, line.fits, line.unshared) for line in plan.lines} == {
        "ridge": (3, 9, 9),
        "forest": (6, 6, 18),
    }
    record = run(spec).record
    assert (record["fits"]["planned"], record["fits"]["unshared"]) == (15, 27)
    again = make_plan(spec, (), TrainOptions())
    assert [(line.cached, line.fits) for line in again.lines] == [(3, 0), (6, 0)]
