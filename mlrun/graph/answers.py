"""From what an estimator says to what a stored model shows: all classes, calibrated, cut, as labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mlrun.graph.ensembles import all_classes
from mlrun.graph.writing import Graph, Said
from mlrun.wrap.recalibration import ADDED, NEAR

if TYPE_CHECKING:
    from mlrun.records import Array, Label
    from mlrun.stored import StoredModel
    from mlrun.wrapping import Wrapping


def shown(graph: Graph, said: Said, model: StoredModel) -> Said:
    """Return what the model shows, as mlrun.stored.StoredModel.predict does."""
    task = model.blueprint.task
    if task.kind == "regression":
        return Said(graph.node("Exp", said.values)) if model.target_transform == "log" else said
    if task.kind == "anomaly":
        cut = np.array(np.inf if model.threshold is None else float(model.threshold))
        above = graph.cast(graph.node("Greater", graph.flat(said.scores), cut), np.int64)
        return Said(above, scores=said.scores)
    count = len(task.labels)
    if said.probabilities:  # as a run keeps them: probabilities, or else scores
        probabilities = all_classes(graph, said.probabilities, model.estimator.classes_, count)
        said = Said(said.values, probabilities)
    return said if model.wrapping is None else wrapped(graph, said, model.wrapping, count)


def wrapped(graph: Graph, said: Said, wrapping: Wrapping, count: int) -> Said:
    """Write a calibration and a cut: mlrun.wrapping.Wrapping.apply."""
    if wrapping.method == "none" and wrapping.threshold is None:
        return said
    probabilities = calibrated(graph, said, wrapping, count)
    if wrapping.threshold is None:
        return Said(graph.likeliest(probabilities, np.arange(count)), probabilities)
    cut = np.array(float(wrapping.threshold))
    reached = graph.node("GreaterOrEqual", graph.columns(probabilities, [1]), cut)
    return Said(graph.flat(graph.cast(reached, np.int64)), probabilities)


def calibrated(graph: Graph, said: Said, wrapping: Wrapping, count: int) -> str:
    """Return (n, k) calibrated probabilities: mlrun.wrap.recalibration.calibrated."""
    if wrapping.method == "none":
        return said.probabilities
    if wrapping.method == "temperature":
        scaled = graph.node("Mul", logits(graph, said, wrapping, count), np.array(float(wrapping.curves[0][0][0])))
        return graph.node("Softmax", scaled, axis=1)
    given = responses(graph, said, wrapping, count)
    found = [
        on_curve(graph, wrapping.method, curve, graph.columns(given, [place]))
        for place, curve in enumerate(wrapping.curves)
    ]
    return graph.both(found[0]) if len(found) == 1 else shares(graph, graph.side_by_side(found), count)


def logits(graph: Graph, said: Said, wrapping: Wrapping, count: int) -> str:
    """Return what a temperature divides, (n, k): log probabilities, or scores as they are."""
    if wrapping.reads != "scores":
        return graph.node("Log", graph.node("Add", said.probabilities, np.array(ADDED)))
    return graph.node("MatMul", said.scores, np.array([[-1.0, 1.0]])) if count == 2 else said.scores


def responses(graph: Graph, said: Said, wrapping: Wrapping, count: int) -> str:
    """Return what is calibrated: (n, 1) of the positive class of two, (n, k) for more."""
    if wrapping.reads == "scores":
        return said.scores
    given = said.probabilities
    if wrapping.reads == "log_odds":
        rest = graph.columns(given, [1, 0]) if count == 2 else graph.node("Sub", np.array(1.0), given)
        odds = [graph.node("Log", graph.node("Max", part, np.array(NEAR))) for part in (given, rest)]
        given = graph.node("Sub", *odds)
    return graph.columns(given, [1]) if count == 2 else given


def on_curve(graph: Graph, method: str, curve: tuple[Array, ...], x: str) -> str:
    """Return (n, 1) values of a calibration curve."""
    if method == "isotonic":
        return between(graph, np.asarray(curve[0], dtype=np.float64), np.asarray(curve[1], dtype=np.float64), x)
    slope, intercept = curve[0].tolist()
    return graph.node("Sigmoid", graph.node("Add", graph.node("Mul", x, np.array(slope)), np.array(intercept)))


def between(graph: Graph, places: Array, values: Array, x: str) -> str:
    """Return straight lines between (m,) places, level beyond the first and the last, as numpy.interp."""
    if len(places) < 2:  # the same everywhere
        return graph.node("Add", graph.node("Mul", x, np.array(0.0)), np.array(values[0]))
    x = graph.node("Clip", x, np.array(places[0]), np.array(places[-1]))
    reached = graph.cast(graph.node("GreaterOrEqual", x, places[:-1]), np.int64)  # the first always is
    left = graph.node("Sub", graph.flat(graph.sum(reached)), np.array(1))
    slopes = np.diff(values) / np.diff(places)
    at, height, slope = (graph.column(graph.node("Gather", part, left)) for part in (places[:-1], values[:-1], slopes))
    return graph.node("Add", height, graph.node("Mul", graph.node("Sub", x, at), slope))


def shares(graph: Graph, found: str, count: int) -> str:
    """Return each row over its sum; a row of zeros becomes equal shares."""
    total = graph.sum(found)
    nothing = graph.node("LessOrEqual", total, np.array(0.0))
    divided = graph.node("Div", found, graph.node("Where", nothing, np.array(1.0), total))
    return graph.node("Where", nothing, np.array(1 / count), divided)


def as_labels(graph: Graph, values: str, labels: Sequence[Label]) -> str:
    """Return (n,) labels of the data of class codes."""
    kind = type_of(labels)
    if kind is str:
        return graph.node("Gather", np.array([str(label) for label in labels], dtype=object), values)
    return graph.node("Gather", np.array(labels, dtype=kind), values)


def type_of(labels: Sequence[Label]) -> type:
    """Return numpy's type of labels: booleans, whole numbers, numbers, else text; codes where there are none."""
    kinds = {type(label) for label in labels}
    for kind, dtype in ((bool, np.bool_), (int, np.int64), (float, np.float64)):
        if kinds <= {kind}:
            return dtype if kinds else np.int64
    return np.float64 if kinds <= {int, float} else str
