"""From columns of strings to integers, floats and booleans, where every value of the column allows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from mlrun.errors import DataError

# In a column that otherwise holds numbers or booleans these mean 'missing'; among words they stay words.
MISSING_WORDS = ("NA", "N/A", "n/a", "NULL", "null", "NaN", "nan", "None", "?", "#N/A")
LOOKED_AT_FIRST = 1000
CODE = r"^[+-]?0[0-9]"  # 00123 is a code, not a number: as a number it would lose its zeros
WORD = r"(?i)^[+-]?(inf|infinity|nan)$"
DTYPES: Mapping[str, pl.DataType] = {
    "string": pl.String(), "integer": pl.Int64(), "float": pl.Float64(), "boolean": pl.Boolean(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """What the user says of a file's values."""

    null_values: tuple[str, ...] = ()
    decimal: str = "."
    dtypes: Mapping[str, str] = field(default_factory=dict)
    as_text: frozenset[str] = frozenset()


def type_columns(table: pl.DataFrame, reading: Reading, origin: str) -> pl.DataFrame:
    """Cast each string column to what all of its values are; '' and null_values become null.

    Raises DataError with row and column where a value is not of the type that `dtypes` demands.
    """
    unknown = sorted(set(reading.dtypes) - set(table.columns))
    if unknown:
        raise DataError(f"{origin}: `dtypes` names '{unknown[0]}', which is not a column.")
    return pl.DataFrame([_type_column(table[name], reading, origin) for name in table.columns])


def _type_column(column: pl.Series, reading: Reading, origin: str) -> pl.Series:
    absent = column.is_in(["", *reading.null_values])
    if reading.null_values:
        absent = absent | column.str.strip_chars().is_in(list(reading.null_values))
    column = _drop_values(column, absent) if absent.any() else column
    if column.name in reading.as_text:
        return column
    if column.name in reading.dtypes:
        return _demand(column, reading.dtypes[column.name], reading.decimal, origin)
    return infer(column, reading.decimal)


def infer(column: pl.Series, decimal: str = ".") -> pl.Series:
    """Return a string column as booleans, integers or floats when all values are such, else as it is."""
    for clean in (_as_it_stands, _without_words):
        few = clean(column.drop_nulls().head(LOOKED_AT_FIRST))
        if few.null_count() < len(few) and _cast(few, decimal) is None:
            continue
        typed = _cast(clean(column), decimal)
        if typed is not None:
            return typed
    return column


def _as_it_stands(column: pl.Series) -> pl.Series:
    return column


def _without_words(column: pl.Series) -> pl.Series:
    stripped = column.str.strip_chars()
    return _drop_values(stripped, stripped.is_in(list(MISSING_WORDS)))


def _drop_values(column: pl.Series, where: pl.Series) -> pl.Series:
    return pl.select(pl.when(~where).then(column).alias(column.name)).to_series()


def _cast(column: pl.Series, decimal: str) -> pl.Series | None:
    if column.null_count() == len(column):
        return None
    for cast in (_integers, _floats, _booleans):
        typed = cast(column, decimal)
        if typed is not None:
            return typed
    return None


def _integers(column: pl.Series, _decimal: str) -> pl.Series | None:
    typed = column.cast(pl.Int64, strict=False)
    if typed.null_count() > column.null_count() or column.str.contains(CODE).any():
        return None
    return typed


def _floats(column: pl.Series, decimal: str) -> pl.Series | None:
    if decimal == ",":
        if column.str.contains(".", literal=True).any():
            return None
        column = column.str.replace(",", ".", literal=True)
    typed = column.cast(pl.Float64, strict=False)
    if typed.null_count() > column.null_count() or column.str.contains(CODE).any():
        return None
    # 20 digits are a name for something; a float would merge its neighbours
    if column.str.contains(r"^[+-]?[0-9]{16,}$").any() or not column.str.contains(r"[0-9]").any():
        return None
    return typed.fill_nan(None)


def _booleans(column: pl.Series, _decimal: str) -> pl.Series | None:
    low = column.str.to_lowercase()
    return (low == "true") if low.drop_nulls().is_in(["true", "false"]).all() else None


def _demand(column: pl.Series, dtype: str, decimal: str, origin: str) -> pl.Series:
    if dtype == "string":
        return column
    stripped = column.str.strip_chars()
    if dtype == "boolean":
        typed = stripped.str.to_lowercase().replace_strict({"true": True, "false": False}, default=None)
        typed = typed.cast(pl.Boolean)
    else:
        number = stripped.str.replace(",", ".", literal=True) if decimal == "," else stripped
        typed = number.cast(DTYPES[dtype], strict=False)
    failed = (typed.is_null() & column.is_not_null()).arg_true()
    if len(failed):
        raise DataError(
            f"{origin}: row {int(failed[0]) + 1}, column '{column.name}': the value is not of type {dtype}."
        )
    return typed
