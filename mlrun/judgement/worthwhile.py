"""From what the best model's answers are worth, what it needs and what it fails to whether it is useful: U1 to U4."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mlrun import metrics
from mlrun.intervals import interval
from mlrun.judgement import suites as judged_findings
from mlrun.judgement.head_to_head import question_of
from mlrun.judgement.utility import Worth
from mlrun.judgement.worth_gained import gains
from mlrun.leaderboard import Line
from mlrun.metric_labels import metric_of
from mlrun.records import Finding
from mlrun.store.run_record import WEIGHT, Answer, VerdictPart
from mlrun.wording import number

if TYPE_CHECKING:
    from mlrun.course import Course
    from mlrun.spec import Spec

MEGABYTE = 1_000_000


def is_asked(spec: Spec) -> bool:
    """Say whether the spec says when a model is useful."""
    return spec.useful is not None or any(spec.costs.values())


def useful_parts(
    course: Course, best: Line, lines: Sequence[Line], findings: Sequence[Finding], worth: Worth | None
) -> Iterator[VerdictPart]:
    """Yield U1 to U4."""
    yield gains(course, best, lines, worth)
    yield meets_target(course, best)
    yield keeps_budget(course, best)
    yield fails_nothing(course, best, findings)


def meets_target(course: Course, best: Line) -> VerdictPart:
    """Answer U2: every score that the spec asks for is reached on test."""
    question, useful = "Does it reach the target?", course.spec.useful
    if useful is None or not useful.target:
        return VerdictPart("U2", question, "not asked", reason="the spec sets no target")
    if best.test is None or course.dataset.truth is None:
        return VerdictPart("U2", question, "undecided", reason="there are no test rows")
    truth, parts = course.dataset.truth[course.split.test], []
    for label, target in useful.target.items():
        metric = metric_of(label, course.spec.folder)
        found = interval(question_of(course, metric, truth), best.test.prediction)
        upward = metrics.entry(metric.name, course.spec.folder).direction == "maximize"
        if found.value is None:
            parts.append(VerdictPart("U2", question, "undecided", label, reason=f"{label} is not defined"))
            continue
        met = found.value >= target if upward else found.value <= target
        said = f"{label} {number(found.value)}, {'at least' if upward else 'at most'} {target:g} asked for"
        answer: Answer = "yes" if met else "no"
        parts.append(VerdictPart("U2", question, answer, label, found.value, found.low, found.high, None, said))
    return first_of(parts)


def first_of(parts: Sequence[VerdictPart]) -> VerdictPart:
    """Return the part that decides: one that is not met, else one that is not known, else the first."""
    return min(parts, key=lambda part: WEIGHT.index(part.answer))


def keeps_budget(course: Course, best: Line) -> VerdictPart:
    """Answer U3: latency, size and training time are within what the spec allows."""
    question, record = "Is it within its budget?", best.record
    budget = {} if course.spec.useful is None else course.spec.useful.budget
    if not budget:
        return VerdictPart("U3", question, "not asked", reason="the spec sets no budget")
    needs = {
        "p95_ms_per_row": (record.p95_ms_1_row, "ms a row (p95)"),
        "model_mb": (None if record.size_bytes is None else record.size_bytes / MEGABYTE, "MB"),
        "train_seconds": (record.fit_seconds, "s to fit"),
    }
    parts = []
    for name, allowed in budget.items():
        need, unit = needs[name]
        if need is None:
            parts.append(VerdictPart("U3", question, "undecided", name, reason=f"{name} was not measured"))
            continue
        said = f"{need:.3g} {unit}, {allowed:g} allowed"
        parts.append(
            VerdictPart("U3", question, "yes" if need <= allowed else "no", name, need, None, None, None, said)
        )
    return first_of(parts)


def fails_nothing(course: Course, best: Line, findings: Sequence[Finding]) -> VerdictPart:
    """Answer U4: no test whose severity is fail fails, those with a p-value held together by Holm's procedure."""
    question = "Does it pass its tests?"
    mine = judged_findings.of_model(findings, best.record.name)
    judged = [finding for finding in mine if finding.status in judged_findings.JUDGED]
    if not judged:
        return VerdictPart("U4", question, "not asked", reason="no test was run that can fail")
    broken = judged_findings.failed(mine, course.spec.evaluation.confidence)
    if broken:
        return VerdictPart("U4", question, "no", "tests that fail", len(broken), reason=judged_findings.told(broken))
    return VerdictPart("U4", question, "yes", "tests that fail", 0, reason=f"{len(judged)} judged, none fails")
