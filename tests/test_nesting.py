"""One fit answers for all smaller ensembles, whatever else its params say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_limits

from mlrun import catalog
from mlrun.estimator.nesting import nested_in
from mlrun.records import Params, TaskKind

if TYPE_CHECKING:
    from mlrun.records import Array

DRAWN = np.random.default_rng(0)
ROWS = DRAWN.normal(size=(150, 6))
NOISE = DRAWN.normal(size=150)
TRUTHS: Mapping[str, Any] = {
    "binary": (ROWS[:, 0] * ROWS[:, 1] + 0.5 * NOISE > 0).astype(np.int64),
    "multiclass": np.digitize(ROWS[:, 0] + 0.5 * NOISE, [-0.5, 0.5]),
    "regression": ROWS[:, 0] * ROWS[:, 1] + 0.5 * NOISE,
}
CASES: tuple[tuple[str, str, Params], ...] = (
    ("random_forest", "binary", {"bootstrap": False, "max_features": 0.5, "class_weight": "balanced"}),
    ("random_forest", "multiclass", {"max_samples": 0.5, "class_weight": "balanced_subsample"}),
    ("random_forest", "regression", {"criterion": "absolute_error", "max_depth": 3, "random_state": 5}),
    ("extra_trees", "multiclass", {"bootstrap": True, "max_leaf_nodes": 5}),
    ("bagging", "multiclass", {"max_features": 0.5, "bootstrap_features": True}),
    ("bagging", "regression", {"max_samples": 0.5, "bootstrap": False}),
    ("gradient_boosting", "binary", {"loss": "exponential", "subsample": 0.5}),
    ("gradient_boosting", "multiclass", {"n_iter_no_change": 2, "tol": 0.01, "learning_rate": 0.5}),
    ("gradient_boosting", "regression", {"loss": "huber", "max_features": 0.5, "ccp_alpha": 0.01}),
    ("gradient_boosting", "regression", {"loss": "quantile", "n_iter_no_change": 1, "subsample": 0.7, "init": "zero"}),
    ("hist_gradient_boosting", "binary", {"early_stopping": True, "n_iter_no_change": 2, "learning_rate": 0.5}),
    ("hist_gradient_boosting", "multiclass", {"early_stopping": True, "max_features": 0.5, "min_samples_leaf": 3}),
    ("hist_gradient_boosting", "regression", {"early_stopping": True, "validation_fraction": None, "tol": 0.1}),
    ("hist_gradient_boosting", "regression", {"loss": "quantile", "quantile": 0.9}),
    ("xgboost", "binary", {"subsample": 0.5, "colsample_bynode": 0.5}),
    ("xgboost", "multiclass", {"num_parallel_tree": 3, "subsample": 0.5, "tree_method": "exact"}),
    ("xgboost", "regression", {"objective": "reg:absoluteerror", "tree_method": "approx", "booster": "gbtree"}),
    ("xgboost", "regression", {"grow_policy": "lossguide", "max_leaves": 4, "base_score": 0.1}),
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


def fit(family: str, setting: str, params: Params) -> Any:
    task: TaskKind = "regression" if setting == "regression" else "classification"
    return catalog.find("models", family).build(params, 3, (), task).fit(ROWS, TRUTHS[setting])


def answers(estimator: Any) -> list[Array]:
    methods = ("predict", "predict_proba", "decision_function")
    return [getattr(estimator, method)(ROWS) for method in methods if hasattr(estimator, method)]


@pytest.mark.parametrize(("family", "setting", "params"), CASES)
def test_a_prefix_of_one_fit_is_the_smaller_fit_bit_for_bit(family: str, setting: str, params: Params) -> None:
    entry = catalog.find("models", family)
    (size,) = entry.nested.parameters
    trials = [{**params, size: count} for count in (1, 3, 4, 9, 20)]
    assert all(entry.nested.allowed(trial) for trial in trials)
    shared = fit(family, setting, entry.nested.widest(trials))
    for trial in trials:
        narrow, separate = entry.nested.restrict(shared, trial), fit(family, setting, trial)
        for ours, theirs in zip(answers(narrow), answers(separate), strict=True):
            assert_array_equal(ours, theirs)
        assert entry.curves is None or entry.curves(narrow) == entry.curves(separate)


def test_early_stopping_within_the_prefix_stops_it_too() -> None:
    params = {"n_iter_no_change": 1, "learning_rate": 1.0, "n_estimators": 200}
    shared = fit("gradient_boosting", "binary", params)
    assert shared.n_estimators_ < 100  # else this test says nothing
    narrow = catalog.find("models", "gradient_boosting").nested.restrict(shared, {**params, "n_estimators": 150})
    assert narrow.n_estimators_ == shared.n_estimators_


def test_a_bag_of_models_without_probabilities_is_nested_too() -> None:
    entry = catalog.find("models", "bagging")
    base = (("svm", catalog.find("models", "linear_svm").build({}, 0)),)
    shared, separate = (
        entry.build({"n_estimators": count}, 0, base).fit(ROWS, TRUTHS["multiclass"]) for count in (9, 4)
    )
    narrow = entry.nested.restrict(shared, {"n_estimators": 4})
    assert_array_equal(narrow.predict_proba(ROWS), separate.predict_proba(ROWS))
    assert_array_equal(narrow.estimators_samples_, separate.estimators_samples_)


@pytest.mark.parametrize(
    ("family", "params"),
    [
        ("random_forest", {"oob_score": True}),
        ("extra_trees", {"oob_score": True, "bootstrap": True}),
        ("bagging", {"oob_score": True}),
        ("xgboost", {"booster": "dart"}),
        ("xgboost", {"booster": "gblinear"}),
    ],
)
def test_what_is_of_the_whole_ensemble_is_not_shared(family: str, params: Params) -> None:
    assert not catalog.find("models", family).nested.allowed(params)


def test_a_size_that_is_not_given_is_the_librarys() -> None:
    nested = nested_in("size", default=10, restrict=lambda estimator, count: (estimator, count))
    assert nested.widest([{"size": 3}, {"size": None}, {}, {"size": 9}]) == {"size": None}
    assert nested.restrict("fitted", {}) == ("fitted", 10)
