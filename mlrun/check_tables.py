"""From one check's findings to its tables: all models side by side, the best model's parts in full."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from mlrun.records import Finding
from mlrun.screen.tables import Heading, Row, Table
from mlrun.tabulation.models import calibration, confidence, ensembles, learning_curve, trade_offs
from mlrun.tabulation.parts import assumptions, drift, over_time, slices
from mlrun.tabulation.side_by_side import named, side_by_side
from mlrun.wording import NOTHING, number, told_test

MOST_WORST = 5  # rows of a test; findings.jsonl has the others
TABLES: Mapping[str, Callable[[Sequence[Finding], Sequence[str]], Iterator[Table]]] = {
    "calibration": calibration,
    "confidence": confidence,
    "slices": slices,
    "learning_curve": learning_curve,
    "trade_offs": trade_offs,
    "assumptions": assumptions,
    "ensembles": ensembles,
    "over_time": over_time,
    "drift": drift,
}


def tables(check: str, findings: Sequence[Finding], names: Sequence[str]) -> tuple[Table, ...]:
    """Return the tables of one check.

    findings: of this check. names: models and baselines, the best first.
    """
    mine = [finding for finding in findings if finding.check == check]
    made = TABLES[check](mine, names) if check in TABLES else side_by_side(mine, names)
    return tuple(table for table in made if table.rows)


def worst_rows(findings: Sequence[Finding], best: str) -> Table:
    """Return the rows that failed the best model's tests by most, by id, with what was said before and after."""
    mine = [finding for finding in findings if finding.model in {"", best} and finding.worst_rows]
    rows: tuple[Row, ...] = tuple(
        {"test": told_test(each.check, each.test), "variant": each.variant, "row": row, "note": row.note}
        for each in mine
        for row in each.worst_rows[:MOST_WORST]
    )
    left = sum(max(0, len(each.worst_rows) - MOST_WORST) for each in mine)
    note = (f"findings.jsonl has {left:,} more, and those of the other models",) if left else ()
    noted = [Heading("note", lambda row: row["note"], rank=1, fold=True)] if any(row["note"] for row in rows) else []
    return Table(
        (
            Heading("test", lambda row: named("", row), fold=True),
            Heading("row", lambda row: str(row["row"].row), fold=True, narrowest=8),
            Heading("before", lambda row: label(row["row"].old), fold=True, narrowest=8),
            Heading("after", lambda row: label(row["row"].new), fold=True, narrowest=8),
            *noted,
        ),
        rows,
        note,
    )


def label(value: object) -> str:
    """Return an output of a model: a number with four digits, a label as it is."""
    if value is None:
        return NOTHING
    return number(value) if isinstance(value, float) else str(value)
