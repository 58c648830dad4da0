"""A whole model takes a table; made of several it is scikit-learn's ensemble of the same pipelines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import IsolationForest, StackingClassifier, StackingRegressor, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from mlrun import catalog
from mlrun.pipelines import Blueprint, Pipeline, build, find_family, fit_estimator, predict_rows
from mlrun.recipes import Recipe, recipe_for
from mlrun.records import Column, Task, TaskKind
from mlrun.spec import PrepareSpec

ROWS = 120
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(ROWS, 3)) * [1, 10, 100]
TRUTH = (NUMBERS[:, 0] + NUMBERS[:, 1] / 10 + RNG.normal(size=ROWS) > 0).astype(np.int64)
AMOUNTS = NUMBERS[:, 0] * 3 + RNG.normal(size=ROWS)
NUMBERS[::10, 1] = np.nan
TABLE = pl.DataFrame(NUMBERS, schema=["a", "b", "c"]).fill_nan(None)
WEIGHTS = RNG.integers(1, 4, ROWS).astype(float)
TWO, NUMBER = Task("classification", ("no", "yes")), Task("regression")


def recipe(family: str, task: TaskKind = "classification") -> Recipe:
    columns = tuple(Column(name, "numeric", "Float64") for name in TABLE.columns)
    return recipe_for(catalog.find("models", family), PrepareSpec(), columns, task)


def plan(name: str, family: str, task: Task = TWO, /, **params: Any) -> Blueprint:
    return Blueprint(name, family, params, recipe(family, task.kind), task)


def ensemble(family: str, members: tuple[Blueprint, ...], task: Task = TWO, **more: Any) -> Any:
    params = more.pop("params", {})
    return build(Blueprint("e", family, params, None, task, members=members, **more), lambda model: 7)


def scaled(estimator: Any) -> Any:
    return make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), estimator)


def filled(estimator: Any) -> Any:
    return make_pipeline(SimpleImputer(strategy="median"), estimator)


# -- one model ---------------------------------------------------------------------------------------------------------


def test_a_pipeline_is_scikit_learns_pipeline() -> None:
    ours = Pipeline(recipe("logistic_regression"), LogisticRegression(), 0, "logistic_regression").fit(TABLE, TRUTH)
    theirs = scaled(LogisticRegression()).fit(NUMBERS, TRUTH)
    assert_array_equal(ours.predict_proba(TABLE), theirs.predict_proba(NUMBERS))
    assert_array_equal(clone(ours).fit(TABLE, TRUTH).predict(TABLE), theirs.predict(NUMBERS))


def test_a_pipeline_has_the_methods_of_its_estimator_and_no_others() -> None:
    tree = Pipeline(recipe("decision_tree"), DecisionTreeClassifier())
    assert hasattr(tree, "predict_proba")
    assert not hasattr(tree, "decision_function")
    assert not hasattr(Pipeline(recipe("ridge", "regression"), Ridge()), "predict_proba")


def test_weights_are_left_out_where_a_family_takes_none() -> None:
    neighbours = Pipeline(recipe("k_nearest_neighbors"), KNeighborsClassifier(), 0, "k_nearest_neighbors")
    plain = scaled(KNeighborsClassifier()).fit(NUMBERS, TRUTH)
    assert_array_equal(neighbours.fit(TABLE, TRUTH, WEIGHTS).predict_proba(TABLE), plain.predict_proba(NUMBERS))
    bayes = Pipeline(recipe("gaussian_nb"), GaussianNB(), 0, "gaussian_nb").fit(TABLE, TRUTH, WEIGHTS)
    matrix = SimpleImputer(strategy="median").fit_transform(NUMBERS)
    assert_array_equal(bayes.predict_proba(TABLE), GaussianNB().fit(matrix, TRUTH, WEIGHTS).predict_proba(matrix))


def test_anomaly_families_are_given_weights_and_no_truth() -> None:
    matrix = np.nan_to_num(NUMBERS)
    ours = fit_estimator(IsolationForest(random_state=0), matrix, None, WEIGHTS)
    theirs = IsolationForest(random_state=0).fit(matrix, sample_weight=WEIGHTS)
    assert_array_equal(ours.score_samples(matrix), theirs.score_samples(matrix))


# -- ensembles ---------------------------------------------------------------------------------------------------------


def test_stacking_is_scikit_learns_of_the_same_pipelines() -> None:
    members = (plan("tree", "decision_tree", max_depth=3), plan("logistic", "logistic_regression", C=0.1))
    meta = Blueprint("e:meta", "logistic_regression", {"C": 2.0}, None, TWO)
    ours = ensemble("stacking", members, meta=meta).fit(TABLE, TRUTH)
    theirs = StackingClassifier(
        [
            ("tree", filled(DecisionTreeClassifier(max_depth=3, random_state=7))),
            ("logistic", scaled(LogisticRegression(C=0.1))),
        ],
        LogisticRegression(C=2.0),
    ).fit(NUMBERS, TRUTH)
    assert_array_equal(ours.predict_proba(TABLE), theirs.predict_proba(NUMBERS))


def test_weights_reach_the_members_and_the_last_model_of_a_stack() -> None:
    members = (plan("bayes", "gaussian_nb"), plan("near", "k_nearest_neighbors"))
    plain, weighted = (
        ensemble("stacking", members).fit(TABLE, TRUTH, **more) for more in ({}, {"sample_weight": WEIGHTS})
    )
    assert not np.array_equal(plain.predict_proba(TABLE), weighted.predict_proba(TABLE))


def test_stacking_numbers_is_scikit_learns_too() -> None:
    members = (plan("tree", "decision_tree", NUMBER, max_depth=3), plan("ridge", "ridge", NUMBER, alpha=0.5))
    ours = ensemble("stacking", members, NUMBER).fit(TABLE, AMOUNTS)
    theirs = StackingRegressor(
        [("tree", filled(DecisionTreeRegressor(max_depth=3, random_state=7))), ("ridge", scaled(Ridge(alpha=0.5)))]
    ).fit(NUMBERS, AMOUNTS)
    assert_array_equal(ours.predict(TABLE), theirs.predict(NUMBERS))


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_voting_is_scikit_learns_of_the_same_pipelines(voting: str) -> None:
    members = (plan("b", "gaussian_nb"), plan("l", "logistic_regression"), plan("t", "decision_tree", max_depth=2))
    ours = ensemble("voting", members, params={"voting": voting, "weights": (1, 2, 4)}).fit(TABLE, TRUTH)
    theirs = VotingClassifier(
        [
            ("b", filled(GaussianNB())),
            ("l", scaled(LogisticRegression())),
            ("t", filled(DecisionTreeClassifier(max_depth=2, random_state=7))),
        ],
        voting=voting,
        weights=(1, 2, 4),
    ).fit(NUMBERS, TRUTH)
    assert_array_equal(ours.predict(TABLE), theirs.predict(NUMBERS))
    if voting == "soft":
        assert_array_equal(ours.predict_proba(TABLE), theirs.predict_proba(NUMBERS))


def test_each_member_has_the_seed_of_its_own_name_and_the_prepare_seed() -> None:
    members = (plan("one", "random_forest"), plan("two", "random_forest"))
    blueprint = Blueprint("e", "voting", {}, None, TWO, members=members)
    built = build(blueprint, {"e": 0, "one": 11, "two": 22}.__getitem__, prepare_seed=5)
    assert [member.estimator.random_state for member in built.members] == [11, 22]
    assert [member.seed for member in built.members] == [5, 5]


def test_what_bagging_is_made_of_stands_on_baggings_own_matrix() -> None:
    base = plan("tree", "decision_tree", max_depth=2)
    bag = Blueprint("bag", "bagging", {"n_estimators": 3}, recipe("bagging"), TWO, members=(base,))
    assert type(build(bag, lambda model: 0).estimator).__name__ == "DecisionTreeClassifier"


# -- what models say ---------------------------------------------------------------------------------------------------


class Speaker:
    """Says what a test wants to hear."""

    def __init__(self, values: Any, probabilities: Any = None, classes: Any = (0, 1)) -> None:
        self.values, self.classes_ = values, classes
        if probabilities is not None:
            self.predict_proba = lambda rows: probabilities

    def predict(self, rows: Any) -> Any:  # noqa: ARG002
        return self.values


def test_a_class_that_a_fold_lacks_has_probability_zero() -> None:
    task = Task("classification", ("a", "b", "c"))
    blueprint = Blueprint("m", "gaussian_nb", {}, None, task)
    said = predict_rows(Speaker([2, 0], np.array([[0.1, 0.9], [0.8, 0.2]]), (0, 2)), np.zeros((2, 1)), blueprint)
    assert_array_equal(said.probabilities, [[0.1, 0, 0.9], [0.8, 0, 0.2]])


@pytest.mark.parametrize(
    ("values", "told"),
    [([1.0, np.nan], "not finite"), ([1.0], "1 predictions for 2 rows"), ([np.inf, 0], "not finite")],
)
def test_predictions_that_cannot_be_are_the_fits_failure(values: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        predict_rows(Speaker(values), np.zeros((2, 1)), Blueprint("m", "ridge", {}, None, NUMBER))


def test_a_users_build_may_be_as_short_as_params_and_seed(tmp_path: Path) -> None:
    (tmp_path / "own_pipelines.py").write_text(
        "from sklearn.tree import DecisionTreeClassifier\n"
        "def build(params, seed):\n    return DecisionTreeClassifier(**params, random_state=seed)\n"
    )
    entry = find_family("own_pipelines:build", str(tmp_path))
    assert entry.hyperparameters is None
    assert entry.simplicity_rank == 99
    mine = Blueprint("m", "own_pipelines:build", {"max_depth": 3}, None, TWO, str(tmp_path))
    built = build(mine, lambda model: 4)
    assert (built.max_depth, built.random_state) == (3, 4)
