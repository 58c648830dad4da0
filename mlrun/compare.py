"""From run folders to runs beside the first of them: differences on the same rows, changes, what cannot be said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mlrun.comparison.changes import Change, find_changes
from mlrun.comparison.origins import Origins, read_origins
from mlrun.errors import MlrunError, NothingConcluded
from mlrun.records import Difference
from mlrun.runs import read_run
from mlrun.screen.standings import ranked
from mlrun.store.run_record import ModelRecord, RunRecord

Word = Literal["better", "worse", "same", "undecided"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A run that is compared: its record, where it is, what it was made of."""

    record: RunRecord
    folder: Path
    origins: Origins


@dataclass(frozen=True, slots=True)
class Finding:
    """How a model of a run differs from one of the reference, by the reference's first metric.

    best: both are the best of their runs. part: on which rows. word: '' where nothing was tested, `reason` says why.
    """

    run: str
    model: str
    against: str
    best: bool
    metric: str
    part: Literal["test", "folds"]
    difference: Difference
    word: Word | Literal[""]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """A run beside the reference; `obstacle` says why their scores cannot be compared, '' = they can."""

    new: Subject
    changes: tuple[Change, ...]
    obstacle: str
    findings: tuple[Finding, ...]

    @property
    def regressed(self) -> bool:
        return any(finding.best and finding.word == "worse" for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The reference, and each other run beside it."""

    reference: Subject
    pairs: tuple[Pair, ...]


def compare(folders: Sequence[Path], tests: bool = True) -> Comparison:
    """Read two or more runs and put them side by side; without `tests` no prediction is read.

    Raises UsageError, StorageError when a run cannot be read at all.
    """
    subjects = [Subject(read_run(folder), folder, read_origins(folder)) for folder in folders]
    return Comparison(subjects[0], tuple(pair_up(subjects[0], new, tests) for new in subjects[1:]))


def exit_code(comparison: Comparison, fail_on_regression: bool) -> int:
    """Return 1 for a regression when that is asked for, 3 when a run could not be compared, else 0."""
    if fail_on_regression and any(pair.regressed for pair in comparison.pairs):
        return 1
    undone = [pair for pair in comparison.pairs if pair.obstacle or (fail_on_regression and not concluded(pair))]
    return NothingConcluded.exit_code if undone else 0


def concluded(pair: Pair) -> bool:
    """Say whether the best models of the two runs were tested against each other."""
    return any(finding.best and finding.word for finding in pair.findings)


def pair_up(old: Subject, new: Subject, tests: bool) -> Pair:
    """Compare one run with the reference."""
    changes = find_changes(old.origins, new.origins)
    obstacle = find_obstacle(old, new)
    part = part_in_common(old, new)
    if not obstacle and not part:
        obstacle = "other test rows"
    findings = tuple(find_differences(old, new, part)) if tests and part and not obstacle else ()
    if findings and all(finding.reason for finding in findings):
        obstacle = findings[0].reason
    return Pair(new, changes, obstacle, () if obstacle else findings)


def find_obstacle(old: Subject, new: Subject) -> str:
    """Return why the scores of two runs mean different things; '' when they mean the same."""
    before, after = old.record, new.record
    if before.task is None or after.task is None or not before.metrics or not after.metrics:
        return "no scores" if before.task and after.task else "a run does not say what its task was"
    if before.task.kind != after.task.kind:
        return f"another task: {before.task.kind}, then {after.task.kind}"
    targets = [said(subject.origins, "data", "target") for subject in (old, new)]
    if targets[0] != targets[1]:
        return f"another target: {targets[0]}, then {targets[1]}"
    if before.task.labels != after.task.labels:
        return "other labels, or another positive one"
    if before.metrics[0].label not in {metric.label for metric in after.metrics}:
        return f"another metric: {after.name} has no {before.metrics[0].label}"
    if before.metrics[0].label.startswith("cost") and said(old.origins, "costs") != said(new.origins, "costs"):
        return "other costs"
    return ""


def said(origins: Origins, *path: str) -> Any:
    """Return what the resolved spec says at a path; None when it says nothing, or is missing."""
    value: Any = origins.spec
    for key in path:
        value = value[key] if isinstance(value, dict) and key in value else None
    return value


def part_in_common(old: Subject, new: Subject) -> Literal["test", "folds", ""]:
    """Return on which rows both runs were scored: the same test, else the same folds where neither has a test.

    By the ordered digests of the rows; where both have ids the predictions themselves decide.
    """
    before, after = old.origins.data, new.origins.data
    if before is None or after is None:
        return ""
    if before.test_rows and after.test_rows:
        return "test" if before.test == after.test or by_id(old, new) else ""
    if before.test_rows or after.test_rows or before.train != after.train:
        return ""
    same = all(said(old.origins, key) == said(new.origins, key) for key in ("split", "seed"))
    return "folds" if same else ""


def by_id(old: Subject, new: Subject) -> bool:
    """Say whether both runs name their rows by the same column."""
    column = said(old.origins, "data", "id")
    return column is not None and column == said(new.origins, "data", "id")


def find_differences(old: Subject, new: Subject, part: Literal["test", "folds"]) -> Iterator[Finding]:
    """Yield the best against the best, then every model that both runs have."""
    first, second = old.record.champion, new.record.champion
    if first is not None and second is not None:
        yield find_difference(old, first, new, second, part, best=True)
    known = {model.name: model for model in old.record.models if model.status == "done"}
    for model in ranked(new.record):
        if model.status == "done" and model.name in known and (part == "test" or model.kind == "model"):
            yield find_difference(old, known[model.name], new, model, part, best=False)


def find_difference(
    old: Subject,
    old_model: ModelRecord,
    new: Subject,
    new_model: ModelRecord,
    part: Literal["test", "folds"],
    *,
    best: bool,
) -> Finding:
    """Return the difference of two models with its interval; a test that cannot be made says why."""
    metric = old.record.metrics[0]
    try:
        found = measure(old, old_model, new, new_model, part)
        word, reason = word_for(found, metric.direction), ""
    except MlrunError as error:
        found, word, reason = Difference(None), "", str(error)
    return Finding(new.record.name, new_model.name, old_model.name, best, metric.label, part, found, word, reason)


def measure(old: Subject, old_model: ModelRecord, new: Subject, new_model: ModelRecord, part: str) -> Difference:
    """Return the new model's score less the old one's on the same rows."""
    from mlrun.comparison.paired import Side, difference_on_test, difference_over_folds

    older, newer = (Side(side.record, side.folder, said(side.origins, "costs") or {}) for side in (old, new))
    if part == "folds":
        return difference_over_folds(newer, new_model, older, old_model)
    return difference_on_test(newer, new_model, older, old_model, by_id(old, new))


def word_for(found: Difference, direction: Literal["maximize", "minimize"]) -> Word | Literal[""]:
    """Return better or worse when the interval leaves zero out; same when there is no difference on any row."""
    if found.difference is None:
        return ""
    if found.difference == 0 and found.low in {None, 0} and found.high in {None, 0}:
        return "same"
    if found.low is None or found.high is None or found.low <= 0 <= found.high:
        return "undecided"
    return "better" if (found.difference > 0) == (direction == "maximize") else "worse"
