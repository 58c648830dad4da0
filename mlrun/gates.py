"""From a spec's gates to whether each holds: what makes `train` exit 1, and 3 where nothing could be concluded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlrun.intervals import interval
from mlrun.judgement import suites as judged_findings
from mlrun.judgement.goodness import told
from mlrun.judgement.head_to_head import Lead, lead_in_metric, question_of, turn
from mlrun.judgement.rematch import lead_over_run
from mlrun.leaderboard import Line
from mlrun.records import Difference, Finding, MetricSpec
from mlrun.statistics import holm
from mlrun.store.run_record import GateRecord, VerdictRecord
from mlrun.verdict import USEFUL, joined
from mlrun.weighing import chance_above, rows_needed
from mlrun.wording import interval as shown_interval
from mlrun.wording import number

if TYPE_CHECKING:
    from mlrun.course import Course
    from mlrun.references import References
    from mlrun.spec import GateSpec


@dataclass(frozen=True, slots=True)
class Judged:
    """The gates, and the exit code that they ask for: 1 = one failed, 3 = one could not be concluded, 0 = all well."""

    gates: tuple[GateRecord, ...] = ()
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """What all gates may know."""

    course: Course
    best: Line | None
    lines: Sequence[Line]
    findings: Sequence[Finding]
    references: References
    verdict: VerdictRecord


@dataclass(frozen=True, slots=True)
class Hearing:
    """What one gate came to. p_value: of a claim that is tested together with those of the other gates.

    settle: what becomes of the gate when that claim is shown (true) or not, where that decides it. open: nothing could
    be concluded.
    """

    record: GateRecord
    open: bool = False
    p_value: float | None = None
    settle: Callable[[bool], GateRecord] | None = None


def judge_gates(
    course: Course,
    best: Line | None,
    lines: Sequence[Line],
    findings: Sequence[Finding],
    references: References,
    verdict: VerdictRecord,
) -> Judged:
    """Return what became of each gate; claims about differences are held together by Holm's procedure.

    A gate without a number behind it never passes: it is `not_run`, and `undecided` where the rows are too few to
    say. Both exit 3, but for a comparison with an earlier run when there is none yet (docs/decisions/0009).
    """
    question = Question(course, best, lines, findings, references, verdict)
    heard = [HEARINGS[gate.kind](gate, question) for gate in course.spec.gates]
    tested = [hearing for hearing in heard if hearing.p_value is not None]
    adjusted = iter(holm([hearing.p_value for hearing in tested if hearing.p_value is not None]))
    level = 1 - course.spec.evaluation.confidence
    records, unsettled = [], False
    for hearing in heard:
        record = hearing.record
        if hearing.p_value is not None:
            is_shown = next(adjusted) < level
            record = record if hearing.settle is None else hearing.settle(is_shown)
        records.append(record)
        unsettled = unsettled or hearing.open or record.status == "undecided"
    failed = any(record.status == "fail" for record in records)
    return Judged(tuple(records), 1 if failed else 3 if unsettled else 0)


def not_run(text: str, reason: str, *, is_open: bool = True) -> Hearing:
    return Hearing(GateRecord(text, "not_run", reason), open=is_open)


def lacking(question: Question) -> str:
    """Return why nothing was measured on new data; '' when it was."""
    if question.best is None:
        return "no model was fitted"
    if question.course.dataset.truth is None:
        return "there are no labels"
    return "there are no test rows" if question.best.test is None else ""


# -- beats -------------------------------------------------------------------------------------------------------------


def hear_beats(gate: GateSpec, question: Question) -> Hearing:
    """Pass when the lead over a baseline is shown, fail when the baseline is as good or better on these rows."""
    name, text = str(gate.params["baseline"]), str(gate)
    reason = lacking(question)
    if reason or question.best is None:
        return not_run(text, reason)
    course = question.course
    others = [line for line in question.lines if is_called(line, name)]
    broken = [line for line in others if line.record.status != "done"]
    if not others or broken:
        reason = broken[0].record.reason if broken else "it is left out of this run"
        return not_run(text, f"{name} said nothing: {reason}")
    found = [lead_in_metric(course, course.metrics[0], question.best, other) for other in others]
    leads = [lead for lead in found if lead is not None and lead.found.difference is not None]
    if len(leads) < len(found):
        return not_run(text, f"{course.metrics[0].label} is not defined for it")
    lead = min(leads, key=lambda lead: lead.found.difference or 0.0)
    return beaten(text, lead, course.spec.evaluation.confidence)


def is_called(line: Line, name: str) -> bool:
    """Say whether a line is the baseline of this name, or of this kind."""
    return line.record.kind == "baseline" and name in (line.record.name, line.record.family)


def beaten(text: str, lead: Lead, confidence: float) -> Hearing:
    """Return the hearing of a lead that must be above 0."""
    said = told(lead)
    if (lead.found.difference or 0.0) <= 0:
        return Hearing(GateRecord(text, "fail", said), p_value=1.0)
    p_value = two_sided(lead.found, 0.0, confidence)
    unclear = f"{said}: {rows_needed(lead.found, lead.rows, confidence)}"
    if p_value is None:
        return Hearing(GateRecord(text, "undecided", f"{said}, without an interval"))
    return Hearing(
        GateRecord(text, "undecided", unclear),
        p_value=p_value,
        settle=lambda shown: GateRecord(text, "pass", said) if shown else GateRecord(text, "undecided", unclear),
    )


def two_sided(found: Difference, bound: float, confidence: float) -> float | None:
    """Return the two-sided p-value of a difference at the bound, from its test where that is of 0; None without one."""
    if bound == 0 and found.p_value is not None:
        return found.p_value
    chance = chance_above(found, bound, confidence)
    return None if chance is None else min(1.0, 2 * (1 - chance))


# -- bounds ------------------------------------------------------------------------------------------------------------


def hear_bound(gate: GateSpec, question: Question) -> Hearing:
    """Pass when the score on test is within the bound: the score itself, as people read it, with its interval told."""
    metric: MetricSpec = gate.params["metric"]
    upward = "at_least" in gate.params
    bound = float(gate.params["at_least" if upward else "at_most"])
    text = str(gate)
    reason, course = lacking(question), question.course
    if reason or question.best is None or question.best.test is None or course.dataset.truth is None:
        return not_run(text, reason)
    truth = course.dataset.truth[course.split.test]
    found = interval(question_of(course, metric, truth), question.best.test.prediction)
    if found.value is None:
        return not_run(text, f"{metric.label} is not defined for {question.best.record.name}")
    holds = found.value >= bound if upward else found.value <= bound
    said = f"{question.best.record.name} has {shown_interval(found.value, found.low, found.high)}"
    return Hearing(GateRecord(text, "pass" if holds else "fail", said))


# -- against an earlier run --------------------------------------------------------------------------------------------


def hear_drop(gate: GateSpec, question: Question) -> Hearing:
    """Pass when the score fell by no more than the bound, fail when it is shown that it fell by more."""
    metric: MetricSpec = gate.params["metric"]
    bound, against = float(gate.params["drop_at_most"]), str(gate.params["against"])
    text = str(gate)
    known = question.references
    if against in known.missing:
        own = against.partition("@")[0] == question.course.spec.experiment
        why = "no earlier run of it is complete" if own else known.missing[against]
        return not_run(text, f"there is nothing to compare with yet: {why}", is_open=False)
    reason = lacking(question)
    if reason or question.best is None:
        return not_run(text, reason)
    lead = lead_over_run(question.course, metric, question.best, known.runs[against])
    if isinstance(lead, str):
        return not_run(text, f"not comparable ({lead})")
    return fallen(text, lead, bound, question.course.spec.evaluation.confidence)


def fallen(text: str, lead: Lead, bound: float, confidence: float) -> Hearing:
    """Return the hearing of a lead that must not be below −bound."""
    fall = turn(lead.found)
    drop = fall.difference or 0.0
    same = fall.difference == fall.low == fall.high == 0
    said = (
        f"{f'the same {lead.unit} as {lead.over}' if same else told(lead)} on {lead.rows:,} rows{weaker(lead, bound)}"
    )
    p_value = two_sided(fall, bound, confidence)
    if drop <= bound:
        return Hearing(
            GateRecord(text, "pass", said), p_value=p_value, settle=lambda shown: GateRecord(text, "pass", said)
        )
    if p_value is None:
        return Hearing(GateRecord(text, "fail", f"{said}, without an interval"))
    unclear = f"{said}: {rows_needed(fall, lead.rows, confidence, bound)}"
    return Hearing(
        GateRecord(text, "undecided", unclear),
        p_value=p_value,
        settle=lambda shown: GateRecord(text, "fail", said) if shown else GateRecord(text, "undecided", unclear),
    )


def weaker(lead: Lead, bound: float) -> str:
    """Return that the earlier champion does worse on today's rows than on its own: then not the model, the data fell.

    Both models are judged on the same rows, so that broken labels in new rows do not show in their difference.
    """
    if lead.before is None or lead.score is None:
        return ""
    fall = lead.score - lead.before if lead.lower else lead.before - lead.score
    if not fall > bound:
        return ""
    return (
        f"; but {lead.over} itself has {number(lead.score)} here, and had {number(lead.before)}: look at the new rows"
    )


# -- suites, useful ----------------------------------------------------------------------------------------------------


def hear_suites(gate: GateSpec, question: Question) -> Hearing:
    """Fail when the best model fails a test; open when a test that was asked for says nothing, or none was run."""
    names, spec, text = gate.params["names"], question.course.spec, str(gate)
    if question.best is None:
        return not_run(text, lacking(question))
    mine = [
        finding
        for finding in judged_findings.of_model(question.findings, question.best.record.name)
        if not names or finding.check in names or finding.test in names
    ]
    broken = judged_findings.failed(mine, spec.evaluation.confidence)
    if broken:
        return Hearing(GateRecord(text, "fail", judged_findings.told(broken)))
    asked = {(test.check, test.name) for test in spec.evaluation.tests}
    silent = judged_findings.silent(mine, asked)
    if silent:
        reason = f"{judged_findings.told(silent)}: {silent[0].reason or silent[0].status}"
        return not_run(text, reason)
    judged = [finding for finding in mine if finding.status in judged_findings.JUDGED]
    if not judged:
        return not_run(text, "no test was run that can fail")
    left = sum(finding.status in judged_findings.SILENT for finding in mine)
    more = f"; {left} could not be judged" if left else ""
    return Hearing(GateRecord(text, "pass", f"{len(judged)} judged, none fails{more}"))


def hear_useful(gate: GateSpec, question: Question) -> Hearing:  # noqa: ARG001 - as the others
    """Pass when every question of use that is asked is answered yes."""
    parts = {part.code: part for part in question.verdict.tests}
    answer = joined(parts, USEFUL)
    if not parts or answer == "not asked":
        return not_run("useful", question.verdict.reason if not parts else "nothing says when it is useful")
    decisive = [part for part in parts.values() if part.code in USEFUL and part.answer == answer]
    reason = "; ".join(f"{part.code} {part.reason}" for part in decisive)
    if answer == "undecided":
        return Hearing(GateRecord("useful", "undecided", reason))
    return Hearing(GateRecord("useful", "pass" if answer == "yes" else "fail", reason))


HEARINGS: dict[str, Callable[[GateSpec, Question], Hearing]] = {
    "beats": hear_beats,
    "bound": hear_bound,
    "drop": hear_drop,
    "suites": hear_suites,
    "useful": hear_useful,
}
