"""An ONNX graph while it is written: nodes that take names of tensors or arrays, and give the name of their output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mlrun.records import Array

# The oldest in which every node that is written here is found: onnxruntime 1.15 (May 2023) and later read them.
OPSET, ML_OPSET, IR_VERSION = 18, 3, 8
ML = "ai.onnx.ml"
BYTES = 2**31 - 2**20  # protobuf's bound on a file


class CannotWrite(Exception):
    """Something has no equal in ONNX; the reason in words that go on from "is not exported: "."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows inside a graph: their columns as they came in, by name, and the (n, width) float64 matrix made of them.

    hours: the columns of dates that have a time of day.
    """

    columns: Mapping[str, str]
    hours: frozenset[str] = frozenset()
    matrix: str = ""
    width: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """What an estimator says of n rows, as names of tensors; "" = nothing.

    values: (n,) class codes (int64), or numbers (float64). probabilities: (n, classes). scores: (n, 1) for two classes
    and anomalies, (n, classes) for more.
    """

    values: str
    probabilities: str = ""
    scores: str = ""


class Graph:
    """Nodes in order, constants once each; every name is unique."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._count = 0

    def node(self, operator: str, *inputs: str | Array, domain: str = "", **attributes: Any) -> str:
        """Add a node of one output; return the output's name. Arrays become constants."""
        return self.node_of(operator, 1, *inputs, domain=domain, **attributes)[0]

    def node_of(
        self, operator: str, outputs: int, *inputs: str | Array, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add a node of several outputs; return their names."""
        from onnx import helper

        names = [self.name(operator) for _ in range(outputs)]
        taken = [given if isinstance(given, str) else self.constant(given) for given in inputs]
        self.nodes.append(helper.make_node(operator, taken, names, name=names[0], domain=domain, **attributes))
        return names

    def give(self, value: str, name: str) -> None:
        """Give a tensor as an output of this name."""
        from onnx import helper

        self.nodes.append(helper.make_node("Identity", [value], [name], name=f"/{name}"))

    def constant(self, value: Array) -> str:
        """Return the name of a constant; equal ones are stored once."""
        from onnx import numpy_helper

        value = np.ascontiguousarray(value).reshape(np.shape(value))  # ascontiguousarray makes a scalar a vector
        key = (str(value.dtype), value.shape, value.tobytes())
        if key not in self._known:
            self._known[key] = self.name("constant")
            self.constants.append(numpy_helper.from_array(value, self._known[key]))
        return self._known[key]

    def name(self, of: str) -> str:
        self._count += 1
        return f"/{of.lower()}_{self._count}"  # no column is called so

    # -- what is asked for again and again ----------------------------------------------------------------------------

    def cast(self, value: str, dtype: type) -> str:
        """Return a tensor in another type (numpy's)."""
        from onnx import helper

        return self.node("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def sum(self, value: str, axis: int = 1) -> str:
        """Return sums over an axis, which stays with length 1."""
        return self.node("ReduceSum", value, np.array([axis]), keepdims=1)

    def column(self, value: str) -> str:
        """Return (n,) as (n, 1)."""
        return self.node("Reshape", value, np.array([-1, 1]))

    def flat(self, value: str) -> str:
        """Return (n, 1) as (n,)."""
        return self.node("Reshape", value, np.array([-1]))

    def columns(self, value: str, positions: Any) -> str:
        """Return some columns of (n, d)."""
        return self.node("Gather", value, np.asarray(positions, dtype=np.int64), axis=1)

    def side_by_side(self, parts: list[str]) -> str:
        """Return blocks of columns as one."""
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=1)

    def total(self, parts: list[str]) -> str:
        """Return the sum of tensors, added in their order."""
        found = parts[0]
        for part in parts[1:]:
            found = self.node("Add", found, part)
        return found

    def classes(self, positions: str, classes: Any) -> str:
        """Return the class codes at (n,) positions of an estimator's classes."""
        return self.node("Gather", np.asarray(classes, dtype=np.int64), positions)

    def likeliest(self, values: str, classes: Any) -> str:
        """Return (n,) class codes: of each row the first of the largest."""
        return self.classes(self.node("ArgMax", values, axis=1, keepdims=0), classes)

    def positive(self, scores: str, classes: Any, *, also_zero: bool = False) -> str:
        """Return (n,) class codes of two: the second where (n, 1) scores are above 0."""
        compare = "GreaterOrEqual" if also_zero else "Greater"
        return self.classes(self.flat(self.cast(self.node(compare, scores, np.array(0.0)), np.int64)), classes)

    def both(self, probability: str) -> str:
        """Return (n, 2) of the (n, 1) probability of the second."""
        return self.side_by_side([self.node("Sub", np.array(1.0), probability), probability])
