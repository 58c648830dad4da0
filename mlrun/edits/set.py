"""Set: columns get given values, such as {education: Bachelors}."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlrun.change.rows import Told, in_type_of, literal, tell_never, tell_unknown
from mlrun.check_contracts import Edit, Variant
from mlrun.errors import UsageError
from mlrun.kinds import Anything, MappingOf
from mlrun.records import Dataset

if TYPE_CHECKING:
    import polars as pl


def variants(value: Any, dataset: Dataset) -> tuple[Variant, ...]:
    """Return the one variant: all columns at once."""
    known = {name: in_type_of(dataset.table[name], given) for name, given in value.items()}

    def apply(rows: pl.DataFrame, generator: Any) -> pl.DataFrame:  # noqa: ARG001 - the edits' signature
        return rows.with_columns(literal(one, rows.schema[name]).alias(name) for name, one in known.items())

    return (Variant("", apply),)


def problems(value: Any, dataset: Dataset) -> Iterator[Told]:
    """Tell columns that are not there, values of another type, and words that a category never holds."""
    yield from tell_unknown(value, dataset)
    categories = {column.name for column in dataset.features if column.kind == "category"}
    for name, given in value.items():
        if name not in dataset.table.columns:
            continue
        if name in categories:
            yield from tell_never(dataset.table[name], given, (name,))
            continue
        try:
            in_type_of(dataset.table[name], given)
        except UsageError as error:
            yield (name,), str(error)


ENTRY = Edit(
    value=MappingOf(Anything()),
    columns=lambda value, dataset: tuple(value),
    variants=variants,
    problems=problems,
)
