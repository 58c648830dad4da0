"""From the target column to the task, its labels in code order, and the truth that models are fitted to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from mlrun.catalog import suggestion
from mlrun.errors import DataError, SpecError
from mlrun.records import Label, Place, Problem, Task, TaskKind
from mlrun.table.row_values import told_rows

if TYPE_CHECKING:
    from mlrun.records import Array
    from mlrun.spec import Spec

FEW_CLASSES = 20  # whole numbers with so few distinct values are taken for classes
ANOMALY_WORDS = ("1", "true", "anomaly", "anomalous", "outlier", "abnormal", "yes", "fraud", "attack", "positive")


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be predicted: truth is (n,) int64 codes or float64, None without a target."""

    task: Task
    truth: Array | None
    notes: tuple[str, ...] = ()


def read_target(spec: Spec, column: pl.Series | None, rows: Array, known: TaskKind | None) -> Target:
    """Return task and truth of a column without gaps.

    rows: positions in the file (from 0), for messages. known: the task that the source itself knows.
    Raises DataError for infinite targets and for a single class, SpecError for a positive label that is not there.
    """
    if column is None:
        return Target(Task("anomaly", (), dict(spec.costs)), None)
    _refuse_endless(column, rows)
    kind = spec.task or known or _inferred(column)
    notes = () if spec.task else (f"task: {kind} ({_why(column, known)})",)
    if kind == "regression":
        return Target(Task(kind, (), dict(spec.costs)), _numbers(spec, column, rows), notes)
    column = _whole(column)
    labels = _labels(spec, column, kind)
    codes = column.replace_strict(list(labels), list(range(len(labels))), return_dtype=pl.Int64)
    return Target(Task(kind, labels, dict(spec.costs)), codes.to_numpy().astype(np.int64), notes)


def _refuse_endless(column: pl.Series, rows: Array) -> None:
    if column.dtype == pl.Float64 and (endless := column.is_infinite().to_numpy()).any():
        raise DataError(
            f"the target '{column.name}' is infinite in {int(endless.sum()):,} rows ({told_rows(rows[endless])}); "
            f"correct them or leave them out with `where`."
        )


def _inferred(column: pl.Series) -> TaskKind:
    if column.dtype in (pl.String, pl.Boolean):
        return "classification"
    if column.dtype.is_temporal():
        raise DataError(f"the target '{column.name}' is a date; a target is a class or a number.")
    distinct = column.n_unique()
    few = distinct <= FEW_CLASSES and distinct <= max(2, len(column) // 2)
    return "classification" if few and _whole(column).dtype == pl.Int64 else "regression"


def _why(column: pl.Series, known: TaskKind | None) -> str:
    if known:
        return "the source says so"
    kind = {pl.String: "words", pl.Boolean: "true or false", pl.Int64: "whole numbers"}.get(
        column.dtype.base_type(), "numbers"
    )
    return f"'{column.name}' holds {kind}, {column.n_unique():,} distinct; say `task` if it is another"


def _whole(column: pl.Series) -> pl.Series:
    """Return floats that are all whole as integers: 1.0 is the label 1."""
    if column.dtype != pl.Float64 or not (column == column.round()).all():
        return column
    whole = column.cast(pl.Int64, strict=False)
    return column if whole.null_count() else whole


def _numbers(spec: Spec, column: pl.Series, rows: Array) -> Array:
    if spec.data.positive is not None:
        raise SpecError(
            [Problem("`positive` is for two classes, and the task is regression", _place(spec, "positive"))]
        )
    if column.dtype.is_numeric():
        return column.cast(pl.Float64).to_numpy().copy()
    numbers = column.cast(pl.Float64, strict=False) if column.dtype in (pl.String, pl.Boolean) else column
    bad = numbers.is_null().to_numpy() if numbers.dtype == pl.Float64 else np.ones(len(column), bool)
    if bad.any():
        raise DataError(
            f"the target '{column.name}' is not a number in {told_rows(rows[bad])}; regression needs numbers."
        )
    return numbers.to_numpy().copy()


def _labels(spec: Spec, column: pl.Series, kind: TaskKind) -> tuple[Label, ...]:
    labels = tuple(column.unique().sort().to_list())
    if len(labels) < 2:
        raise DataError(
            f"the target '{column.name}' has one class only, '{labels[0]}', in the rows used; two are needed."
        )
    if kind == "anomaly" and len(labels) > 2:
        raise DataError(
            f"the target '{column.name}' has {len(labels):,} values; anomaly detection needs two: normal and anomaly."
        )
    if len(labels) > FEW_CLASSES and len(labels) > len(column) / 2:
        cure = "say `task: regression`, or name another target" if column.dtype.is_numeric() else "name another target"
        raise DataError(
            f"the target '{column.name}' has {len(labels):,} distinct values in {len(column):,} rows: too many for "
            f"classes; {cure}."
        )
    positive = _positive(spec, labels, column, kind)
    if positive is None:
        return labels
    return (*(label for label in labels if label is not positive), positive)


def _positive(spec: Spec, labels: tuple[Label, ...], column: pl.Series, kind: TaskKind) -> Label | None:
    said = spec.data.positive
    if said is None:
        return _guessed(labels, column) if kind == "anomaly" else None
    if len(labels) > 2:
        message = f"`positive` is for two classes, and '{column.name}' has {len(labels)}"
        raise SpecError([Problem(message, _place(spec, "positive"), "Leave it out.")])
    for label in labels:
        if str(label).lower() == str(said).lower() if isinstance(label, bool) else str(label) == str(said):
            return label
    message = f"'{said}' is not a label of '{column.name}'{suggestion(str(said), [str(label) for label in labels])}"
    raise SpecError([Problem(message, _place(spec, "positive"))])


def _guessed(labels: tuple[Label, ...], column: pl.Series) -> Label:
    """Return the label that speaks of anomalies, else the rarer one."""
    spoken = [label for label in labels if str(label).strip("'\" ").lower() in ANOMALY_WORDS]
    if len(spoken) == 1:
        return spoken[0]
    return labels[0] if (column == labels[0]).sum() < len(column) / 2 else labels[1]


def _place(spec: Spec, key: str) -> Place:
    return spec.place(("data", key))
