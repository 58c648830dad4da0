"""From what records still say of two tables to what of a difference can be told without their rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlrun.diff.alignment import cast_to, word_of
from mlrun.diff.moves import moves_from_profile
from mlrun.diff.outcome import Change, ColumnChanges, DataDiff, Move, RowChanges, Told
from mlrun.diff.sides import Recorded, Side
from mlrun.errors import NothingConcluded
from mlrun.origin.digests import data_digests
from mlrun.table.schema_cast import TYPES, schema_of

if TYPE_CHECKING:
    import polars as pl


NO_DIGESTS = "digests of its columns are not kept, as of data that somebody was erased from: what changed is not known"


def diff_of_records(one: Side, two: Side) -> DataDiff:
    """Compare two sides by their digests; a side that still has its table is digested in the types of the other.

    Raises NothingConcluded where a side has neither rows nor a record of them.
    """
    lost = [side for side in (one, two) if side.table is None]
    for side in lost:
        if not side.recorded.data_id:
            raise NothingConcluded(f"{side.name}: {side.why}; and its record says nothing of them (data.json)")
    first, second = known(one, two), known(two, one)
    same = first.data_id == second.data_id
    notes = [f"the rows of {side.name} cannot be had any more: {side.why}" for side in lost]
    if not same:
        notes.append("so which rows and cells changed cannot be told; these are the digests that the record has")
        notes += [f"{side.name}: {NO_DIGESTS}" for side in lost if not side.recorded.columns]
    moves: Mapping[str, Move] = {}
    if one.table is None and two.table is not None:
        moves = moves_from_profile(one.profile, in_types(two.table, first.table_schema))
    return DataDiff(
        told(one, first),
        told(two, second),
        same,
        first.rows_id == second.rows_id if same and len(lost) == 2 else None,
        RowChanges(""),
        () if same else changes(first, second, moves),
        tuple(notes),
    )


def known(side: Side, other: Side) -> Recorded:
    """Return what is known of a side: its record, else digests of its table in the other's types."""
    if side.table is None or side.recorded.data_id:
        return side.recorded
    table = in_types(side.table, other.recorded.table_schema)
    digests = data_digests(table)
    return Recorded(digests.data_id, digests.rows_id, table.height, digests.columns, schema_of(table))


def in_types(table: pl.DataFrame, schema: Mapping[str, str]) -> pl.DataFrame:
    """Return a table with each column in its recorded type, where its values can have it."""
    wanted = {name: schema[name] for name in table.columns if name in schema and schema[name] in TYPES}
    cast = [cast_to(table[name], dtype) for name, dtype in wanted.items()]
    return table.with_columns(column for column in cast if column is not None)


def told(side: Side, record: Recorded) -> Told:
    origin = "" if side.table is None else side.origin
    return Told(side.name, side.kind, record.rows, len(names(record)), record.data_id, origin)


def changes(first: Recorded, second: Recorded, moves: Mapping[str, Move]) -> tuple[ColumnChanges, ...]:
    """Return the columns of both, with whether their values are the same in whatever order."""
    found = []
    renamed = guess(first, second)
    for name in names(first):
        if name not in names(second):
            if name not in renamed.values():
                found.append(ColumnChanges(name, kind(first, name), "", "removed"))
            continue
        digested = bool(first.columns) and bool(second.columns)
        equal = digested and first.columns[name] == second.columns[name] and first.rows == second.rows
        before, now = kind(first, name), kind(second, name)
        change: Change = "same" if equal else "type" if before != now else "values" if digested else "untold"
        found.append(ColumnChanges(name, before, now, change, equal_values=equal, move=moves.get(name)))
    for name in names(second):
        if name in renamed:
            before = kind(first, renamed[name])
            found.append(ColumnChanges(name, before, kind(second, name), "renamed", renamed[name], equal_values=True))
        elif name not in names(first):
            found.append(ColumnChanges(name, "", kind(second, name), "added"))
    return tuple(found)


def names(record: Recorded) -> Mapping[str, str]:
    """Return the columns of a record, by their digests or else by their types."""
    return record.columns or record.table_schema


def guess(first: Recorded, second: Recorded) -> dict[str, str]:
    """Return new name → old name of columns with equal digests, where only one old fits one new."""
    if first.rows != second.rows:
        return {}
    old = {name: digest for name, digest in first.columns.items() if name not in second.columns}
    new = {name: digest for name, digest in second.columns.items() if name not in first.columns}
    return {
        name: next(each for each in old if old[each] == digest)
        for name, digest in new.items()
        if list(old.values()).count(digest) == 1 and list(new.values()).count(digest) == 1
    }


def kind(record: Recorded, name: str) -> str:
    return word_of(record.table_schema[name]) if name in record.table_schema else "?"
