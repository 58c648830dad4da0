"""From a run and a table of new rows to a dataset that the run's models can be judged on, with labels or without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from mlrun.comparison.origins import read_as
from mlrun.errors import DataError, StorageError
from mlrun.predict import data_section, source_of
from mlrun.records import Column, Dataset, Task
from mlrun.spec import Spec
from mlrun.store.run_record import RunRecord
from mlrun.table.loading import load_table
from mlrun.table.row_conditions import named_columns, select_rows
from mlrun.table.row_values import read_row_ids, read_times, read_weights, told_rows
from mlrun.table.schema_cast import apply_schema, text_columns

if TYPE_CHECKING:
    from mlrun.records import Array


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a run's data.json says of its columns; table_schema: of all of them, schema: of the features."""

    features: tuple[Column, ...] = ()
    withheld: tuple[tuple[str, str], ...] = ()
    schema: Mapping[str, str] = field(default_factory=dict)
    table_schema: Mapping[str, str] = field(default_factory=dict)
    target: str = ""


def read_new_rows(run: Path, record: RunRecord, spec: Spec, data: str) -> Dataset:
    """Return the rows of a file as the run's own were read: types, labels, conditions; truth None without labels.

    Only the features must be there; where some rows have no label those are left out, and that is said. Raises
    DataError for a missing or wrong column and for labels that the run does not know.
    """
    recorded = read_as(Recorded, run / "data.json")
    if recorded is None or record.task is None:
        raise StorageError(f"{run / 'data.json'} is missing or damaged. Restore it, or run the spec again")
    source, params = source_of(data, data_section(run))
    known = {**recorded.schema, **recorded.table_schema}
    raw = load_table(source, params, str(Path.cwd()), text_columns(known))
    present = {name: dtype for name, dtype in known.items() if name in raw.columns or name in recorded.schema}
    origin = str(Path(data).absolute())
    table = apply_schema(raw, present, origin)
    notes: list[str] = []
    rows = np.arange(table.height)
    for choose, what in ((selected, spec.data.where), (labelled, recorded.target)):
        keep, told = choose(what, table)
        if not keep.all():
            notes.append(f"{int((~keep).sum()):,} rows are left out: {told}")
            table, rows = table.filter(keep), rows[keep]
    if table.height == 0:
        raise DataError(f"{origin}: there are no rows to evaluate")
    task = Task(record.task.kind, record.task.labels, dict(spec.costs))
    return Dataset(
        table=table,
        task=task,
        features=recorded.features,
        withheld=recorded.withheld,
        truth=truth_of(recorded.target, table, task, origin, rows),
        row_ids=read_row_ids(table, spec.data.id if spec.data.id in table.columns else None, rows, None),
        times=read_times(table[spec.data.time], rows) if spec.data.time in table.columns else None,
        weights=read_weights(table[spec.data.weight], rows) if spec.data.weight in table.columns else None,
        notes=tuple(notes),
        source={"source": source, "params": params, "files": (origin,)},
        schema=recorded.schema,
        target=recorded.target,
        folder=spec.folder,
    )


def selected(where: str | None, table: pl.DataFrame) -> tuple[Array, str]:
    """Return for which rows the run's own condition holds; all of them where it cannot be asked."""
    if where is None or any(name not in table.columns for name in named_columns(where)):
        return np.ones(table.height, dtype=bool), ""
    return select_rows(table, where), f"the run's own condition does not hold for them ({where})"


def labelled(target: str | None, table: pl.DataFrame) -> tuple[Array, str]:
    """Return which rows have a label; all of them where none has one."""
    if target not in table.columns or table[target].null_count() == table.height:
        return np.ones(table.height, dtype=bool), ""
    return table[target].is_not_null().to_numpy(), f"they have no '{target}' yet"


def truth_of(target: str, table: pl.DataFrame, task: Task, origin: str, rows: Array) -> Array | None:
    """Return (n,) class codes or numbers; None without labels. Raises DataError for a label that the run never saw."""
    if target not in table.columns or table[target].null_count():
        return None
    column = table[target]
    if task.kind == "regression":
        return column.cast(pl.Float64).to_numpy()
    if not task.labels:
        return None
    code_of = {label: code for code, label in enumerate(task.labels)}
    codes = np.array([code_of.get(value, -1) for value in column.to_list()], dtype=np.int64)
    if (unknown := codes < 0).any():
        raise DataError(
            f"{origin}: column '{target}' has labels that the run never saw ({told_rows(rows[unknown])}); "
            f"correct them or leave those rows out"
        )
    return codes
