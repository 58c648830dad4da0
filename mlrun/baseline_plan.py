"""From the baselines of a spec to those that can answer on its data; what cannot is told before anything is fitted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from mlrun.baselines import ENTRIES, Question
from mlrun.errors import MlrunError, SpecError
from mlrun.language.sections import DEFAULT_BASELINES, BaselineSpec
from mlrun.records import Dataset, Problem

if TYPE_CHECKING:
    from mlrun.records import Split
    from mlrun.spec import Spec


def plan_baselines(spec: Spec, dataset: Dataset, split: Split) -> tuple[BaselineSpec, ...]:
    """Return the spec's baselines, or those that suit the task when it names none.

    Raises SpecError with each that does not fit the task, or says nothing sensible of these rows.
    """
    chosen = spec.baselines
    if chosen == DEFAULT_BASELINES and dataset.task.kind == "anomaly":
        numeric = any(column.kind == "numeric" for column in dataset.features)
        chosen = (chosen[0], *([BaselineSpec("max_z", "max_z")] if numeric else []))
    problems = [
        Problem(f"baseline '{baseline.name}': {message}", spec.place(("baselines", position)))
        for position, baseline in enumerate(chosen)
        for message in _objections(spec, baseline, dataset, split)
    ]
    problems += [Problem(message, spec.place(("useful", "human"))) for message in _of_people(spec, dataset)]
    if problems:
        raise SpecError(problems)
    return chosen


def _of_people(spec: Spec, dataset: Dataset) -> Iterator[str]:
    """Yield why the labels of people that `useful` names cannot be had, by asking for those of all rows."""
    if spec.useful is None or not spec.useful.human or "accuracy" in spec.useful.human:
        return
    rows = np.arange(dataset.table.height)
    try:
        answer = ENTRIES["human"].answer(spec.useful.human, Question(dataset, rows, rows, spec.seed, spec.folder))
    except MlrunError as error:
        yield str(error)
        return
    if not answer.answered.any():
        yield f"people say nothing of any of the {dataset.table.height:,} rows: do the ids fit?"


def _objections(spec: Spec, baseline: BaselineSpec, dataset: Dataset, split: Split) -> Iterator[str]:
    """Yield why a baseline cannot be used, by asking it about all rows; an earlier run's model is asked later."""
    entry, task = ENTRIES[baseline.kind], dataset.task.kind
    if task not in entry.tasks:
        yield f"it is for {' and '.join(entry.tasks)}, and the task is {task}"
        return
    if "run" in baseline.params:
        return
    try:
        answer = entry.answer(
            baseline.params,
            Question(dataset, split.train, np.arange(dataset.table.height), spec.seed, spec.folder),
        )
    except MlrunError as error:
        yield str(error)
        return
    if not answer.answered.any():
        yield f"it answers none of the {dataset.table.height:,} rows"
