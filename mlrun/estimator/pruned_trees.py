"""How one decision tree answers for the smaller ones that are part of it: fewer leaves, stronger pruning."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlrun.contracts import Estimator, Nested
from mlrun.estimator.hyperparameters import given
from mlrun.records import Params

if TYPE_CHECKING:
    from mlrun.records import Array

NO_NODE, NO_FEATURE = -1, -2  # what scikit-learn writes in leaves, for children and for feature and threshold


def smaller_trees() -> Nested:
    """Return the contract of a decision tree: the largest is grown, cut to its first splits, then pruned.

    With max_leaf_nodes a tree grows by its best split first, and draws its random numbers when a node is split: the
    tree of m leaves is the first m - 1 splits of any larger one. Without it, it grows in depth, which is another
    tree: the two are fitted apart. Pruning begins once a tree has grown, so that ccp_alpha plays no part before.

    Source: Breiman, Friedman, Olshen, Stone (1984), Classification and Regression Trees, section 3.3, for pruning.
    """
    return Nested(
        parameters=("max_leaf_nodes", "ccp_alpha"),
        widest=largest,
        restrict=restrict,
        allowed=can_prune,
        apart=lambda params: given(params, "max_leaf_nodes", None) is None,
    )


def largest(many: Sequence[Params]) -> Params:
    """Return the params of the tree of most leaves, not pruned."""
    widest = max(many, key=lambda params: given(params, "max_leaf_nodes", None) or 0)
    return {**widest, "ccp_alpha": 0.0} if "ccp_alpha" in widest else widest


def restrict(estimator: Estimator, params: Params) -> Estimator:
    """Return the tree that a fit with these params would have given."""
    leaves, alpha = given(params, "max_leaf_nodes", None), given(params, "ccp_alpha", 0.0)
    narrow = copy.copy(estimator).set_params(max_leaf_nodes=leaves, ccp_alpha=alpha)
    if leaves is not None:
        narrow.tree_ = first_splits(estimator, leaves - 1)
    narrow._prune_tree()  # noqa: SLF001 - a private step of scikit-learn's fit; held by can_prune and a test of equality
    return narrow


def can_prune(params: Params) -> bool:
    """Say whether a tree of these params can be had from a larger one: pruning is a private step of scikit-learn."""
    if not given(params, "ccp_alpha", 0.0):
        return True
    from sklearn.tree import DecisionTreeClassifier

    return hasattr(DecisionTreeClassifier, "_prune_tree")


def first_splits(estimator: Estimator, splits: int) -> Any:
    """Return the tree after its first splits: each made the two nodes that come next."""
    tree = estimator.tree_
    count = 2 * splits + 1
    if tree.node_count <= count:
        return tree
    make, (features, classes, outputs), state = tree.__reduce__()
    nodes = state["nodes"][:count].copy()
    unsplit = nodes["left_child"] >= count
    for field, nothing in (("left_child", NO_NODE), ("right_child", NO_NODE), ("feature", NO_FEATURE)):
        nodes[field][unsplit] = nothing
    nodes["threshold"][unsplit] = NO_FEATURE
    cut = make(features, classes, outputs)
    cut.__setstate__(
        {"max_depth": depth_of(nodes), "node_count": count, "nodes": nodes, "values": state["values"][:count].copy()}
    )
    return cut


def depth_of(nodes: Array) -> int:
    """Return the number of splits on the longest way from the root to a leaf."""
    import numpy as np

    depth, level = -1, np.zeros(1, dtype=np.intp)
    while len(level):
        depth += 1
        split = level[nodes["left_child"][level] != NO_NODE]
        level = np.concatenate([nodes["left_child"][split], nodes["right_child"][split]])
    return depth
