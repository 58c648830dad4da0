"""A loaded model's arrays against their bounds: compiled code follows them without looking."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mlrun.errors import DataError

LEAF = -1


def check_bounds(payload: Mapping[str, Any], path: str) -> None:
    """Raise DataError when a tree or an index of neighbours in a model points outside itself, or runs in a circle."""
    for part in parts_of(payload):
        name = type(part).__name__
        if name == "Tree" and hasattr(part, "children_left"):
            sound = is_sound_tree(part)
        elif hasattr(part, "_predictors"):
            trees = itertools.chain.from_iterable(part._predictors)  # noqa: SLF001 - there is no public door to them
            sound = all(is_sound_predictor(tree, part.n_features_in_) for tree in trees)
        elif name in ("KDTree", "BallTree"):
            sound = is_sound_index(part)
        else:
            continue
        if not sound:
            raise DataError(
                f"{path} is not loaded: a {name} in it points outside itself; the file is damaged or forged"
            )


def parts_of(whole: Any) -> Iterator[Any]:
    """Yield every object that a model is made of, each once; numbers, texts and plain arrays are passed over."""
    waiting, seen = [whole], set()
    while waiting:
        part = waiting.pop()
        if part is None or isinstance(part, (str, bytes, bool, int, float, np.generic)) or id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, np.ndarray):
            waiting.extend(part.ravel().tolist() if part.dtype == object else ())
        elif isinstance(part, Mapping):
            waiting.extend(part.values())
        elif isinstance(part, (list, tuple, set, frozenset)):
            waiting.extend(part)
        else:
            yield part
        waiting.extend(getattr(part, "__dict__", {}).values())


def is_sound_tree(tree: Any) -> bool:
    """Say whether a scikit-learn Tree has children after their parent, and features that exist."""
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    inner = left != LEAF
    if not np.array_equal(inner, right != LEAF):
        return False
    at = np.flatnonzero(inner)
    return (
        within(left[at], at, tree.node_count)
        and within(right[at], at, tree.node_count)
        and bool(((feature[at] >= 0) & (feature[at] < tree.n_features)).all())
    )


def within(children: Any, parents: Any, count: int) -> bool:
    """Say whether each child stands after its parent and before the end."""
    return bool(((children > parents) & (children < count)).all())


def is_sound_predictor(tree: Any, features: int) -> bool:
    """Say the same of a tree of histogram gradient boosting."""
    nodes = tree.nodes
    at = np.flatnonzero(nodes["is_leaf"] == 0)
    inner = nodes[at]
    parents, count = at.astype(np.int64), len(nodes)
    sets = inner["bitset_idx"][inner["is_categorical"] == 1]
    return (
        count > 0
        and within(inner["left"].astype(np.int64), parents, count)
        and within(inner["right"].astype(np.int64), parents, count)
        and bool(((inner["feature_idx"] >= 0) & (inner["feature_idx"] < features)).all())
        and bool((sets < min(len(tree.binned_left_cat_bitsets), len(tree.raw_left_cat_bitsets))).all())
    )


def is_sound_index(tree: Any) -> bool:
    """Say whether a KDTree or BallTree refers to rows and nodes that exist."""
    data, order, nodes, _ = (np.asarray(part) for part in tree.get_arrays())
    rows, count = len(data), len(nodes)
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    return (
        len(order) == rows
        and bool(((order >= 0) & (order < rows)).all())
        and bool(
            ((nodes["idx_start"] >= 0) & (nodes["idx_start"] <= nodes["idx_end"]) & (nodes["idx_end"] <= rows)).all()
        )
        and bool((2 * inner + 2 < count).all())
    )
