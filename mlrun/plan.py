"""From a spec and its data to what will run: models in order, their blueprints, which trials share a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlrun import catalog
from mlrun.contracts import ModelFamily
from mlrun.errors import SpecError
from mlrun.model_checks import meta_family, misfits
from mlrun.pipelines import Blueprint, find_family
from mlrun.provenance import fit_seed
from mlrun.recipes import Recipe, recipe_for
from mlrun.records import Dataset, Fold, Params, Task, Trial
from mlrun.search_contracts import Budget, Choice, Grid, SearchStrategy, Tried

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
    if problems := tuple(misfits(spec, dataset.task)):
        raise SpecError(problems)
    by_name = {model.name: model for model in spec.models}
    levels = {name: _level(model, by_name) for name, model in by_name.items()}
    planned = [_join(spec, model, dataset, by_name, levels[model.name]) for model in spec.models]
    order = {model.name: position for position, model in enumerate(spec.models)}
    return tuple(sorted(planned, key=lambda model: (model.level, model.rank, order[model.name])))


def budget_of(spec: Spec, model: PlannedModel, folds: Sequence[Fold] = (), spent: float = 0.0) -> Budget:
    """Return what one model may spend, equal for every family of the spec, and has spent (CPU seconds)."""
    rows = min((len(fold.train) for fold in folds), default=None)
    return Budget(1 if model.unranked else spec.search.trials, spec.search.cpu_seconds, spent, rows)


def propose_trials(spec: Spec, model: PlannedModel, history: Sequence[Tried], budget: Budget) -> list[Trial]:
    """Return the trials that the search proposes next, numbered on from those of its history."""
    strategy: SearchStrategy = catalog.find("searches", spec.search.strategy)
    seed = fit_seed(spec.seed, f"search of {model.name}", 0, 0)
    proposals = strategy.propose(model.spec.space, history, budget, seed)
    return [
        Trial(f"{model.name}/{number:04d}", model.name, model.spec.family, each.params, each.fidelity)
        for number, each in enumerate(proposals, len(history))
    ]


def foresee_rounds(spec: Spec, model: PlannedModel, folds: Sequence[Fold]) -> list[list[Trial]]:
    """Return the rounds of a search: the first as it will be, the others as they would be if all scored the same.

    Of a budget of CPU seconds the first alone: nobody knows how many follow.
    """
    budget = budget_of(spec, model, folds)
    rounds: list[list[Trial]] = []
    history: list[Tried] = []
    while proposed := propose_trials(spec, model, history, budget):
        rounds.append(proposed)
        history += [Tried(trial.params, 0.0, trial.fidelity) for trial in proposed]
        if budget.cpu_seconds is not None:
            break
    return rounds


def blueprint_of(
    model: PlannedModel, params: Params, task: Task, folder: str, best: Mapping[str, Blueprint], contamination: float
) -> Blueprint:
    """Return how to build a trial of a model; `best` holds the blueprints of the champions that it is made of."""
    return Blueprint(
        model=model.name,
        family=model.spec.family,
        params=_with_codes(params, task),
        recipe=model.recipe,
        task=task,
        folder=folder,
        members=tuple(best[name] for name in model.spec.parts),
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
        alike = (sorted(rest.items()), entry.nested.apart(trial.params), trial.fidelity)
        key = repr(alike) if entry.nested.allowed(trial.params) else trial.id
        groups.setdefault(key, []).append(trial)
    return [tuple(group) for group in groups.values()]


def widest(entry: ModelFamily, trials: Sequence[Trial]) -> Params:
    """Return the params to fit for trials that share a fit."""
    if len(trials) == 1 or entry.nested is None:
        return trials[0].params
    return entry.nested.widest([trial.params for trial in trials])


def _level(model: ModelSpec, by_name: Mapping[str, ModelSpec]) -> int:
    return 1 + max((_level(by_name[name], by_name) for name in model.parts), default=-1)


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
    family = meta_family(model, by_name)
    return Blueprint(f"{model.name}:meta", family, _with_codes(params, task), None, task, spec.folder)


def _rank(spec: Spec, model: ModelSpec, by_name: Mapping[str, ModelSpec]) -> int:
    """Return the simplicity rank; an ensemble's is the sum of its members' + 1."""
    if not model.members:
        return find_family(model.family, spec.folder).simplicity_rank
    return 1 + sum(_rank(spec, by_name[name], by_name) for name in model.members)


def _is_users(spec: Spec, model: ModelSpec, by_name: Mapping[str, ModelSpec]) -> bool:
    """Say whether user code is fitted: it runs in a worker, whose death can be survived."""
    if ":" in model.family or ":" in meta_family(model, by_name):
        return True
    return any(_is_users(spec, by_name[name], by_name) for name in model.parts)


def _with_codes(params: Params, task: Task) -> dict[str, Any]:
    """Return params with class weights by class code: the spec names labels, estimators see codes."""
    weights = params.get("class_weight")
    if not isinstance(weights, Mapping):
        return dict(params)
    code_of = {str(label): code for code, label in enumerate(task.labels)}
    return {**params, "class_weight": {code_of.get(str(label), label): weight for label, weight in weights.items()}}
