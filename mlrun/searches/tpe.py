"""TPE: draws more where trials did well and less where they did badly (tree-structured Parzen estimator)."""

from __future__ import annotations

import math
import random as standard
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

from mlrun.records import Params
from mlrun.search_contracts import SAMPLED_TRIALS, Budget, Choice, Domain, Proposal, SearchStrategy, Space, Tried
from mlrun.searches import grid, random

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial, Trial

START = 10  # trials drawn at random before anything is learned; at most a third of the budget
ROUND = 4  # proposals at once, so that workers have something to do; a fixed number, whatever --jobs says
MISSES = 10  # answers in a row that were tried already: a random draw takes their place
PART = "grid"  # the name under which Optuna knows which grid of a union is meant


def propose(space: Space, history: Sequence[Tried], budget: Budget, seed: int) -> Sequence[Proposal]:
    """Return the rest of the round in which a history ends; the first round is that of `random`.

    Rounds begin at fixed numbers of trials, and each is drawn from what was known when it began and a seed of its
    own, so that a history cut off anywhere goes on as it would have. Source: Bergstra et al. 2011, Algorithms for
    Hyper-Parameter Optimization; Optuna's sampler, multivariate (Falkner et al. 2018), a trial that waits for its
    score taken as a bad one.
    """
    bound = budget.trials or (None if budget.cpu_seconds is not None else SAMPLED_TRIALS)
    start = START if bound is None else min(START, math.ceil(bound / 3))
    begin = 0 if len(history) < start else start + (len(history) - start) // ROUND * ROUND
    end = start if begin == 0 else begin + ROUND
    count = (end if bound is None else min(end, bound)) - begin
    known = history[:begin]
    is_small = bound is not None and random.is_listed(space) and grid.size(space) <= bound  # all of it is tried
    done = sum(is_done(trial) for trial in known)
    draw = draw_new if is_small or done < start else ask_new
    return [Proposal(params) for params in draw(space, known, count, seed)[len(history) - begin :]]


def is_done(trial: Tried) -> bool:
    """Say whether a trial has a score that can be laid beside others."""
    return trial.score is not None and math.isfinite(trial.score)


def draw_new(space: Space, known: Sequence[Tried], count: int, seed: int) -> list[Params]:
    """Return the next of the random draws that were not tried; fewer when the space is used up."""
    tried = {grid.key_of(trial.params) for trial in known}
    return list(
        islice((params for params in random.points_then_draws(space, seed) if grid.key_of(params) not in tried), count)
    )


def ask_new(space: Space, known: Sequence[Tried], count: int, seed: int) -> list[Params]:
    """Return what Optuna would try next, nothing of it twice; random draws where it keeps to what was tried."""
    tried = {grid.key_of(trial.params) for trial in known}
    spare = (params for params in random.points_then_draws(space, seed) if grid.key_of(params) not in tried)
    found: list[Params] = []
    with quiet():
        parts = dimensions_of(space)
        study = make_study(parts, known, standard.Random(f"{seed} {len(known)}").getrandbits(32))  # noqa: S311 - no secret
        while len(found) < count:
            asked = (ask(study, parts) for _ in range(MISSES))
            params = next((params for params in asked if grid.key_of(params) not in tried), None) or next(spare, None)
            if params is None:
                break
            tried.add(grid.key_of(params))
            found.append(params)
    return found


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Optuna from logging, and from warning that what is asked of it may change."""
    from optuna import logging
    from optuna.exceptions import ExperimentalWarning

    level = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            yield
    finally:
        logging.set_verbosity(level)


@dataclass(frozen=True, slots=True)
class Dimension:
    """A hyperparameter as Optuna is told of it: `name` says its grid too; places: of a list, value → position."""

    name: str
    domain: Domain
    places: Mapping[str, int]
    distribution: BaseDistribution

    def holds(self, value: object) -> bool:
        """Say whether a value is one that the domain has."""
        if isinstance(self.domain, Choice):
            return repr(value) in self.places
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return self.domain.low <= value <= self.domain.high and (isinstance(value, int) or not self.domain.integer)

    def suggest(self, trial: Trial) -> Any:
        """Ask a trial of Optuna's for a value."""
        if isinstance(self.domain, Choice):
            if is_ordered(self.domain.values):
                return self.domain.values[trial.suggest_int(self.name, 0, len(self.domain.values) - 1)]
            return self.domain.values[trial.suggest_categorical(self.name, range(len(self.domain.values)))]
        low, high = self.domain.low, self.domain.high
        if self.domain.integer:
            return trial.suggest_int(self.name, int(low), int(high), log=self.domain.log)
        return min(max(trial.suggest_float(self.name, low, high, log=self.domain.log), low), high)  # exp(log()) rounds


def dimensions_of(space: Space) -> list[dict[str, Dimension]]:
    """Return the hyperparameters of each grid of a union."""
    return [
        {name: make_dimension(f"{number}.{name}", domain) for name, domain in part.items()}
        for number, part in enumerate(space)
    ]


def make_dimension(name: str, domain: Domain) -> Dimension:
    """Return how Optuna models a domain: numbers in order by their place, other lists as what has no order."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    found: BaseDistribution
    if isinstance(domain, Choice):
        places = {repr(value): place for place, value in enumerate(domain.values)}
        last = len(domain.values) - 1
        found = IntDistribution(0, last) if is_ordered(domain.values) else CategoricalDistribution(range(last + 1))
        return Dimension(name, domain, places, found)
    if domain.integer:
        found = IntDistribution(int(domain.low), int(domain.high), log=domain.log)
    else:
        found = FloatDistribution(domain.low, domain.high, log=domain.log)
    return Dimension(name, domain, {}, found)


def is_ordered(values: Sequence[Any]) -> bool:
    """Say whether values are numbers that rise or fall from each to the next."""
    if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in values):
        return False
    return all(one < other for one, other in pairwise(values)) or all(one > other for one, other in pairwise(values))


def make_study(parts: Sequence[Mapping[str, Dimension]], known: Sequence[Tried], seed: int) -> Study:
    """Return a study in memory that has seen these trials."""
    from optuna import create_study
    from optuna.samplers import TPESampler

    is_union = len(parts) > 1
    sampler = TPESampler(n_startup_trials=1, seed=seed, multivariate=True, group=is_union, constant_liar=True)
    study = create_study(direction="maximize", sampler=sampler)
    study.add_trials([trial for each in known if (trial := seen(parts, each)) is not None])
    return study


def seen(parts: Sequence[Mapping[str, Dimension]], tried: Tried) -> FrozenTrial | None:
    """Return a trial as Optuna knows it: of a union, in the first grid that it fits; None = it fits none.

    A failed one is pruned, which counts as worse than every score: of failures Optuna would learn nothing.
    """
    from optuna.distributions import CategoricalDistribution
    from optuna.trial import TrialState, create_trial

    number = next((number for number, part in enumerate(parts) if fits(part, tried.params)), None)
    if number is None:
        return None
    values: dict[str, Any] = {}
    distributions: dict[str, BaseDistribution] = {}
    if len(parts) > 1:
        values[PART], distributions[PART] = number, CategoricalDistribution(range(len(parts)))
    for name, dimension in parts[number].items():
        value = tried.params[name]
        values[dimension.name] = dimension.places[repr(value)] if dimension.places else value
        distributions[dimension.name] = dimension.distribution
    done = is_done(tried)
    state = TrialState.COMPLETE if done else TrialState.PRUNED
    return create_trial(state=state, value=tried.score if done else None, params=values, distributions=distributions)


def fits(part: Mapping[str, Dimension], params: Params) -> bool:
    """Say whether a grid has these params."""
    return part.keys() == params.keys() and all(part[name].holds(value) for name, value in params.items())


def ask(study: Study, parts: Sequence[Mapping[str, Dimension]]) -> Params:
    """Return what a study would try next; it waits for the score from then on."""
    trial = study.ask()
    number = trial.suggest_categorical(PART, range(len(parts))) if len(parts) > 1 else 0
    return {name: dimension.suggest(trial) for name, dimension in parts[number].items()}


ENTRY = SearchStrategy(propose=propose, samples=True, ranges=True, extra="optuna", modules=("optuna",))
