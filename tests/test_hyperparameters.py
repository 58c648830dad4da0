"""What may be written in a spec for a family, and what is refused before anything is fitted."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest

from mlrun import catalog
from mlrun.estimator.hyperparameters import arguments, optional, share
from mlrun.kinds import ByTask, OneOf
from mlrun.records import Params

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROWS = np.random.default_rng(0).normal(size=(40, 3))
CODES = (ROWS[:, 0] > 0).astype(np.int64)


def test_a_share_is_a_fraction_or_a_count() -> None:
    admitted = [value for value in (0, 1, 5, 0.0, 0.5, 1.0, 1.5, True, None, "all") if share().admits(value)]
    assert admitted == [1, 5, 0.5, 1.0]


def test_params_overrule_what_is_always_passed_and_mappings_become_dicts() -> None:
    found = arguments(MappingProxyType({"random_state": 3, "class_weight": MappingProxyType({0: 1.0})}), random_state=9)
    assert found == {"random_state": 3, "class_weight": {0: 1.0}}
    assert type(found["class_weight"]) is dict


def test_a_kind_by_task_admits_what_any_task_does_and_says_which() -> None:
    kind = ByTask(classification=OneOf("gini"), regression=optional(OneOf("poisson")))
    assert kind.admits("gini")
    assert kind.admits(None)
    assert not kind.admits("entropy")
    assert kind.of("classification") == OneOf("gini")
    assert kind.of("anomaly") is None
    assert str(kind) == "gini (classification), or poisson, or null (regression)"


def test_a_family_has_only_the_parameters_of_its_task() -> None:
    forest = catalog.find("models", "random_forest")
    assert "class_weight" in forest.kinds("classification")
    assert "class_weight" not in forest.kinds("regression")
    assert forest.kinds("regression")["criterion"].admits("poisson")
    assert not forest.kinds("regression")["criterion"].admits("gini")


@pytest.mark.parametrize(
    ("family", "params", "said"),
    [
        ("logistic_regression", {"l1_ratio": 0.5}, "use saga"),
        ("logistic_regression", {"l1_ratio": 0.5, "solver": "liblinear"}, "use saga"),
        ("logistic_regression", {"l1_ratio": 1}, "liblinear or saga"),
        ("logistic_regression", {"dual": True}, "liblinear"),
        ("lda", {"shrinkage": 0.1}, "solver: lsqr"),
        ("ridge", {"positive": True, "solver": "svd"}, "use lbfgs"),
        ("ridge", {"solver": "lbfgs"}, "positive"),
        ("linear_svm", {"penalty": "l1", "loss": "hinge"}, "squared_hinge"),
        ("linear_svm", {"penalty": "l1", "dual": True}, "dual: false"),
        ("linear_svm", {"loss": "hinge", "dual": False}, "dual: true"),
        ("random_forest", {"bootstrap": False, "oob_score": True}, "bootstrap: true"),
        ("extra_trees", {"max_samples": 0.5}, "bootstrap: true"),
        ("hist_gradient_boosting", {"loss": "quantile"}, "add quantile"),
        ("bagging", {"bootstrap": False, "oob_score": True}, "bootstrap: true"),
    ],
)
def test_params_that_cannot_go_together_are_told_with_the_way_out(family: str, params: Params, said: str) -> None:
    """Each of them is refused by scikit-learn too, only later, and once for every fold."""
    entry = catalog.find("models", family)
    assert said in entry.check(params)
    task = "regression" if "quantile" in said else entry.tasks[0]
    with pytest.raises((ValueError, TypeError, NotImplementedError)):
        entry.build(params, 0, (), task).fit(ROWS, CODES)


@pytest.mark.parametrize(
    "params",
    [
        {"l1_ratio": 0.5, "solver": "saga"},
        {"l1_ratio": 1.0, "solver": "liblinear"},
        {"l1_ratio": 1.0, "solver": "saga"},
        {"l1_ratio": 0.0},
        {"dual": True, "solver": "liblinear"},
    ],
)
def test_logistic_regression_takes_the_mixes_that_its_solver_can(params: Params) -> None:
    entry = catalog.find("models", "logistic_regression")
    assert entry.check(params) is None
    entry.build(params, 0).fit(ROWS, CODES)


def test_an_l1_penalty_leaves_features_out() -> None:
    entry = catalog.find("models", "logistic_regression")
    lasso = entry.build({"l1_ratio": 1.0, "solver": "liblinear", "C": 0.1}, 0).fit(ROWS, CODES)
    ridge = entry.build({"C": 0.1}, 0).fit(ROWS, CODES)
    assert (lasso.coef_ == 0).sum() == 2
    assert (ridge.coef_ != 0).all()


def test_the_base_of_an_ensemble_is_the_model_named() -> None:
    stump = (("stump", catalog.find("models", "decision_tree").build({"max_depth": 1}, 0)),)
    for name in ("bagging", "adaboost"):
        fitted = catalog.find("models", name).build({"n_estimators": 3}, 0, stump).fit(ROWS, CODES)
        assert max(tree.get_depth() for tree in fitted.estimators_) == 1
