"""Swap: some values of a column become others, such as {sex: {Male: Female, Female: Male}}."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlrun.change.rows import Told, in_type_of, literal, tell_never, tell_unknown
from mlrun.check_contracts import Edit, Variant
from mlrun.kinds import Anything, MappingOf
from mlrun.records import Dataset

if TYPE_CHECKING:
    import polars as pl

Pairs = Mapping[str, tuple[tuple[Any, Any], ...]]


def variants(value: Any, dataset: Dataset) -> tuple[Variant, ...]:
    """Return one variant for each value that is swapped, so that the effect on each can be told.

    Where several columns are swapped, they are swapped together, as one variant.
    """
    pairs = pairs_of(value, dataset)
    if len(pairs) > 1:
        return (Variant("", swapper(pairs)),)
    ((column, known),) = pairs.items()
    return tuple(Variant(f"{column}: {old} → {new}", swapper({column: ((old, new),)})) for old, new in known)


def pairs_of(value: Any, dataset: Dataset) -> dict[str, tuple[tuple[Any, Any], ...]]:
    """Return (old, new) for each column, in the columns' own types."""
    return {
        name: tuple(
            (in_type_of(dataset.table[name], old), in_type_of(dataset.table[name], new)) for old, new in swaps.items()
        )
        for name, swaps in value.items()
    }


def swapper(pairs: Pairs) -> Callable[[pl.DataFrame, Any], pl.DataFrame]:
    def apply(rows: pl.DataFrame, generator: Any) -> pl.DataFrame:  # noqa: ARG001 - the edits' signature
        return rows.with_columns(swapped(name, known, rows.schema[name]) for name, known in pairs.items())

    return apply


def swapped(name: str, known: tuple[tuple[Any, Any], ...], dtype: pl.DataType) -> pl.Expr:
    import polars as pl

    changed = pl.col(name)
    for old, new in known:
        changed = pl.when(pl.col(name) == literal(old, dtype)).then(literal(new, dtype)).otherwise(changed)
    return changed.alias(name)


def problems(value: Any, dataset: Dataset) -> Iterator[Told]:
    """Tell columns that are not there, and values that never occur."""
    yield from tell_unknown(value, dataset)
    for name, swaps in value.items():
        for old, new in swaps.items() if name in dataset.table.columns else ():
            yield from tell_never(dataset.table[name], old, (name, old))
            yield from tell_never(dataset.table[name], new, (name, old))


ENTRY = Edit(
    value=MappingOf(MappingOf(Anything())),
    columns=lambda value, dataset: tuple(value),
    variants=variants,
    problems=problems,
)
