"""From the section `useful` as written to its record: what outcomes are worth, and what the model must outdo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlrun.catalog import suggestion
from mlrun.errors import UsageError
from mlrun.language.lists import TARGETS
from mlrun.language.problems import Findings, quote
from mlrun.language.sections import BaselineSpec, UsefulSpec
from mlrun.language.shape import PeopleShape, SpecShape
from mlrun.language.yaml_reader import Path
from mlrun.records import MetricSpec

PEOPLE = ("accuracy", "column", "path")  # exactly one of these is given


def read_useful(
    around: SpecShape, baselines: Sequence[BaselineSpec], folder: str, findings: Findings
) -> UsefulSpec | None:
    """Return when the best model is worth having; None when the spec does not say. What is wrong is told."""
    shape = around.useful
    _check_worth(around, findings)
    if shape is None:
        return None
    for index, name in enumerate(shape.against):
        check_baseline(name, baselines, ("useful", "against", index), findings)
    if shape.human is not None:
        _check_people(shape.human, findings)
    for label in shape.target:
        read_metric(label, around, folder, ("useful", "target", label), findings, key=True)
    within = shape.prefer_simpler_within
    return UsefulSpec(
        utility=_numbers(None if shape.utility is None else shape.utility.model_dump(exclude_none=True)),
        against=tuple(shape.against),
        human={} if shape.human is None else shape.human.model_dump(exclude_none=True),
        budget=_numbers(None if shape.budget is None else shape.budget.model_dump(exclude_none=True)),
        target=_numbers(shape.target),
        prefer_simpler_within=None if within is None else float(within),
    )


def _numbers(written: Mapping[str, Any] | None) -> dict[str, float]:
    return {name: float(value) for name, value in (written or {}).items()}


def _check_worth(around: SpecShape, findings: Findings) -> None:
    """Tell utilities, and costs, under which the same answer is best for every row: there is nothing to decide."""
    utility = None if around.useful is None else around.useful.utility
    path: Path = ("useful", "utility")
    if utility is not None:
        found, missed = utility.tp - utility.fn, utility.tn - utility.fp
        right, wrong = "tp above fn, and tn above fp", "these utilities"
    elif around.costs is not None and around.useful is not None:
        path, found, missed = ("costs",), around.costs.false_negative, around.costs.false_positive
        right, wrong = "both above 0", "these costs"
    else:
        return
    if findings.is_broken(*path) or (found > 0 and missed > 0):
        return
    if found == 0 and missed == 0:
        told = f"{wrong} make every decision equal, so no model can be worth anything"
    else:
        best = "positive" if found > missed else "negative"
        told = f"with {wrong} it is best to call every row {best}, so no model can be worth anything"
    findings.add(path, told, f"Write {right}.")


def _check_people(shape: PeopleShape, findings: Findings) -> None:
    given = [key for key in PEOPLE if getattr(shape, key) is not None]
    path: Path = ("useful", "human")
    if len(given) != 1 and not findings.is_broken(*path):
        findings.add(path, f"'useful.human' needs exactly one of {', '.join(PEOPLE)}; it has {len(given)}")
    if shape.id is not None and shape.path is None:
        findings.add((*path, "id"), "'id' is the id column of a file, and no file is named", "Remove it.", key=True)


def check_baseline(name: str, baselines: Sequence[BaselineSpec], path: Path, findings: Findings) -> None:
    """Tell a baseline that the spec does not have; a kind stands for its only one."""
    if not named_baselines(name, baselines) and not findings.is_broken("baselines"):
        near = suggestion(name, [baseline.name for baseline in baselines])
        findings.add(path, f"there is no baseline {quote(name)} in this spec{near}")


def named_baselines(name: str, baselines: Sequence[BaselineSpec]) -> tuple[str, ...]:
    """Return the baselines of this name, else of this kind."""
    same = tuple(baseline.name for baseline in baselines if baseline.name == name)
    return same or tuple(baseline.name for baseline in baselines if baseline.kind == name)


def read_metric(
    written: Any, around: SpecShape, folder: str, path: Path, findings: Findings, *, key: bool = False
) -> MetricSpec | None:
    """Return the metric meant by a name, a label such as precision_at(k=0.05), or {NAME: PARAMETERS}; else tell why."""
    from mlrun import metrics
    from mlrun.metric_labels import metric_of

    single = isinstance(written, Mapping) and len(written) == 1
    name, params = next(iter(written.items())) if single else (written, {})
    if not isinstance(name, str) or not isinstance(params or {}, Mapping):
        findings.add(path, f"a metric must be a name, or {{NAME: {{...}}}}, not {quote(written)}", key=key)
        return None
    try:
        metric = metrics.specify(name, params, folder) if params else metric_of(name, folder)
    except UsageError as error:
        findings.add(path, str(error), key=key)
        return None
    if metric.name == "cost" and around.costs is None and not findings.is_broken("costs"):
        cure = "Add `costs: {false_negative: ..., false_positive: ...}`."
        findings.add(path, "the metric 'cost' needs to know what mistakes cost", cure, key=key)
    targets = metrics.entry(metric.name, folder).targets
    if around.task is not None and not set(targets) & set(TARGETS[around.task]):
        told = f"the metric {quote(name)} is for {' and '.join(targets)}, and the task is {around.task}"
        findings.add(path, told, key=key)
    return metric
