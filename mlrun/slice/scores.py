"""From slices and a prediction to the metric in each slice beside that of all other rows, tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mlrun import statistics
from mlrun.fit import take
from mlrun.intervals import Question
from mlrun.records import Difference, Interval, Prediction
from mlrun.slice.differences import Group, group_difference
from mlrun.slice.parts import Slice
from mlrun.wording import count

if TYPE_CHECKING:
    from mlrun.records import Array

FEWEST_ROWS = 10  # that the metric looks at, in a slice and outside it
FEWEST_OF_A_CLASS = 30  # for a ranking (evaluation.md, section 5)
COUNTED = ("proportion", "mean", "root_mean")  # ways to an interval that go by rows


@dataclass(frozen=True, slots=True)
class SliceScore:
    """A slice judged; reason: why it could not be, '' = it was.

    rows: that are in it, and on which something was said. counted: those that the metric looks at, such as the
    positives for recall. rest: the metric on all other rows; gap: the slice's less the rest's. p_holm: of the gap, held
    together with those of the other slices.
    """

    part: Slice
    rows: int
    counted: int
    score: Interval
    rest: Interval
    gap: Difference
    p_holm: float | None = None
    reason: str = ""


def score_slices(slices: Sequence[Slice], question: Question, prediction: Prediction) -> list[SliceScore]:
    """Return each slice's score, gap to the rest and p-value after Holm; those not `expected` count in it too.

    question: the metric on all (n,) rows that are judged; prediction: of these. Slices that must reach a bound of their
    own stand outside Holm's family: they are not compared with the rest.
    """
    found = [_scored(part, question, prediction) for part in slices]
    family = [place for place, each in enumerate(found) if each.gap.p_value is not None and not each.part.critical]
    adjusted = statistics.holm([float(found[place].gap.p_value or 0.0) for place in family])
    for place, p_holm in zip(family, adjusted, strict=True):
        found[place] = replace(found[place], p_holm=p_holm)
    return found


def _scored(part: Slice, question: Question, prediction: Prediction) -> SliceScore:
    inside, outside = (_group(question, prediction, rows) for rows in (part.rows, ~part.rows))
    counted = [_counted(*group) for group in (inside, outside)]
    none = SliceScore(part, int(part.rows.sum()), counted[0], Interval(None), Interval(None), Difference(None))
    for number, (group, where) in enumerate(((inside, "in it"), (outside, "outside it"))):
        lacking = _lacking(group[0], counted[number], where)
        if lacking:
            return replace(none, reason=lacking)
    one, other = Group.of(*inside), Group.of(*outside)
    if one.score.value is None:
        return replace(none, rest=other.score, reason=f"{question.spec.label} is not defined in it")
    return replace(none, score=one.score, rest=other.score, gap=group_difference(one, other))


def _group(question: Question, prediction: Prediction, rows: Array) -> tuple[Question, Prediction]:
    places = np.flatnonzero(rows)
    return replace(question, truth=question.truth[places]), take(prediction, places)


def _counted(question: Question, prediction: Prediction) -> int:
    """Return how many rows the metric looks at."""
    return len(question.rows(prediction)) if question.metric.interval in COUNTED else len(question.truth)


def _lacking(question: Question, counted: int, where: str) -> str:
    """Return why a metric says nothing of so few rows; '' = it does."""
    if counted < FEWEST_ROWS:
        return f"{question.spec.label} looks at {count(counted, 'row')} {where}, {FEWEST_ROWS} are needed"
    if question.metric.interval != "auc":
        return ""
    sizes = np.bincount(question.truth, minlength=max(2, len(question.task.labels)))
    least = int(sizes.argmin())
    if sizes[least] >= FEWEST_OF_A_CLASS:
        return ""
    label = question.task.labels[least] if question.task.labels else least
    return (
        f"{question.spec.label} needs {FEWEST_OF_A_CLASS} rows of each class; {sizes[least]} of '{label}' are {where}"
    )


def reversed_in_slices(
    first: Sequence[float | None], second: Sequence[float | None], whole: tuple[float, float], *, maximize: bool
) -> bool:
    """Say whether one model beats the other over all rows and loses in every slice, or the reverse (Simpson 1951).

    first, second: their scores in the slices of one column; whole: over all rows. Fewer than two slices show nothing.
    """
    gaps = [one - other for one, other in zip(first, second, strict=True) if one is not None and other is not None]
    overall, sign = whole[0] - whole[1], 1 if maximize else -1
    if len(gaps) < 2 or len(gaps) < len(first) or overall == 0:
        return False
    return all(sign * overall * sign * gap < 0 for gap in gaps)
