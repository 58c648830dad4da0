"""Every other value: each row once with each value of a column that it does not have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from mlrun.change.rows import FEW_VALUES, Told, literal, seen, tell_unknown
from mlrun.check_contracts import Edit, Variant
from mlrun.kinds import ColumnName
from mlrun.records import Dataset

if TYPE_CHECKING:
    import polars as pl


def variants(value: Any, dataset: Dataset) -> tuple[Variant, ...]:
    """Return one variant for each value of the column, the most frequent first."""
    return tuple(Variant(f"{value} = {one}", setter(value, one)) for one in seen(dataset.table[value])[:FEW_VALUES])


def setter(name: str, value: Any) -> Callable[[pl.DataFrame, Any], pl.DataFrame]:
    def apply(rows: pl.DataFrame, generator: Any) -> pl.DataFrame:  # noqa: ARG001 - the edits' signature
        import polars as pl

        known = pl.col(name).is_not_null()  # a row without a value has no other value either
        return rows.with_columns(pl.when(known).then(literal(value, rows.schema[name])).alias(name))

    return apply


def problems(value: Any, dataset: Dataset) -> Iterator[Told]:
    """Tell a column that is not there, and one without a list of values."""
    yield from (((), told) for _, told in tell_unknown([value], dataset))
    if value not in dataset.table.columns:
        return
    if any(column.name == value and column.kind == "text" for column in dataset.features):
        yield (), f"the column '{value}' holds texts, which have no list of values"
    column = dataset.table[value]
    distinct = column.drop_nulls().n_unique()
    if distinct < 2:
        yield (), f"the column '{value}' has {'one value' if distinct else 'no value'}, so there is no other"
    if (column.dtype.is_numeric() or column.dtype.is_temporal()) and distinct > FEW_VALUES:
        yield (), f"the column '{value}' has {distinct:,} distinct values; name some with swap, set or add"


ENTRY = Edit(
    value=ColumnName(),
    columns=lambda value, dataset: (value,),
    variants=variants,
    problems=problems,
)
