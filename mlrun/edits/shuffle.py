"""Shuffle: some columns get the values of another row, all from the same one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlrun.change.rows import Told, as_list, tell_unknown
from mlrun.check_contracts import Edit, Variant
from mlrun.kinds import AnyOf, ColumnName, ListOf
from mlrun.records import Dataset

if TYPE_CHECKING:
    import polars as pl


def variants(value: Any, dataset: Dataset) -> tuple[Variant, ...]:  # noqa: ARG001 - the edits' signature
    """Return the one variant: all columns at once."""

    def apply(rows: pl.DataFrame, generator: Any) -> pl.DataFrame:
        order = generator.permutation(rows.height)
        return rows.with_columns(rows[name][order] for name in as_list(value))

    return (Variant("", apply),)


def problems(value: Any, dataset: Dataset) -> Iterator[Told]:
    """Tell columns that are not there."""
    yield from tell_unknown(as_list(value), dataset)


ENTRY = Edit(
    value=AnyOf(ColumnName(), ListOf(ColumnName())),
    columns=lambda value, dataset: as_list(value),
    variants=variants,
    problems=problems,
)
