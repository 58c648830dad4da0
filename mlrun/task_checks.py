"""What a spec says that does not fit the task which its data turned out to be; told before anything is fitted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlrun import metrics as measured
from mlrun.errors import SpecError
from mlrun.model_checks import gives_of
from mlrun.records import Dataset, MetricSpec, Problem
from mlrun.suite_checks import suite_problems

if TYPE_CHECKING:
    from mlrun.spec import Spec


def check_task(spec: Spec, dataset: Dataset, metrics: tuple[MetricSpec, ...]) -> None:
    """Raise SpecError for all that the task makes impossible; a task that the spec states was checked without data."""
    problems = [
        *_of_sections(spec, dataset),
        *_of_target(spec, dataset),
        *_of_first_metric(spec, dataset, metrics),
        *suite_problems(spec, dataset),
    ]
    if problems:
        raise SpecError(problems)


def _of_sections(spec: Spec, dataset: Dataset) -> Iterator[Problem]:
    task = dataset.task
    if spec.target_transform and task.kind != "regression":
        told = f"'target_transform' is for regression, and the task is {task.kind}"
        yield Problem(told, spec.place(("target_transform",)))
    if spec.costs and not (task.binary or task.kind == "anomaly"):
        what = f"{len(task.labels)} classes" if task.multiclass else task.kind
        yield Problem(f"'costs' are for two classes, and the task is {what}", spec.place(("costs",)), "Leave them out.")
    if ("anomaly",) in spec.places and task.kind != "anomaly":
        yield Problem(f"'anomaly' is for that task, and the task is {task.kind}", spec.place(("anomaly",)))
    if spec.anomaly.train_on == "normal" and task.kind == "anomaly" and dataset.truth is None:
        told = "'train_on: normal' needs labels that say which rows are normal, and the data has no target"
        yield Problem(told, spec.place(("anomaly", "train_on")), "Name the target, or leave it out.")


def _of_target(spec: Spec, dataset: Dataset) -> Iterator[Problem]:
    truth = dataset.truth
    if spec.target_transform != "log" or dataset.task.kind != "regression" or truth is None:
        return
    refused = int((truth <= 0).sum())
    if refused:
        told = f"the target is not above 0 in {refused:,} of {len(truth):,} rows (the smallest is {truth.min():g})"
        cure = "A logarithm needs numbers above 0: leave it out, or leave these rows out with `data.where`."
        yield Problem(told, spec.place(("target_transform",)), cure)


def _of_first_metric(spec: Spec, dataset: Dataset, metrics: tuple[MetricSpec, ...]) -> Iterator[Problem]:
    """Yield the families that the first metric cannot rank: it needs probabilities, which they do not give."""
    if not metrics or dataset.task.kind != "classification":
        return
    first = metrics[0]
    if measured.entry(first.name, spec.folder).needs != "probabilities":
        return
    for model in spec.models:
        if ":" not in model.family and gives_of(model, spec) != "probabilities":
            told = f"'{first.label}' chooses, and needs probabilities, which {model.name} does not give"
            cure = f"Put another metric first, or leave {model.name} out."
            yield Problem(told, spec.place(("models", model.name)), cure)
