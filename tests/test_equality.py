"""The same spec gives the same bytes, wherever its fits run: in this process on arrays, in workers on mapped files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from in_process import Done, run, write_spec

ROWS = 240
IN_WORKERS = "search.timeout=300"  # a fit under a timeout never runs in this process

CLASSES = """
experiment: classes
data: {source: csv, path: table.csv, target: kind, types: {town: category}}
split: {folds: 2}
metrics: [accuracy, log_loss, f1_macro]
models:
  logistic_regression: {C: [0.1, 1]}
  ordinal: {family: logistic_regression, C: 1, prepare: {category: {encode: ordinal}}}
  target: {family: decision_tree, max_depth: 3, prepare: {category: {encode: target}}}
  gaussian_nb: {}
  lda: {}
  complement_nb: {alpha: [0.1, 1]}
  multinomial_nb: {alpha: [0.1, 1]}
  bernoulli_nb: {alpha: 1}
  k_nearest_neighbors: {n_neighbors: [3, 5], weights: [uniform, distance]}
  decision_tree: {max_leaf_nodes: [4, 8]}
  random_forest: {n_estimators: [3, 6]}
  extra_trees: {n_estimators: [3, 6]}
  adaboost: {n_estimators: 5}
  gradient_boosting: {n_estimators: [3, 6]}
  hist_gradient_boosting: {max_iter: [3, 6]}
  native: {family: hist_gradient_boosting, max_iter: [3, 6], prepare: {category: {encode: native}}}
  xgboost: {n_estimators: [3, 6]}
  xgboost_native: {family: xgboost, n_estimators: [3, 6], prepare: {category: {encode: native}}}
  linear_svm: {C: 1}
  rbf_svm: {C: [1, 10]}
  mlp: {hidden_layer_sizes: [[5]], max_iter: 20}
  bagging: {base: decision_tree, n_estimators: [2, 4]}
  voting: {members: [gaussian_nb, decision_tree, xgboost], voting: soft}
  stacking: {members: [gaussian_nb, decision_tree], meta: logistic_regression}
  of_ensembles: {family: voting, members: [voting, stacking, native]}
"""
NUMBERS = """
experiment: numbers
data: {source: csv, path: table.csv, target: price, drop: [kind], types: {town: category}}
split: {folds: 2}
metrics: [rmse, mae, r2]
models:
  linear_regression: {}
  ridge: {alpha: [0.1, 1]}
  lasso: {alpha: 0.1}
  elastic_net: {alpha: 0.1}
  k_nearest_neighbors: {n_neighbors: [3, 5]}
  decision_tree: {max_leaf_nodes: [4, 8], ccp_alpha: [0.0, 0.01]}
  random_forest: {n_estimators: [3, 6]}
  gradient_boosting: {n_estimators: [3, 6]}
  hist_gradient_boosting: {max_iter: [3, 6]}
  xgboost: {n_estimators: [3, 6]}
  rbf_svm: {C: 1}
  mlp: {hidden_layer_sizes: [[5]], max_iter: 20}
  voting: {members: [ridge, decision_tree]}
  stacking: {members: [ridge, decision_tree], meta: ridge}
"""
TEXTS = """
experiment: texts
data: {source: csv, path: texts.csv, target: about, text: [words]}
split: {folds: 2}
metrics: [accuracy, log_loss]
models:
  logistic_regression: {C: [0.1, 1]}
  counted: {family: logistic_regression, C: 1, prepare: {text: {encode: counts, ngrams: [1, 2]}}}
  hashed: {family: logistic_regression, C: 1, prepare: {text: {encode: hashing}}}
  multinomial_nb: {alpha: [0.1, 1]}
  complement_nb: {alpha: 1}
  bernoulli_nb: {alpha: 1}
  linear_svm: {C: 1}
  k_nearest_neighbors: {n_neighbors: [3, 5]}
  random_forest: {n_estimators: [3, 6]}
  xgboost: {n_estimators: [3, 6]}
  gaussian_nb: {}
  voting: {members: [logistic_regression, multinomial_nb], voting: soft}
"""
ANOMALIES = """
experiment: anomalies
task: anomaly
data: {source: csv, path: odd.csv, target: odd}
split: {folds: 2}
models:
  isolation_forest: {n_estimators: [5, 10]}
  local_outlier_factor: {n_neighbors: [5, 10]}
  knn_distance: {n_neighbors: [3, 5]}
  one_class_svm: {nu: [0.1, 0.2]}
  gaussian_mixture: {n_components: [1, 2]}
  kmeans_distance: {n_clusters: [2, 3]}
  autoencoder: {hidden_layer_sizes: [[2]], max_iter: 20}
"""
SPECS = {"classes": CLASSES, "numbers": NUMBERS, "texts": TEXTS, "anomalies": ANOMALIES}


def write_tables(folder: Path) -> None:
    """Write the tables of the specs: missing values, rare categories, words, odd rows."""
    draw = np.random.default_rng(0)
    size, age = draw.normal(size=ROWS), draw.integers(0, 80, ROWS).astype(float)
    kind = np.digitize(size + draw.normal(scale=0.5, size=ROWS), [-0.5, 0.5])
    towns = draw.choice(["here", "there", "far", "farther", "rare"], ROWS, p=[0.4, 0.3, 0.2, 0.09, 0.01])
    table = pl.DataFrame({"size": size, "age": age, "town": towns, "price": 3 * size + age / 10 + 20})
    some = pl.Series(draw.random(ROWS) < 0.1)
    table = table.with_columns(
        pl.when(~some).then("age"),
        pl.when(~some.reverse()).then("town"),
        kind=pl.Series(kind).replace_strict(dict(enumerate("abc"))),
    )
    table.write_csv(folder / "table.csv")
    words = [" ".join(draw.choice([f"word{number}" for number in range(60)], 12)) + f" topic{k % 2}x{k}" for k in kind]
    about = pl.Series(kind % 2).replace_strict({0: "no", 1: "yes"})
    pl.DataFrame({"words": words, "about": about}).write_csv(folder / "texts.csv")
    odd = draw.random(ROWS) < 0.1
    points = pl.DataFrame(draw.normal(size=(ROWS, 4)) * np.where(odd, 4.0, 1.0)[:, None], schema=["a", "b", "c", "d"])
    points.with_columns(odd=pl.Series(odd).cast(pl.Int8)).write_csv(folder / "odd.csv")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    """Every spec, run in this process."""
    found = {}
    for name, text in SPECS.items():
        folder = tmp_path_factory.mktemp(name)
        write_tables(folder)
        found[name] = run(write_spec(folder, text))
        assert found[name].pids == {os.getpid()}
        failed = {trial: reason for trial, reason in found[name].reasons.items() if reason != "done"}
        assert not failed, failed
    return found


def spec_of(done: Done) -> Path:
    assert done.folder is not None
    return done.folder.parents[2] / "spec.yaml"


def predictions(done: Done) -> dict[str, str]:
    assert done.folder is not None
    return {path.name: pl.read_parquet(path).write_json() for path in sorted((done.folder / "predictions").iterdir())}


@pytest.mark.parametrize("name", SPECS)
def test_a_worker_gives_the_bytes_that_this_process_gives(here: dict[str, Done], name: str) -> None:
    apart = run(spec_of(here[name]), IN_WORKERS, executor="joblib", jobs=1, no_cache=True)
    assert os.getpid() not in apart.pids
    assert apart.trials == here[name].trials
    assert predictions(apart) == predictions(here[name])


def test_the_scheduling_executor_gives_them_too(here: dict[str, Done]) -> None:
    again = run(spec_of(here["numbers"]), executor="joblib", jobs=2, no_cache=True)
    assert again.trials == here["numbers"].trials


@pytest.mark.parametrize("name", ["classes", "numbers"])
def test_each_trial_fitted_apart_gives_them_too(here: dict[str, Done], name: str) -> None:
    apart = run(spec_of(here[name]), no_sharing=True, no_cache=True)
    assert len(apart.begun) > len(here[name].begun)
    assert apart.trials == here[name].trials
    assert predictions(apart) == predictions(here[name])


@pytest.mark.parametrize("name", ["classes", "numbers", "texts"])
def test_a_committee_is_made_of_its_members_champions(here: dict[str, Done], name: str) -> None:
    """It costs no fit: what it took is what they took (run.json rounds to microseconds)."""
    seconds = {model["name"]: model["fit_seconds"] for model in here[name].record["models"]}
    members = {
        "classes": ("gaussian_nb", "decision_tree", "xgboost"),
        "numbers": ("ridge", "decision_tree"),
        "texts": ("logistic_regression", "multinomial_nb"),
    }
    taken = sum(seconds[member] for member in members[name])
    assert seconds["voting"] == pytest.approx(taken, abs=3e-6, rel=0)
