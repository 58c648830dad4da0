"""Successive halving: many candidates on few rows, the best third on three times as many, the last on all of them.

Source: Jamieson, Talwalkar (2016), Non-stochastic best arm identification and hyperparameter optimization; the shares
of rows as in Li et al. (2018), Hyperband, with a factor of 3; where CPU seconds are counted, whose number of trials
nobody knows ahead, a candidate goes on as soon as it is in the best third of its rung: Li et al. (2020), A system for
massively parallel hyperparameter tuning. Only trials on all rows and folds can be chosen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice, pairwise

from mlrun.records import Params
from mlrun.search_contracts import SAMPLED_TRIALS, Budget, Proposal, SearchStrategy, Space, Tried
from mlrun.searches import grid, random

FACTOR = 3
FINALISTS = 3  # candidates, at least, that are fitted on all rows
FEWEST_ROWS = 250  # of training: on fewer, what is best has little to do with what is best on all
BRACKET = 27  # candidates whose number of rungs is taken where CPU seconds are counted
WORTH_RUNGS = 6  # trials on all rows that must be affordable, for trying on less to pay
ROUND = 8  # trials between two looks at a budget of CPU seconds


def propose(space: Space, history: Sequence[Tried], budget: Budget, seed: int) -> Sequence[Proposal]:
    """Return the rest of the rung that the history has come to; of a budget of CPU seconds, what is left to pay for."""
    return (
        by_trials(space, history, budget, seed)
        if budget.cpu_seconds is None
        else by_seconds(space, history, budget, seed)
    )


def by_trials(space: Space, history: Sequence[Tried], budget: Budget, seed: int) -> list[Proposal]:
    """Return the rest of the rung that the history has come to; nothing once the last one is whole."""
    rung = list(islice(random.points_then_draws(space, seed), budget.trials or SAMPLED_TRIALS))
    done = 0  # trials of the history that belong to the rungs looked at so far
    for fidelity in shares(len(rung), budget.rows):
        tried = history[done : done + len(rung)]
        if len(tried) < len(rung):
            return [Proposal(params, fidelity) for params in rung[len(tried) :]]
        done += len(rung)
        rung = survivors(tried, math.ceil(len(rung) / FACTOR))
    return []


def by_seconds(space: Space, history: Sequence[Tried], budget: Budget, seed: int) -> list[Proposal]:
    """Return the next trials: the first candidate on all rows, then whoever may go on, else new ones on few rows.

    As many as the seconds left pay for, by what a row has cost so far; one at least.
    """
    tried = {grid.key_of(each.params) for each in history}
    fresh = (params for params in random.points_then_draws(space, seed) if grid.key_of(params) not in tried)
    if not history:
        return [Proposal(params) for params in islice(fresh, 1)]
    if budget.is_spent or (budget.trials is not None and len(tried) >= budget.trials):
        return []
    whole = budget.spent / sum(each.fidelity for each in history)  # CPU seconds of a trial on all rows
    granted = budget.cpu_seconds or 0.0
    left = granted - budget.spent
    rungs = shares(BRACKET, budget.rows) if granted >= WORTH_RUNGS * whole else [1.0]
    found: list[Proposal] = []
    while len(found) < ROUND and (not found or sum(each.fidelity for each in found) * whole < left):
        ahead = promoted(history, found, rungs)
        if ahead is None and (budget.trials is None or len(tried) < budget.trials):
            params = next(fresh, None)
            ahead = None if params is None else Proposal(params, rungs[0])
        if ahead is None:
            break
        tried.add(grid.key_of(ahead.params))
        found.append(ahead)
    return found


def promoted(history: Sequence[Tried], asked: Sequence[Proposal], rungs: Sequence[float]) -> Proposal | None:
    """Return the best candidate of the highest rung that is in the best third of it and was not tried further up."""
    for below, above in reversed(list(pairwise(rungs))):
        known = {grid.key_of(each.params) for each in history if each.fidelity >= above}
        known |= {grid.key_of(each.params) for each in asked if each.fidelity >= above}
        scored = [each for each in history if each.fidelity == below and each.score is not None]
        for params in survivors(scored, len(scored) // FACTOR):
            if grid.key_of(params) not in known:
                return Proposal(params, above)
    return None


def shares(candidates: int, rows: int | None) -> list[float]:
    """Return the share of the rows of each rung, ascending to 1.

    As many rungs as leave enough finalists, and as leave enough rows to the first one.
    """
    rungs = math.floor(round(math.log(max(1.0, candidates / FINALISTS), FACTOR), 9))
    if rows is not None:
        rungs = min(rungs, math.floor(math.log(max(1.0, rows / FEWEST_ROWS), FACTOR)))
    return [FACTOR**-rung for rung in range(rungs, -1, -1)]


def survivors(rung: Sequence[Tried], count: int) -> list[Params]:
    """Return the best of a rung in the order of their ranks; of equals, and of failures, the first proposed."""
    ranked = sorted(rung, key=lambda tried: -math.inf if tried.score is None else tried.score, reverse=True)
    return [tried.params for tried in ranked[:count]]


ENTRY = SearchStrategy(propose=propose, samples=True, ranges=True)
