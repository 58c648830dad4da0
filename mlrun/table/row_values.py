"""From the columns that name, group, date or weigh rows to one array each; none of their values may be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from mlrun.errors import DataError
from mlrun.table.column_types import ISO, as_words

if TYPE_CHECKING:
    from mlrun.records import Array, Label


def refuse_missing(column: pl.Series, does: str, rows: Array, origin: str) -> None:
    """Raise DataError with the first rows of the file in which a column that must be known is missing."""
    missing = column.is_null().to_numpy()
    if missing.any():
        raise DataError(
            f"{origin}: column '{column.name}' {does}, but is missing in {int(missing.sum()):,} of {len(column):,} "
            f"rows ({told_rows(rows[missing])}); leave them out with `where: '\"{column.name}\" IS NOT NULL'`."
        )


def told_rows(positions: Array) -> str:
    """Return 'rows 3, 6, 9, ...', counted from 1."""
    shown = ", ".join(f"{int(position) + 1:,}" for position in positions[:3])
    return f"row{'s' * (len(positions) > 1)} {shown}" + (", ..." if len(positions) > 3 else "")


def read_row_ids(table: pl.DataFrame, name: Label | None, rows: Array, test_start: int | None) -> Array:
    """Return (n,) int64 or str: the id column, unique within each file, or the positions in the file.

    Raises DataError for a doubled id, naming rows and no values: an id may be a person's.
    """
    if name is None:
        return rows.astype(np.int64)
    column = table[str(name)]
    start = len(column) if test_start is None else test_start
    for part, where in ((slice(0, start), ""), (slice(start, None), " of the test file")):
        _refuse_doubles(column[part], rows[part], where)
    if column.dtype == pl.Int64:
        return column.to_numpy().copy()
    return np.array(as_words(column).to_list(), dtype=str)


def _refuse_doubles(column: pl.Series, rows: Array, where: str) -> None:
    doubled = column.is_duplicated().to_numpy()
    if not doubled.any():
        return
    first = int(doubled.argmax())
    same = np.flatnonzero((column == column[first]).to_numpy())
    shown = ", ".join(f"{int(rows[row]) + 1:,}" for row in same[:4]) + (", ..." if len(same) > 4 else "")
    raise DataError(
        f"`id: {column.name}` must be unique, but rows {shown}{where} have the same value "
        f"({int(doubled.sum()):,} rows share theirs with another); name another column, or none."
    )


def read_groups(column: pl.Series) -> Array:
    """Return (n,) int64: a code for each group, in the order of their sorted values."""
    return (column.rank("dense").cast(pl.Int64) - 1).to_numpy().copy()


def read_times(column: pl.Series, rows: Array) -> Array:
    """Return (n,) datetime64[us], or the numbers as they are."""
    if column.dtype.is_temporal():
        return column.cast(pl.Datetime("us")).to_numpy().copy()
    if column.dtype in (pl.Int64, pl.Float64):
        return column.to_numpy().copy()
    bad = (~as_words(column).str.contains(ISO)).arg_true()
    row = int(rows[int(bad[0])]) + 1 if len(bad) else 1
    raise DataError(
        f"row {row}, column '{column.name}': time must be a number or an ISO date, "
        f"such as 2024-03-31 or 2024-03-31T12:00:00."
    )


def read_weights(column: pl.Series, rows: Array) -> Array:
    """Return (n,) float64, none negative, not all zero."""
    if not column.dtype.is_numeric():
        raise DataError(f"`weight: {column.name}` must hold numbers; it holds {column.dtype}.")
    weights = column.cast(pl.Float64).to_numpy().copy()
    if (weights < 0).any():
        raise DataError(f"row {int(rows[int((weights < 0).argmax())]) + 1}: `weight: {column.name}` is negative.")
    if not weights.any():
        raise DataError(f"`weight: {column.name}` is zero for every row.")
    return weights
