"""What a reader of the leaderboard must know beside its numbers: edges of grids, budgets, silent baselines."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlrun import metrics
from mlrun.agreement import agreement
from mlrun.fit import take
from mlrun.records import MetricSpec, Params, Prediction
from mlrun.search_contracts import Choice, Grid
from mlrun.statistics import expected_best

if TYPE_CHECKING:
    from mlrun.course import Course
    from mlrun.leaderboard import Line
    from mlrun.plan import PlannedModel
    from mlrun.records import Array


def run_notes(course: Course, lines: Sequence[Line]) -> Iterator[str]:
    """Yield what a reader of the leaderboard must know beside its numbers."""
    if course.dataset.truth is None:
        yield from agreement(lines)
    for contest in course.contests.values():
        if contest.best is not None and not contest.model.unranked:
            best = contest.score(contest.best)
            equals = [result.trial.params for result in contest.results if contest.score(result) == best]
            yield from on_edge(contest.model, contest.best.trial.params, equals)
    yield from unequal_budgets(course)
    yield from same_rows(course, lines)


def on_edge(model: PlannedModel, params: Params, equals: Sequence[Params] = ()) -> Iterator[str]:
    """Yield a sentence for each hyperparameter whose best value is the first or last of three or more numbers tried.

    equals: params of the trials that score as the best does; where theirs differ, a wider grid promises nothing. Nor
    does it where null was tried too: it stands for no limit, beyond the largest.
    """
    for name, value in params.items():
        tried = sorted(_numbers_tried(model, name))
        if len(tried) < 3 or value not in (tried[0], tried[-1]) or isinstance(value, bool):
            continue
        unlimited = value == tried[-1] and any(None in _values(grid, name) for grid in model.spec.space)
        if not unlimited and all(other.get(name) == value for other in equals):
            side = "smallest" if value == tried[0] else "largest"
            yield f"{model.name}: the best {name} ({value:g}) is the {side} tried; a wider grid may do better"


def _numbers_tried(model: PlannedModel, name: str) -> set[float]:
    return {
        value
        for grid in model.spec.space
        for value in _values(grid, name)
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }


def _values(grid: Grid, name: str) -> Sequence[Any]:
    domain = grid.get(name)
    return domain.values if isinstance(domain, Choice) else ()


def unequal_budgets(course: Course) -> Iterator[str]:
    """Yield the expected best score at the smallest number of trials, where families had different numbers.

    Source: Dodge et al. 2019, Show Your Work (expected maximum of n draws with replacement).
    """
    if not course.metrics:
        return
    searched = {
        name: [score for result in contest.results if (score := contest.score(result)) is not None]
        for name, contest in course.contests.items()
        if not contest.model.spec.members
    }
    counts = {name: len(scores) for name, scores in searched.items() if scores}
    if len(set(counts.values())) < 2:
        return
    smallest = min(counts.values())
    first = course.metrics[0]
    sign = metrics.oriented(first.name, 1.0, course.spec.folder)
    told = ", ".join(
        f"{name} {sign * expected_best(scores, smallest):.4g}" for name, scores in searched.items() if name in counts
    )
    yield (
        f"families had different numbers of trials ({min(counts.values())} to {max(counts.values())}); "
        f"expected best {first.label} at {smallest}: {told}"
    )


def same_rows(course: Course, lines: Sequence[Line]) -> Iterator[str]:
    """Yield sentences that lay the models beside each baseline that is silent on some rows, on the rows it answers."""
    if course.dataset.truth is None or not course.metrics:
        return
    first = course.metrics[0]
    for line in lines:
        said = answered_rows(line)
        if line.record.kind != "baseline" or said is None:
            continue
        count, where = sum(map(len, said)), "rows of the folds" if line.test is None else "test rows"
        if count == 0:
            yield f"{line.record.name} answers none of the {where}"
            continue
        compared = [other for other in lines if other is line or other.record.kind == "model"]
        scores = {other.record.name: score_on(course, first, other, said) for other in compared}
        told = ", ".join(f"{name} {value:.4g}" for name, value in scores.items() if value is not None)
        yield f"on the {count:,} {where} that {line.record.name} answers, {first.label}: {told}"


def answered_rows(line: Line) -> list[Array] | None:
    """Return for each shown part the positions on which a baseline speaks; None when it speaks everywhere."""
    silent = [part.answered is not None and not part.answered.all() for part in line.shown]
    if not any(silent):
        return None
    return [
        np.arange(len(part.rows)) if part.answered is None else np.flatnonzero(part.answered) for part in line.shown
    ]


def score_on(course: Course, metric: MetricSpec, line: Line, said: Sequence[Array]) -> float | None:
    """Return the mean over the shown parts of one metric on some positions of each; None where it is not defined."""
    if len(line.shown) != len(said):
        return None
    each = [
        one_score(course, metric, part.rows[chosen], take(part.prediction, chosen))
        for part, chosen in zip(line.shown, said, strict=True)
    ]
    known = [score for score in each if score is not None]
    return statistics.fmean(known) if known else None


def one_score(course: Course, metric: MetricSpec, rows: Array, prediction: Prediction) -> float | None:
    """Return one metric of a prediction of these rows."""
    if course.dataset.truth is None:
        return None
    truth = course.dataset.truth[rows]
    return metrics.score((metric,), truth, prediction, course.dataset.task, course.spec.folder)[metric.label]
