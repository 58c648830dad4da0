"""Whether the models of a spec fit its task: families, final models, members' answers, sizes of grids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mlrun.pipelines import find_family
from mlrun.records import Place, Problem, Task
from mlrun.search_contracts import Choice
from mlrun.searches import grid

if TYPE_CHECKING:
    from mlrun.spec import ModelSpec, Spec


def misfits(spec: Spec, task: Task) -> Iterator[Problem]:
    """Yield what is wrong with the models of a spec, now that the task is known."""
    yield from _of_families(spec, task)
    yield from _oversized(spec)


def gives_of(model: ModelSpec, spec: Spec) -> str:
    """Return what a model gives with its fixed params: probabilities, scores or labels."""
    entry = find_family(model.family, spec.folder)
    if entry.gives_by is None:
        return entry.gives
    fixed = {name: domain.values[0] for name, domain in model.space[0].items() if isinstance(domain, Choice)}
    return entry.gives_by(fixed)


def meta_family(model: ModelSpec, by_name: Mapping[str, ModelSpec]) -> str:
    """Return the family that stacking's final model is of; '' without one."""
    if model.meta is None:
        return ""
    return by_name[model.meta].family if model.meta in by_name else model.meta


def _of_families(spec: Spec, task: Task) -> Iterator[Problem]:
    by_name = {model.name: model for model in spec.models}
    for model in spec.models:
        entry = find_family(model.family, spec.folder)
        place = spec.place(("models", model.name))
        if task.kind not in entry.tasks:
            yield Problem(f"'{model.family}' does {' and '.join(entry.tasks)}, and the task is {task.kind}", place)
        if model.meta is not None:
            yield from _misfit_meta(spec, model, meta_family(model, by_name), task)
        if _is_soft(model):
            silent = [name for name in model.members if gives_of(by_name[name], spec) != "probabilities"]
            if silent and task.kind == "classification":
                cure = "Use `voting: hard`, or leave it out of the members."
                yield Problem(f"soft voting needs probabilities, which {', '.join(silent)} does not give", place, cure)
        if entry.combine is not None:
            yield from _misfit_weights(model, place)
        if task.kind in entry.tasks:
            yield from _misfit_wrapping(spec, model, task)


def _misfit_meta(spec: Spec, model: ModelSpec, family: str, task: Task) -> Iterator[Problem]:
    entry, place = find_family(family, spec.folder), spec.place(("models", model.name, "meta"))
    if task.kind not in entry.tasks:
        yield Problem(f"'{family}' does {' and '.join(entry.tasks)}, and the task is {task.kind}", place)
    if entry.members == "many":
        yield Problem(f"'{family}' is made of other models, and a final model stands alone", place)


def _misfit_weights(model: ModelSpec, place: Place) -> Iterator[Problem]:
    for grid_of_values in model.space:
        domain = grid_of_values.get("weights")
        for weights in domain.values if isinstance(domain, Choice) else ():
            if weights is not None and len(weights) != len(model.members):
                yield Problem(f"{len(weights)} weights for {len(model.members)} members", place, "Write one a member.")


def _misfit_wrapping(spec: Spec, model: ModelSpec, task: Task) -> Iterator[Problem]:
    """Yield why what a model says cannot be calibrated or cut; a user's own family shows it once fitted."""
    asked = {"calibrate": model.calibrate != "none", "threshold": model.threshold != 0.5}
    gives = "probabilities" if ":" in model.family else gives_of(model, spec)
    for key in (key for key, is_asked in asked.items() if is_asked):
        place = spec.place(("models", model.name, key))
        if task.kind != "classification":
            yield Problem(f"'{key}' is for classification, and the task is {task.kind}", place, "Remove it.")
        elif key == "threshold" and not task.binary:
            yield Problem(f"'threshold' is for two classes, and the task has {len(task.labels)}", place, "Remove it.")
        elif gives == "labels":
            yield Problem(f"'{key}' needs probabilities, and {model.family} gives labels alone", place, "Remove it.")
        elif key == "threshold" and gives == "scores" and not asked["calibrate"]:
            told = f"'threshold' needs probabilities, and {model.family} gives scores"
            yield Problem(told, place, "Add `calibrate: sigmoid`, which makes probabilities of them.")


def _is_soft(model: ModelSpec) -> bool:
    return any(
        isinstance(domain, Choice) and "soft" in domain.values
        for grid_of_values in model.space
        for name, domain in grid_of_values.items()
        if name == "voting"
    )


def _oversized(spec: Spec) -> Iterator[Problem]:
    """Yield the grids that are larger than the budget that every family has."""
    if spec.search.strategy != "grid" or spec.search.trials is None:
        return
    for model in spec.models:
        count = len(grid.expand(model.space))
        if count > spec.search.trials:
            yield Problem(
                f"'{model.name}' has {count} combinations, and the budget is {spec.search.trials} trials a family",
                spec.place(("models", model.name)),
                "Use `strategy: random`, which samples without replacement, a larger budget, or fewer values.",
            )
