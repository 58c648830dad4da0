"""From a file of rows that an author labelled to a table like the data's, and their truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mlrun.catalog import suggestion
from mlrun.errors import DataError
from mlrun.labels import code_of
from mlrun.predict import source_of
from mlrun.records import Dataset
from mlrun.table.files import resolve_file
from mlrun.table.loading import load_table
from mlrun.table.schema_cast import apply_schema, schema_of, text_columns

if TYPE_CHECKING:
    from mlrun.records import Array


def read_author_rows(file: str, label: str, dataset: Dataset) -> tuple[pl.DataFrame, Array]:
    """Return the rows of a file in the data's columns and types, and class codes or numbers of its label column.

    A path is relative to the spec's folder. Columns that the file does not have are null. Raises DataError with the
    row of a label that is none of the task's, and of a value that a column cannot hold.
    """
    path = resolve_file(file, dataset.folder)
    source, params = reading_of(path, dataset)
    schema = schema_of(dataset.table)
    raw = load_table(source, params, dataset.folder, (*text_columns(schema), label))
    if label not in raw.columns:
        raise DataError(f"{path}: there is no label column '{label}'{suggestion(label, raw.columns)}")
    present = {name: dtype for name, dtype in schema.items() if name in raw.columns and name != label}
    if not any(column.name in present for column in dataset.features):
        known = [column.name for column in dataset.features]
        raise DataError(f"{path}: none of its columns is a feature{suggestion(label, known)}")
    table = apply_schema(raw, present, str(path))
    lacking = [
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in dataset.table.schema.items() if name not in present
    ]
    return table.with_columns(lacking).select(dataset.table.columns), truth_of(raw[label], dataset, path)


def reading_of(path: Path, dataset: Dataset) -> tuple[str, dict[str, Any]]:
    """Return the source that reads a file: as the data's own where the endings agree, else plainly.

    The file names its columns itself, whatever the data's does.
    """
    recorded = dataset.source or {"source": None, "params": {}, "files": ()}
    source, params = source_of(str(path), recorded)
    own = Path(next(iter(recorded["files"]), path))
    if source == "csv" and own.suffix.lower() != path.suffix.lower():
        tabs = {"separator": "\t"} if path.suffix.lower() == ".tsv" else {}
        return source, {"path": str(path), **tabs}
    return source, {key: value for key, value in params.items() if key not in ("header", "columns", "skip_rows")}


def truth_of(column: pl.Series, dataset: Dataset, path: Path) -> Array:
    """Return (n,) class codes, or numbers for a regression; raise DataError with the row of what is neither."""
    if column.null_count():
        row = int(column.is_null().arg_max() or 0) + 1
        raise DataError(f"{path}: row {row}, column '{column.name}': there is no label")
    if dataset.task.kind != "regression":
        codes = [code_of(value, dataset.task) for value in column.to_list()]
        if None in codes:
            row, known = codes.index(None), ", ".join(map(str, dataset.task.labels)) or "0, 1"
            raise DataError(f"{path}: row {row + 1}: '{column[row]}' is no class of the target (known: {known})")
        return np.array(codes, dtype=np.int64)
    numbers = column.cast(pl.Float64, strict=False)
    if numbers.null_count():
        row = int(numbers.is_null().arg_max() or 0) + 1
        raise DataError(f"{path}: row {row}, column '{column.name}': the value is not a number")
    return numbers.to_numpy()
