"""From the index of runs to a list: newest first or sorted, those that are asked for; no run folder is opened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from mlrun import index
from mlrun.catalog import suggestion
from mlrun.errors import UsageError
from mlrun.run_fields import Field, Names, is_brief, ordered
from mlrun.screen.tables import Heading, Row, Table, print_table
from mlrun.store.run_names import check_known
from mlrun.store.run_row import IndexRow, State, best_of, scores_of
from mlrun.terminal import open_console
from mlrun.wording import ARROWS, NOTHING, count, duration, moment, number

STYLES = {"failed": "red", "damaged": "red", "newer": "red", "interrupted": "yellow", "running": "cyan"}
ALWAYS = {"run", "experiment", "version", "started", "status", "model", "best", "verdict", "sampled", "tag", "note",
          "stale", "score", "folds", "test"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs, in which order; '', () and 0 = all. sort: a name of run_fields, with - in front the other way."""

    experiment: str = ""
    status: str = ""
    limit: int = 0
    sort: str = "started"
    where: Sequence[str] = ()
    tags: Sequence[str] = ()
    best: bool = False


def print_list(root: Path, wanted: Wanted, form: str) -> None:
    """Print the runs below the root; raise UsageError for an unknown experiment, status, name or condition."""
    print_table(open_console(), listed(root, wanted), form)


def listed(root: Path, wanted: Wanted) -> Table:
    """Return the runs that are wanted, as a table."""
    if wanted.status and wanted.status not in get_args(State):
        raise UsageError(f"no run has the status '{wanted.status}'{suggestion(wanted.status, get_args(State))}")
    if wanted.experiment:
        check_known(root, wanted.experiment)
    rows, are_whole = looked_at(root, wanted)
    if not rows:
        return Table((), (), empty=f"no runs in {root} yet: mlrun train SPEC makes the first")
    names = Names(rows)
    key = sort_key(names, wanted.sort)
    found = [row for row in best_ones(rows, wanted) if is_wanted(row, wanted)]
    asked: dict[Field, None] = {}
    if wanted.where:
        from mlrun.run_conditions import parse, select  # a language of its own, loaded where it is spoken

        conditions = [parse(condition, names) for condition in wanted.where]
        asked = dict.fromkeys(field for condition in conditions for field in condition.fields)
        found = select(found, conditions)
    if wanted.sort != "started":  # they come so
        found = ordered(found, key, turned=wanted.sort.startswith("-"))
    shown = found[: wanted.limit] if wanted.limit else found
    shown = shown if are_whole else index.whole(root, shown)
    asked[key] = None
    notes = [*told_rest(shown, found), *told_marks(shown)]
    machine = tuple(for_machines(row, asked) for row in shown)
    return Table(headings(shown, asked), machine, tuple(notes), style_of, told_none(root, rows, wanted))


def looked_at(root: Path, wanted: Wanted) -> tuple[tuple[IndexRow, ...], bool]:
    """Return the rows to choose from, and whether they are whole: of many runs a part is enough to find a few by."""
    experiment = wanted.experiment or None
    if wanted.limit and not wanted.where:
        rows = index.rows(root, experiment, brief=True)
        if is_brief(wanted.sort.removeprefix("-"), rows):
            return rows, False
    return index.rows(root, experiment), True


def told_none(root: Path, rows: Sequence[IndexRow], wanted: Wanted) -> str:
    """Say that no run is so; a tag that no run has is answered with the nearest."""
    tags = {tag for row in rows for tag in row.tags.split()}
    unknown = next((tag for tag in wanted.tags if tag not in tags), None)
    if unknown is not None:
        return f"none of {count(len(rows), 'run')} in {root} has the tag '{unknown}'{suggestion(unknown, tags)}"
    return f"none of {count(len(rows), 'run')} in {root} is so"


def sort_key(names: Names, sort: str) -> Field:
    """Return the field to sort by; raise UsageError with the nearest name."""
    try:
        return names.find(sort.removeprefix("-"))
    except UsageError as error:
        raise UsageError(f"runs cannot be sorted by '{sort}': {error}") from error


def best_ones(rows: Sequence[IndexRow], wanted: Wanted) -> Sequence[IndexRow]:
    """Return the runs, or what @best means of each experiment."""
    if not wanted.best:
        return rows
    experiments: dict[str, list[IndexRow]] = defaultdict(list)
    for row in rows:
        experiments[row.experiment].append(row)
    best = {found.name for runs in experiments.values() if (found := best_of(runs)) is not None}
    return [row for row in rows if row.name in best]


def is_wanted(row: IndexRow, wanted: Wanted) -> bool:
    if wanted.status and row.status != wanted.status:
        return False
    return not wanted.tags or set(wanted.tags) <= set(row.tags.split())


def told_rest(shown: Sequence[IndexRow], found: Sequence[IndexRow]) -> list[str]:
    return [f"{len(shown)} of {count(len(found), 'run')}; -n 0 shows all"] if len(shown) < len(found) else []


def told_marks(shown: Sequence[IndexRow]) -> list[str]:
    """Return what is to be said of single runs, and what the marks mean."""
    notes = [f"{row.name}: {row.reason}" for row in shown if row.status in {"damaged", "newer"}]
    if any(row.sampled is not None for row in shown):
        notes.append("* a try-out on some of the rows (--sample)")
    if any(row.status == "interrupted" for row in shown):
        notes.append("interrupted: the same train command goes on with it")
    if any(row.stale for row in shown):
        notes.append("stale: the best model was trained on rows of a person who was erased since; train again")
    return notes


def for_machines(row: IndexRow, asked: Iterable[Field]) -> Row:
    """Return a run as machines get it: lists and mappings where the index has text, and what was asked for by name."""
    scores = {label: found._asdict() for label, found in scores_of(row).items()}
    lists = {"tags": row.tags.split(), "refers_to": row.refers_to.split()}
    whole = {"name": row.name, **row._asdict(), **lists, "scores": scores}
    return whole | {field.name: field.read(row) for field in asked if field.name not in whole}


def headings(shown: Iterable[IndexRow], asked: Iterable[Field]) -> tuple[Heading, ...]:
    """Return the columns; a metric that all runs share stands above, not in each line; what is asked for is shown."""
    metrics = {(row.metric, row.direction) for row in shown if row.cv is not None}
    scores = Heading("folds", told_score, right=True)
    if len(metrics) == 1:
        ((label, direction),) = metrics
        scores = Heading(f"{label} {ARROWS[direction]}", lambda row: number(row["cv"]), right=True)
    alone = [label for label, _ in metrics] if len(metrics) == 1 else []
    parts = {field.part for field in asked}
    own = [heading_of(field) for field in asked if not (field.name in ALWAYS or field.metric in alone)]
    return (
        Heading("run", told_name, fold=True, narrowest=20),
        Heading("started", lambda row: moment(row["started"]) or NOTHING, rank=2),
        Heading("status", lambda row: row["status"]),
        Heading("best", lambda row: row["best"] or NOTHING, fold=True),
        scores,
        Heading("test", lambda row: number(row["test"]), rank=int("test" not in parts), right=True),
        *own,
        Heading("verdict", lambda row: row["verdict"] or NOTHING, rank=3),
        *([Heading("stale", lambda row: row["stale"] or NOTHING)] if any(row.stale for row in shown) else []),
        *([Heading("tags", told_tags, rank=1, fold=True)] if any(row.tags for row in shown) else []),
        *(
            [Heading("note", lambda row: row["note"] or NOTHING, 4, fold=True)]
            if any(row.note for row in shown)
            else []
        ),
    )


def heading_of(field: Field) -> Heading:
    """Return the column of a field that somebody asked for."""
    if field.metric:
        return Heading(f"{field.name} {ARROWS[field.direction]}", lambda row: number(row[field.name]), right=True)
    if field.kind == "time":
        return Heading(field.name, lambda row: moment(row[field.name]) or NOTHING)
    if field.name == "seconds":
        return Heading("took", lambda row: duration(row["seconds"]), right=True)
    return Heading(field.name.replace("_", " "), lambda row: told(row[field.name]), fold=field.kind == "text")


def told(value: Any) -> str:
    return NOTHING if value in (None, "") else ("no", "yes")[value] if isinstance(value, bool) else str(value)


def told_name(row: Row) -> str:
    return f"{row['name']}{'*' if row['sampled'] is not None else ''}"


def told_score(row: Row) -> str:
    if row["cv"] is None:
        return NOTHING
    return f"{row['metric']} {ARROWS[row['direction']]} {number(row['cv'])}"


def told_tags(row: Row) -> str:
    return ", ".join(row["tags"]) or NOTHING


def style_of(row: Row) -> str:
    status: Any = row["status"]
    return "red" if row["stale"] else STYLES.get(status, "")
