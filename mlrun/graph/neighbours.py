"""Estimators that keep rows of training: nearest neighbours, kernel machines, distances to centres."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mlrun.graph.writing import CannotWrite, Graph, Rows, Said

if TYPE_CHECKING:
    from mlrun.records import Array


def nearest(graph: Graph, estimator: Any, rows: Rows, count: int) -> tuple[str, str]:
    """Return distances and positions of the nearest rows of training, (n, count) each, the nearest first."""
    power = power_of(estimator)
    away = distances(graph, rows.matrix, dense(estimator._fit_X), power)  # noqa: SLF001 - what it keeps
    found, positions = graph.node_of("TopK", 2, away, np.array([count]), axis=1, largest=0, sorted=1)
    return found, positions


def power_of(estimator: Any) -> float:
    """Return p of the Minkowski distance that an estimator looks through; infinite for the largest difference."""
    known = {"euclidean": 2.0, "l2": 2.0, "manhattan": 1.0, "l1": 1.0, "chebyshev": np.inf}
    metric = str(estimator.effective_metric_)
    if metric == "minkowski":
        return float(estimator.effective_metric_params_["p"])
    if metric not in known:
        raise CannotWrite(f"its distance '{metric}' is not known here")
    return known[metric]


def distances(graph: Graph, matrix: str, others: Array, power: float) -> str:
    """Return (n, m) Minkowski distances to m rows; a row at a time, so that memory stays at (m, d)."""
    from onnx import TensorProto, helper

    inner = Graph()
    away = inner.node("Abs", inner.node("Sub", graph.constant(others), "row"))
    along = np.array([1])
    if np.isinf(power):
        found = inner.node("ReduceMax", away, along, keepdims=0)
    elif power == 1:
        found = inner.node("ReduceSum", away, along, keepdims=0)
    elif power == 2:
        found = inner.node("Sqrt", inner.node("ReduceSum", inner.node("Mul", away, away), along, keepdims=0))
    else:
        whole = inner.node("ReduceSum", inner.node("Pow", away, np.array(power)), along, keepdims=0)
        found = inner.node("Pow", whole, np.array(1 / power))
    prefix = graph.name("distances")
    body = helper.make_graph(
        inner.nodes,
        prefix,
        [helper.make_tensor_value_info("row", TensorProto.DOUBLE, [others.shape[1]])],
        [helper.make_tensor_value_info(found, TensorProto.DOUBLE, [others.shape[0]])],
        inner.constants,
    )
    return graph.node("Scan", matrix, body=renamed(body, prefix), num_scan_inputs=1)


def renamed(body: Any, prefix: str) -> Any:
    """Return a body whose own names cannot be those of the graph around it."""
    own = {name for node in body.node for name in node.output} | {each.name for each in body.initializer} | {"row"}
    for node in body.node:
        node.name = f"{prefix}{node.name}"
        node.input[:] = [f"{prefix}{name}" if name in own else name for name in node.input]
        node.output[:] = [f"{prefix}{name}" for name in node.output]
    for value in (*body.initializer, *body.input, *body.output):
        value.name = f"{prefix}{value.name}"
    return body


def dense(matrix: Any) -> Array:
    """Return a matrix that may be sparse as float64 numbers."""
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, dtype=np.float64)


# -- nearest neighbours -----------------------------------------------------------------------------------------------


def neighbour_classes(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write the shares of classes among the nearest rows."""
    given = np.eye(len(estimator.classes_))[estimator._y]  # noqa: SLF001 - what it keeps
    probabilities = averaged(graph, estimator, rows, given)
    return Said(graph.likeliest(probabilities, estimator.classes_), probabilities)


def neighbour_number(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write the mean of the nearest rows' numbers."""
    given = np.asarray(estimator._y, dtype=np.float64).reshape(-1, 1)  # noqa: SLF001 - what it keeps
    return Said(graph.flat(averaged(graph, estimator, rows, given)))


def averaged(graph: Graph, estimator: Any, rows: Rows, given: Array) -> str:
    """Return (n, k) means of (m, k) over the nearest rows, weighted by 1 / distance where the estimator does so.

    Where rows of training lie at distance 0, they alone count (sklearn.neighbors._base._get_weights).
    """
    count = int(estimator.n_neighbors)
    away, positions = nearest(graph, estimator, rows, count)
    theirs = graph.node("Gather", given, positions, axis=0)
    if estimator.weights in (None, "uniform"):
        return graph.node("Div", graph.node("ReduceSum", theirs, np.array([1]), keepdims=0), np.array(float(count)))
    same = graph.node("Equal", away, np.array(0.0))
    counted = graph.cast(same, np.float64)
    there = graph.node("Greater", graph.sum(counted), np.array(0.0))
    inverse = graph.node("Div", np.array(1.0), graph.node("Where", same, np.array(1.0), away))
    weights = graph.node("Unsqueeze", graph.node("Where", there, counted, inverse), np.array([2]))
    weighted = graph.node("ReduceSum", graph.node("Mul", theirs, weights), np.array([1]), keepdims=0)
    return graph.node("Div", weighted, graph.node("ReduceSum", weights, np.array([1]), keepdims=0))


def knn_distance(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write the largest, mean or median distance to the nearest rows, (n, 1) scores."""
    inner = estimator.neighbors_
    count = int(inner.n_neighbors)
    away, _ = nearest(graph, inner, rows, count)
    if estimator.distance == "mean":
        return Said("", scores=graph.node("Div", graph.sum(away), np.array(float(count))))
    middle = [(count - 1) // 2, count // 2] if estimator.distance == "median" else [count - 1]
    chosen = graph.columns(away, middle)
    return Said("", scores=graph.node("Div", graph.sum(chosen), np.array(float(len(middle)))))


def local_outlier_factor(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write the mean density of the neighbours over a row's own, (n, 1) scores (sklearn.neighbors)."""
    count = int(estimator.n_neighbors_)
    away, positions = nearest(graph, estimator, rows, count)
    reach = np.asarray(estimator._distances_fit_X_[:, count - 1], dtype=np.float64)
    density = np.asarray(estimator._lrd, dtype=np.float64)  # noqa: SLF001 - as above
    reached = graph.node("Max", away, graph.node("Gather", reach, positions))
    mean = graph.node("Div", graph.sum(reached), np.array(float(count)))
    own = graph.node("Div", np.array(1.0), graph.node("Add", mean, np.array(1e-10)))
    ratios = graph.node("Div", graph.node("Gather", density, positions), own)
    return Said("", scores=graph.node("Div", graph.sum(ratios), np.array(float(count))))


def kmeans_distance(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write the distance to the nearest centre, (n, 1) scores."""
    away = distances(graph, rows.matrix, dense(estimator.kmeans_.cluster_centers_), 2.0)
    return Said("", scores=graph.node("ReduceMin", away, np.array([1]), keepdims=1))


# -- kernel machines --------------------------------------------------------------------------------------------------


def kernel(graph: Graph, estimator: Any, rows: Rows) -> str:
    """Return (n, m) Gaussian kernels between rows and support vectors: exp(−γ |x − s|²)."""
    if estimator.kernel != "rbf":
        raise CannotWrite(f"its kernel '{estimator.kernel}' is not known here")
    vectors = dense(estimator.support_vectors_)
    cross = graph.node("MatMul", rows.matrix, -2.0 * vectors.T)
    own = graph.sum(graph.node("Mul", rows.matrix, rows.matrix))
    square = graph.node("Add", graph.node("Add", cross, own), (vectors**2).sum(axis=1))
    return graph.node("Exp", graph.node("Mul", square, np.array(-float(estimator._gamma))))  # noqa: SLF001 - resolved


def kernel_number(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write a kernel regression."""
    weights = dense(estimator.dual_coef_).T
    raw = graph.node("MatMul", kernel(graph, estimator, rows), weights)
    return Said(graph.flat(graph.node("Add", raw, np.asarray(estimator.intercept_, dtype=np.float64))))


def one_class_svm(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write minus the weighted kernels, (n, 1) scores."""
    weights = -dense(estimator.dual_coef_).T
    return Said("", scores=graph.node("MatMul", kernel(graph, estimator, rows), weights))


def kernel_classes(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write a kernel classifier: every two classes are told apart, the most votes win (LIBSVM).

    Scores of more than two classes are votes, and within a vote the confidences (sklearn.utils.multiclass).
    """
    count = len(estimator.classes_)
    pairs = [(first, second) for first in range(count) for second in range(first + 1, count)]
    intercepts = np.asarray(estimator._intercept_, dtype=np.float64)
    raw = graph.node(
        "Add", graph.node("MatMul", kernel(graph, estimator, rows), pair_weights(estimator, pairs)), intercepts
    )
    for_first, for_second = (np.eye(count)[[pair[side] for pair in pairs]] for side in (0, 1))
    first_wins = graph.cast(graph.node("Greater", raw, np.array(0.0)), np.float64)
    turned = graph.node("MatMul", first_wins, for_first - for_second)
    votes = graph.node("Add", turned, for_second.sum(axis=0))
    values = graph.likeliest(votes, estimator.classes_)
    if count == 2:
        return Said(values, scores=graph.node("Neg", raw))
    sure = graph.node("MatMul", raw, for_first - for_second)
    bound = graph.node("Add", graph.node("Mul", graph.node("Abs", sure), np.array(3.0)), np.array(3.0))
    return Said(values, scores=graph.node("Add", votes, graph.node("Div", sure, bound)))


def pair_weights(estimator: Any, pairs: list[tuple[int, int]]) -> Array:
    """Return (support vectors, pairs) weights; LIBSVM keeps them by class, a row less than there are classes."""
    dual = dense(estimator._dual_coef_)
    ends = np.cumsum(estimator.n_support_)
    own = [slice(end - size, end) for end, size in zip(ends, estimator.n_support_, strict=True)]
    weights = np.zeros((dual.shape[1], len(pairs)))
    for place, (first, second) in enumerate(pairs):
        weights[own[first], place] = dual[second - 1, own[first]]
        weights[own[second], place] = dual[first, own[second]]
    return weights
