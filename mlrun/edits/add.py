"""Add: so much more of each column, such as {capital_gain: 10000}; days, where the column holds dates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlrun.change.rows import EXACT, Told, tell_not_numeric
from mlrun.check_contracts import Edit, Variant
from mlrun.kinds import MappingOf, Number
from mlrun.records import Dataset

if TYPE_CHECKING:
    import polars as pl


def variants(value: Any, dataset: Dataset) -> tuple[Variant, ...]:  # noqa: ARG001 - the edits' signature
    """Return the one variant: all columns at once."""

    def apply(rows: pl.DataFrame, generator: Any) -> pl.DataFrame:  # noqa: ARG001 - the edits' signature
        return rows.with_columns(added(name, more, rows.schema[name]) for name, more in value.items())

    return (Variant("", apply),)


def added(name: str, more: float, dtype: pl.DataType) -> pl.Expr:
    import polars as pl

    if dtype.is_temporal():
        return pl.col(name) + pl.duration(microseconds=round(more * 86_400e6))
    whole = dtype.is_integer() and float(more).is_integer() and abs(more) <= EXACT
    return pl.col(name) + (int(more) if whole else float(more))


def problems(value: Any, dataset: Dataset) -> Iterator[Told]:
    """Tell columns that are not there, and those that hold no numbers."""
    yield from tell_not_numeric(value, dataset, "add", dates=True)


ENTRY = Edit(
    value=MappingOf(Number()),
    columns=lambda value, dataset: tuple(value),
    variants=variants,
    problems=problems,
)
