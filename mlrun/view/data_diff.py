"""From what changed in the data to what is shown of it: a page for people, rows and an object for machines."""

from __future__ import annotations

from collections.abc import Iterator

from mlrun.diff.outcome import ColumnChanges, DataDiff, RowChanges, Told
from mlrun.json_records import encode
from mlrun.screen.pages import Page, Section, show_page
from mlrun.screen.tables import Heading, Row, Table
from mlrun.wording import NOTHING, count

SHORT = 12  # characters of a digest that people compare
SIGNS = {"standardised mean difference": "d", "Cramér's V": "V"}
NAMED_AT_MOST = 6
READ_FROM = {"snapshot": "its snapshot", "source": "its source, unchanged", "file": "the file", "": "its record only"}


def print_diff(found: DataDiff, form: str) -> None:
    """Print what changed; as csv the columns alone."""
    title = f"{found.first.name} and {found.second.name}"
    show_page(Page(title, sections(found), {**encode(found), "sentence": conclusion(found)}, columns(found)), form)


def sections(found: DataDiff) -> list[Section]:
    """Return both sides, the rows, the columns that are not the same, what to know, then the conclusion."""
    parts = [Section("", both(found))]
    if not found.same:
        parts.append(Section("rows", None, tuple(told_rows(found))))
        parts.append(Section("columns", columns(found, all_of_them=False), tuple(told_columns(found))))
    notes = tuple(f"note: {note}" for note in found.notes)
    return [*parts, *([Section("", None, notes)] if notes else []), Section(conclusion(found))]


def both(found: DataDiff) -> Table:
    """Return what the two sides are."""
    rows = tuple(side_row(side) for side in (found.first, found.second))
    headings = (
        Heading("data", lambda row: row["name"], fold=True),
        Heading("rows", lambda row: f"{row['rows']:,}" if row["rows"] is not None else NOTHING, right=True),
        Heading("columns", lambda row: f"{row['columns']:,}", right=True),
        Heading("digest", lambda row: row["data_id"][:SHORT] or NOTHING, rank=1),
        Heading("read from", lambda row: READ_FROM[row["origin"]], rank=2),
    )
    return Table(headings, rows)


def side_row(side: Told) -> Row:
    return {
        "name": side.name,
        "kind": side.kind,
        "rows": side.rows,
        "columns": side.columns,
        "data_id": side.data_id,
        "origin": side.origin,
    }


# -- rows -------------------------------------------------------------------------------------------------------------


def told_rows(found: DataDiff) -> Iterator[str]:
    """Yield how many rows came, went and changed, and what cannot be told."""
    rows = found.rows
    if rows.method == "id":
        cells = sum(column.cells or 0 for column in found.columns)
        inside = f" ({count(cells, 'cell')})" if rows.changed else ""
        yield f"matched by '{rows.id}': {told_parts(rows, inside)}"
    elif rows.method == "multiset":
        alone = f"{rows.removed:,} only in {found.first.name}, {rows.added:,} only in {found.second.name}"
        yield f"counted by their content: {alone}, {rows.same:,} in both"
        if rows.added and rows.removed:
            yield "changed rows cannot be told from replaced ones without ids; --id COLUMN names their column"
    elif found.first.rows is not None and found.second.rows is not None:
        yield f"{found.first.rows:,} and {found.second.rows:,}; which of them are the same cannot be told"
    if any(column.change in ("added", "removed") for column in found.columns) and rows.method:
        yield "only columns that both have are compared"
    shown = found.examples
    for word, ids in (("added", shown.added), ("removed", shown.removed), ("changed", shown.changed)):
        if ids:
            yield f"{word}, for example: {', '.join(ids)}"


def told_parts(rows: RowChanges, cells: str) -> str:
    return f"{rows.added:,} added, {rows.removed:,} removed, {rows.changed:,} changed{cells}, {rows.same:,} the same"


# -- columns ----------------------------------------------------------------------------------------------------------


def columns(found: DataDiff, *, all_of_them: bool = True) -> Table:
    """Return a line a column; for people only those that are not the same."""
    chosen = [column for column in found.columns if all_of_them or is_news(column)]
    headings = [
        Heading("column", lambda row: row["column"], fold=True),
        Heading("change", told_change, fold=True),
    ]
    if found.rows.method == "id":
        headings.append(Heading("cells", lambda row: "" if row["cells"] is None else f"{row['cells']:,}", right=True))
    headings += [
        Heading("PSI", lambda row: "" if row["psi"] is None else f"{row['psi']:.3f}", rank=1, right=True),
        Heading("effect", told_effect, rank=2, right=True),
        Heading("missing", told_missing, rank=3, right=True),
        Heading("moved", lambda row: "yes" if row["drifted"] else ""),
    ]
    rows = tuple(column_row(column) for column in chosen)
    return Table(
        tuple(headings), rows, style=lambda row: "bold" if row["drifted"] else "", empty="no column is another"
    )


def is_news(column: ColumnChanges) -> bool:
    return column.change not in ("same", "untold") or (column.move is not None and column.move.drifted)


def column_row(column: ColumnChanges) -> Row:
    """Return a line for machines, numbers exact."""
    move = column.move
    return {
        "column": column.name,
        "change": column.change,
        "before": column.before,
        "now": column.now,
        "renamed_from": column.renamed_from,
        "cells": column.cells,
        "equal_values": column.equal_values,
        "psi": None if move is None else move.psi,
        "effect": None if move is None else move.effect,
        "measure": "" if move is None else move.measure,
        "p_value": None if move is None else move.p_value,
        "missing_before": None if move is None else move.missing_before,
        "missing": None if move is None else move.missing,
        "drifted": move is not None and move.drifted,
    }


def told_change(row: Row) -> str:
    """Return what became of a column in a few words."""
    change, before, now = row["change"], row["before"], row["now"]
    if change == "added":
        return f"added ({now})"
    if change == "removed":
        return f"removed ({before})"
    if change == "renamed":
        return f"renamed from {row['renamed_from']}? (equal values)"
    if change == "type":
        return f"{before} → {now}"
    return {"values": "other values", "same": "the same values", "untold": ""}[change]


def told_effect(row: Row) -> str:
    if row["effect"] is None:
        return ""
    sign = SIGNS[row["measure"]]
    return f"{sign} {row['effect']:+.2f}" if sign == "d" else f"{sign} {row['effect']:.2f}"


def told_missing(row: Row) -> str:
    if row["missing"] is None or not (row["missing"] or row["missing_before"]):
        return ""
    return f"{row['missing_before']:.1%} → {row['missing']:.1%}"


def told_columns(found: DataDiff) -> Iterator[str]:
    """Yield how many columns are not in the table, and what its words mean."""
    same = sum(column.change == "same" and not is_news(column) for column in found.columns)
    untold = sum(column.change == "untold" and not is_news(column) for column in found.columns)
    if same:
        yield f"{count(same, 'column')} without a change"
    if untold and found.rows.method:
        yield f"{count(untold, 'column')} of other rows, none of which moved"
    moves = [column.move for column in found.columns if column.move is not None and is_news(column)]
    if moves:
        yield "PSI: population stability index; d: difference of means in SDs; V: Cramér's V"
        yield "moved: PSI > 0.1, |d| >= 0.2 or V >= 0.1, and p < 5 % (Holm); dates never do"
    looked_at = {move.rows for move in moves if move.rows is not None and move.rows < (found.first.rows or 0)}
    for rows in looked_at:
        yield f"of texts {rows:,} rows of each side were looked at, evenly spread"


# -- the conclusion ---------------------------------------------------------------------------------------------------


def conclusion(found: DataDiff) -> str:
    """Say in one line whether the data is the same, and what is not."""
    if found.same:
        rows = "" if found.first.rows is None else f"{count(found.first.rows, 'row')}, "
        order = {True: " in the same order", False: ", the rows in another order", None: ""}[found.same_order]
        return f"same: {rows}{count(found.first.columns, 'column')}{order}"
    told = [told_briefly(found.rows)] if found.rows.method else []
    words = {"added": "added", "removed": "removed", "renamed": "renamed", "type": "of another type"}
    words |= {} if found.rows.method else {"values": "other values in"}
    for change, word in words.items():
        names = [column.name for column in found.columns if column.change == change]
        told += [f"{word} {named(names)}"] if names else []
    moved = [column.name for column in found.columns if column.move is not None and column.move.drifted]
    told += [f"moved: {named(moved)}"] if moved else []
    return "; ".join(["different", *told]).replace("; ", ": ", 1)


def told_briefly(rows: RowChanges) -> str:
    """Return what became of the rows, without what is 0."""
    words = [(rows.added, "added"), (rows.removed, "removed"), (rows.changed, "changed")]
    if rows.method == "multiset":
        words = [(rows.removed, "only in the first"), (rows.added, "only in the second")]
    told = [f"{count(amount, 'row')} {word}" for amount, word in words if amount]
    return ", ".join(told) or "the same rows in the columns that both have"


def named(names: list[str]) -> str:
    more = len(names) - NAMED_AT_MOST
    return ", ".join(names[:NAMED_AT_MOST]) + (f" and {more:,} more" if more > 0 else "")
