"""From columns and conditions to named slices of the rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mlrun.table.row_conditions import select_rows
from mlrun.wording import as_text

if TYPE_CHECKING:
    from mlrun.records import Array

CATEGORIES = 12  # the most frequent values of a column; the others are one slice
FEWEST = 5  # rows that share a value before it is named: a rarer one would tell of single people, and no test can
QUANTILES = 4
LONGEST = 40  # characters of a value in a slice's name


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Some rows under a name; rows: (n,) bool. expected: they should be judged as the rest is (a sensitive column).

    critical: they must reach `at_least` themselves. by: the columns that divided the rows, '' = a condition.
    """

    name: str
    rows: Array
    expected: bool = False
    critical: bool = False
    at_least: float | None = None
    by: str = ""


def named_slices(table: pl.DataFrame, by: Sequence[Any], sensitive: Sequence[str]) -> list[Slice]:
    """Return the slices that a test asks for, each once; combinations of values that no row has are left out.

    by: a column, several columns (every combination), {column, quantiles}, or {where, name, critical, at_least}.
    Raises UsageError for a condition that cannot be evaluated, KeyError for a column that is not there.
    """
    found: dict[str, Slice] = {}
    for item in by:
        for part in _slices_of(table, item, sensitive):
            if part.rows.any() or not part.by:
                found.setdefault(part.name, part)
    return list(found.values())


def _slices_of(table: pl.DataFrame, item: Any, sensitive: Sequence[str]) -> Iterator[Slice]:
    if isinstance(item, Mapping) and "where" in item:
        rows = select_rows(table, item["where"])
        yield Slice(item["name"] or item["where"], rows, critical=bool(item["critical"]), at_least=item["at_least"])
        return
    quantiles = item["quantiles"] if isinstance(item, Mapping) else QUANTILES
    columns = [item["column"]] if isinstance(item, Mapping) else [item] if isinstance(item, str) else list(item)
    expected = all(name in sensitive for name in columns)
    for parts in product(*(parts_of(table[name], quantiles) for name in columns)):
        name, rows = " and ".join(part.name for part in parts), np.all([part.rows for part in parts], axis=0)
        yield Slice(name, rows, expected, by=", ".join(columns))


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The rows in which a column has some values."""

    name: str
    rows: Array


def parts_of(column: pl.Series, quantiles: int = QUANTILES) -> list[Part]:
    """Return a column's rows divided by its values: numbers and dates of many values in quantile bins, else by value.

    The most frequent values each make a part, the others one; rows without a value make one. Nested values make none.
    """
    if column.dtype.is_nested() or column.dtype == pl.Object:
        return []
    if column.dtype.is_float():
        column = column.fill_nan(None)
    known = column.drop_nulls()
    missing = column.is_null().to_numpy()
    ordered = column.dtype.is_numeric() or column.dtype.is_temporal()
    if ordered and known.n_unique() > CATEGORIES:
        found = list(_bins(column, known, quantiles))
    else:
        found = list(_values(column, known))
    return [*found, Part(f"{column.name} is missing", missing)] if missing.any() else found


def _bins(column: pl.Series, known: pl.Series, quantiles: int) -> Iterator[Part]:
    """Yield bins of about as many rows each, bounded by values that occur; equal values are never divided."""
    ordered = known.sort()
    places = [len(ordered) * number // quantiles for number in range(1, quantiles)]
    edges = ordered.gather(places).unique(maintain_order=True).to_list()
    edges = [edge for edge in edges if edge > ordered[0]]
    if not edges:
        yield Part(f"{column.name} has a value", column.is_not_null().to_numpy())
        return
    for low, high in zip([None, *edges], [*edges, None], strict=True):
        rows = column.is_not_null()
        rows = rows if low is None else rows & (column >= low)
        rows = rows if high is None else rows & (column < high)
        yield Part(_range(column.name, low, high), rows.fill_null(value=False).to_numpy())


def _range(name: str, low: Any, high: Any) -> str:
    if low is None:
        return f"{name} < {_told(high)}"
    return f"{name} ≥ {_told(low)}" if high is None else f"{_told(low)} ≤ {name} < {_told(high)}"


def _values(column: pl.Series, known: pl.Series) -> Iterator[Part]:
    """Yield the most frequent values, then all others as one; nothing where hardly a value comes twice, as in text.

    A value of very few rows is never named: findings, reports and what CI shows would tell of single people.
    """
    counts = known.value_counts().rows()
    if len(counts) > max(CATEGORIES, len(known) // 2):
        return
    values = sorted(value for value, rows in sorted(counts, key=_by_count)[:CATEGORIES] if rows >= FEWEST)
    for value in values:
        yield Part(f"{column.name} = {_told(value)}", (column == value).fill_null(value=False).to_numpy())
    if len(counts) > len(values):
        others = column.is_not_null() & ~column.is_in(pl.Series(values, dtype=column.dtype).implode())
        yield Part(f"{column.name} = other", others.fill_null(value=False).to_numpy())


def _by_count(pair: tuple[Any, int]) -> tuple[int, str]:
    return -pair[1], str(pair[0])


def _told(value: Any) -> str:
    if isinstance(value, (bool, int, str)):
        told = as_text(value)
        return told if len(told) <= LONGEST else f"{told[: LONGEST - 1]}…"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
