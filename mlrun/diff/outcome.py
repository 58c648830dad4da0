"""What the comparison of two tables finds: sides, rows, columns; counts and digests, no value of any row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Change = Literal["same", "values", "type", "added", "removed", "renamed", "untold"]


@dataclass(frozen=True, slots=True)
class Told:
    """One of the two: a run or a file; data_id: the digest that ignores the order of rows and columns.

    origin: where its rows were read: file, source (of a run, unchanged), snapshot; '' = only its record is left.
    """

    name: str
    kind: Literal["run", "file"]
    rows: int | None
    columns: int
    data_id: str
    origin: str


@dataclass(frozen=True, slots=True)
class RowChanges:
    """Rows of the second against those of the first; None = it cannot be told.

    method: id = matched by the column `id`; multiset = counted by their content, so that a changed row is one removed
    and one added; '' = not at all. twice: rows of each side whose content stands in it more than once.
    """

    method: Literal["id", "multiset", ""]
    id: str = ""
    added: int | None = None
    removed: int | None = None
    changed: int | None = None
    same: int | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """How far a column's values moved, all rows of one side against all of the other.

    psi: the population stability index. effect: the standardised difference of means, or Cramér's V, as `measure`
    says; None where it is not defined. p_value: of no move, Holm-adjusted over the columns. drifted: it moved far
    enough to matter, and further than chance would. missing: shares of rows. rows: None = all, else so many of each.
    """

    measure: str
    psi: float
    effect: float | None
    p_value: float
    drifted: bool
    missing_before: float
    missing: float
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class ColumnChanges:
    """A column; before, now: its type, '' = it is not there. renamed_from: a guess, from equal values.

    change: untold = rows came or went, and nothing says which of them it was. cells: how many changed in rows matched
    by id. equal_values: the same values, in whatever order.
    """

    name: str
    before: str
    now: str
    change: Change
    renamed_from: str = ""
    cells: int | None = None
    equal_values: bool | None = None
    move: Move | None = None


@dataclass(frozen=True, slots=True)
class Examples:
    """Ids of a few rows, where they were asked for."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DataDiff:
    """What changed from the first to the second; same: the same rows and columns, in whatever order and file format.

    same_order: of the rows; None where that means nothing. notes: what the reader must know, one sentence each.
    """

    first: Told
    second: Told
    same: bool
    same_order: bool | None
    rows: RowChanges
    columns: tuple[ColumnChanges, ...]
    notes: tuple[str, ...] = ()
    examples: Examples = field(default_factory=Examples)
