"""From two tables to their common columns in common types, and the names of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from mlrun.errors import DataError
from mlrun.origin.digests import DataDigests, data_digests, hash_values
from mlrun.table.column_types import as_words
from mlrun.table.schema_cast import TYPES, apply_schema

if TYPE_CHECKING:
    from mlrun.diff.sides import Side
    from mlrun.records import Array

WORDS: Mapping[str, str] = {
    "Int64": "whole number",
    "Float64": "number",
    "Boolean": "true or false",
    "String": "text",
    "Date": "date",
    "Datetime": "date and time",
}
EXACT = 2**53  # whole numbers up to here are what their float64 is
FAMILIES: Mapping[str, str] = {"Int64": "number", "Float64": "number", "Date": "time", "Datetime": "time"}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two tables with the same columns in the same order; in each column values are of one type where that is possible.

    types: column → its type on both sides, as words, where it changed; clash: of these, those of another kind, which
    differ whatever their values are. removed, added: columns that only one side has, as they are there.
    """

    first: pl.DataFrame
    second: pl.DataFrame
    removed: pl.DataFrame
    added: pl.DataFrame
    types: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    clash: bool = False


def align(first: Side, second: Side) -> Pair:
    """Return the tables of two sides joined by the names of their columns; a run's types win, else the first's."""
    one, two = tables_of(first, second)
    common = [name for name in one.columns if name in two.columns]
    types: dict[str, tuple[str, str]] = {}
    clash, columns = False, []
    for name in common:
        before, now = guessed(first, name), guessed(second, name)
        if second.kind == "run" and first.kind != "run":
            right, left = unify(two[name], one[name])
        else:
            left, right = unify(one[name], two[name])
        columns.append((left, right))
        alike = first.typed == second.typed
        empty = one[name].null_count() == one.height or two[name].null_count() == two.height
        if not empty and (before != now if alike else left.dtype != right.dtype):
            types[name] = (word_of(before), word_of(now))
            clash |= first.typed and second.typed and family(before) != family(now)
    return Pair(
        pl.DataFrame([left for left, _ in columns]),
        pl.DataFrame([right for _, right in columns]),
        one.select(name for name in one.columns if name not in two.columns),
        two.select(name for name in two.columns if name not in one.columns),
        types,
        clash,
    )


def tables_of(first: Side, second: Side) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return both tables; what is text on one side is read as text on the other, where that is a text file."""
    one, two = first.rows, second.rows
    common = [name for name in one.columns if name in two.columns]
    texts = tuple(name for name in common if (one[name].dtype == pl.String) != (two[name].dtype == pl.String))
    if texts and first.reread is not None and any(one[name].dtype != pl.String for name in texts):
        one = first.reread(texts)
    if texts and second.reread is not None and any(two[name].dtype != pl.String for name in texts):
        two = second.reread(texts)
    return one, two


def guessed(side: Side, name: str) -> str:
    """Return a column's type as it is by itself, before the other side had a say."""
    return str(side.rows[name].dtype.base_type())


def word_of(dtype: str) -> str:
    return WORDS[dtype] if dtype in WORDS else dtype.lower()


def family(dtype: str) -> str:
    return FAMILIES.get(dtype, dtype)


def unify(model: pl.Series, other: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return both columns in one type: the first's, else the second's, else as words; lists and the like as they are.

    What would lose something is left as it is: to what compares them 1 is 1.0, and a day is its midnight.
    """
    kinds = str(model.dtype.base_type()), str(other.dtype.base_type())
    if kinds[0] == kinds[1] or not set(kinds) <= set(TYPES):
        return model, other
    if family(kinds[0]) == family(kinds[1]):
        return model, widened(other, kinds[0])
    for target, given, swapped in ((model, other, False), (other, model, True)):
        cast = cast_to(given, str(target.dtype.base_type()))
        if cast is not None:
            return (cast, target) if swapped else (target, cast)
    return as_words(model), as_words(other)


def widened(column: pl.Series, dtype: str) -> pl.Series:
    """Return a number or a time in another type of its kind; as it is where that would change a value."""
    if dtype == "Datetime":
        return column.cast(TYPES[dtype])
    exact = column.dtype != pl.Int64 or bool((column.abs() <= EXACT).all())
    cast = cast_to(column, dtype) if dtype != "Date" and exact else None
    return column if cast is None else cast


def cast_to(column: pl.Series, dtype: str) -> pl.Series | None:
    """Return a column in another type; None where one of its values is none of this type."""
    try:
        return apply_schema(column.to_frame(), {column.name: dtype}, "").to_series()
    except DataError:
        return None


# -- what compares values ---------------------------------------------------------------------------------------------


def unequal(left: pl.Series, right: pl.Series) -> Array:
    """Say where two columns differ, (n,) bool: null equals null, 1 equals 1.0, a day its midnight."""
    if left.dtype == right.dtype and str(left.dtype.base_type()) in TYPES:
        found: Array = left.ne_missing(right).to_numpy()
        return found
    differ: Array = hashes(left) != hashes(right)
    return differ


def hashes(column: pl.Series) -> Array:
    """Return (n,) uint64, as digests of data have them."""
    blocks = [block for _, block in hash_values(column)]
    found: Array = np.concatenate(blocks) if blocks else np.empty(0, dtype=np.uint64)
    return found


def digests_of(pair: Pair) -> tuple[DataDigests, DataDigests]:
    """Return the digests of both sides' common columns."""
    return data_digests(pair.first), data_digests(pair.second)


def guess_renamed(removed: pl.DataFrame, added: pl.DataFrame) -> dict[str, str]:
    """Return new name → old name of columns that hold the same values; only where one old fits one new name.

    The rows of both sides are the same ones, or as many. Columns of one value all through tell nothing.
    """
    if removed.height != added.height:
        return {}
    old, new = ({each: ordered_digest(table[each]) for each in table.columns} for table in (removed, added))
    found = {}
    for name, digest in new.items():
        fitting = [each for each in old if old[each] == digest]
        if digest is not None and len(fitting) == 1 and list(new.values()).count(digest) == 1:
            found[name] = fitting[0]
    return found


def ordered_digest(column: pl.Series) -> str | None:
    """Return a digest of a column's values in any order; None where they are all the same."""
    if column.n_unique() < 2:
        return None
    return data_digests(column.to_frame()).columns[column.name]
