"""The sections of a model card that judge: verdict, groups, behaviour, calibration, what limits the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlrun.card.facts import Facts
from mlrun.check_tables import tables
from mlrun.records import Finding
from mlrun.screen.pages import Point, Section
from mlrun.screen.standings import told_gates, told_notes, verdict_table
from mlrun.view.findings import reasons, told_finding, word
from mlrun.wording import told_test

BEHAVIOUR = ("minimum_functionality", "invariance", "directional", "perturbation")
LIMITS = ("fail", "error", "warn", "not_run")
STALE = {
    "contains-verbatim": "it holds rows of a person who was erased: do not use it",
    "contains-identifier": "it holds what names a person who was erased: do not use it",
    "influenced": "it was trained on rows of a person who was erased afterwards",
}


def verdict(facts: Facts) -> list[Section]:
    """Return the verdict on the best model of the run, with what it rests on."""
    record = facts.record
    told = record.verdict.word + (f": {record.verdict.reason}" if record.verdict.reason else "")
    about = () if record.best in (None, facts.model.name) else (f"it is about {record.best}, the best of the run",)
    return [Section("Verdict", verdict_table(record), (told, *about, *told_gates(record)))]


def slices(facts: Facts) -> list[Section]:
    """Return how the model does on groups of rows; groups are named, no row is."""
    return [section for section in of_check(facts, "slices", "Results by group") if section.table or section.points]


def behaviour(facts: Facts) -> list[Section]:
    """Return how the model answers to edited rows."""
    found = [
        section for check in BEHAVIOUR for section in of_check(facts, check, f"Behaviour: {check.replace('_', ' ')}")
    ]
    return [section for section in found if section.table or section.points]


def calibration(facts: Facts) -> list[Section]:
    """Return whether probabilities and confidence can be believed."""
    parts = (("calibration", "Calibration"), ("confidence", "Confidence"))
    return [section for check, title in parts for section in of_check(facts, check, title)]


def of_check(facts: Facts, check: str, title: str) -> list[Section]:
    """Return one check's first table of this model, and what is said of it."""
    mine = [finding for finding in facts.mine if finding.check == check]
    if not mine:
        return []
    first, *_ = tables(check, mine, [facts.model.name]) or (None,)
    return [Section(title, first, points=tuple(reasons(mine, facts.model.name)))]


def limitations(facts: Facts) -> list[Section]:
    """Return what is known to limit the model: erased people, failed and unasked tests, assumptions, marked scores."""
    points = [*own_limits(facts), *(Point(note) for note in marks(facts))]
    for status in LIMITS:
        points += told(facts.mine, status)
    if not facts.findings:
        points.append(Point("the run was not evaluated: no test was asked of the model", "not run"))
    return [Section("Limitations", points=tuple(points))] if points else []


def own_limits(facts: Facts) -> Iterator[Point]:
    if facts.model.stale:
        yield Point(STALE[facts.model.stale], "fail")


def marks(facts: Facts) -> list[str]:
    """Return what marks a run as a whole, without the notes on how its data was read."""
    notes = set(facts.record.notes)
    return [line for line in told_notes(facts.record) if line not in notes]


def told(findings: Sequence[Finding], status: str) -> Iterator[Point]:
    """Yield a sentence for each finding of one status; equal sentences once."""
    said: dict[str, None] = {}
    wholes = {(each.check, each.test, each.model) for each in findings if each.status == status and not each.variant}
    for finding in findings:
        if finding.status == status and not (
            finding.variant and (finding.check, finding.test, finding.model) in wholes
        ):
            name = told_test(finding.check, finding.test) + (f", {finding.variant}" if finding.variant else "")
            said[f"{name}: {told_finding(finding)}{consequence(finding)}"] = None
    yield from (Point(sentence, word(status)) for sentence in said)


def consequence(finding: Finding) -> str:
    """Return what a violated assumption leads to, where its check says so."""
    if finding.check != "assumptions" or "consequence" not in finding.details:
        return ""
    text = str(finding.details["consequence"]).strip()
    return f" ({text})" if text and text not in finding.reason else ""
