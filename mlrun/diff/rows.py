"""From two aligned tables to rows added, removed, changed: matched by a column of ids, or counted by their content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from mlrun.diff.alignment import unequal

if TYPE_CHECKING:
    from mlrun.origin.digests import DataDigests
    from mlrun.records import Array


@dataclass(frozen=True, slots=True)
class Matched:
    """Rows that stand on both sides: positions in each, equally many; those that only one side has, ascending."""

    first: Array
    second: Array
    removed: Array
    added: Array


@dataclass(frozen=True, slots=True)
class Cells:
    """Column → changed cells; changed: which of the matched rows have any, (n,) bool."""

    columns: Mapping[str, int] = field(default_factory=dict)
    changed: Array = field(default_factory=lambda: np.empty(0, dtype=bool))


def unfit_ids(column: pl.Series, name: str) -> str:
    """Return why a column cannot name the rows of a table; '' when it can."""
    if missing := column.null_count():
        return f"{missing:,} row{'s' * (missing > 1)} of {name} ha{'ve' if missing > 1 else 's'} no '{column.name}'"
    rows = int(column.is_duplicated().sum())
    if rows:
        doubled = rows - (column.len() - column.n_unique())
        told = f"{doubled:,} values of '{column.name}' stand" if doubled > 1 else f"one value of '{column.name}' stands"
        return f"{told} in {rows:,} rows of {name}"
    return ""


def match(first: pl.Series, second: pl.Series) -> Matched:
    """Match rows by ids, which are unique on both sides; in the order of the first."""
    left = pl.DataFrame({"id": first, "first": np.arange(len(first))})
    right = pl.DataFrame({"id": second, "second": np.arange(len(second))})
    if left["id"].dtype != right["id"].dtype:  # whole numbers and fractions, days and moments
        left, right = (frame.with_columns(pl.col("id").cast(common_type(first, second))) for frame in (left, right))
    both = left.join(right, on="id", how="inner").sort("first")
    one, two = both["first"].to_numpy(), both["second"].to_numpy()
    return Matched(one, two, others(one, len(first)), others(two, len(second)))


def common_type(first: pl.Series, second: pl.Series) -> pl.DataType:
    if first.dtype.is_temporal() and second.dtype.is_temporal():
        return pl.Datetime("us")
    return pl.Float64() if first.dtype.is_numeric() and second.dtype.is_numeric() else pl.String()


def others(positions: Array, rows: int) -> Array:
    """Return the positions that are not among these."""
    free = np.ones(rows, dtype=bool)
    free[positions] = False
    return np.flatnonzero(free)


def changed_cells(first: pl.DataFrame, second: pl.DataFrame, matched: Matched, id_column: str) -> Cells:
    """Count the cells that differ in matched rows, a column at a time."""
    changed = np.zeros(len(matched.first), dtype=bool)
    columns = {}
    for name in first.columns:
        if name == id_column:
            continue
        wrong = unequal(taken(first[name], matched.first), taken(second[name], matched.second))
        columns[name] = int(np.count_nonzero(wrong))
        changed |= wrong
    return Cells(columns, changed)


def taken(column: pl.Series, positions: Array) -> pl.Series:
    """Return the values at some positions; the column itself where that is all of them, in their order."""
    whole = len(positions) == len(column) and bool((positions == np.arange(len(column))).all())
    return column if whole else column.gather(positions)


def count_common(first: DataDigests, second: DataDigests) -> int:
    """Return how many rows stand on both sides, each as often as on the side that has it less often."""
    counted = [
        pl.DataFrame({"low": each.rows[:, 0], "high": each.rows[:, 1]}).group_by("low", "high").len()
        for each in (first, second)
    ]
    both = counted[0].join(counted[1], on=["low", "high"], how="inner")
    return int(both.select(pl.min_horizontal("len", "len_right").sum()).item() or 0)
