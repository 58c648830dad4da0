"""From the findings of two runs to what they say otherwise: tests that fail now, slices, orders that turn around."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlrun.check_details import Slice, read
from mlrun.records import Finding, FindingStatus
from mlrun.store.run_record import ModelRecord, RunRecord

CHECK = "slices"
BAD: tuple[FindingStatus, ...] = ("fail", "error")
WORST_FIRST: tuple[FindingStatus | None, ...] = ("fail", "error", "warn", "vacuous", "not_run", "info", "pass", None)
OPEN = (None, "info")  # statuses that say nothing of good or bad


@dataclass(frozen=True, slots=True)
class Outcome:
    """A test, or a variant of it, of a model in two runs; None = it was not there.

    model: the new run's; against: the reference's, '' where both are about the run.
    """

    check: str
    test: str
    variant: str
    model: str
    against: str
    measure: str
    old: FindingStatus | None
    new: FindingStatus | None
    old_value: float | None
    new_value: float | None
    reason: str

    @property
    def worse(self) -> bool:
        """Say whether what was no failure is one now."""
        return self.new in BAD and self.old is not None and self.old not in BAD


@dataclass(frozen=True, slots=True)
class SliceGap:
    """A named slice of the best models of two runs: the score of each, and the new one's less the old one's."""

    variant: str
    measure: str
    old: float
    new: float
    n: int | None

    @property
    def difference(self) -> float:
        return self.new - self.old


def changed_outcomes(
    old: Sequence[Finding], new: Sequence[Finding], pairs: Sequence[tuple[ModelRecord, ModelRecord]]
) -> tuple[Outcome, ...]:
    """Return the tests whose status is another, those that fail now first; slices that were found are left out.

    pairs: models that are compared, the reference's first. Found slices are others in every run.
    """
    before = {key_of(finding): finding for finding in old if not discovered(finding)}
    after = {key_of(finding): finding for finding in new if not discovered(finding)}
    models = [("", ""), *dict.fromkeys((one.name, other.name) for one, other in pairs)]
    found = []
    for mine, theirs in models:
        keys = dict.fromkeys(
            key[1:] for known, name in ((after, theirs), (before, mine)) for key in known if key[0] == name
        )
        found += [outcome_of(key, mine, theirs, before.get((mine, *key)), after.get((theirs, *key))) for key in keys]
    changed = [each for each in found if each.old != each.new and {each.old, each.new} != set(OPEN)]
    return tuple(sorted(changed, key=urgency))


def key_of(finding: Finding) -> tuple[str, str, str, str]:
    return finding.model, finding.check, finding.test, finding.variant


def discovered(finding: Finding) -> bool:
    details = read(Slice, finding) if finding.check == CHECK else None
    return details is not None and details.discovered


def outcome_of(key: tuple[str, str, str], mine: str, theirs: str, old: Finding | None, new: Finding | None) -> Outcome:
    known = new or old
    return Outcome(
        *key,
        model=theirs,
        against=mine,
        measure=known.measure if known else "",
        old=old.status if old else None,
        new=new.status if new else None,
        old_value=old.value if old else None,
        new_value=new.value if new else None,
        reason=new.reason if new else "",
    )


def urgency(outcome: Outcome) -> tuple[bool, int, int]:
    """Order: what fails now, then by how bad it is now, what was worse before last."""
    now, then = (WORST_FIRST.index(status) for status in (outcome.new, outcome.old))
    return not outcome.worse, now, -then


def named_slices(
    old: Sequence[Finding], new: Sequence[Finding], best: tuple[ModelRecord, ModelRecord]
) -> tuple[SliceGap, ...]:
    """Return the named slices on which the best models of both runs were scored by the same metric."""
    before = {(each.test, each.variant, each.measure): each for each in scored_slices(old, best[0].name)}
    found = []
    for each in scored_slices(new, best[1].name):
        other = before.get((each.test, each.variant, each.measure))
        if other is not None and other.value is not None and each.value is not None:
            found.append(SliceGap(each.variant, each.measure, other.value, each.value, each.n))
    return tuple(found)


def scored_slices(findings: Sequence[Finding], model: str) -> Iterator[Finding]:
    for finding in findings:
        if finding.check == CHECK and finding.model == model and finding.value is not None and not discovered(finding):
            yield finding


def reversals(slices: Sequence[SliceGap], new: Sequence[Finding], runs: tuple[RunRecord, RunRecord]) -> Iterator[str]:
    """Yield the columns in whose slices the best model that is ahead over all rows is behind in each (Simpson 1951)."""
    groups: dict[tuple[str, str], list[SliceGap]] = {}
    known = ((each.variant, read(Slice, each)) for each in new if each.check == CHECK)
    columns = {variant: details.by for variant, details in known if details is not None and details.by}
    for each in slices:
        if each.variant in columns:
            groups.setdefault((columns[each.variant], each.measure), []).append(each)
    for (column, measure), parts in groups.items():
        whole = whole_difference(runs, measure)
        if whole and len(parts) > 1 and all(each.difference * whole < 0 for each in parts):
            yield column


def whole_difference(runs: tuple[RunRecord, RunRecord], measure: str) -> float | None:
    """Return the new best model's test score less the old one's; None where one is not known."""
    scores = [
        run.champion.test[measure].value if run.champion and measure in run.champion.test else None for run in runs
    ]
    return None if scores[0] is None or scores[1] is None else scores[1] - scores[0]
