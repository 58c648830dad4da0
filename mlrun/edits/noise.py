"""Noise: numbers off by chance, so much of each column's standard deviation; a level for each amount."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlrun.change.rows import Told, as_list, part, tell_not_numeric
from mlrun.check_contracts import Edit, Variant
from mlrun.kinds import AnyOf, ColumnName, Fields, ListOf, Number, OneOf, Parameter
from mlrun.records import Dataset

if TYPE_CHECKING:
    import polars as pl

LEVELS = (0.05, 0.1, 0.25)
ROOT_THREE = 3**0.5  # a uniform distribution from −√3 to √3 has a standard deviation of 1


def variants(value: Any, dataset: Dataset) -> tuple[Variant, ...]:
    """Return one variant for each amount, in standard deviations of the columns over the data."""
    spreads = {name: spread_of(dataset.table[name]) for name in columns(value, dataset)}
    kind = part(value, "kind", "gaussian")
    return tuple(
        Variant(f"sd {level:g}", noisy(spreads, float(level), kind), float(level)) for level in levels_of(value)
    )


def spread_of(column: pl.Series) -> float:
    spread = column.std()
    return float(spread) if isinstance(spread, (int, float)) else 0.0


def columns(value: Any, dataset: Dataset) -> tuple[str, ...]:
    """Return the columns that are named, else all numeric features."""
    named = part(value, "columns")
    if named is not None:
        return tuple(map(str, as_list(named)))
    return tuple(column.name for column in dataset.features if column.kind == "numeric")


def levels_of(value: Any) -> tuple[float, ...]:
    return as_list(part(value, "sd", LEVELS))


def noisy(spreads: Mapping[str, float], level: float, kind: str) -> Callable[[pl.DataFrame, Any], pl.DataFrame]:
    def apply(rows: pl.DataFrame, generator: Any) -> pl.DataFrame:
        import polars as pl

        size = (len(spreads), rows.height)
        uniform = kind == "uniform"
        drawn = generator.uniform(-ROOT_THREE, ROOT_THREE, size) if uniform else generator.standard_normal(size)
        edited = rows.clone()  # of the frame, not of its columns
        for place, (name, spread) in enumerate(spreads.items()):
            changed = rows[name].cast(pl.Float64) + pl.Series(drawn[place] * (level * spread))
            edited.replace_column(rows.get_column_index(name), changed)
        return edited

    return apply


def problems(value: Any, dataset: Dataset) -> Iterator[Told]:
    """Tell columns that are not there or hold no numbers."""
    named = columns(value, dataset)
    if not named:
        yield (), "the data has no numeric feature, so there is nothing to add noise to"
    for path, told in tell_not_numeric(named, dataset, "noise"):
        yield ("columns", *path), told


ENTRY = Edit(
    value=Fields(
        {
            "columns": Parameter(AnyOf(ColumnName(), ListOf(ColumnName())), None, "which; all numeric features"),
            "sd": Parameter(
                AnyOf(Number(above=0), ListOf(Number(above=0))), list(LEVELS), "how much, in standard deviations"
            ),
            "kind": Parameter(OneOf("gaussian", "uniform"), "gaussian", "how it is distributed"),
        }
    ),
    columns=columns,
    variants=variants,
    problems=problems,
)
