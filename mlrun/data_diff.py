"""From two runs or files to what changed in the data between them: columns, rows, cells, and how far values moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from mlrun.catalog import suggestion
from mlrun.diff.alignment import Pair, align, digests_of, guess_renamed, word_of
from mlrun.diff.moves import find_moves
from mlrun.diff.outcome import Change, ColumnChanges, DataDiff, Examples, Move, RowChanges, Told
from mlrun.diff.records import diff_of_records
from mlrun.diff.rows import Cells, Matched, changed_cells, count_common, match, taken, unfit_ids
from mlrun.diff.sides import Side, find_run, side_of_data, side_of_run
from mlrun.errors import UsageError
from mlrun.origin.digests import DataDigests

if TYPE_CHECKING:
    from mlrun.records import Array

DIFFERENT = 1


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for; id: the column that names a row, None = as the runs' specs say; examples: ids to show."""

    id: str | None = None
    examples: int = 0


def diff(first: str, second: str, root: Path, wish: Wish) -> DataDiff:
    """Compare the data of two runs or files.

    root: the folder of all runs. Raises UsageError, DataError; NothingConcluded where neither rows nor a record of them
    are left.
    """
    one, two = sides(first, second, root)
    column = id_column(one, two, wish)
    if one.table is None or two.table is None:
        return diff_of_records(one, two)
    return diff_of_tables(one, two, column, wish)


def exit_code(found: DataDiff) -> int:
    """Return 0 for the same data, 1 for other data."""
    return 0 if found.same else DIFFERENT


def sides(first: str, second: str, root: Path) -> tuple[Side, Side]:
    """Return both sides; a file beside a run is read as the run reads."""
    folders = [find_run(name, root) for name in (first, second)]
    known = [None if folder is None else side_of_run(folder, root) for folder in folders]
    one = known[0] or side_of_data(first, known[1])
    return one, known[1] or side_of_data(second, known[0])


def id_column(one: Side, two: Side, wish: Wish) -> str | None:
    """Return the column that names rows, None when nobody says which.

    Raises UsageError for one that a side does not have, or whose values may not be shown.
    """
    named = wish.id or one.section.id or two.section.id
    if wish.id is not None:
        for side in (one, two):
            if side.table is not None and wish.id not in side.table.columns:
                raise UsageError(f"{side.name} has no column '{wish.id}'{suggestion(wish.id, side.table.columns)}")
    if wish.examples and named is None:
        raise UsageError("--examples shows ids of rows: name their column with --id COLUMN")
    if wish.examples and named in {*one.section.sensitive, *two.section.sensitive}:
        raise UsageError(f"the column '{named}' is sensitive: its values are never shown, so leave --examples out")
    return named


def diff_of_tables(one: Side, two: Side, column: str | None, wish: Wish) -> DataDiff:
    """Compare two tables, cell by cell where rows can be matched."""
    pair = align(one, two)
    notes = [*one.notes, *two.notes]
    matched, why = matching(pair, one, two, column)
    notes += [why] if why else []
    renamed = renamed_columns(pair, matched)
    pair = with_renamed(pair, renamed)
    digests = digests_of(pair)
    plain = not pair.removed.width and not pair.added.width and not renamed and not pair.clash
    same = plain and digests[0].data_id == digests[1].data_id
    told = told_side(one, digests[0], plain), told_side(two, digests[1], plain)
    if same:
        ordered = np.array_equal(digests[0].rows, digests[1].rows)
        if one.rows.columns != two.rows.columns:
            notes.append("the columns stand in another order")
        return DataDiff(*told, True, ordered, unchanged_rows(pair, matched, column), (), tuple(notes))
    if matched is None:
        rows, cells, examples = multiset(pair, digests), None, Examples()
    else:
        cells = changed_cells(pair.first, pair.second, matched, str(column))
        rows = by_id(matched, cells, str(column))
        examples = examples_of(pair, matched, cells, str(column), wish.examples)
    still = [name for name in pair.first.columns if equal_values(name, pair, digests)]
    moves = find_moves(pair.first, pair.second, still if column is None else [*still, column])
    columns = column_changes(pair, renamed, digests, cells, moves)
    return DataDiff(*told, False, None, rows, columns, tuple(notes), examples)


def matching(pair: Pair, one: Side, two: Side, column: str | None) -> tuple[Matched | None, str]:
    """Match the rows by a column of ids; None, and why, where it does not name each row once."""
    if column is None:
        return None, ""
    if column not in pair.first.columns:
        return None, f"'{column}' is not a column of both, so rows cannot be matched by it; they are counted instead"
    for side, table in ((one, pair.first), (two, pair.second)):
        if why := unfit_ids(table[column], side.name):
            return None, f"{why}, so rows cannot be matched by it; they are counted instead"
    return match(pair.first[column], pair.second[column]), ""


def renamed_columns(pair: Pair, matched: Matched | None) -> dict[str, str]:
    """Return new name → old name, guessed from equal values in the rows that both sides have."""
    if not pair.removed.width or not pair.added.width:
        return {}
    if matched is None:
        return guess_renamed(pair.removed, pair.added)
    return guess_renamed(pair.removed[matched.first], pair.added[matched.second])


def with_renamed(pair: Pair, renamed: Mapping[str, str]) -> Pair:
    """Return the pair with renamed columns among the common ones, under their new name."""
    if not renamed:
        return pair
    old, new = list(renamed.values()), list(renamed)
    first = pl.concat([pair.first, pair.removed.select(old).rename(dict(zip(old, new, strict=True)))], how="horizontal")
    second = pl.concat([pair.second, pair.added.select(new)], how="horizontal")
    return Pair(first, second, pair.removed.drop(old), pair.added.drop(new), pair.types, pair.clash)


def told_side(side: Side, digests: DataDigests, whole: bool) -> Told:
    """Return what is said of a side; the digest of all of its data only where all columns were compared."""
    digest = side.recorded.data_id or (digests.data_id if whole else "")
    return Told(side.name, side.kind, side.rows.height, side.rows.width, digest, side.origin)


# -- rows -------------------------------------------------------------------------------------------------------------


def unchanged_rows(pair: Pair, matched: Matched | None, column: str | None) -> RowChanges:
    if matched is None:
        return RowChanges("multiset", added=0, removed=0, same=pair.first.height)
    return RowChanges("id", str(column), 0, 0, 0, pair.first.height)


def multiset(pair: Pair, digests: tuple[DataDigests, DataDigests]) -> RowChanges:
    """Count rows by the content of the common columns."""
    if not pair.first.width:
        return RowChanges("")
    common = count_common(*digests)
    return RowChanges("multiset", added=pair.second.height - common, removed=pair.first.height - common, same=common)


def by_id(matched: Matched, cells: Cells, column: str) -> RowChanges:
    changed = int(np.count_nonzero(cells.changed))
    same = len(matched.first) - changed
    return RowChanges("id", column, len(matched.added), len(matched.removed), changed, same)


def examples_of(pair: Pair, matched: Matched, cells: Cells, column: str, most: int) -> Examples:
    """Return a few ids of each kind of row, the first ones."""

    def few(table: pl.DataFrame, positions: Array) -> tuple[str, ...]:
        return tuple(taken(table[column], positions[:most]).cast(pl.String).to_list()) if most else ()

    return Examples(
        added=few(pair.second, matched.added),
        removed=few(pair.first, matched.removed),
        changed=few(pair.first, matched.first[cells.changed]),
    )


# -- columns ----------------------------------------------------------------------------------------------------------


def column_changes(
    pair: Pair,
    renamed: Mapping[str, str],
    digests: tuple[DataDigests, DataDigests],
    cells: Cells | None,
    moves: Mapping[str, Move],
) -> tuple[ColumnChanges, ...]:
    """Return the common columns in the order of the first side, then those removed, then those added."""
    found = []
    for name in pair.first.columns:
        before, now = pair.types[name] if name in pair.types else (word(pair.first[name]), word(pair.second[name]))
        equal = equal_values(name, pair, digests)
        changed = None if cells is None or name not in cells.columns else cells.columns[name]
        change = change_of(name, pair, renamed, equal, cells)
        found.append(ColumnChanges(name, before, now, change, renamed.get(name, ""), changed, equal, moves.get(name)))
    found += [ColumnChanges(column.name, word(column), "", "removed") for column in pair.removed]
    found += [ColumnChanges(column.name, "", word(column), "added") for column in pair.added]
    return tuple(found)


def equal_values(name: str, pair: Pair, digests: tuple[DataDigests, DataDigests]) -> bool:
    """Say whether a column holds the same values on both sides, in whatever order."""
    return digests[0].columns[name] == digests[1].columns[name] and pair.first.height == pair.second.height


def change_of(name: str, pair: Pair, renamed: Mapping[str, str], equal: bool, cells: Cells | None) -> Change:
    """Return what became of a column that both sides have; of ids the numbers of rows say it."""
    if name in renamed:
        return "renamed"
    if name in pair.types and not (equal and not pair.clash):
        return "type"
    if cells is not None:
        return "values" if cells.columns.get(name) else "same"
    if equal:
        return "same"
    return "values" if pair.first.height == pair.second.height else "untold"


def word(column: pl.Series) -> str:
    return word_of(str(column.dtype.base_type()))
