"""From the best model beside all others, and what the checks found, to one line: is it good, is it useful."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlrun import metrics
from mlrun.judgement.goodness import good_parts
from mlrun.judgement.worth_gained import worth_of
from mlrun.judgement.worthwhile import is_asked, useful_parts
from mlrun.records import Finding
from mlrun.store.run_record import WEIGHT, Answer, VerdictPart, VerdictRecord

if TYPE_CHECKING:
    from mlrun.course import Course
    from mlrun.leaderboard import Line

GOOD, USEFUL = ("G0", "G1", "G2", "G3"), ("U1", "U2", "U3", "U4")
NOT_ASKED = "useful was not asked"


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


def verdict_of(
    course: Course, best: Line | None, lines: Sequence[Line], findings: Sequence[Finding] = ()
) -> VerdictRecord:
    """Return the verdict of evaluation.md section 9: a word, its reason, and the answers that it rests on.

    `useless`, `not worth it`, `good, not useful`, `useful, not good`, `good and useful`, `undecided`; where the spec
    does not say what useful means, `good` (docs/decisions/0009).
    """
    if course.dataset.truth is None:
        return VerdictRecord("undecided", "no labels")
    if best is None:
        return VerdictRecord("undecided", "no model was fitted")
    if best.test is None:
        told = f"no test rows: {best.record.name} is best by {course.metrics[0].label} over the folds, which chose it"
        return VerdictRecord("undecided", told)
    worth = worth_of(course)
    parts = (*good_parts(course, best, lines, worth), *useful_parts(course, best, lines, findings, worth))
    return worded(parts, asked=is_asked(course.spec))


def worded(parts: Sequence[VerdictPart], *, asked: bool) -> VerdictRecord:
    """Return the word for the answers, and the reason in plain words."""
    by_code = {part.code: part for part in parts}
    good, useful = joined(by_code, GOOD), joined(by_code, USEFUL) if asked else only_if_no(by_code["U4"].answer)
    word = word_of(by_code, good, useful)
    return VerdictRecord(word, reason_of(by_code, word, good, useful), tuple(parts))


def joined(parts: Mapping[str, VerdictPart], codes: Sequence[str]) -> Answer:
    """Return the answer of several questions that must all be answered yes."""
    answers = [parts[code].answer for code in codes if code in parts]
    return min(answers, key=WEIGHT.index, default="not asked")


def only_if_no(answer: Answer) -> Answer:
    """Return what U4 alone says of use, where the spec does not say what useful means: only a failure counts."""
    return "no" if answer == "no" else "not asked"


def word_of(parts: Mapping[str, VerdictPart], good: Answer, useful: Answer) -> str:
    """Return the verdict's word."""
    if parts["G0"].answer == "no" and useful != "yes":
        return "useless"
    if parts["G2"].answer == "no":
        return "not worth it"
    if good == "no":
        return "useful, not good" if useful == "yes" else "not worth it"
    if good == "undecided" or useful == "undecided":
        return "undecided"
    return {"yes": "good and useful", "no": "good, not useful"}.get(useful, "good")


def reason_of(parts: Mapping[str, VerdictPart], word: str, good: Answer, useful: Answer) -> str:
    """Return the reason in one sentence: what is against it, else what speaks for it."""
    if word == "undecided":
        open_ones = [part for part in parts.values() if part.answer == "undecided"]
        return open_ones[0].reason
    against = [part for part in parts.values() if part.answer == "no" and (part.code in GOOD or useful == "no")]
    rest = f"; {NOT_ASKED}" if useful == "not asked" else ""
    if word == "useless" or against:
        shown = against[:1] if word == "useless" else against[:2]
        return "; ".join(failing(part) for part in shown) + (rest if good != "no" else "")
    said = [parts["G0"].reason] + ([parts["U1"].reason] if parts["U1"].answer == "yes" else [])
    return "; ".join(said) + rest


def failing(part: VerdictPart) -> str:
    """Return what is against the model."""
    lead_ins = {"U2": "the target is missed: ", "U3": "over budget: ", "U4": "tests fail: "}
    if part.code == "U1":
        return f"it is not worth more than the alternatives: {part.reason}"
    return lead_ins.get(part.code, "") + part.reason
