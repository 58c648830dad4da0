"""From the index of runs to a list: newest first, filtered, sorted; no run folder is opened."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from mlrun import index
from mlrun.catalog import suggestion
from mlrun.errors import UsageError
from mlrun.screen.tables import Heading, Row, Table, print_table
from mlrun.store.run_names import check_known
from mlrun.store.run_row import IndexRow, State
from mlrun.terminal import open_console
from mlrun.wording import ARROWS, NOTHING, count, moment, number

STYLES = {"failed": "red", "damaged": "red", "newer": "red", "interrupted": "yellow", "running": "cyan"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs, in which order; '' and 0 = all."""

    experiment: str = ""
    status: str = ""
    limit: int = 0
    sort: str = "started"


def print_history(root: Path, wanted: Wanted, form: str) -> None:
    """Print the runs below the root; raise UsageError for an unknown experiment, status or key."""
    print_table(open_console(), history(root, wanted), form)


def history(root: Path, wanted: Wanted) -> Table:
    """Return the runs that are wanted, as a table."""
    if wanted.status and wanted.status not in get_args(State):
        raise UsageError(f"no run has the status '{wanted.status}'{suggestion(wanted.status, get_args(State))}")
    if wanted.sort not in KEYS:
        raise UsageError(f"runs cannot be sorted by '{wanted.sort}'{suggestion(wanted.sort, KEYS)}")
    if wanted.experiment:
        check_known(root, wanted.experiment)
    found = [
        row for row in index.rows(root, wanted.experiment or None) if not wanted.status or row.status == wanted.status
    ]
    ordered = KEYS[wanted.sort](found)
    shown = ordered[: wanted.limit] if wanted.limit else ordered
    notes = [f"{len(shown)} of {count(len(ordered), 'run')}; -n 0 shows all"] if len(shown) < len(ordered) else []
    notes += [f"{row.name}: {row.reason}" for row in shown if row.status in {"damaged", "newer"}]
    if any(row.sampled is not None for row in shown):
        notes.append("* a try-out on some of the rows (--sample)")
    if any(row.status == "interrupted" for row in shown):
        notes.append("interrupted: the same train command goes on with it")
    rows = tuple({"name": row.name, **row._asdict()} for row in shown)
    return Table(headings(shown), rows, tuple(notes), style_of, nothing(root, wanted))


def nothing(root: Path, wanted: Wanted) -> str:
    """Return what is said instead of an empty table."""
    if wanted.status:
        return f"no run in {root} is {wanted.status}"
    return f"no runs in {root} yet: mlrun train SPEC makes the first"


def as_they_come(rows: Iterable[IndexRow]) -> list[IndexRow]:
    return list(rows)


def by_text(field: str) -> Callable[[Iterable[IndexRow]], list[IndexRow]]:
    """Return how to sort by a text, A first; equal ones stay newest first."""
    return lambda rows: sorted(rows, key=lambda row: str(getattr(row, field)))


def by_score(field: str) -> Callable[[Iterable[IndexRow]], list[IndexRow]]:
    """Return how to sort by a score, best first inside each metric; runs without one come last."""

    def place(row: IndexRow) -> tuple[bool, str, float]:
        value: float | None = getattr(row, field)
        if value is None or math.isnan(value):
            return True, "", 0.0
        return False, row.metric, -value if row.direction == "maximize" else value

    return lambda rows: sorted(rows, key=place)


KEYS: dict[str, Callable[[Iterable[IndexRow]], list[IndexRow]]] = {
    "started": as_they_come,
    "experiment": by_text("experiment"),
    "status": by_text("status"),
    "best": by_text("best"),
    "verdict": by_text("verdict"),
    "folds": by_score("cv"),
    "score": by_score("cv"),
    "test": by_score("test"),
}


def told_name(row: Row) -> str:
    return f"{row['name']}{'*' if row['sampled'] is not None else ''}"


def told_score(row: Row) -> str:
    if row["cv"] is None:
        return NOTHING
    return f"{row['metric']} {ARROWS[row['direction']]} {number(row['cv'])}"


def headings(shown: Iterable[IndexRow]) -> tuple[Heading, ...]:
    """Return the columns; a metric that all runs share stands above, not in each line."""
    metrics = {(row.metric, row.direction) for row in shown if row.cv is not None}
    scores = Heading("folds", told_score, right=True)
    if len(metrics) == 1:
        label, direction = metrics.pop()
        scores = Heading(f"{label} {ARROWS[direction]}", lambda row: number(row["cv"]), right=True)
    return (
        Heading("run", told_name, fold=True),
        Heading("started", lambda row: moment(row["started"]) or NOTHING, rank=2),
        Heading("status", lambda row: row["status"]),
        Heading("best", lambda row: row["best"] or NOTHING, fold=True),
        scores,
        Heading("test", lambda row: number(row["test"]), rank=1, right=True),
        Heading("verdict", lambda row: row["verdict"] or NOTHING, rank=3),
    )


def style_of(row: Row) -> str:
    status: Any = row["status"]
    return STYLES.get(status, "")
