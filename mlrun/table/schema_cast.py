"""From new rows (a test file, a file to predict) to the column types that were recorded, never inferred again."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from mlrun.catalog import suggestion
from mlrun.errors import DataError
from mlrun.records import ColumnKind
from mlrun.table.column_types import KIND_WORDS, as_words, settle_column

TYPES: Mapping[str, pl.DataType] = {
    "Int64": pl.Int64(),
    "Float64": pl.Float64(),
    "Boolean": pl.Boolean(),
    "String": pl.String(),
    "Date": pl.Date(),
    "Datetime": pl.Datetime("us"),
}
KINDS: Mapping[str, ColumnKind] = {
    "Int64": "numeric",
    "Float64": "numeric",
    "Boolean": "boolean",
    "Date": "date",
    "Datetime": "date",
}


def schema_of(table: pl.DataFrame) -> dict[str, str]:
    """Return column → type of a settled table, as it is recorded with a run."""
    return {name: str(dtype.base_type()) for name, dtype in table.schema.items()}


def text_columns(schema: Mapping[str, str]) -> tuple[str, ...]:
    """Return the columns that a source must not infer types for: recorded as strings."""
    return tuple(name for name, dtype in schema.items() if dtype == "String")


def apply_schema(table: pl.DataFrame, schema: Mapping[str, str], origin: str) -> pl.DataFrame:
    """Return the schema's columns, in its order and types; other columns are left out.

    Whole numbers that meet fractions become floats. Infinities are missing. Raises DataError for a missing column, and
    with row and column for the first value that cannot be cast.
    """
    absent = [name for name in schema if name not in table.columns]
    if absent:
        others = sorted(set(table.columns) - set(schema)) or table.columns
        more = f" (and {len(absent) - 1} more)" if len(absent) > 1 else ""
        raise DataError(f"{origin}: column '{absent[0]}' is missing{more}{suggestion(absent[0], others)}")
    return pl.DataFrame([_cast(table[name], dtype, origin) for name, dtype in schema.items()])


def _cast(column: pl.Series, dtype: str, origin: str) -> pl.Series:
    settled = settle_column(column)
    if settled is None:
        raise DataError(f"{origin}: column '{column.name}' is of type {column.dtype}, {dtype} is expected.")
    if dtype == "String":
        return as_words(column if column.dtype == pl.String else settled)
    cast = _numbers(settled, dtype) if dtype in ("Int64", "Float64") else _others(settled, dtype)
    failed = (cast.is_null() & settled.is_not_null()).arg_true()
    if len(failed):
        what = KIND_WORDS[KINDS[dtype]]
        raise DataError(f"{origin}: row {int(failed[0]) + 1}, column '{column.name}': the value is not {what}.")
    if cast.dtype == pl.Float64:
        return pl.select(pl.when(cast.is_finite()).then(cast).alias(cast.name)).to_series()
    return cast


def _numbers(column: pl.Series, dtype: str) -> pl.Series:
    if column.dtype.is_temporal():
        return (
            column.to_frame()
            .select(pl.lit(None, pl.Float64).alias(column.name))
            .to_series()
            .new_from_index(0, len(column))
        )
    exact = column.cast(pl.Float64, strict=False).fill_nan(None)
    if dtype == "Float64" or column.dtype == pl.Int64:
        return exact if dtype == "Float64" else column
    known = exact.drop_nulls()
    whole = (known.is_finite() & (known == known.round())).all()
    return exact.cast(pl.Int64, strict=False) if whole else exact


def _others(column: pl.Series, dtype: str) -> pl.Series:
    if column.null_count() == len(column):
        return pl.Series(column.name, [None] * len(column), dtype=TYPES[dtype])
    if dtype == "Boolean":
        return _booleans(column)
    if not column.dtype.is_temporal():
        return _failed_dates(column)
    return column.cast(TYPES[dtype])


def _booleans(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Boolean:
        return column
    words = {"true": True, "false": False, "1": True, "0": False}
    return as_words(column).str.to_lowercase().replace_strict(words, default=None, return_dtype=pl.Boolean)


def _failed_dates(column: pl.Series) -> pl.Series:
    """Return nulls where a value is no date, so that the caller can name the first such row."""
    known = as_words(column).str.to_date("%Y-%m-%d", strict=False)
    return (
        known
        if known.null_count() > column.null_count()
        else pl.Series(column.name, [None] * len(column), dtype=pl.Date)
    )
