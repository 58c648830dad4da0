"""From a stored model to a whole ONNX model: an input a column, what the model shows as outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlrun.graph.answers import as_labels, shown, type_of
from mlrun.graph.columns import input_types, prepared
from mlrun.graph.estimators import pipelines_of, say
from mlrun.graph.writing import BYTES, IR_VERSION, ML, ML_OPSET, OPSET, CannotWrite, Graph, Rows, Said
from mlrun.prepare import Preparation

if TYPE_CHECKING:
    from mlrun.records import Task
    from mlrun.stored import StoredModel

PREDICTION, PROBABILITIES, SCORES = "prediction", "probabilities", "scores"


@dataclass(frozen=True, slots=True)
class Written:
    """A whole model; inputs: column → numpy's type of its input. outputs: what it says → the name of its output."""

    content: bytes
    inputs: Mapping[str, type]
    outputs: Mapping[str, str]


def write_model(model: StoredModel, facts: Mapping[str, str]) -> Written:
    """Return a stored model as ONNX; facts: what its metadata says. Raises CannotWrite with the reason."""
    from onnx import helper

    preparations = preparations_of(model)
    inputs = input_types([preparation.recipe for preparation in preparations])
    if not inputs:
        raise CannotWrite("it reads the table as a whole, not columns of its own")
    graph = Graph()
    rows = Rows({name: name for name in inputs}, with_hours(model.schema))
    if model.preparation is not None:
        rows = prepared(graph, model.preparation, rows)
    said = shown(graph, say(graph, model.estimator, rows), model)
    names = output_names(inputs)
    outputs = {what: names[what] for what in give(graph, said, model, names)}
    made = helper.make_graph(
        graph.nodes,
        "mlrun",
        [value_info(name, kind, 1) for name, kind in inputs.items()],
        [described(what, name, model.blueprint.task) for what, name in outputs.items()],
        graph.constants,
    )
    operators = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
    whole = helper.make_model(made, opset_imports=operators, ir_version=IR_VERSION, producer_name="mlrun")
    helper.set_model_props(whole, dict(facts))
    if whole.ByteSize() > BYTES:
        raise CannotWrite("it would be larger than the 2 GB that an ONNX file may have")
    return Written(whole.SerializeToString(deterministic=True), inputs, outputs)


def preparations_of(model: StoredModel) -> list[Preparation]:
    """Return the preparations of a model, of its members where these prepare the columns each for itself."""
    own = [] if model.preparation is None else [model.preparation]
    return [*own, *(Preparation.restore(member.preparation_) for member in pipelines_of(model.estimator))]


def with_hours(schema: Mapping[str, str]) -> frozenset[str]:
    return frozenset(name for name, dtype in schema.items() if dtype.startswith("Datetime"))


def output_names(inputs: Mapping[str, type]) -> dict[str, str]:
    """Return the names of the outputs; with an underscore more than a column that is called so."""
    found = {}
    for name in (PREDICTION, PROBABILITIES, SCORES):
        free = name
        while free in inputs:
            free += "_"
        found[name] = free
    return found


def give(graph: Graph, said: Said, model: StoredModel, names: Mapping[str, str]) -> Sequence[str]:
    """Write what the model shows to the outputs; return which of them there are."""
    task = model.blueprint.task
    values = as_labels(graph, said.values, task.labels) if task.labels else said.values
    given = {PREDICTION: values, PROBABILITIES: said.probabilities, SCORES: said.scores}
    found = [what for what, tensor in given.items() if tensor]
    for what in found:
        graph.give(given[what], names[what])
    return found


def value_info(name: str, kind: type, width: int | None) -> Any:
    """Return an input's or output's description: (n, width), or (n,)."""
    from onnx import TensorProto, helper

    code = TensorProto.STRING if kind is str else helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    return helper.make_tensor_value_info(name, code, ["rows"] if width is None else ["rows", width])


def described(what: str, name: str, task: Task) -> Any:
    """Return an output's description."""
    if what == PREDICTION:
        return value_info(name, np.float64 if task.kind == "regression" else type_of(task.labels), None)
    classes = len(task.labels) if task.kind == "classification" else 1
    return value_info(name, np.float64, 1 if what == SCORES and classes == 2 else classes)
