"""From what the checks found to the tests that the best model fails, and to those that say nothing of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mlrun.records import Finding
from mlrun.statistics import holm

JUDGED = ("pass", "warn", "fail")
SILENT = ("vacuous", "not_run", "error")


def of_model(findings: Sequence[Finding], model: str) -> tuple[Finding, ...]:
    """Return the findings of one model, and those of the run."""
    return tuple(finding for finding in findings if finding.model in (model, ""))


def failed(findings: Sequence[Finding], confidence: float = 0.95) -> tuple[Finding, ...]:
    """Return the findings that fail by their own severity, those with a p-value held together by Holm's procedure.

    One that fails alone, and would not among so many, is no failure. Tests that can only warn are not among them.
    """
    tested = [
        finding
        for finding in findings
        if finding.p_value is not None and finding.status in JUDGED and finding.severity == "fail"
    ]
    adjusted = holm([finding.p_value for finding in tested if finding.p_value is not None])
    chance = {id(finding): p_value for finding, p_value in zip(tested, adjusted, strict=True)}
    return tuple(
        finding
        for finding in findings
        if finding.status == "fail"
        and finding.severity == "fail"
        and (id(finding) not in chance or chance[id(finding)] < 1 - confidence)
    )


def silent(findings: Sequence[Finding], asked: Collection[tuple[str, str]]) -> tuple[Finding, ...]:
    """Return the findings of tests that the author asked for and that prove nothing; and checks that broke, always.

    asked: (check, test). A test of which some variants are judged proves something: a slice of few rows
    does not silence the others. What `auto` could not run was never promised.
    """
    spoken = {(finding.check, finding.test) for finding in findings if finding.status in (*JUDGED, "info")}
    mute = {test for test in asked if test not in spoken}
    return tuple(
        finding
        for finding in findings
        if finding.status == "error" or (finding.status in SILENT and (finding.check, finding.test) in mute)
    )


def name_of(finding: Finding) -> str:
    """Return how a finding is called: check, test where it has a name of its own, variant."""
    test = "" if finding.test == finding.check else f" {finding.test}"
    return f"{finding.check}{test}" + (f" ({finding.variant})" if finding.variant else "")


def told(findings: Sequence[Finding], most: int = 3) -> str:
    """Return the names of findings in a few words, each once."""
    names = list(dict.fromkeys(name_of(finding) for finding in findings))
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
