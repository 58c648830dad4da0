"""From what the checks found to sentences: suites at a glance, what a test says of a model, how hard it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from mlrun.records import Finding, FindingStatus
from mlrun.screen.pages import Point, Section
from mlrun.store.run_record import RunRecord
from mlrun.wording import count, interval, number, told_test

ORDER: tuple[FindingStatus, ...] = ("fail", "error", "warn", "pass", "info", "vacuous", "not_run")
SILENT = ("error", "not_run", "vacuous")
WORDS = {"not_run": "not run"}
VERBS = {"fail": ("fails", "fail"), "error": ("error", "errors"), "warn": ("warns", "warn"), "pass": ("passes", "pass")}
SENTENCE_LINES, WIDTH = 8, 70  # of the glance, at 80 columns
MOST_NAMES, MOST_REASONS = 8, 2


@dataclass(frozen=True, slots=True)
class Suite:
    """One test, and what it found of every model; findings of model '' are about the run."""

    check: str
    test: str
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        return told_test(self.check, self.test)

    def of(self, model: str | None) -> tuple[Finding, ...]:
        """Return what it found of a model and of the run; None = of all."""
        return tuple(each for each in self.findings if model is None or each.model in {"", model})

    def status(self, model: str | None) -> FindingStatus | None:
        """Return how the test ended for a model; None where it says nothing of it."""
        found = self.of(model) if model is None else [each for each in self.findings if each.model == model]
        return together(found) if found else None


def suites(findings: Iterable[Finding]) -> tuple[Suite, ...]:
    """Return the tests in the order in which they ran, each with its findings."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        found.setdefault((finding.check, finding.test), []).append(finding)
    return tuple(Suite(check, test, tuple(each)) for (check, test), each in found.items())


def together(findings: Sequence[Finding]) -> FindingStatus:
    """Return how a test ended that has several findings of one model.

    A failure, an error, a warning of any variant counts. Else the whole test ('' variant) speaks; else one pass is
    enough, for the variants that were not run are told beside it.
    """
    found = {each.status for each in findings}
    for status in ("fail", "error", "warn"):
        if status in found:
            return status
    whole = [each.status for each in findings if not each.variant]
    if len(whole) == 1 and len(findings) > 1:
        return whole[0]
    return "pass" if "pass" in found else min(found, key=ORDER.index)


def word(status: str) -> str:
    """Return a status as people read it."""
    return WORDS.get(status, status)


def told_number(finding: Finding) -> str:
    """Return what was measured: 'failure rate 0.0710 [0.061, 0.082], bound 0.02'; '' where nothing was."""
    if finding.value is None:
        return ""
    told = f"{finding.measure} {interval(finding.value, finding.low, finding.high)}".strip()
    return told + (f", bound {number(finding.threshold)}" if finding.threshold is not None else "")


def told_finding(finding: Finding) -> str:
    """Return a finding in one sentence, without the names of test and model: its reason, and the number behind it."""
    measured, reason = told_number(finding), finding.reason.strip().rstrip(".")
    if not reason or (measured and not any(letter.isdigit() for letter in reason)):
        return "; ".join(part for part in (measured, reason) if part) or word(finding.status)
    return reason


def at_a_glance(record: RunRecord, findings: Sequence[Finding]) -> list[Section]:
    """Return the suites in a few lines, what failed first; [] where nothing was evaluated."""
    every = suites(findings)
    if not every:
        return []
    judged = [(suite, together(found)) for suite in every if (found := suite.of(record.best))]
    told = ", ".join(
        f"{amount} {verb[amount > 1]}"
        for status, verb in VERBS.items()
        if (amount := sum(each == status for _, each in judged))
    )
    points = tuple(glance(record, judged))
    last = Point(f"mlrun show {record.name} has every test, with its rows, tables and pictures")
    title = f"evaluation of {record.best}" if record.best else "evaluation"
    return [Section(f"{title}: {told or 'nothing is judged'}", points=(*points, last))]


def glance(record: RunRecord, judged: Sequence[tuple[Suite, FindingStatus]]) -> Iterator[Point]:
    """Yield failures, errors, warnings and measurements, each with its sentence while there is room; others folded."""
    left = SENTENCE_LINES
    for status in ORDER:
        mine = [suite for suite, ended in judged if ended == status]
        if status == "pass" and mine:
            yield Point(passing(record, mine), word(status))
        elif status in {"vacuous", "not_run"}:
            yield from (Point(sentence, word(status)) for sentence in by_reason(mine, record.best))
        else:
            folded = []
            for suite in mine:
                sentence = f"{headline(suite, status, record.best)}{others(record, suite, status)}"
                needed = ceil(len(sentence) / WIDTH)
                if needed <= left:
                    left -= needed
                    yield Point(sentence, word(status))
                else:
                    folded.append(suite.name)
            if folded:
                noun = "more test" if len(folded) < len(mine) else "test"
                yield Point(f"{count(len(folded), noun)}: {listed(folded)}", word(status))


def headline(suite: Suite, status: FindingStatus, best: str | None) -> str:
    """Return a test's name and what it says, by the first of its findings that has the status."""
    mine = [each for each in suite.of(best) if each.status == status]
    first = mine[0]
    name = f"{suite.name}, {first.variant}" if first.variant else suite.name
    who = f" ({first.model})" if best is None and first.model else ""
    variants = {each.variant for each in mine if each.variant} - {first.variant}
    more = f" (and {len(variants)} more)" if variants and first.variant else ""
    return f"{name}{who}{more}: {told_finding(first)}"


def others(record: RunRecord, suite: Suite, status: FindingStatus) -> str:
    """Return how the other models and the baselines do, so that a reader sees how hard the test is."""
    if status not in {"fail", "warn", "pass"}:
        return ""
    models, baselines = answered(record, suite, "model"), answered(record, suite, "baseline")
    parts = []
    if len(models) > 1:
        passed = sum(each == "pass" for each in models.values())
        parts.append(f"{passed or 'none'} of {len(models)} models passes" if passed < 2 else
                     f"{passed} of {len(models)} models pass")  # fmt: skip
    free = [name for name, each in baselines.items() if each == "pass"]
    if free:
        parts.append(f"{listed(free, 2)} {'passes' if len(free) == 1 else 'pass'}")
    return f" ({'; '.join(parts)})" if parts else ""


def answered(record: RunRecord, suite: Suite, kind: str) -> dict[str, FindingStatus]:
    """Return how the test ended for each model, or baseline, that it could judge."""
    ended = {model.name: suite.status(model.name) for model in record.models if model.kind == kind}
    return {name: status for name, status in ended.items() if status in {"pass", "warn", "fail"}}


def passing(record: RunRecord, mine: Sequence[Suite]) -> str:
    """Return the tests that pass in one line, and which baseline passes them too: those are not hard."""
    told = f"{count(len(mine), 'test')}: {listed([suite.name for suite in mine])}"
    easy: dict[str, int] = {}
    for suite in mine:
        for name, status in answered(record, suite, "baseline").items():
            easy[name] = easy.get(name, 0) + (status == "pass")
    most = max(easy, key=lambda name: easy[name], default=None)
    if most is None or not easy[most]:
        return told
    easily = "all" if easy[most] == len(mine) > 1 else "it" if len(mine) == 1 else str(easy[most])
    return f"{told} ({most} passes {easily}{'' if easily == 'it' else ' of them'} too)"


def by_reason(mine: Sequence[Suite], best: str | None) -> Iterator[str]:
    """Yield the tests that say nothing, those of one reason together; the rest by their names."""
    grouped: dict[str, list[str]] = {}
    for suite in mine:
        grouped.setdefault(suite.of(best)[0].reason or "no reason given", []).append(suite.name)
    reasons = list(grouped.items())
    for reason, names in reasons[:MOST_REASONS]:
        yield f"{listed(names, 4)}: {reason}"
    if len(reasons) > MOST_REASONS:
        rest = [name for _, names in reasons[MOST_REASONS:] for name in names]
        yield f"{count(len(rest), 'more test')}: {listed(rest)}"


def reasons(findings: Sequence[Finding], best: str | None) -> Iterator[Point]:
    """Yield what is said of the best model in each test and variant, then why tests say nothing, each reason once.

    Reasons that differ in their numbers alone are one; a variant that ended as its whole test did, and one that is only
    measured, is told by the tables alone.
    """
    wholes = {(each.check, each.test, each.model, each.status) for each in findings if not each.variant}
    grouped: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        mine = best is None or finding.model in {"", best}
        if finding.status in SILENT:
            grouped.setdefault((finding.status, re.sub(r"\d+", "", finding.reason)), []).append(finding)
        elif mine and finding.reason and not (finding.variant and is_plain(finding, wholes)):
            yield Point(f"{names_of(finding)}: {told_finding(finding)}", word(finding.status))
    for (status, _), same in grouped.items():
        mine_of_same = [each for each in same if best is None or each.model in {"", best}]
        told = mine_of_same or same
        names = [names_of(each) for each in mine_of_same] or [each.model for each in same]
        alike = "" if len({each.reason for each in told}) == 1 else " (or the like)"
        reason = (told[0].reason or "no reason given") + alike
        yield Point(f"{listed(list(dict.fromkeys(names)))}: {reason}", word(status))


def is_plain(variant: Finding, wholes: Collection[tuple[str, str, str, str]]) -> bool:
    """Say whether a variant adds nothing to the table that shows it."""
    key = (variant.check, variant.test, variant.model, variant.status)
    return variant.status in {"pass", "info"} or key in wholes


def names_of(finding: Finding) -> str:
    """Return test and variant of a finding."""
    test = told_test(finding.check, finding.test)
    return f"{test}, {finding.variant}" if finding.variant else test


def listed(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """Return 'a, b and c', or 'a, b and 5 more'."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part) if names else ""
