"""From what answers are worth to the best model's gain over the best of the alternatives: question U1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlrun.baselines import ENTRIES, Question
from mlrun.errors import MlrunError
from mlrun.judgement.goodness import lower_end, part, told
from mlrun.judgement.head_to_head import Lead, answered_rows, lead_in_metric, lead_in_rows
from mlrun.judgement.utility import (
    Deferral,
    Worth,
    choose_deferral,
    confidence_of,
    deferred,
    gain,
    people_of,
    worth_by_costs,
    worth_by_outcome,
    worth_by_rightness,
)
from mlrun.leaderboard import Line, baseline_line
from mlrun.records import Prediction
from mlrun.spec import BaselineSpec
from mlrun.store.run_record import VerdictPart
from mlrun.weighing import rows_needed
from mlrun.wording import count, number

if TYPE_CHECKING:
    from mlrun.course import Course
    from mlrun.records import Array
    from mlrun.spec import UsefulSpec


@dataclass(frozen=True, slots=True)
class Alternative:
    """What could be done in the model's place: what each of some test rows (by position in test) is worth then."""

    name: str
    rows: Array
    worths: Array


def worth_of(course: Course) -> Worth | None:
    """Return what rows are worth by the spec: its utilities, else its costs, else, beside people, right answers."""
    spec, task = course.spec, course.dataset.task
    if task.kind == "regression":
        return None
    if spec.useful is not None and spec.useful.utility:
        return worth_by_outcome(spec.useful.utility)
    if any(spec.costs.values()):
        return worth_by_costs(spec.costs)
    return worth_by_rightness(task) if spec.useful is not None and spec.useful.human else None


def gains(course: Course, best: Line, lines: Sequence[Line], worth: Worth | None) -> VerdictPart:
    """Answer U1: the gain over the best of the alternatives lies above 0."""
    question = "Is it worth more than the best of the alternatives?"
    if worth is None:
        lead = lead_over_people(course, best)
        if lead is not None:
            return settled(course, question, lead, told(lead))
        return VerdictPart("U1", question, "not asked", reason="nothing says what its answers are worth")
    if best.test is None or course.dataset.truth is None:
        return VerdictPart("U1", question, "undecided", reason="there are no test rows")
    truth = course.dataset.truth[course.split.test]
    mine, how = own_worths(course, best, worth, truth)
    found = [
        lead_in_rows(course, mine[other.rows], other.worths, other.name)
        for other in alternatives(course, lines, worth, truth)
        if len(other.rows) > 1
    ]
    if not found:
        return VerdictPart("U1", question, "undecided", reason=f"{count(len(truth), 'test row')} can show no gain")
    lead = min(found, key=lambda lead: lead.found.difference or 0.0)
    return settled(course, question, lead, f"{told(lead)}{how}{from_costs(course, best, worth)}")


def settled(course: Course, question: str, lead: Lead, said: str) -> VerdictPart:
    """Return the answer to a lead that must lie above 0."""
    if lower_end(lead) > 0:
        return part("U1", question, "yes", lead, said)
    if (lead.found.difference or 0.0) <= 0:
        return part("U1", question, "no", lead, said)
    more = rows_needed(lead.found, lead.rows, course.spec.evaluation.confidence)
    return part("U1", question, "undecided", lead, f"{more}: {said}")


def lead_over_people(course: Course, best: Line) -> Lead | None:
    """Return the lead in the first metric over people's numbers; None where the spec names none."""
    human = {} if course.spec.useful is None else course.spec.useful.human
    if "column" not in human and "path" not in human:
        return None
    line = baseline_line(course, BaselineSpec("human", "people", human))
    return lead_in_metric(course, course.metrics[0], best, line)


def own_worths(course: Course, best: Line, worth: Worth, truth: Array) -> tuple[Array, str]:
    """Return what the model makes of each test row, leaving to people what it is not sure of, and that in words."""
    if best.test is None:
        raise ValueError(best.record.name)
    prediction = best.test.prediction
    worths, sure = worth.of(truth, prediction.values), confidence_of(prediction)
    rule = deferral_of(course, best, worth)
    if worth.defer is None or rule is None or sure is None:
        return worths, ""
    share = float(np.mean(sure >= rule.threshold))
    how = f", when it answers the {share:.1%} of rows of which it is surer than {rule.threshold:.3f}"
    return deferred(worths, sure, rule, worth.defer), how if share else ", when it leaves every row to people"


def deferral_of(course: Course, best: Line, worth: Worth) -> Deferral | None:
    """Return the confidence that is best on the folds' held-out rows; None without `defer`, or probabilities."""
    truth, folds = course.dataset.truth, held_out(course, best)
    known = [sure for _, prediction in folds if (sure := confidence_of(prediction)) is not None]
    if worth.defer is None or truth is None or not folds or len(known) < len(folds):
        return None
    worths = [worth.of(truth[rows], prediction.values) for rows, prediction in folds]
    return choose_deferral(np.concatenate(worths), np.concatenate(known), worth.defer)


def held_out(course: Course, best: Line) -> list[tuple[Array, Prediction]]:
    """Return the folds' rows with what the model says of them, calibrated and cut as its answers on test are.

    Each row once, of the first repeat: rows that count twice would make chance look certain.
    """
    contests = course.contests
    first = min((part.fold.repeat for part in best.parts if part.fold is not None), default=0)
    champion = contests[best.record.name].champion if best.record.name in contests else None
    wrapping = None if champion is None else champion.wrapping
    return [
        (part.rows, part.prediction if wrapping is None else wrapping.apply(part.prediction))
        for part in best.parts
        if part.fold is not None and part.fold.repeat == first
    ]


def from_costs(course: Course, best: Line, worth: Worth) -> str:
    """Say what the cut of the costs would add over the folds, where it is shown to; '' elsewhere."""
    spec, truth, folds = course.spec, course.dataset.truth, held_out(course, best)
    known = [prediction.probabilities for _, prediction in folds if prediction.probabilities is not None]
    if (
        not any(spec.costs.values())
        or (spec.useful and spec.useful.utility)
        or truth is None
        or not folds
        or len(known) < len(folds)
    ):
        return ""
    seen = truth[np.concatenate([rows for rows, _ in folds])]
    answers = np.concatenate([prediction.values for _, prediction in folds])
    cut = spec.costs["false_positive"] / (spec.costs["false_positive"] + spec.costs["false_negative"])
    cheap = (np.concatenate(known)[:, 1] >= cut).astype(np.int64)
    found = gain(1000 * worth.of(seen, cheap), 1000 * worth.of(seen, answers), spec.evaluation.confidence)
    if found.low is None or found.low <= 0:
        return ""
    return f"; `threshold: from_costs` adds {number(found.difference)} over the folds"


def alternatives(course: Course, lines: Sequence[Line], worth: Worth, truth: Array) -> Iterator[Alternative]:
    """Yield what could be done in its place: one answer for every row, the baselines, people."""
    every, labels = np.arange(len(truth)), course.dataset.task.labels
    for code in range(len(worth.table)):
        name = f"always {labels[code]}" if len(worth.table) > 2 else ("nothing", "always")[code]
        yield Alternative(name, every, worth.of(truth, np.full(len(truth), code)))
    if worth.defer is not None:
        yield Alternative("people alone", every, np.full(len(truth), worth.defer))
    for line in lines:
        if line.test is not None and is_against(course.spec.useful, line):
            rows = answered_rows(line)
            yield Alternative(line.record.name, rows, worth.of(truth[rows], line.test.prediction.values[rows]))
    yield from people(course, worth, truth)


def is_against(useful: UsefulSpec | None, line: Line) -> bool:
    """Say whether a baseline is one that the model must be worth more than: those that are named, else all."""
    record = line.record
    if record.kind != "baseline" or record.status != "done":
        return False
    named = () if useful is None else useful.against
    return record.family != "random" if not named else record.name in named or record.family in named


def people(course: Course, worth: Worth, truth: Array) -> Iterator[Alternative]:
    """Yield what people would make of the rows: by their accuracy, or by their labels."""
    human = {} if course.spec.useful is None else course.spec.useful.human
    if not human:
        return
    cost = float(human["cost_per_row"])
    if "accuracy" in human:
        yield Alternative("people", np.arange(len(truth)), people_of(worth, truth, float(human["accuracy"]), cost))
        return
    spec, split = course.spec, course.split
    try:
        answer = ENTRIES["human"].answer(
            human, Question(course.dataset, split.train, split.test, spec.seed, spec.folder)
        )
    except MlrunError:  # it was asked before anything was fitted, and said that it can
        return
    rows = np.flatnonzero(answer.answered)
    yield Alternative("people", rows, worth.of(truth[rows], answer.prediction.values[rows]) - cost)
