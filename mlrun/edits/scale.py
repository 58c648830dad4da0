"""Scale: columns times a number, such as {income: 1.1}; what a change of unit does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlrun.change.rows import Told, tell_not_numeric
from mlrun.check_contracts import Edit, Variant
from mlrun.kinds import MappingOf, Number
from mlrun.records import Dataset

if TYPE_CHECKING:
    import polars as pl

WHOLE_UP_TO = 1000  # times this, a whole number that a float holds is still below 2**63


def variants(value: Any, dataset: Dataset) -> tuple[Variant, ...]:  # noqa: ARG001 - the edits' signature
    """Return the one variant: all columns at once."""

    def apply(rows: pl.DataFrame, generator: Any) -> pl.DataFrame:  # noqa: ARG001 - the edits' signature
        return rows.with_columns(scaled(name, factor, rows.schema[name]) for name, factor in value.items())

    return (Variant("", apply),)


def scaled(name: str, factor: float, dtype: pl.DataType) -> pl.Expr:
    import polars as pl

    whole = dtype.is_integer() and float(factor).is_integer() and abs(factor) <= WHOLE_UP_TO
    return pl.col(name) * (int(factor) if whole else float(factor))


def problems(value: Any, dataset: Dataset) -> Iterator[Told]:
    """Tell columns that are not there, and those that hold no numbers."""
    yield from tell_not_numeric(value, dataset, "scale")


ENTRY = Edit(
    value=MappingOf(Number()),
    columns=lambda value, dataset: tuple(value),
    variants=variants,
    problems=problems,
)
