"""From columns of strings to integers, floats and booleans, where every value of the column allows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from mlrun.errors import DataError

# In a column that otherwise holds numbers or booleans these mean 'missing'; among words they stay words.
MISSING_WORDS = ("NA", "N/A", "n/a", "NULL", "null", "NaN", "nan", "None", "?", "#N/A")
LOOKED_AT_FIRST = 100  # rows; what they rule out is not tried on the whole column
CODE = r"^[+-]?0[0-9]"  # 00123 is a code, not a number: as a number it would lose its zeros
LONG = r"^[+-]?[0-9]{16,}$"  # so many digits are a name for something; a float would merge its neighbours
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


@dataclass(frozen=True, slots=True)
class Attempt:
    """A type to try: cast gives null where a value is not of it; forbidden: a pattern of values that are not cast."""

    cast: Callable[[pl.Expr], pl.Expr]
    forbidden: str = ""


def type_columns(table: pl.DataFrame, reading: Reading, origin: str) -> pl.DataFrame:
    """Cast each string column to what all of its values are; '' and null_values become null.

    Raises DataError with row and column where a value is not of the type that `dtypes` demands.
    """
    unknown = sorted(set(reading.dtypes) - set(table.columns))
    if unknown:
        raise DataError(f"{origin}: `dtypes` names '{unknown[0]}', which is not a column.")
    absent = ["", *reading.null_values]
    table = table.select(_without(pl.col(name), absent) for name in table.columns)
    asked = {name: _demand(table[name], dtype, reading.decimal, origin) for name, dtype in reading.dtypes.items()}
    undecided = [name for name in table.columns if name not in asked and name not in reading.as_text]
    found = {**_inferred(table.select(undecided), reading.decimal), **asked}
    return pl.DataFrame([found.get(name, table[name]) for name in table.columns])


def _without(column: pl.Expr, absent: Sequence[str]) -> pl.Expr:
    kept = column != "" if len(absent) == 1 else ~(column.is_in(absent) | column.str.strip_chars().is_in(absent))
    return pl.when(kept).then(column)


def _without_words(column: pl.Expr) -> pl.Expr:
    stripped = column.str.strip_chars()
    return pl.when(~stripped.is_in(MISSING_WORDS)).then(stripped)


def _inferred(table: pl.DataFrame, decimal: str) -> dict[str, pl.Series]:
    """Return the columns that hold integers, numbers, or true and false only; first as they stand, then cleaned."""
    found: dict[str, pl.Series] = {}
    left = [column.name for column in table if column.null_count() < len(column)]
    for clean in (_as_it_stands, _without_words):
        for attempt in _attempts(decimal):
            likely = _fitting(table.select(left).head(LOOKED_AT_FIRST), clean, attempt).columns
            found |= _with_values(_fitting(table.select(likely), clean, attempt))
            left = [name for name in left if name not in found]
    return found


def _attempts(decimal: str) -> tuple[Attempt, ...]:
    def as_float(column: pl.Expr) -> pl.Expr:
        return (column.str.replace(",", ".", literal=True) if decimal == "," else column).cast(pl.Float64, strict=False)

    def as_boolean(column: pl.Expr) -> pl.Expr:
        low = column.str.to_lowercase()
        return pl.when(low.is_in(["true", "false"])).then(low == "true")

    return (
        Attempt(lambda column: column.cast(pl.Int64, strict=False), CODE),
        Attempt(as_float, f"{CODE}|{LONG}" + (r"|[.]" if decimal == "," else "")),
        Attempt(as_boolean),
    )


def _fitting(table: pl.DataFrame, clean: Callable[[pl.Expr], pl.Expr], attempt: Attempt) -> pl.DataFrame:
    """Return those columns, cast, of which every value can be cast."""
    ready = table if clean is _as_it_stands else table.select(clean(pl.col(name)) for name in table.columns)
    cast = ready.select(attempt.cast(pl.col(name)) for name in ready.columns)
    fitting = [name for name in cast.columns if cast[name].null_count() == ready[name].null_count()]
    if attempt.forbidden and fitting:
        bad = ready.select(pl.col(name).str.contains(attempt.forbidden).any() for name in fitting).row(0)
        fitting = [name for name, forbidden in zip(fitting, bad, strict=True) if not forbidden]
    return cast.select(fitting)


def _with_values(table: pl.DataFrame) -> dict[str, pl.Series]:
    """Return the columns with a value at all, NaN as null; a column of nan and inf alone holds words."""
    floats = [column.name for column in table if column.dtype == pl.Float64]
    finite = table.select(pl.col(floats).is_finite().any()).row(0) if floats else ()
    words = {name for name, known in zip(floats, finite, strict=True) if not known}
    plain = table.with_columns(pl.col(floats).fill_nan(None)) if floats else table
    return {column.name: column for column in plain if column.name not in words and column.null_count() < len(column)}


def _as_it_stands(column: pl.Expr) -> pl.Expr:
    return column


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
