"""From a spec and its data to what will run: models in order, their blueprints, which trials share a fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlrun.contracts import Budget, Choice, Grid, ModelFamily
from mlrun.errors import SpecError
from mlrun.pipelines import Blueprint, find_family
from mlrun.recipes import Recipe, recipe_for
from mlrun.records import Dataset, Params, Place, Problem, Task, Trial
from mlrun.searches import grid

if TYPE_CHECKING:
    from mlrun.spec import ModelSpec, Spec


@dataclass(frozen=True, slots=True)
class PlannedModel:
    """A model of the spec, joined to its family; level 0 runs first, members before what is made of them.

    unranked: nothing can choose among its trials (no labels), so only the first is run.
    """

    spec: ModelSpec
    entry: ModelFamily
    recipe: Recipe | None
    rank: int
    level: int
    isolated: bool
    meta: Blueprint | None = None
    unranked: bool = False

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def combines(self) -> bool:
        return self.entry.combine is not None


def plan_models(spec: Spec, dataset: Dataset) -> tuple[PlannedModel, ...]:
    """Return the models in the order in which they run: by level, the simplest first.

    Raises SpecError with every family that does not fit the task, and every grid over the budget.
    """
    problems = [*_misfits(spec, dataset.task), *_oversized(spec)]
    if problems:
        raise SpecError(problems)
    by_name = {model.name: model for model in spec.models}
    levels = {name: _level(model, by_name) for name, model in by_name.items()}
    planned = [_join(spec, model, dataset, by_name, levels[model.name]) for model in spec.models]
    order = {model.name: position for position, model in enumerate(spec.models)}
    return tuple(sorted(planned, key=lambda model: (model.level, model.rank, order[model.name])))


def budget_of(spec: Spec, model: PlannedModel) -> Budget:
    """Return what one model may spend; equal for every family of the spec."""
    return Budget(trials=1 if model.unranked else spec.search.trials, cpu_seconds=spec.search.cpu_seconds)


def blueprint_of(
    model: PlannedModel, params: Params, task: Task, folder: str, best: Mapping[str, Blueprint], contamination: float
) -> Blueprint:
    """Return how to build a trial of a model; `best` holds the blueprints of the champions that it is made of."""
    names = (*model.spec.members, *((model.spec.base,) if model.spec.base else ()))
    return Blueprint(
        model=model.name,
        family=model.spec.family,
        params=_with_codes(params, task),
        recipe=model.recipe,
        task=task,
        folder=folder,
        members=tuple(best[name] for name in names),
        meta=model.meta,
        contamination=contamination,
    )


def share_fits(entry: ModelFamily, trials: Sequence[Trial]) -> list[tuple[Trial, ...]]:
    """Group trials that one fit can answer for, in order; a trial that cannot share stands alone."""
    if entry.nested is None:
        return [(trial,) for trial in trials]
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        rest = {name: value for name, value in trial.params.items() if name not in entry.nested.parameters}
        shared = entry.nested.allowed(trial.params) and all(name in trial.params for name in entry.nested.parameters)
        key = repr(sorted(rest.items())) if shared else trial.id
        groups.setdefault(key, []).append(trial)
    return [tuple(group) for group in groups.values()]


def widest(entry: ModelFamily, trials: Sequence[Trial]) -> Params:
    """Return the params to fit for trials that share a fit."""
    if len(trials) == 1 or entry.nested is None:
        return trials[0].params
    return entry.nested.widest([trial.params for trial in trials])


def on_edge(model: PlannedModel, params: Params) -> Iterator[str]:
    """Yield a sentence for each hyperparameter whose best value is the first or last of three or more numbers tried."""
    for name, value in params.items():
        tried = sorted(_numbers_tried(model, name))
        if len(tried) >= 3 and value in (tried[0], tried[-1]) and not isinstance(value, bool):
            side = "smallest" if value == tried[0] else "largest"
            yield f"{model.name}: the best {name} ({value:g}) is the {side} tried; a wider grid may do better"


def _numbers_tried(model: PlannedModel, name: str) -> set[float]:
    found: set[float] = set()
    for grid_of_values in model.spec.space:
        domain = grid_of_values.get(name)
        if isinstance(domain, Choice):
            found.update(
                value for value in domain.values if isinstance(value, (int, float)) and not isinstance(value, bool)
            )
    return found


def _misfits(spec: Spec, task: Task) -> Iterator[Problem]:
    by_name = {model.name: model for model in spec.models}
    for model in spec.models:
        entry = find_family(model.family, spec.folder)
        place = spec.place(("models", model.name))
        if task.kind not in entry.tasks:
            yield Problem(f"'{model.family}' does {' and '.join(entry.tasks)}, and the task is {task.kind}", place)
        if model.meta is not None:
            yield from _misfit_meta(spec, model, _meta_family(model, by_name), task)
        if _is_soft(model):
            silent = [name for name in model.members if gives_of(by_name[name], spec) != "probabilities"]
            if silent and task.kind == "classification":
                cure = "Use `voting: hard`, or leave it out of the members."
                yield Problem(f"soft voting needs probabilities, which {', '.join(silent)} does not give", place, cure)
        if entry.combine is not None:
            yield from _misfit_weights(model, place)


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


def _is_soft(model: ModelSpec) -> bool:
    return any(
        isinstance(domain, Choice) and "soft" in domain.values
        for grid_of_values in model.space
        for name, domain in grid_of_values.items()
        if name == "voting"
    )


def gives_of(model: ModelSpec, spec: Spec) -> str:
    """Return what a model gives with its fixed params: probabilities, scores or labels."""
    entry = find_family(model.family, spec.folder)
    if entry.gives_by is None:
        return entry.gives
    fixed = {name: domain.values[0] for name, domain in model.space[0].items() if isinstance(domain, Choice)}
    return entry.gives_by(fixed)


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


def _level(model: ModelSpec, by_name: Mapping[str, ModelSpec]) -> int:
    names = [name for name in (*model.members, model.base) if name]
    return 1 + max(_level(by_name[name], by_name) for name in names) if names else 0


def _join(spec: Spec, model: ModelSpec, dataset: Dataset, by_name: Mapping[str, ModelSpec], level: int) -> PlannedModel:
    entry = find_family(model.family, spec.folder)
    recipe = None if entry.members == "many" else recipe_for(entry, model.prepare, dataset.features, dataset.task.kind)
    return PlannedModel(
        spec=model,
        entry=entry,
        recipe=recipe,
        rank=_rank(spec, model, by_name),
        level=level,
        isolated=_is_users(spec, model, by_name),
        meta=_meta(spec, model, dataset.task, by_name),
        unranked=dataset.truth is None,
    )


def _meta(spec: Spec, model: ModelSpec, task: Task, by_name: Mapping[str, ModelSpec]) -> Blueprint | None:
    """Return the final family of stacking: a family's name, or a model of the spec with its fixed params."""
    if model.meta is None:
        return None
    known = by_name.get(model.meta)
    first: Grid = {} if known is None else known.space[0]
    params = {name: domain.values[0] for name, domain in first.items() if isinstance(domain, Choice)}
    family = _meta_family(model, by_name)
    return Blueprint(f"{model.name}:meta", family, _with_codes(params, task), None, task, spec.folder)


def _meta_family(model: ModelSpec, by_name: Mapping[str, ModelSpec]) -> str:
    """Return the family that stacking's final model is of; '' without one."""
    if model.meta is None:
        return ""
    return by_name[model.meta].family if model.meta in by_name else model.meta


def _rank(spec: Spec, model: ModelSpec, by_name: Mapping[str, ModelSpec]) -> int:
    """Return the simplicity rank; an ensemble's is the sum of its members' + 1."""
    if not model.members:
        return find_family(model.family, spec.folder).simplicity_rank
    return 1 + sum(_rank(spec, by_name[name], by_name) for name in model.members)


def _is_users(spec: Spec, model: ModelSpec, by_name: Mapping[str, ModelSpec]) -> bool:
    """Say whether user code is fitted: it runs in a worker, whose death can be survived."""
    names: Iterable[str] = (*model.members, *((model.base,) if model.base else ()))
    if ":" in model.family or ":" in _meta_family(model, by_name):
        return True
    return any(_is_users(spec, by_name[name], by_name) for name in names)


def _with_codes(params: Params, task: Task) -> dict[str, Any]:
    """Return params with class weights by class code: the spec names labels, estimators see codes."""
    weights = params.get("class_weight")
    if not isinstance(weights, Mapping):
        return dict(params)
    code_of = {str(label): code for code, label in enumerate(task.labels)}
    return {**params, "class_weight": {code_of.get(str(label), label): weight for label, weight in weights.items()}}
