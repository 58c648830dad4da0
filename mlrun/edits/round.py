"""Round: numbers to so many digits behind the point, such as {age: -1} to tens; what a coarser source does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlrun.change.rows import Told, tell_not_numeric
from mlrun.check_contracts import Edit, Variant
from mlrun.kinds import Integer, MappingOf
from mlrun.records import Dataset

if TYPE_CHECKING:
    import polars as pl

DIGITS = 15  # a float has no more


def variants(value: Any, dataset: Dataset) -> tuple[Variant, ...]:  # noqa: ARG001 - the edits' signature
    """Return the one variant: all columns at once."""

    def apply(rows: pl.DataFrame, generator: Any) -> pl.DataFrame:  # noqa: ARG001 - the edits' signature
        return rows.with_columns(rounded(name, digits, rows.schema[name]) for name, digits in value.items())

    return (Variant("", apply),)


def rounded(name: str, digits: int, dtype: pl.DataType) -> pl.Expr:
    import polars as pl

    if digits >= 0:
        return pl.col(name).round(digits)
    unit = 10.0**-digits
    return ((pl.col(name) / unit).round(0) * unit).cast(dtype)


def problems(value: Any, dataset: Dataset) -> Iterator[Told]:
    """Tell columns that are not there, and those that hold no numbers."""
    yield from tell_not_numeric(value, dataset, "round")


ENTRY = Edit(
    value=MappingOf(Integer(-DIGITS, DIGITS)),
    columns=lambda value, dataset: tuple(value),
    variants=variants,
    problems=problems,
)
