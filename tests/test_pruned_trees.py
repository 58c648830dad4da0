"""A smaller tree cut from a larger one is the tree that a fit of its own gives: node by node, number by number."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import sklearn.tree
from numpy.testing import assert_array_equal
from scipy import sparse
from threadpoolctl import threadpool_limits

from mlrun import catalog
from mlrun.plan import share_fits, widest
from mlrun.records import Params, TaskKind, Trial

if TYPE_CHECKING:
    from mlrun.records import Array

ENTRY = catalog.find("models", "decision_tree")
ROWS = 240
LEAVES = (2, 3, 9, 40, 500)
ALPHAS = (0.0, 0.001, 0.01, 0.2)
ALWAYS: tuple[Params, ...] = (
    {},
    {"max_features": 0.5},
    {"splitter": "random", "max_features": 2},
    {"max_depth": 4, "min_samples_leaf": 3},
    {"min_impurity_decrease": 0.002, "min_weight_fraction_leaf": 0.01},
)
CRITERIA = {
    "binary": ("gini", "entropy"),
    "multiclass": ("gini", "log_loss"),
    "regression": ("squared_error", "absolute_error", "poisson"),
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


def data(setting: str, rows: str, seed: int) -> tuple[Any, Array, dict[str, Array]]:
    """Return a matrix, its truth and what else a fit is given."""
    drawn = np.random.default_rng(seed)
    matrix: Any = drawn.normal(size=(ROWS, 5))
    matrix[:, 3] = drawn.integers(0, 3, ROWS)
    signal = matrix[:, 0] * matrix[:, 1] + 0.5 * drawn.normal(size=ROWS)
    truths = {"binary": signal > 0, "multiclass": np.digitize(signal, [-0.5, 0.5]), "regression": np.abs(signal)}
    if rows == "tied":
        matrix = np.round(matrix)[drawn.integers(0, ROWS // 2, ROWS)]
    if rows == "missing":
        matrix[drawn.random(matrix.shape) < 0.1] = np.nan
    if rows == "sparse":
        matrix = sparse.csr_matrix(np.round(matrix))
    weights = {"sample_weight": drawn.uniform(0.2, 2.0, ROWS)} if rows == "weighted" else {}
    return matrix, truths[setting].astype(np.float64 if setting == "regression" else np.int64), weights


def fit(setting: str, params: Params, rows: tuple[Any, Array, dict[str, Array]], seed: int) -> Any:
    task: TaskKind = "regression" if setting == "regression" else "classification"
    matrix, truth, weights = rows
    return ENTRY.build(params, seed, (), task).fit(matrix, truth, **weights)


def assert_same_tree(ours: Any, theirs: Any) -> None:
    assert ours.get_params() == theirs.get_params()
    assert vars(ours).keys() == vars(theirs).keys()
    mine, own = ours.tree_, theirs.tree_
    for fact in ("node_count", "n_leaves", "max_depth", "n_classes", "n_outputs"):
        assert_array_equal(getattr(mine, fact), getattr(own, fact), err_msg=fact)
    first, second = mine.__getstate__(), own.__getstate__()
    assert_array_equal(first["values"], second["values"])
    for field in first["nodes"].dtype.names:
        assert_array_equal(first["nodes"][field], second["nodes"][field], err_msg=field)


@pytest.mark.parametrize("always", ALWAYS, ids=lambda params: "-".join(params) or "plain")
@pytest.mark.parametrize("rows", ["plain", "weighted", "tied", "missing", "sparse"])
@pytest.mark.parametrize("setting", CRITERIA)
def test_fewer_leaves_and_stronger_pruning_are_cut_from_one_tree(setting: str, rows: str, always: Params) -> None:
    for seed, criterion in enumerate(CRITERIA[setting]):
        if rows == "missing" and criterion == "absolute_error":  # which scikit-learn refuses
            continue
        matrix = data(setting, rows, seed)
        balanced = {"class_weight": "balanced"} if setting == "multiclass" else {}
        fixed = {**always, **balanced, "criterion": criterion}
        for leaves in ((None,), LEAVES):
            many = [{**fixed, "max_leaf_nodes": leaf, "ccp_alpha": alpha} for leaf in leaves for alpha in ALPHAS]
            shared = fit(setting, ENTRY.nested.widest(many), matrix, seed)
            before = shared.tree_.__getstate__()
            for params in many:
                narrow = ENTRY.nested.restrict(shared, params)
                assert_same_tree(narrow, fit(setting, params, matrix, seed))
            assert_array_equal(shared.tree_.__getstate__()["nodes"], before["nodes"])


def test_a_cut_tree_predicts_explains_and_travels_as_one_of_its_own() -> None:
    matrix = data("multiclass", "plain", 0)
    narrow = ENTRY.nested.restrict(fit("multiclass", {"max_leaf_nodes": 60}, matrix, 0), {"max_leaf_nodes": 7})
    separate = fit("multiclass", {"max_leaf_nodes": 7}, matrix, 0)
    for tree in (narrow, pickle.loads(pickle.dumps(narrow))):  # noqa: S301 - our own
        assert_array_equal(tree.predict_proba(matrix[0]), separate.predict_proba(matrix[0]))
        assert_array_equal(tree.apply(matrix[0]), separate.apply(matrix[0]))
        assert_array_equal(tree.feature_importances_, separate.feature_importances_)
        assert tree.get_n_leaves() == separate.get_n_leaves() == 7
        assert tree.get_depth() == separate.get_depth()


def groups(grid: list[dict[str, Any]]) -> list[list[Mapping[str, Any]]]:
    trials = [Trial(f"tree/{number:04d}", "tree", "decision_tree", params) for number, params in enumerate(grid)]
    return [[dict(trial.params) for trial in group] for group in share_fits(ENTRY, trials)]


def test_a_tree_without_a_number_of_leaves_is_not_cut_from_one_with() -> None:
    grid: list[dict[str, Any]] = [{"max_leaf_nodes": 5}, {"max_leaf_nodes": None}, {"max_leaf_nodes": 9}, {}]
    assert groups(grid) == [[grid[0], grid[2]], [grid[1], grid[3]]]


def test_the_tree_that_is_fitted_is_the_largest_and_not_pruned() -> None:
    grid = [{"max_leaf_nodes": 5, "ccp_alpha": 0.01}, {"max_leaf_nodes": 9, "ccp_alpha": 0.1}]
    trials = [Trial(f"tree/{number:04d}", "tree", "decision_tree", params) for number, params in enumerate(grid)]
    (together,) = share_fits(ENTRY, trials)
    assert widest(ENTRY, together) == {"max_leaf_nodes": 9, "ccp_alpha": 0.0}


def test_where_scikit_learn_prunes_otherwise_pruned_trees_are_fitted_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    grid: list[dict[str, Any]] = [{"ccp_alpha": 0.1}, {"ccp_alpha": 0.01}, {"ccp_alpha": 0.0}, {}]
    assert groups(grid) == [grid]
    monkeypatch.delattr(sklearn.tree.BaseDecisionTree, "_prune_tree")
    assert groups(grid) == [[grid[0]], [grid[1]], [grid[2], grid[3]]]
