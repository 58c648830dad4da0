"""Trees of every library as one kind of node: scikit-learn's, its histogram boosting's, xgboost's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlrun.graph.writing import ML, CannotWrite, Graph, Rows, Said

if TYPE_CHECKING:
    from mlrun.records import Array

Branch = Literal["BRANCH_LEQ", "BRANCH_LT"]


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree; every array has an entry a node, node 0 is the root.

    left: where a row goes that is at most (below, for xgboost) the threshold; −1 at a leaf. missing_left: where a row
    without a value goes. leaves: (nodes, targets) what a leaf adds. first: the target that its first column adds to.
    """

    left: Array
    right: Array
    feature: Array
    threshold: Array
    missing_left: Array
    leaves: Array
    first: int = 0


@dataclass(slots=True)
class Forest:
    """The attributes of ONNX's TreeEnsembleRegressor, gathered tree by tree."""

    treeids: list[int] = field(default_factory=list)
    nodeids: list[int] = field(default_factory=list)
    featureids: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    modes: list[str] = field(default_factory=list)
    truenodeids: list[int] = field(default_factory=list)
    falsenodeids: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    target_treeids: list[int] = field(default_factory=list)
    target_nodeids: list[int] = field(default_factory=list)
    target_ids: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)

    def add(self, tree: Tree, branch: Branch) -> None:
        number, count = (self.treeids[-1] + 1 if self.treeids else 0), len(tree.left)
        leaf = tree.left < 0
        self.treeids += [number] * count
        self.nodeids += range(count)
        self.featureids += np.where(leaf, 0, tree.feature).astype(int).tolist()
        self.values += np.where(leaf, 0.0, tree.threshold).astype(float).tolist()
        self.modes += np.where(leaf, "LEAF", branch).tolist()
        self.truenodeids += np.where(leaf, 0, tree.left).astype(int).tolist()
        self.falsenodeids += np.where(leaf, 0, tree.right).astype(int).tolist()
        self.missing += np.where(leaf, 0, tree.missing_left).astype(int).tolist()
        width = tree.leaves.shape[1]
        ends = np.flatnonzero(leaf)
        self.target_treeids += [number] * (len(ends) * width)
        self.target_nodeids += np.repeat(ends, width).tolist()
        self.target_ids += np.tile(np.arange(tree.first, tree.first + width), len(ends)).tolist()
        self.weights += tree.leaves[ends].astype(float).ravel().tolist()


def summed(graph: Graph, trees: Sequence[Tree], targets: int, matrix: str, branch: Branch = "BRANCH_LEQ") -> str:
    """Return (n, targets): what the leaves that rows come to add up to.

    Thresholds and leaves are float64; ONNX gives the sums as float32.
    """
    from onnx import numpy_helper

    forest = Forest()
    for tree in trees:
        forest.add(tree, branch)
    found = graph.node(
        "TreeEnsembleRegressor",
        matrix,
        domain=ML,
        n_targets=targets,
        aggregate_function="SUM",
        post_transform="NONE",
        nodes_treeids=forest.treeids,
        nodes_nodeids=forest.nodeids,
        nodes_featureids=forest.featureids,
        nodes_values_as_tensor=numpy_helper.from_array(np.array(forest.values, dtype=np.float64), "thresholds"),
        nodes_modes=forest.modes,
        nodes_truenodeids=forest.truenodeids,
        nodes_falsenodeids=forest.falsenodeids,
        nodes_missing_value_tracks_true=forest.missing,
        target_treeids=forest.target_treeids,
        target_nodeids=forest.target_nodeids,
        target_ids=forest.target_ids,
        target_weights_as_tensor=numpy_helper.from_array(np.array(forest.weights, dtype=np.float64), "leaves"),
    )
    return graph.cast(found, np.float64)


def rounded(graph: Graph, matrix: str) -> str:
    """Return values as float32 holds them, in float64: these libraries look at rows so."""
    return graph.cast(graph.cast(matrix, np.float32), np.float64)


# -- scikit-learn's trees ---------------------------------------------------------------------------------------------


def tree_of(estimator: Any, leaves: Array, first: int = 0, features: Any = None) -> Tree:
    """Return a tree of scikit-learn's; features: the columns that it was shown."""
    tree = estimator.tree_
    feature = tree.feature if features is None else np.asarray(features)[np.maximum(tree.feature, 0)]
    missing = np.asarray(tree.missing_go_to_left) if hasattr(tree, "missing_go_to_left") else np.zeros(tree.node_count)
    return Tree(tree.children_left, tree.children_right, feature, tree.threshold, missing, leaves, first)


def chances(estimator: Any) -> Array:
    """Return (nodes, classes) shares of classes."""
    value = estimator.tree_.value[:, 0, :]
    shares: Array = value / value.sum(axis=1, keepdims=True)
    return shares


def sklearn_trees(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write a tree, or the mean of a forest."""
    members = list(estimator.estimators_) if hasattr(estimator, "estimators_") else [estimator]
    matrix = rounded(graph, rows.matrix)
    count = np.array(float(len(members)))
    if not hasattr(estimator, "classes_"):
        trees = [tree_of(member, member.tree_.value[:, 0, :1]) for member in members]
        return Said(graph.flat(graph.node("Div", summed(graph, trees, 1, matrix), count)))
    trees = [tree_of(member, chances(member)) for member in members]
    probabilities = graph.node("Div", summed(graph, trees, len(estimator.classes_), matrix), count)
    return Said(graph.likeliest(probabilities, estimator.classes_), probabilities)


def isolation_forest(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write 2^(−depth / what chance gives), (n, 1) scores: sklearn.ensemble.IsolationForest."""
    trees = []
    for member, features in zip(estimator.estimators_, estimator.estimators_features_, strict=True):
        tree = member.tree_
        depths = tree.compute_node_depths() - 1.0 + average_path(tree.n_node_samples)
        trees.append(tree_of(member, np.asarray(depths).reshape(-1, 1), features=features))
    whole = len(trees) * float(average_path(np.array([estimator.max_samples_]))[0])
    if whole == 0:
        raise CannotWrite("each of its trees was grown from one row")
    depth = summed(graph, trees, 1, rounded(graph, rows.matrix))
    return Said("", scores=graph.node("Pow", np.array(2.0), graph.node("Div", depth, np.array(-whole))))


def average_path(rows: Array) -> Array:
    """Return the mean length of an unsuccessful search in a tree of so many rows (Liu, Ting, Zhou 2008, equation 1)."""
    n = np.maximum(np.asarray(rows, dtype=np.float64), 2)
    found: Array = 2.0 * (np.log(np.maximum(n - 1.0, 1)) + np.euler_gamma) - 2.0 * (n - 1.0) / n
    found = np.where(np.asarray(rows) == 2, 1.0, found)
    return np.where(np.asarray(rows) <= 1, 0.0, found)


# -- boosting ---------------------------------------------------------------------------------------------------------


def gradient_boosting(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write scikit-learn's gradient boosting; its start is the constant that it learned of the classes or numbers."""
    stages, targets = estimator.estimators_.shape
    trees = [
        tree_of(
            estimator.estimators_[stage, target], estimator.estimators_[stage, target].tree_.value[:, 0, :1], target
        )
        for stage in range(stages)
        for target in range(targets)
    ]
    anything = np.zeros((1, estimator.n_features_in_), dtype=np.float32)
    start = np.asarray(estimator._raw_predict_init(anything)).reshape(-1)  # noqa: SLF001 - a constant; equality is checked
    grown = graph.node(
        "Mul", summed(graph, trees, targets, rounded(graph, rows.matrix)), np.array(estimator.learning_rate)
    )
    raw = graph.node("Add", grown, start)
    if not hasattr(estimator, "classes_"):
        return Said(graph.flat(raw))
    if estimator.loss == "exponential":
        raw = graph.node("Mul", raw, np.array(2.0))
    return of_raw(graph, raw, targets, estimator.classes_, also_zero=True)


def hist_gradient_boosting(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write scikit-learn's boosting on histograms, of numbers alone."""
    if estimator.is_categorical_ is not None and np.any(estimator.is_categorical_):
        raise CannotWrite("it splits by sets of categories (`encode: native`)")
    trees = []
    for stage in estimator._predictors:  # noqa: SLF001 - there is no public door; equality is checked
        for target, predictor in enumerate(stage):
            nodes = predictor.nodes
            leaf = nodes["is_leaf"].astype(bool)
            left = np.where(leaf, -1, nodes["left"].astype(np.int64))
            tree = Tree(
                left,
                nodes["right"].astype(np.int64),
                nodes["feature_idx"],
                nodes["num_threshold"],
                nodes["missing_go_to_left"],
                nodes["value"].reshape(-1, 1),
                target,
            )
            trees.append(tree)
    start = np.asarray(estimator._baseline_prediction).reshape(-1)  # noqa: SLF001 - as above
    raw = graph.node("Add", summed(graph, trees, len(start), rows.matrix), start)
    if hasattr(estimator, "classes_"):
        return of_raw(graph, raw, len(start), estimator.classes_)
    return Said(graph.flat(graph.node("Exp", raw) if estimator.loss in ("poisson", "gamma") else raw))


def of_raw(graph: Graph, raw: str, targets: int, classes: Any, *, also_zero: bool = False) -> Said:
    """Return classes and probabilities of raw scores: logistic for two classes, else softmax."""
    if targets == 1:
        values = graph.positive(raw, classes, also_zero=also_zero)
        return Said(values, graph.both(graph.node("Sigmoid", raw)))
    return Said(graph.likeliest(raw, classes), graph.node("Softmax", raw, axis=1))


# -- xgboost ----------------------------------------------------------------------------------------------------------

EXPONENTIAL = ("reg:gamma", "reg:tweedie", "count:poisson")
IDENTITY = ("reg:squarederror", "reg:squaredlogerror", "reg:absoluteerror", "reg:pseudohubererror")


def xgboost(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write xgboost's trees from its own description of the model, of numbers alone."""
    model = json.loads(bytes(estimator.get_booster().save_raw("json")))["learner"]
    booster, weights = model["gradient_booster"], None
    if booster["name"] == "dart":
        weights, booster = booster["weight_drop"], booster["gbtree"]
    elif booster["name"] != "gbtree":
        raise CannotWrite(f"its booster is {booster['name']}, and only trees are known here")
    grown = booster["model"]
    objective = str(model["objective"]["name"])
    targets = max(1, int(model["learner_model_param"]["num_class"]))
    trees = [
        xgboost_tree(tree, int(target), 1.0 if weights is None else float(weights[number]))
        for number, (tree, target) in enumerate(zip(grown["trees"], grown["tree_info"], strict=True))
    ]
    start = start_of(str(model["learner_model_param"]["base_score"]), objective, targets)
    matrix = rounded(graph, rows.matrix)
    raw = graph.node("Add", summed(graph, trees, targets, matrix, "BRANCH_LT"), start)
    if hasattr(estimator, "classes_"):
        return of_raw(graph, raw, targets, estimator.classes_)
    if objective in EXPONENTIAL:
        return Said(graph.flat(graph.node("Exp", raw)))
    if objective in IDENTITY:
        return Said(graph.flat(raw))
    raise CannotWrite(f"its objective {objective} is not known here")


def xgboost_tree(tree: Any, target: int, weight: float) -> Tree:
    """Return a tree of xgboost's; a leaf's value stands where other nodes have their threshold."""
    if any(tree["split_type"]):
        raise CannotWrite("it splits by sets of categories (`encode: native`)")
    left = np.array(tree["left_children"])
    threshold = np.array(tree["split_conditions"], dtype=np.float32).astype(np.float64)
    return Tree(
        left,
        np.array(tree["right_children"]),
        np.array(tree["split_indices"]),
        threshold,
        np.array(tree["default_left"]),
        (threshold * weight).reshape(-1, 1),
        target,
    )


def start_of(written: str, objective: str, targets: int) -> Array:
    """Return (targets,) what the sums begin with; xgboost writes it as a prediction, not as a raw score."""
    given = np.array([float(part) for part in written.strip("[]").split(",")], dtype=np.float32).astype(np.float64)
    if objective == "binary:logistic":
        given = np.log(given / (1 - given))
    elif objective in EXPONENTIAL:
        given = np.log(given)
    return np.broadcast_to(given, (targets,)).copy()
