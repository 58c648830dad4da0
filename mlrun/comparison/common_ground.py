"""From two runs to whether their scores mean the same, and on which rows they can be laid beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mlrun.comparison.origins import Origins
from mlrun.records import Finding
from mlrun.screen.standings import ranked
from mlrun.store.run_record import ModelRecord, RunRecord

if TYPE_CHECKING:
    from mlrun.comparison.paired import Side

Part = Literal["test", "folds", "later"]  # the same test rows, the same folds, or the later run's test rows
ROPE, CONFIDENCE = 0.005, 0.95  # of a run whose spec says neither


@dataclass(frozen=True, slots=True)
class Subject:
    """A run that is compared: its record, where it is, what it was made of, what its checks found."""

    record: RunRecord
    folder: Path
    origins: Origins
    findings: tuple[Finding, ...] = ()


def find_obstacle(old: Subject, new: Subject) -> str:
    """Return why the scores of two runs mean different things; '' when they mean the same."""
    before, after = old.record, new.record
    if before.task is None or after.task is None or not before.metrics or not after.metrics:
        return "no scores" if before.task and after.task else "a run does not say what its task was"
    if before.task.kind != after.task.kind:
        return f"another task: {before.task.kind}, then {after.task.kind}"
    targets = [said(subject.origins, "data", "target") for subject in (old, new)]
    if targets[0] != targets[1]:
        named = [f"'{target}'" if target else "the source's own" for target in targets]
        return f"another target: {named[0]}, then {named[1]}"
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


def part_in_common(old: Subject, new: Subject, tests: bool) -> Part | Literal[""]:
    """Return on which rows both runs can be judged: the same test; else the same folds where neither has a test.

    By the ordered digests of the rows; where both have ids, by those of their predictions, which are only read for
    tests. With other test rows the earlier run's model may predict the later one's.
    """
    before, after = old.origins.data, new.origins.data
    if before is None or after is None:
        return ""
    if before.test_rows and after.test_rows:
        same_rows = before.test == after.test or (by_id(old, new) and (not tests or same_ids(old, new)))
        return "test" if same_rows else "later"
    if before.test_rows or after.test_rows or before.train != after.train:
        return ""
    same = all(said(old.origins, key) == said(new.origins, key) for key in ("split", "seed"))
    return "folds" if same else ""


def by_id(old: Subject, new: Subject) -> bool:
    """Say whether both runs name their rows by the same column."""
    column = said(old.origins, "data", "id")
    return column is not None and column == said(new.origins, "data", "id")


def same_ids(old: Subject, new: Subject) -> bool:
    """Say whether the predictions of the two runs are of the same test rows, by id."""
    from mlrun.comparison.paired import same_test_ids

    models = [next((model for model in ranked(side.record) if model.status == "done"), None) for side in (old, new)]
    if models[0] is None or models[1] is None:
        return True
    return same_test_ids(side_of(old, old), models[0], side_of(new, old), models[1])


def same_models(old: Subject, new: Subject) -> list[tuple[ModelRecord, ModelRecord]]:
    """Return the models and baselines that both runs have, the reference's first, as the new run ranks them."""
    known = {model.name: model for model in old.record.models if model.status == "done"}
    return [(known[model.name], model) for model in ranked(new.record)
            if model.status == "done" and model.name in known]  # fmt: skip


def limits(origins: Origins) -> tuple[float, float]:
    """Return the rope and the confidence that a run's spec asks for."""
    rope, confidence = said(origins, "evaluation", "rope"), said(origins, "evaluation", "confidence")
    return ROPE if rope is None else float(rope), CONFIDENCE if confidence is None else float(confidence)


def side_of(subject: Subject, reference: Subject) -> Side:
    from mlrun.comparison.paired import Side

    costs = said(subject.origins, "costs") or {}
    return Side(subject.record, subject.folder, costs, *limits(reference.origins))
