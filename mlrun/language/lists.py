"""From the metrics and baselines that a spec names to their records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlrun.catalog import suggestion
from mlrun.errors import UsageError
from mlrun.language.baselines import ALTERNATIVES, BASELINES, TASKS, ExistingShape, HumanShape, NameShape
from mlrun.language.problems import Findings, check_shape, quote
from mlrun.language.sections import BaselineSpec
from mlrun.language.shape import SpecShape
from mlrun.language.yaml_reader import Path
from mlrun.records import MetricSpec, TaskKind

TARGETS: Mapping[TaskKind, tuple[str, ...]] = {
    "classification": ("binary", "multiclass"),
    "regression": ("regression",),
    "anomaly": ("anomaly",),
}


def read_metrics(around: SpecShape, folder: str, findings: Findings) -> tuple[MetricSpec, ...]:
    """Return the metrics, canonical, with their parameters written out; what is wrong is told."""
    if around.metrics is None:
        return ()
    from mlrun import metrics

    found: list[MetricSpec] = []
    for index, name, inside in _named(around.metrics, "metrics", findings):
        path: Path = ("metrics", index, name)
        if not isinstance(inside, Mapping):
            findings.add(path, f"what metric {quote(name)} takes must be a mapping, not {quote(inside)}")
            continue
        try:
            metric = metrics.specify(name, inside, folder)
        except UsageError as error:
            findings.add(path, str(error), key=True)
            continue
        if metric.label in [known.label for known in found]:
            findings.add(path, f"the metric {quote(metric.label)} is named twice", "Remove one.", key=True)
        if metric.name == "cost" and around.costs is None and not findings.is_broken("costs"):
            cure = "Add `costs: {false_negative: ..., false_positive: ...}`."
            findings.add(path, "the metric 'cost' needs to know what mistakes cost", cure, key=True)
        targets = metrics.entry(metric.name, folder).targets
        if around.task is not None and not set(targets) & set(TARGETS[around.task]):
            message = f"the metric {quote(name)} is for {' and '.join(targets)}, and the task is {around.task}"
            findings.add(path, message, key=True)
        found.append(metric)
    return tuple(found)


def read_baselines(
    written: Sequence[Any], models: Sequence[str], around: SpecShape, findings: Findings
) -> tuple[BaselineSpec, ...]:
    """Return the baselines under unique names; what is wrong is told."""
    kinds: list[tuple[Path, str, NameShape]] = []
    for index, kind, inside in _named(written, "baselines", findings):
        path: Path = ("baselines", index, kind)
        if kind not in BASELINES:
            findings.add(path, f"there is no baseline {quote(kind)}{suggestion(kind, BASELINES)}", key=True)
            continue
        _check_fit(kind, path, around, findings)
        shape = _check(kind, inside, path, findings)
        if shape is not None:
            kinds.append((path, kind, shape))
    return tuple(_name_all(kinds, models, findings))


def _named(written: Sequence[Any], section: str, findings: Findings) -> Iterator[tuple[int, str, Any]]:
    """Yield position, name and what stands below it; an entry without one name is told."""
    for index, entry in enumerate(written):
        if isinstance(entry, Mapping) and len(entry) == 1:
            yield (index, *next(iter(entry.items())))
        else:
            message = f"each of the {section} must be a name, or a mapping with one name, not {quote(entry)}"
            findings.add((section, index), message)


def _check_fit(kind: str, path: Path, around: SpecShape, findings: Findings) -> None:
    """Tell a baseline that the task, or the lack of a time, leaves nothing to say."""
    if kind == "previous" and around.data.time is None and not findings.is_broken("data", "time"):
        findings.add(path, "baseline 'previous' needs 'data.time': without it the rows have no order", key=True)
    tasks = TASKS.get(kind, (around.task,))
    if around.task is not None and around.task not in tasks:
        message = f"baseline '{kind}' is for {' and '.join(map(str, tasks))}, and the task is {around.task}"
        findings.add(path, message, key=True)


def _check(kind: str, inside: Any, path: Path, findings: Findings) -> NameShape | None:
    if not isinstance(inside, Mapping):
        findings.add(path, f"what baseline {quote(kind)} takes must be a mapping, not {quote(inside)}")
        return None
    told = len(findings.problems)
    shape = check_shape(BASELINES[kind], inside, findings, path)
    if shape is None or len(findings.problems) > told:
        return shape
    options = ALTERNATIVES.get(kind, ())
    given = [option for option in options if getattr(shape, option) is not None]
    if options and len(given) != 1:
        findings.add(path, f"baseline '{kind}' needs exactly one of {', '.join(options)}; it has {len(given)}")
    named = isinstance(shape, (HumanShape, ExistingShape)) and shape.id is not None
    if named and given[:1] not in (["path"], ["predictions"]):
        findings.add((*path, "id"), "'id' is the id column of a file, and no file is named", "Remove it.", key=True)
    return shape


def _name_all(
    kinds: Sequence[tuple[Path, str, NameShape]], models: Sequence[str], findings: Findings
) -> Iterator[BaselineSpec]:
    """Yield the baselines; one without a name is called by its kind, the second such one kind_2."""
    taken = Counter(shape.name for _, _, shape in kinds if shape.name)
    used = set(taken)
    for path, kind, shape in kinds:
        name, number = shape.name or kind, 1
        while shape.name is None and name in used:
            number += 1
            name = f"{kind}_{number}"
        used.add(name)
        where = (*path, "name") if shape.name else path
        if taken[name] > 1:
            findings.add(where, f"{taken[name]} baselines are called {quote(name)}", "Give each a name of its own.")
            taken[name] = 0
        if name in models:
            cure = "Give one of them another name."
            findings.add(where, f"a model and a baseline are both called {quote(name)}", cure)
        yield BaselineSpec(kind, name, shape.model_dump(by_alias=True, exclude_none=True, exclude={"name"}))
