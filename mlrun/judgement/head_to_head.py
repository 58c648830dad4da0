"""From two lines of the leaderboard to the first one's lead on the test rows that both answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlrun import intervals, metrics
from mlrun.baselines import ENTRIES
from mlrun.errors import MlrunError
from mlrun.fit import take
from mlrun.judgement.utility import Worth, gain
from mlrun.leaderboard import Line, baseline_line
from mlrun.records import Difference, MetricSpec
from mlrun.spec import BaselineSpec

if TYPE_CHECKING:
    from mlrun.course import Course
    from mlrun.records import Array


@dataclass(frozen=True, slots=True)
class Lead:
    """How much better the first is: `found` turned so that more is better, on so many rows; skill as in VerdictPart.

    over: the other's name, score: what it has, before: what it had on its own test rows.
    unit: what the lead is measured in; lower: less of it is better.
    """

    over: str
    found: Difference
    rows: int
    unit: str
    skill: float | None = None
    lower: bool = False
    score: float | None = None
    before: float | None = None


def lead_in_metric(course: Course, metric: MetricSpec, best: Line, other: Line) -> Lead | None:
    """Return the lead in a metric; None where it is not defined for one of the two, or there are no common rows."""
    rows = answered_rows(other)
    if best.test is None or other.test is None or course.dataset.truth is None or len(rows) < 2:
        return None
    truth = course.dataset.truth[course.split.test[rows]]
    mine, theirs = take(best.test.prediction, rows), take(other.test.prediction, rows)
    question = question_of(course, metric, truth)
    found = intervals.difference(question, mine, theirs)
    if found.difference is None:
        return None
    entry = metrics.entry(metric.name, course.spec.folder)
    lower = entry.direction == "minimize"
    score, turned = question.value(theirs), turn(found) if lower else found
    perfect = entry.bounds[1] if entry.direction == "maximize" else entry.bounds[0]
    left = abs(perfect - score)
    skill = (turned.difference or 0.0) / left if np.isfinite(left) and left > 0 else None
    return Lead(other.record.name, turned, len(rows), metric.label, skill, lower, score)


def lead_in_worth(course: Course, worth: Worth, best: Line, other: Line) -> Lead | None:
    """Return the lead in utility per 1,000 rows, by the answers as they are given."""
    rows = answered_rows(other)
    if best.test is None or other.test is None or course.dataset.truth is None or len(rows) < 2:
        return None
    truth = course.dataset.truth[course.split.test[rows]]
    mine = worth.of(truth, best.test.prediction.values[rows])
    theirs = worth.of(truth, other.test.prediction.values[rows])
    return lead_in_rows(course, mine, theirs, other.record.name)


def lead_in_rows(course: Course, mine: Array, theirs: Array, over: str) -> Lead:
    """Return the lead per 1,000 rows of what each row is worth."""
    found = gain(1000 * mine, 1000 * theirs, course.spec.evaluation.confidence)
    return Lead(over, found, len(mine), "utility per 1,000 rows")


def question_of(course: Course, metric: MetricSpec, truth: Array) -> intervals.Question:
    spec = course.spec
    return intervals.Question(metric, truth, course.dataset.task, spec.evaluation.confidence, spec.seed, spec.folder)


def answered_rows(line: Line) -> Array:
    """Return the test rows, by their position in test, on which a line says anything."""
    if line.test is None:
        return np.empty(0, dtype=np.int64)
    answered = line.test.answered
    return np.arange(len(line.test.rows)) if answered is None else np.flatnonzero(answered)


def turn(found: Difference) -> Difference:
    """Return the second less the first."""
    low = None if found.high is None else 0.0 - found.high  # 0.0 −: there is no negative zero
    high = None if found.low is None else 0.0 - found.low
    gap = None if found.difference is None else 0.0 - found.difference
    return Difference(gap, low, high, found.p_value, found.method)


def done(lines: tuple[Line, ...], kinds: tuple[str, ...]) -> tuple[Line, ...]:
    """Return the baselines of these kinds that said something."""
    return tuple(
        line
        for line in lines
        if line.record.kind == "baseline" and line.record.status == "done" and line.record.family in kinds
    )


def guesses(course: Course, lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Return what any model must beat: random and zero rule; the latter is asked here when the spec does not name it.

    Of anomalies, where there is no zero rule, it is random.
    """
    known = done(lines, ("random", "zero_rule"))
    kind = course.dataset.task.kind
    name = "zero_rule" if kind in ENTRIES["zero_rule"].tasks else "random"
    if any(line.record.family == name for line in known):
        return known
    try:
        line = baseline_line(course, BaselineSpec(name, name, {}))
    except MlrunError:
        return known
    return (*known, line) if line.record.status == "done" else known
