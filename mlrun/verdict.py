"""From the lines of the leaderboard to the best model, told beside the best baseline in one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlrun import metrics
from mlrun.records import MetricSpec
from mlrun.store.run_record import VerdictRecord

if TYPE_CHECKING:
    from mlrun.course import Course
    from mlrun.leaderboard import Line


def best_line(course: Course, lines: Sequence[Line]) -> Line | None:
    """Return the model with the best mean over folds of the first metric; of equal ones the simplest."""
    if not course.metrics:
        return None
    first = course.metrics[0]
    ranked = [
        (-metrics.oriented(first.name, mean, course.spec.folder), line.record.simplicity_rank or 0, position)
        for position, line in enumerate(lines)
        if is_model(line) and first.label in line.record.cv and (mean := line.record.cv[first.label].mean) is not None
    ]
    return lines[min(ranked)[2]] if ranked else None


def is_model(line: Line) -> bool:
    """Say whether a line is a model's that was fitted."""
    return line.record.kind == "model" and line.record.status == "done"


def verdict_of(course: Course, best: Line | None, lines: Sequence[Line]) -> VerdictRecord:
    """Return one plain line: the best model beside the best baseline; whether that is good has an issue of its own."""
    if course.dataset.truth is None:
        return VerdictRecord("undecided", "no labels")
    if best is None:
        return VerdictRecord("undecided", "no model was fitted")
    first = course.metrics[0]
    baselines = [  # one that is silent on some rows is laid beside the models on its rows only
        line
        for line in lines
        if line.record.kind == "baseline" and line.record.status == "done" and line.record.coverage is None
    ]
    scored = [(score, line.record.name) for line in baselines if (score := shown_score(line, first)) is not None]
    told = f"{best.record.name} is best by {first.label} over the folds"
    mine = shown_score(best, first)
    part = "test" if best.record.test else "the folds"
    if mine is None:
        told += f"; on {part} it is not defined"
    elif scored:
        direction = metrics.entry(first.name, course.spec.folder).direction
        score, name = max(scored) if direction == "maximize" else min(scored)
        told += f"; on {part} {mine:.4g}, against {score:.4g} of {name}, the best baseline"
    else:
        told += f"; on {part} {mine:.4g}, with no baseline to lay beside it"
    if not len(course.split.test):
        told += "; no test rows (test: 0), so nothing is said of new data"
    return VerdictRecord("not judged", told)


def shown_score(line: Line, metric: MetricSpec) -> float | None:
    """Return a line's test score, or its mean over folds where there is no test."""
    if metric.label in line.record.test:
        return line.record.test[metric.label].value
    return line.record.cv[metric.label].mean if metric.label in line.record.cv else None
