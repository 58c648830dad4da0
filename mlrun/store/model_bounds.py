"""A loaded model's arrays against their bounds: compiled code follows them without looking."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from mlrun.errors import DataError

LEAF = -1
BITSET_WORDS = 8  # of 32 bits: 256 categories


def check_bounds(payload: Mapping[str, Any], path: str) -> None:
    """Raise DataError when a part of a model points outside itself, runs in a circle, or has lost its other half.

    What compiled code reads without looking: trees, histogram boosting, indexes of neighbours, support vector machines,
    sparse matrices. xgboost reads its own format; that cannot be looked through from here.
    """
    for part in parts_of(payload):
        for is_such, is_sound in PARTS:
            if is_such(part) and not is_sound(part):
                name = type(part).__name__
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


def is_tree(part: Any) -> bool:
    return type(part).__name__ == "Tree" and hasattr(part, "children_left")


def is_sound_tree(tree: Any) -> bool:
    """Say whether a scikit-learn Tree has a root, children after their parent, and features that exist."""
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    inner = left != LEAF
    if tree.node_count < 1 or not np.array_equal(inner, right != LEAF):
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


def has_tree(part: Any) -> bool:
    return "tree_" in vars_of(part)


def has_sound_tree(owner: Any) -> bool:
    """Say whether a tree reads as many columns as its estimator checks that there are."""
    return is_tree(owner.tree_) and columns_of(owner) == owner.tree_.n_features


def has_trees(part: Any) -> bool:
    """Say whether an ensemble hands its trees rows that they do not look at again: boosting, isolation forests."""
    return "estimators_" in vars_of(part) and not {"init_", "_decision_path_lengths"}.isdisjoint(vars_of(part))


def has_sound_trees(ensemble: Any) -> bool:
    """Say whether each tree of an ensemble reads the columns that it will be handed."""
    members = np.asarray(ensemble.estimators_, dtype=object)
    if "init_" in vars_of(ensemble) and members.shape[1:] != (ensemble.n_trees_per_iteration_,):
        return False
    columns = itertools.repeat(range(columns_of(ensemble)))
    given = ensemble.estimators_features_ if "estimators_features_" in vars_of(ensemble) else columns
    return all(
        columns_of(member) == len(chosen) for member, chosen in zip(members.ravel().tolist(), given, strict=False)
    )


def is_boosting(part: Any) -> bool:
    return "_predictors" in vars_of(part)


def is_sound_boosting(model: Any) -> bool:
    """Say whether histogram gradient boosting knows a kind for each column, and its trees stay within them."""
    categories = np.asarray(model._bin_mapper.is_categorical_)  # noqa: SLF001 - there is no public door to them
    trees = itertools.chain.from_iterable(model._predictors)  # noqa: SLF001 - nor to these
    return categories.shape == (columns_of(model),) and all(is_sound_predictor(tree, categories) for tree in trees)


def is_sound_predictor(tree: Any, categories: Any) -> bool:
    """Say whether a tree of histogram gradient boosting refers to nodes, columns and categories that exist."""
    nodes = tree.nodes
    at = np.flatnonzero(nodes["is_leaf"] == 0)
    inner = nodes[at]
    parents, count, columns = at.astype(np.int64), len(nodes), inner["feature_idx"]
    if count < 1 or not bool(((columns >= 0) & (columns < len(categories))).all()):
        return False
    of_category = inner["is_categorical"] != 0
    binned, raw = tree.binned_left_cat_bitsets, tree.raw_left_cat_bitsets
    return (
        within(inner["left"].astype(np.int64), parents, count)
        and within(inner["right"].astype(np.int64), parents, count)
        and bool((inner["bitset_idx"][of_category] < min(len(binned), len(raw))).all())
        and bool(categories[columns[of_category]].all())
        and binned.shape[1] == raw.shape[1] == BITSET_WORDS
    )


def is_index(part: Any) -> bool:
    return type(part).__name__ in ("KDTree", "BallTree")


def is_sound_index(tree: Any) -> bool:
    """Say whether a KDTree or BallTree refers to rows and nodes that exist, and each of them has its bounds."""
    data, order, nodes, bounds = (np.asarray(part) for part in tree.get_arrays())
    rows, count = len(data), len(nodes)
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    metric = next(part for part in tree.__getstate__() if type(part).__name__.startswith(METRICS))
    weights = np.asarray(metric.__getstate__()[1])
    return (
        min(rows, count) > 0
        and bounds.shape == (1 if type(tree).__name__ == "BallTree" else 2, count, data.shape[1])
        and len(order) == rows
        and bool(((order >= 0) & (order < rows)).all())
        and bool(
            ((nodes["idx_start"] >= 0) & (nodes["idx_start"] <= nodes["idx_end"]) & (nodes["idx_end"] <= rows)).all()
        )
        and bool((2 * inner + 2 < count).all())
        and (type(metric).__name__ != "MinkowskiDistance64" or len(weights) in (0, data.shape[1]))
    )


def is_machine(part: Any) -> bool:
    return "_n_support" in vars_of(part)


def is_sound_machine(machine: Any) -> bool:
    """Say whether a support vector machine has a coefficient, an intercept and a count for each that libsvm reads."""
    vectors, counts = machine.support_vectors_, np.asarray(machine._n_support)  # noqa: SLF001 - libsvm reads it
    classes, rows = len(counts), vectors.shape[0]
    pairs = classes * (classes - 1) // 2
    odds = {len(machine._probA), len(machine._probB)}  # noqa: SLF001 - as above
    classified = "classes_" in vars_of(machine)
    return (
        not {"_impl", "_sparse_kernels"} & vars_of(machine).keys()
        and machine.kernel in ("linear", "poly", "rbf", "sigmoid")
        and classes >= 2
        and machine._dual_coef_.shape == (classes - 1, rows)
        and getattr(machine._dual_coef_, "nnz", (classes - 1) * rows) == (classes - 1) * rows
        and machine._intercept_.shape == (pairs,)
        and odds <= {0, pairs}
        and machine.support_.shape == (rows,)
        and vectors.shape[1] == columns_of(machine)
        and (not classified or (len(machine.classes_) == classes and bool((counts >= 0).all())))
        and (not classified or int(counts.sum()) == rows)
    )


def is_sparse(part: Any) -> bool:
    return type(part).__name__ in ("csr_matrix", "csr_array")


def is_sound_sparse(matrix: Any) -> bool:
    """Say whether the columns that a sparse matrix names exist."""
    try:
        matrix.check_format(full_check=True)
    except (ValueError, TypeError):
        return False
    return True


def vars_of(part: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = getattr(part, "__dict__", {})
    return found


def columns_of(estimator: Any) -> int:
    """Return how many columns an estimator checks that it is given; -1 where it would check nothing."""
    known = vars_of(estimator)
    return int(known["n_features_in_"]) if "n_features_in_" in known else -1


METRICS = ("Canberra", "Chebyshev", "Euclidean", "Hamming", "Manhattan", "Minkowski")
PARTS: tuple[tuple[Callable[[Any], bool], Callable[[Any], bool]], ...] = (
    (is_tree, is_sound_tree),
    (has_tree, has_sound_tree),
    (has_trees, has_sound_trees),
    (is_boosting, is_sound_boosting),
    (is_index, is_sound_index),
    (is_machine, is_sound_machine),
    (is_sparse, is_sound_sparse),
)
