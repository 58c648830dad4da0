"""From run folders to runs beside the first of them: differences on the same rows, changes, what cannot be said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mlrun.comparison.across import Across, rank_across
from mlrun.comparison.budgets import UnequalBudget, unequal_budgets
from mlrun.comparison.changes import Change, find_changes
from mlrun.comparison.common_ground import (
    CONFIDENCE,
    ROPE,
    Part,
    Subject,
    by_id,
    find_obstacle,
    limits,
    part_in_common,
    said,
    same_models,
    side_of,
)
from mlrun.comparison.origins import read_origins
from mlrun.comparison.outcomes import Outcome, SliceGap, changed_outcomes, named_slices, reversals
from mlrun.comparison.words import Word, rows_to_decide, word_for
from mlrun.errors import MlrunError, NothingConcluded
from mlrun.records import Difference
from mlrun.runs import read_findings, read_run
from mlrun.statistics import holm
from mlrun.store.run_record import ModelRecord

if TYPE_CHECKING:
    from mlrun.comparison.paired import Measured


@dataclass(frozen=True, slots=True)
class Finding:
    """How a model of a run differs from one of the reference, by the reference's first metric.

    best: both are the best of their runs. part: on which rows, and how many. word: '' where nothing was tested,
    `reason` says why. p_holm: of those that are no best, held together. more_rows: that would decide, about.
    chances: P(worse), P(within the rope), P(better), where folds were compared. rope: in the metric's unit.
    """

    run: str
    model: str
    against: str
    best: bool
    metric: str
    part: Part
    difference: Difference
    word: Word | Literal[""]
    reason: str = ""
    rows: int | None = None
    p_holm: float | None = None
    more_rows: int | None = None
    chances: tuple[float, ...] = ()
    rope: float = ROPE


@dataclass(frozen=True, slots=True)
class Pair:
    """A run beside the reference; `obstacle` says why their scores cannot be compared, '' = they can.

    outcomes: tests of `evaluation:` that ended otherwise. slices: of the best models. reversals: columns in whose
    slices the order of the best models is the other one. budgets: models with other numbers of trials.
    """

    new: Subject
    changes: tuple[Change, ...]
    obstacle: str
    findings: tuple[Finding, ...]
    outcomes: tuple[Outcome, ...] = ()
    slices: tuple[SliceGap, ...] = ()
    reversals: tuple[str, ...] = ()
    budgets: tuple[UnequalBudget, ...] = ()

    @property
    def on_later_rows(self) -> bool:
        """Say whether the two runs have other test rows, so that one was asked about the other's."""
        return any(finding.part == "later" for finding in self.findings)

    @property
    def regressed(self) -> bool:
        return any(finding.best and finding.word == "worse" for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The reference, and each other run beside it; rope: differences within it do not matter; both the reference's.

    across: where the runs are of several data sets, which models rank higher over all of them.
    """

    reference: Subject
    pairs: tuple[Pair, ...]
    rope: float = ROPE
    confidence: float = CONFIDENCE
    across: Across | None = None


def compare(folders: Sequence[Path], tests: bool = True) -> Comparison:
    """Read two or more runs and put them side by side; without `tests` no prediction is read.

    Raises UsageError, StorageError when a run cannot be read at all.
    """
    subjects = [Subject(read_run(folder), folder, read_origins(folder), read_findings(folder)) for folder in folders]
    rope, confidence = limits(subjects[0].origins)
    pairs = tuple(pair_up(subjects[0], new, tests) for new in subjects[1:])
    return Comparison(subjects[0], pairs, rope, confidence, rank_across(subjects, confidence) if tests else None)


def exit_code(comparison: Comparison, fail_on_regression: bool) -> int:
    """Return 1 for a regression when that is asked for, 3 when a run could not be compared, else 0."""
    if fail_on_regression and any(pair.regressed for pair in comparison.pairs):
        return 1
    if comparison.across is not None and not fail_on_regression:
        return 0
    undone = [pair for pair in comparison.pairs if pair.obstacle or (fail_on_regression and not concluded(pair))]
    return NothingConcluded.exit_code if undone else 0


def concluded(pair: Pair) -> bool:
    """Say whether the best models of the two runs were tested against each other."""
    return any(finding.best and finding.word for finding in pair.findings)


def pair_up(old: Subject, new: Subject, tests: bool) -> Pair:
    """Compare one run with the reference."""
    changes = find_changes(old.origins, new.origins)
    obstacle = find_obstacle(old, new)
    if obstacle:
        return Pair(new, changes, obstacle, ())
    part = part_in_common(old, new, tests)
    if not part or (part == "later" and not tests):
        return Pair(new, changes, "other test rows", (), **others(old, new, ""))
    findings = tuple(held_together(old, find_differences(old, new, part))) if tests else ()
    if findings and all(finding.reason for finding in findings):
        obstacle = findings[0].reason
    elif tests and part == "later" and not findings:
        obstacle = "other test rows, and not both runs have a best model"
    return Pair(new, changes, obstacle, () if obstacle else findings, **others(old, new, "" if obstacle else part))


def others(old: Subject, new: Subject, part: Part | Literal[""]) -> dict[str, Any]:
    """Return what is said beside the differences of scores: tests, slices, orders, budgets.

    part: on which rows scores can be compared; '' = on none, then the tests alone.
    """
    matched = [(before, after) for before, after in same_models(old, new) if after.kind == "model"]
    first, second = old.record.champion, new.record.champion
    best = [(first, second)] if first is not None and second is not None else []
    known = bool(old.findings and new.findings)  # of one without findings it is not known what a test would have said
    outcomes = changed_outcomes(old.findings, new.findings, [*matched, *best]) if known else ()
    if not part:
        return {"outcomes": outcomes}
    budgets = unequal_budgets((old.record, old.folder), (new.record, new.folder), matched)
    if part != "test" or not best:
        return {"outcomes": outcomes, "budgets": budgets}
    slices = named_slices(old.findings, new.findings, best[0])
    turned = tuple(reversals(slices, new.findings, (old.record, new.record)))
    return {"outcomes": outcomes, "budgets": budgets, "slices": slices, "reversals": turned}


def find_differences(old: Subject, new: Subject, part: Part) -> Iterator[Finding]:
    """Yield the best against the best, then every model that both runs have; on the later rows the best alone."""
    first, second = old.record.champion, new.record.champion
    if first is not None and second is not None:
        yield find_difference(old, first, new, second, part, best=True)
    for before, after in same_models(old, new) if part != "later" else ():
        if part == "test" or after.kind == "model":
            yield find_difference(old, before, new, after, part, best=False)


def find_difference(
    old: Subject, old_model: ModelRecord, new: Subject, new_model: ModelRecord, part: Part, *, best: bool
) -> Finding:
    """Return the difference of two models with its interval; a test that cannot be made says why."""
    metric = old.record.metrics[0]
    finding = Finding(
        new.record.name, new_model.name, old_model.name, best, metric.label, part, Difference(None), word=""
    )
    rope, confidence = limits(old.origins)
    try:
        from mlrun.comparison.paired import in_units

        told = measure(old, old_model, new, new_model, part)
        rope = in_units(rope, old_model, metric.label)
    except MlrunError as error:
        return replace(finding, reason=str(error))
    word = word_for(told.found, metric.direction, rope)
    more = rows_to_decide(told.found, told.rows, confidence, rope) if word == "undecided" else None
    return replace(
        finding, difference=told.found, word=word, rope=rope, rows=told.rows, more_rows=more, chances=told.chances or ()
    )


def measure(old: Subject, old_model: ModelRecord, new: Subject, new_model: ModelRecord, part: Part) -> Measured:
    """Return the new model's score less the old one's on the same rows."""
    from mlrun.comparison.paired import difference_on_test, difference_over_folds

    older, newer = side_of(old, old), side_of(new, old)
    if part == "later":
        from mlrun.other_rows import difference_on_later_rows

        return difference_on_later_rows(newer, new_model, older, old_model)
    if part == "folds":
        repeats, rows = said(old.origins, "split", "repeats"), old.origins.data.train_rows if old.origins.data else 0
        return difference_over_folds(newer, new_model, older, old_model, int(repeats or 1), rows or 0)
    return difference_on_test(newer, new_model, older, old_model, by_id(old, new))


def held_together(old: Subject, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Yield the findings, those that are no best with Holm's p-values: one that only chance singled out is undecided.

    Two models that say the same on every row are no question, and stand outside.
    """
    found = list(findings)
    family = [place for place, each in enumerate(found)
              if not each.best and each.difference.p_value is not None and each.difference.difference]  # fmt: skip
    adjusted = dict(zip(family, holm([found[place].difference.p_value or 0.0 for place in family]), strict=True))
    allowed = 1 - limits(old.origins)[1]
    for place, each in enumerate(found):
        p_holm = adjusted.get(place)
        chance = p_holm is not None and p_holm >= allowed and each.word in ("better", "worse")
        yield replace(each, p_holm=p_holm, word="undecided" if chance else each.word)
