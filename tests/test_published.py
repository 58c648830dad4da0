"""Published results, and scikit-learn's own, come out of mlrun: the same data, the same split, the same numbers."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from mlrun.provenance import fit_seed
from mlrun.ready import make_ready
from mlrun.records import Fold
from mlrun.run_options import TrainOptions
from mlrun.runs import read_run
from mlrun.store.run_record import ModelRecord
from mlrun.train import train

SHARED = Path(__file__).parents[2] / "shared" / "data"


def shared(name: str) -> Path:
    """Return a table of real data; skip the test where it is not there."""
    if not (SHARED / name).exists():
        pytest.skip("the real data is not here")
    return SHARED / name


def run_spec(folder: Path, text: str) -> tuple[Path, Mapping[str, ModelRecord]]:
    """Train a spec; return its run's folder, and models and baselines by name."""
    (folder / "spec.yaml").write_text(text)
    options = TrainOptions(jobs=1, executor="serial", runs=str(folder / "runs"))
    *_, finished = train(folder / "spec.yaml", (), options)
    place = Path(finished.folder)  # type: ignore[union-attr]
    return place, {model.name: model for model in read_run(place).models}


def score_on_test(models: Mapping[str, ModelRecord], name: str, metric: str) -> float:
    value = models[name].test[metric].value
    assert value is not None
    return value


def trials_of(folder: Path, model: str) -> list[dict[str, Any]]:
    lines = map(json.loads, (folder / "trials.jsonl").read_text().splitlines())
    return [line for line in lines if line["model"] == model]


# -- text -------------------------------------------------------------------------------------------------------------


def test_bag_of_words_on_sms_spam_gives_the_tutorials_numbers_to_the_last_digit(tmp_path: Path) -> None:
    """Markham, Machine Learning with Text in scikit-learn (PyCon 2016)."""
    with shared("sms_spam/sms.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    assert len(rows) == 5572
    parts = train_test_split(np.arange(len(rows)), random_state=1)
    for name, part in zip(("train", "test"), parts, strict=True):
        with (tmp_path / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["label", "message"], *(rows[row] for row in part)])
    _, models = run_spec(
        tmp_path,
        """
        experiment: sms
        data: {source: csv, path: train.csv, target: label, positive: spam, text: [message]}
        split: {test: {path: test.csv}, folds: 2}
        metrics: [accuracy, roc_auc]
        prepare: {text: {encode: counts}}
        models: {multinomial_nb: {alpha: 1.0}, logistic_regression: {solver: liblinear}}
        baselines: []
        """,
    )
    assert score_on_test(models, "multinomial_nb", "accuracy") == pytest.approx(0.98851399856424982, abs=1e-12)
    assert score_on_test(models, "multinomial_nb", "roc_auc") == pytest.approx(0.98664310005369604, abs=1e-12)
    assert score_on_test(models, "logistic_regression", "accuracy") == pytest.approx(0.9877961234745154, abs=1e-12)
    assert score_on_test(models, "logistic_regression", "roc_auc") == pytest.approx(0.99368176123143015, abs=1e-12)


def test_naive_bayes_beats_a_linear_svm_on_short_texts_as_published(tmp_path: Path) -> None:
    """Wang and Manning 2012, RT-s, unigrams, ten folds: MNB 77.94, linear SVM 76.23; other tokens than ours."""
    place, _ = run_spec(
        tmp_path,
        f"""
        experiment: polarity
        data: {{source: csv, path: {shared("sentence_polarity/sentence_polarity.tsv")}, separator: "\\t", quote: null,
                target: label, text: [text]}}
        split: {{test: 0, folds: 10}}
        metrics: [accuracy]
        prepare: {{text: {{encode: binary}}}}
        models: {{multinomial_nb: {{alpha: 1.0}}, linear_svm: {{C: 0.1, max_iter: 2000}}}}
        baselines: []
        """,
    )
    bayes, machine = (
        np.mean(trials_of(place, name)[0]["scores"]["accuracy"]) for name in ("multinomial_nb", "linear_svm")
    )
    assert bayes == pytest.approx(0.779, abs=0.01)
    assert machine == pytest.approx(0.762, abs=0.01)
    assert bayes > machine


# -- tables -----------------------------------------------------------------------------------------------------------


def test_a_random_forest_on_titanic_gives_the_skll_tutorials_result_within_a_row(tmp_path: Path) -> None:
    """SKLL's tutorial: rows with blanks dropped, the first 569 train, the next 143 test: accuracy .846, AUC .922."""
    _, models = run_spec(
        tmp_path,
        f"""
        experiment: titanic
        data:
          source: csv
          path: {shared("titanic_kaggle/train.csv")}
          target: Survived
          where: Age IS NOT NULL AND Embarked IS NOT NULL
          features: [Pclass, Sex, Age, SibSp, Parch, Fare, Embarked]
        split: {{test: 0.201, folds: 2, shuffle: false}}
        metrics: [accuracy, roc_auc]
        models: {{random_forest: {{n_estimators: 500, max_depth: 5}}}}
        baselines: [{{rule: {{when: "Sex = 'female'"}}}}]
        """,
    )
    assert abs(score_on_test(models, "random_forest", "accuracy") - 121 / 143) <= 1 / 143 + 1e-12
    assert score_on_test(models, "random_forest", "roc_auc") == pytest.approx(0.922, abs=0.01)


def test_one_rule_on_titanic_is_right_in_787_of_1000_cases(tmp_path: Path) -> None:
    """701 of 891: 233 women who survived and 468 men who did not (Kaggle's gender baseline)."""
    place, _ = run_spec(
        tmp_path,
        f"""
        experiment: titanic
        data: {{source: csv, path: {shared("titanic_kaggle/train.csv")}, target: Survived, features: [Fare, Sex]}}
        split: {{test: 0, folds: 2}}
        metrics: [accuracy]
        models: {{gaussian_nb: {{}}}}
        baselines: [{{rule: {{name: women, when: "Sex = 'female'"}}}}]
        """,
    )
    said = pl.read_parquet(place / "predictions" / "women.parquet")
    assert (said["truth"] == said["prediction"]).sum() == 233 + 468 == round(0.787 * 891)


def test_the_compas_score_makes_propublicas_mistakes(tmp_path: Path) -> None:
    """ProPublica, How We Analyzed the COMPAS Recidivism Algorithm: high risk from 5 on, all defendants."""
    place, models = run_spec(
        tmp_path,
        f"""
        experiment: compas
        data:
          source: csv
          path: {shared("compas/compas-scores-two-years.csv")}
          target: two_year_recid
          features: [age, priors_count]
        split: {{test: 0, folds: 2}}
        metrics: [accuracy]
        models: {{gaussian_nb: {{}}}}
        baselines: [{{existing: {{name: compas, column: decile_score, is: score, at_least: 5}}}}]
        """,
    )
    said = pl.read_parquet(place / "predictions" / "compas.parquet")
    assert confusion_matrix(said["truth"], said["prediction"]).tolist() == [[2681, 1282], [1216, 2035]]
    assert models["compas"].test == {}


def test_the_previous_price_move_predicts_the_next_better_than_models_do(tmp_path: Path) -> None:
    """Known of this table: the label of the half hour before is right in 85.4 % of them."""
    table = pl.read_csv(shared("electricity/elec.csv")).with_row_index("moment")
    assert (table["class"] == table["class"].shift(1)).mean() == pytest.approx(0.854, abs=0.001)
    table.write_csv(tmp_path / "elec.csv")
    _, models = run_spec(
        tmp_path,
        """
        experiment: electricity
        data: {source: csv, path: elec.csv, target: class, time: moment}
        split: {test: 0.95, folds: 2}
        metrics: [accuracy]
        models: {gaussian_nb: {}}
        baselines: [previous]
        """,
    )
    assert score_on_test(models, "previous", "accuracy") == pytest.approx(0.854, abs=0.001)
    assert score_on_test(models, "gaussian_nb", "accuracy") < 0.8


def test_an_isolation_forest_finds_the_shuttles_anomalies(tmp_path: Path) -> None:
    """PyOD's benchmark, 60 % to train and 40 % to test: AUC .9967."""
    _, models = run_spec(
        tmp_path,
        f"""
        experiment: shuttle
        task: anomaly
        data: {{source: csv, path: {shared("shuttle/shuttle.csv.gz")}, target: anomaly}}
        split: {{test: 0.4, folds: 2}}
        metrics: [roc_auc]
        models: {{isolation_forest: {{n_estimators: 100}}}}
        """,
    )
    assert score_on_test(models, "isolation_forest", "roc_auc") >= 0.99


def test_hard_voting_on_iris_scores_as_in_scikit_learns_guide(tmp_path: Path) -> None:
    """scikit-learn's user guide, section Voting Classifier: .95, .94, .91 and .95 over five folds of all rows."""
    place, _ = run_spec(
        tmp_path,
        """
        experiment: iris
        data: {source: sklearn, name: iris, features: [sepal width (cm), petal length (cm)]}
        split: {test: 0, folds: 5, shuffle: false}
        metrics: [accuracy]
        prepare: {numeric: {scale: none}}
        models:
          logistic_regression: {random_state: 1}
          random_forest: {n_estimators: 50, random_state: 1}
          gaussian_nb: {var_smoothing: 1.0e-9}
          committee: {family: voting, voting: hard, members: [logistic_regression, random_forest, gaussian_nb]}
        """,
    )
    means = {
        name: round(float(np.mean(trials_of(place, name)[0]["scores"]["accuracy"])), 2)
        for name in ("logistic_regression", "random_forest", "gaussian_nb", "committee")
    }
    assert list(means.values()) == [0.95, 0.94, 0.91, 0.95]


# -- scikit-learn's own scores ----------------------------------------------------------------------------------------


def test_scores_equal_those_of_plain_scikit_learn_on_the_same_folds(tmp_path: Path) -> None:
    place, models = run_spec(
        tmp_path,
        """
        experiment: cancer
        seed: 3
        data: {source: sklearn, name: breast_cancer, positive: malignant}
        metrics: [roc_auc, accuracy, log_loss]
        models:
          logistic_regression: {C: [0.1, 1.0], max_iter: 1000}
          forest: {family: random_forest, n_estimators: [5, 20], max_depth: 4}
        """,
    )
    ready = make_ready(tmp_path / "spec.yaml", (), None)
    bunch = load_breast_cancer()
    rows, truth = bunch.data, 1 - bunch.target  # scikit-learn's 0 is malignant
    with threadpool_limits(1):
        for trial in trials_of(place, "logistic_regression"):
            plain = make_pipeline(StandardScaler(), LogisticRegression(**trial["params"]))
            assert_equal(trial["scores"], [scores_of(plain, rows, truth, fold) for fold in ready.split.folds])
        for trial in trials_of(place, "forest"):
            scores = []
            for fold in ready.split.folds:
                seed = fit_seed(3, "forest", fold.repeat, fold.index)
                scores.append(
                    scores_of(RandomForestClassifier(**trial["params"], random_state=seed), rows, truth, fold)
                )
            assert_equal(trial["scores"], scores)
        best = make_pipeline(StandardScaler(), LogisticRegression(**models["logistic_regression"].params))
        final = scores_of(best, rows, truth, Fold(0, 0, ready.split.train, ready.split.test))
    for metric, value in final.items():
        assert score_on_test(models, "logistic_regression", metric) == pytest.approx(value, abs=1e-12)


def scores_of(estimator: Any, rows: Any, truth: Any, fold: Fold) -> dict[str, float]:
    """Return scikit-learn's own scores of an estimator that it fits on the fold."""
    fitted = estimator.fit(rows[fold.train], truth[fold.train])
    probabilities = fitted.predict_proba(rows[fold.valid])
    return {
        "roc_auc": roc_auc_score(truth[fold.valid], probabilities[:, 1]),
        "accuracy": accuracy_score(truth[fold.valid], fitted.predict(rows[fold.valid])),
        "log_loss": log_loss(truth[fold.valid], probabilities),
    }


def assert_equal(ours: Mapping[str, list[float]], theirs: list[dict[str, float]]) -> None:
    for metric, scores in ours.items():
        assert scores == pytest.approx([of_fold[metric] for of_fold in theirs], abs=1e-12)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield
