"""The history of an experiment for people: a line a run, its picture, and what came with each change of level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlrun.comparison.changes import Change
from mlrun.picture.shapes import Axis, Chart, Curve, Rule, axis
from mlrun.screen.pages import Page, Point, Section, show_page
from mlrun.screen.tables import Heading, Row, Table
from mlrun.timeline import Moment, Step, Timeline
from mlrun.wording import ARROWS, NOTHING, as_text, count, interval, moment, number, spread

NAMED = 4  # changes that a sentence names
FEWEST_DRAWN = 3


def print_timeline(found: Timeline, form: str) -> None:
    """Print the history: the newest run first."""
    table = table_of(found)
    drawn = (picture(found),) if sum(each.score is not None for each in found.moments) >= FEWEST_DRAWN else ()
    said = tuple(points(found))
    sections = [
        Section("", table, pictures=() if said else drawn),
        *([Section("", None, points=said, pictures=drawn)] if said else []),
        *([Section("", None, found.notes)] if found.notes else []),
    ]
    show_page(Page(f"{found.experiment} by {found.metric.name}", sections, content_of(found), table), form)


def table_of(found: Timeline) -> Table:
    """Return a row a run, the newest first."""
    shown = found.moments[len(found.moments) - found.shown :][::-1]
    stepped = {step.run for step in found.steps}
    rows = tuple(row_of(each, each.row.name in stepped) for each in shown)
    arrow = ARROWS[found.metric.direction]
    test = any(row["test"] is not None for row in rows)
    headings = (
        Heading("run", lambda row: row["run"], fold=True),
        Heading("started", lambda row: moment(row["started"]), rank=3),
        Heading("changed", told_changed, fold=True),
        Heading("best", lambda row: row["best"] or NOTHING, rank=1, fold=True),
        Heading(f"{found.metric.metric} {arrow} folds", lambda row: spread(row["mean"], row["sd"]), right=True),
        *([Heading("test [95 %]", told_test, rank=1, right=True)] if test else []),
        Heading("verdict", lambda row: row["verdict"] or NOTHING, rank=4),
        *([Heading("gates", lambda row: row["gates"] or NOTHING, 2)] if any(row["gates"] for row in rows) else []),
        *([Heading("tags", lambda row: ", ".join(row["tags"]), 5)] if any(row["tags"] for row in rows) else []),
    )
    more = len(found.moments) - len(rows)
    notes = (f"{len(rows)} of {count(len(found.moments), 'run')}; -n 0 shows all",) if more else ()
    return Table(headings, rows, notes, lambda row: "bold" if row["step"] else "")


def row_of(each: Moment, is_step: bool) -> Row:
    """Return a run of the history as machines get it."""
    row, scores = each.row, each.scores
    changes = each.changes or ()
    return {
        "run": row.name,
        "version": row.version,
        "started": row.started,
        "score": each.score,
        "step": is_step,
        "changed": list(dict.fromkeys(change.what for change in changes)),
        "changes": [str(change) for change in changes],
        "best": row.best,
        "mean": scores.mean,
        "sd": scores.sd,
        "test": scores.test,
        "low": scores.low,
        "high": scores.high,
        "verdict": row.verdict,
        "gates": row.gates,
        "tags": row.tags.split(),
        "rows_id": row.rows_id,
    }


def told_changed(row: Row) -> str:
    return ", ".join(row["changed"]) or NOTHING


def told_test(row: Row) -> str:
    return interval(row["test"], row["low"], row["high"])


def points(found: Timeline) -> Iterator[Point]:
    """Yield a sentence for each change of level, and for what moved on the same rows."""
    for step in found.steps:
        told = f"since {step.run}: {number(step.before)} → {number(step.after)} (p = {p_of(step)})"
        yield Point(f"{told}; {told_changes(step.changes)}", word_of(found, step))
    for step in found.moves:
        told = f"{step.run}, on the same data: {number(step.before)} → {number(step.after)}"
        yield Point(f"{told}; {told_changes(step.changes)}", word_of(found, step))


def word_of(found: Timeline, step: Step) -> str:
    return "better" if (step.after > step.before) == (found.metric.direction == "maximize") else "worse"


def p_of(step: Step) -> str:
    return NOTHING if step.p_value is None else f"{step.p_value:.2g}"


def told_changes(changes: Sequence[Change]) -> str:
    """Return what came with a run, in a few words; the data last, as that of nightly runs changes each time."""
    if not changes:
        return "nothing that is recorded changed with it"
    ordered = sorted(changes, key=lambda change: change.what == "data")
    told = [told_change(change) for change in ordered[:NAMED]]
    return f"with it came {', '.join(told)}" + (f" and {len(changes) - NAMED} more" if len(changes) > NAMED else "")


def told_change(change: Change) -> str:
    what = "" if change.what in ("spec", "packages") else f"{change.what}: "
    return f"{what}{change.path} {as_text(change.old)} → {as_text(change.new)}"


def picture(found: Timeline) -> Chart:
    """Return the scores over the versions, the levels beside them."""
    scored = [each for each in found.moments if each.score is not None]
    line = tuple((float(each.row.version), each.score or 0.0) for each in scored)
    level = tuple(point for begin, end, mean in found.levels for point in ((float(begin), mean), (float(end), mean)))
    curves = (Curve(found.metric.name, line), *([Curve("level", level, dashed=True)] if level else []))
    rules = tuple(Rule(f"since {step.run}", x=float(step.run.partition("@")[2]) - 0.5) for step in found.steps)
    first, last = scored[0], scored[-1]
    told = f"{number(first.score)} with {first.row.name}, {number(last.score)} with {last.row.name}"
    if found.steps:
        told += f"; {count(len(found.steps), 'change')} of level"
    elif found.tested:
        told += "; no change of level is found"
    return Chart(
        f"{found.metric.name} of {found.experiment} by version",
        f"{told}.",
        Axis("version", line[0][0] - 0.5, line[-1][0] + 0.5),
        axis(found.metric.name, (score for _, score in line)),
        curves,
        rules=rules,
    )


def content_of(found: Timeline) -> dict[str, object]:
    """Return all of it as one object."""
    shown = found.moments[len(found.moments) - found.shown :][::-1]
    stepped = {step.run for step in found.steps}
    return {
        "experiment": found.experiment,
        "metric": found.metric.name,
        "direction": found.metric.direction,
        "runs": [row_of(each, each.row.name in stepped) for each in shown],
        "steps": [content_of_step(step) for step in found.steps],
        "moves": [content_of_step(step) for step in found.moves],
        "levels": [{"first": first, "last": last, "mean": mean} for first, last, mean in found.levels],
        "notes": list(found.notes),
    }


def content_of_step(step: Step) -> dict[str, object]:
    return {
        "run": step.run,
        "before": step.before,
        "after": step.after,
        "p_value": step.p_value,
        "changes": [str(change) for change in step.changes],
    }
