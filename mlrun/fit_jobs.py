"""From trials that can share a fit to the job that an executor runs, with its fold's data prepared once for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic

from mlrun.contest import Contest
from mlrun.course import Course
from mlrun.errors import StorageError
from mlrun.fidelity import rows_at
from mlrun.fit import FitJob
from mlrun.fold_data import FoldData
from mlrun.plan import blueprint_of, widest
from mlrun.process.jobs import raised
from mlrun.provenance import fit_seed
from mlrun.recipes import Recipe
from mlrun.records import Fold, Outcome, Trial
from mlrun.schedule import AheadT, Pace, longest_first


@dataclass(slots=True)
class Group:
    """Trials that share a fit, on one fold."""

    contest: Contest
    trials: tuple[Trial, ...]
    fold: Fold
    key: str = field(init=False)

    def __post_init__(self) -> None:
        first, last = self.trials[0].id, self.trials[-1].id.rpartition("/")[2]
        span = first if len(self.trials) == 1 else f"{first}-{last}({len(self.trials)})"
        self.key = f"{span}@{self.fold.name}"

    @property
    def model(self) -> str:
        return self.contest.name

    @property
    def rank(self) -> int:
        return self.contest.model.rank

    @property
    def rows(self) -> int:
        """Return how many rows the fit will have, about."""
        return round(len(self.fold.train) * self.trials[0].fidelity)


def make_job(course: Course, group: Group) -> FitJob:
    """Return the fit of a group on its fold, with the fold's data, prepared once for all."""
    model, spec, fold = group.contest.model, course.spec, group.fold
    blueprint, fidelity = group.contest.blueprints[group.trials[0].id], group.trials[0].fidelity
    shared = len(group.trials) > 1
    if shared:
        members = {member.model: member for member in blueprint.members}
        params = widest(model.entry, group.trials)
        blueprint = blueprint_of(model, params, course.dataset.task, spec.folder, members, spec.anomaly.contamination)
    timeout = spec.search.timeout
    return FitJob(
        key=group.key,
        blueprint=blueprint,
        trials=tuple((trial.id, trial.params) for trial in group.trials),
        data=fold_data(course, blueprint.recipe, fold, fidelity),
        metrics=course.metrics,
        spec_seed=spec.seed,
        repeat=fold.repeat,
        fold=fold.index,
        isolated=model.isolated or group.key in course.log.suspects,
        timeout=None if timeout is None else timeout * len(group.trials),
        target_transform=spec.target_transform,
    )


def fold_data(course: Course, recipe: Recipe | None, fold: Fold, fidelity: float) -> FoldData:
    """Return a fold's data, its rows of training or the share of them that a trial is fitted on."""
    dataset = course.dataset
    name = fold.name if fidelity == 1 else f"{fold.name}~{fidelity:.6g}"
    truth = None if dataset.task.kind == "regression" else dataset.truth
    seed = fit_seed(course.spec.seed, "rows", fold.repeat, fold.index)
    return course.store.get(recipe, name, rows_at(fold.train, fidelity, truth, seed), fold.valid)


class Jobs(Generic[AheadT]):
    """The fits of some items, made as the executor asks for them, the longest first; it may ask how many there are.

    Their order is looked at again when the first fit of another model has told what those of it take.
    broken: what could not be made, with its outcome.
    """

    def __init__(self, items: Sequence[AheadT], make: Callable[[AheadT], FitJob], pace: Pace) -> None:
        self.items = items
        self.make = make
        self.pace = pace
        self.broken: list[tuple[AheadT, Outcome]] = []

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[FitJob]:
        ahead: list[AheadT] = []
        known = -1
        for _ in self.items:
            if known != self.pace.measured:
                known = self.pace.measured
                ahead = longest_first(ahead[::-1] or self.items, self.pace)[::-1]
            item = ahead.pop()
            try:
                yield self.make(item)
            except StorageError:
                raise
            except Exception as error:  # noqa: BLE001 - to prepare is a part of the fit, and some of it is the user's code
                self.broken.append((item, Outcome(item.key, failure=raised(error))))
