"""From a target's column to what a spec says of it: task, positive label, which rows, how they are divided; and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mlrun.errors import DataError
from mlrun.records import Label, Task, TaskKind
from mlrun.table.guesses import guess_positive, is_anomaly_name
from mlrun.table.targets import read_target

if TYPE_CHECKING:
    import polars as pl

    from mlrun.spec import Spec

FOLDS = 5
TEST = 0.2
FEWEST_ROWS = 5
FEWEST_OF_A_CLASS = 3  # a row for test, and one for each of two folds
SCALE_FROM = 5  # so many whole numbers, very unequally frequent, are points of a scale rather than classes
UNEQUAL = 0.1
SHOWN = 4


@dataclass(frozen=True, slots=True)
class TargetChoice:
    """What a spec says of its target; each reason is a phrase for a comment. where: None = all rows."""

    name: str
    task: TaskKind
    labels: tuple[Label, ...]
    reason: str = ""
    task_reason: str = ""
    positive: Label | None = None
    positive_reason: str = ""
    where: str | None = None
    where_reason: str = ""
    test: float = TEST
    folds: int = FOLDS
    split_reason: str = ""


def choose_for_target(spec: Spec, column: pl.Series, known: TaskKind | None) -> TargetChoice:
    """Return what a spec should say of its target `column`; `known`: the task that the source states.

    Raises DataError for a target that nothing can be learned from.
    """
    where, where_reason = _known_rows(column)
    column = column.drop_nulls()
    if len(column) < FEWEST_ROWS:
        raise DataError(f"only {len(column)} rows have a known '{column.name}': too few to learn from.")
    task = read_target(spec, column, np.arange(len(column)), known).task
    counts = _counts(column, task)
    choice = _task(column, task, counts, known)
    if choice.task != "classification":
        return replace(_divided(choice, len(column), counts if choice.task == "anomaly" else {}),
                       where=where, where_reason=where_reason)  # fmt: skip
    rare = [label for label, rows in counts.items() if rows < FEWEST_OF_A_CLASS]
    if rare and len(counts) - len(rare) >= 2:
        where = " AND ".join(filter(None, [where, _without(column.name, rare)]))
        where_reason = f"too rare to learn, fewer than {FEWEST_OF_A_CLASS} rows: {_few(rare)}"
        counts = {label: rows for label, rows in counts.items() if label not in rare}
    choice = replace(_divided(choice, sum(counts.values()), counts), where=where, where_reason=where_reason)
    if len(counts) != 2:
        return choice
    positive, why = guess_positive(counts)
    return replace(choice, positive=positive, positive_reason=why)


def _known_rows(column: pl.Series) -> tuple[str | None, str]:
    missing = column.null_count()
    if not missing:
        return None, ""
    return f"{_quoted(column.name)} IS NOT NULL", f"the target is missing in {missing:,} of {len(column):,} rows"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _without(name: str, labels: Sequence[Label]) -> str:
    written = [str(label) if isinstance(label, (int, float)) else _text(label) for label in labels]
    return f"{_quoted(name)} NOT IN ({', '.join(written)})"


def _text(label: str) -> str:
    return "'" + label.replace("'", "''") + "'"


def _few(labels: Sequence[Label]) -> str:
    return ", ".join(map(str, labels[:SHOWN])) + (", ..." if len(labels) > SHOWN else "")


def _counts(column: pl.Series, task: Task) -> Mapping[Label, int]:
    """Return how many rows each class has, in the order of the labels; {} for numbers."""
    if not task.labels:
        return {}
    counted = dict(column.value_counts().iter_rows())
    return {label: counted[label] for label in task.labels}


def _task(column: pl.Series, task: Task, counts: Mapping[Label, int], known: TaskKind | None) -> TargetChoice:
    """Return the task as it is inferred, but for scales and for columns that are called after anomalies."""
    holds = _what(column, task)
    if known or task.kind == "regression":
        return TargetChoice(column.name, task.kind, task.labels, task_reason=holds)
    if task.binary and is_anomaly_name(column.name):
        why = f"'{column.name}' marks anomalies, which models do not see; classification would show them"
        return TargetChoice(column.name, "anomaly", task.labels, task_reason=why)
    if _is_scale(column, counts):
        why = f"{holds}, some of them rare: a scale; or say classification"
        return TargetChoice(column.name, "regression", (), task_reason=why)
    return TargetChoice(column.name, "classification", task.labels, task_reason=holds)


def _what(column: pl.Series, task: Task) -> str:
    if task.kind == "regression":
        return f"the target has {column.n_unique():,} distinct numbers"
    return f"the target has {len(task.labels)} classes: {_few(task.labels)}"


def _is_scale(column: pl.Series, counts: Mapping[Label, int]) -> bool:
    numeric = column.dtype.is_numeric()
    return numeric and len(counts) >= SCALE_FROM and min(counts.values()) < UNEQUAL * max(counts.values())


def _divided(choice: TargetChoice, rows: int, counts: Mapping[Label, int]) -> TargetChoice:
    """Return the choice with the usual split, or one that so few rows, or rows of a class, allow.

    Raises DataError where one of two classes has a single row.
    """
    rarest = min(counts.values(), default=rows)
    if rarest < 2:
        label = min(counts, key=lambda label: counts[label])
        raise DataError(
            f"the target '{choice.name}' has a single row of class '{label}', which cannot train and judge; "
            f"get more rows of it, or name another target."
        )
    held_out = math.ceil(rows * TEST)  # as scikit-learn rounds
    if held_out < max(1, len(counts)) or rarest < FEWEST_OF_A_CLASS:
        folds = min(FOLDS, rarest, rows // 2)
        why = "too few rows for a test of its own: the folds alone judge"
        return replace(choice, test=0.0, folds=max(2, folds), split_reason=why)
    left = rarest * (rows - held_out) // rows if counts else (rows - held_out) // 2
    if left < FOLDS:
        return replace(choice, folds=max(2, left), split_reason=f"fewer folds than {FOLDS}, for so few rows")
    kept = "20 % for the test, the rest in five folds"
    return replace(choice, split_reason=f"{kept}, all with the same share of each class" if counts else kept)
