"""From the runs of an experiment to its history: a score a run, what changed with each, and where the level changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from mlrun import index
from mlrun.catalog import suggestion
from mlrun.change_points import FEWEST, ChangePoint, ChangePoints, find_change_points
from mlrun.comparison.changes import Change, find_changes
from mlrun.comparison.origins import read_origins
from mlrun.errors import UsageError
from mlrun.run_fields import Field, Names
from mlrun.store.run_names import check_known, version_name
from mlrun.store.run_row import IndexRow, Scores, reader_of
from mlrun.wording import count

LAST = 500  # runs that are looked at: the test is made on them, again and again
ALIKE = 0.5  # neighbours that resemble each other more are told
MOVES = 5  # on the same rows: the largest are told


@dataclass(frozen=True, slots=True)
class Moment:
    """A run in the history: its scores by the metric, None where it has none; changes: since the run before it.

    changes is None where nobody asked: for what is not shown no file is read.
    """

    row: IndexRow
    scores: Scores
    score: float | None
    changes: tuple[Change, ...] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A run with which the score became another: its level (with a p-value), or on the rows of the run before."""

    run: str
    before: float
    after: float
    p_value: float | None
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The history of an experiment, oldest run first; shown: how many of the newest are to be shown.

    levels: (first version, last version, mean) of each level that was found. notes: what is left out, and why.
    tested: there are scores enough to tell a change of level from chance.
    """

    experiment: str
    metric: Field
    moments: tuple[Moment, ...]
    steps: tuple[Step, ...] = ()
    moves: tuple[Step, ...] = ()
    levels: tuple[tuple[int, int, float], ...] = ()
    notes: tuple[str, ...] = ()
    shown: int = 0
    tested: bool = False


def timeline(root: Path, experiment: str, metric: str = "", shown: int = 20) -> Timeline:
    """Read the history of an experiment by a metric, the latest run's first one if none is named; shown: 0 = all.

    Raises UsageError for an unknown experiment or metric, and where no run is complete on all rows.
    """
    check_known(root, experiment)
    rows = index.rows(root, experiment)
    whole = [row for row in rows if row.status == "complete" and row.sampled is None]
    if not whole:
        raise UsageError(f"no run of '{experiment}' in {root} is complete on all rows yet: it has no history")
    field = metric_of(whole, metric)
    read = reader_of(field.metric)
    moments = [Moment(row, read(row) or Scores(), field.read(row)) for row in whole[:LAST][::-1]]
    notes = list(told_left_out(rows, whole))
    series = [moment for moment in moments if moment.score is not None]
    if len(series) < len(moments):
        notes.append(f"{count(len(moments) - len(series), 'run')} without {field.name}")
    first = max(0, len(moments) - shown) if shown else 0
    asked = [*moments[:first], *(with_changes(root, moments, at) for at in range(first, len(moments)))]
    found = Timeline(experiment, field, tuple(asked), notes=tuple(notes), shown=len(moments) - first)
    return with_steps(root, found, series)


def metric_of(whole: Sequence[IndexRow], name: str) -> Field:
    """Return the score that is followed; raise UsageError when the name is none of a metric."""
    if not name and not whole[0].metric:
        raise UsageError(f"{whole[0].name} has no metric; name one with --metric")
    names = Names(whole)
    label = name.removeprefix("folds.").removeprefix("test.")
    if name and label not in names.metrics():
        raise UsageError(f"the runs have no metric '{label}'{suggestion(label, names.metrics())}")
    return names.find(name or whole[0].metric)


def told_left_out(rows: Sequence[IndexRow], whole: Sequence[IndexRow]) -> list[str]:
    """Say which runs the history leaves out."""
    sampled = sum(row.status == "complete" and row.sampled is not None for row in rows)
    others = len(rows) - len(whole) - sampled
    notes = [f"{count(sampled, 'try-out')} on some of the rows left out"] if sampled else []
    notes += [f"{count(others, 'run')} left out that {'is' if others == 1 else 'are'} not complete"] if others else []
    return [*notes, *([f"only the last {LAST} of {len(whole):,} runs are looked at"] if len(whole) > LAST else [])]


def with_changes(root: Path, moments: Sequence[Moment], at: int) -> Moment:
    """Return a run of the history with what changed since the one before; the first has none before it."""
    moment = moments[at]
    changes = changes_between(root, moments[at - 1].row, moment.row) if at else ()
    return Moment(moment.row, moment.scores, moment.score, changes)


def changes_between(root: Path, old: IndexRow, new: IndexRow) -> tuple[Change, ...]:
    """Return what is recorded to have changed from one run to another."""
    folders = (root / row.experiment / version_name(row.version) for row in (old, new))
    return find_changes(*map(read_origins, folders))


def with_steps(root: Path, found: Timeline, series: Sequence[Moment]) -> Timeline:
    """Add the levels of the scores, and the moves on equal rows that are no change of level.

    A run on the rows of the one before it with the same score is no new observation: it was bound to give it.
    """
    distinct = [moment for at, moment in enumerate(series) if not at or not is_repeat(series[at - 1], moment)]
    scores = [moment.score or 0.0 for moment in distinct]
    level_changes = find_change_points(scores)
    points = level_changes.points
    at_points = {distinct[point.position].row.version: point for point in points}
    steps, moves = [], []
    for before, moment in pairwise(series):
        point = at_points.get(moment.row.version)
        if point is not None:
            steps.append(step_of(root, before, moment, point))
        elif is_same_rows(before, moment) and before.score != moment.score:
            moves.append((before, moment))
    largest = sorted(moves, key=lambda pair: abs((pair[1].score or 0.0) - (pair[0].score or 0.0)))[-MOVES:]
    told = tuple(step_of(root, *pair, None) for pair in moves if pair in largest)
    notes = (*found.notes, *told_noise(scores, level_changes), *told_moves(len(moves) - len(told)))
    tested = len(scores) >= FEWEST
    between = levels(distinct, points, series)
    return replace(found, steps=tuple(steps), moves=told, levels=between, notes=notes, tested=tested)


def is_repeat(before: Moment, moment: Moment) -> bool:
    return before.score == moment.score and is_same_rows(before, moment)


def is_same_rows(before: Moment, moment: Moment) -> bool:
    return bool(moment.row.rows_id) and before.row.rows_id == moment.row.rows_id


def step_of(root: Path, before: Moment, moment: Moment, point: ChangePoint | None) -> Step:
    changes = changes_between(root, before.row, moment.row)
    if point is None:
        return Step(moment.row.name, before.score or 0.0, moment.score or 0.0, None, changes)
    return Step(moment.row.name, point.before, point.after, point.p_value, changes)


def levels(
    distinct: Sequence[Moment], points: Sequence[ChangePoint], series: Sequence[Moment]
) -> tuple[tuple[int, int, float], ...]:
    """Return (first version, last version, mean) of each level; () where there is one alone."""
    if not points:
        return ()
    begins = [distinct[0].row.version, *(distinct[point.position].row.version for point in points)]
    means = [points[0].before, *(point.after for point in points)]
    versions = [moment.row.version for moment in series]
    ends = [*(max(version for version in versions if version < begin) for begin in begins[1:]), versions[-1]]
    return tuple(zip(begins, ends, means, strict=True))


def told_noise(scores: Sequence[float], found: ChangePoints) -> list[str]:
    """Say where too little is known to tell a change from chance, or where the p-values are to be read with care."""
    if len(scores) < FEWEST:
        told = f"{count(len(scores), 'different score')}: fewer than {FEWEST} cannot tell a change of level from chance"
        return [told] if len(scores) > 1 else []
    if not found.points or found.alike < ALIKE:
        return []
    return [f"neighbouring runs resemble each other (correlation {found.alike:.1f}): a drift can look like a step"]


def told_moves(more: int) -> list[str]:
    return [f"and {count(more, 'smaller difference')} on the same data"] if more else []
