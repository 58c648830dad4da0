"""Successive halving: many candidates on few rows, the best third on three times as many, the last on all of them.

Source: Jamieson, Talwalkar (2016), Non-stochastic best arm identification and hyperparameter optimization; the shares
of rows as in Li et al. (2018), Hyperband, with a factor of 3. Scores of the last rung are of all rows and folds, so
that the best of them is chosen by what any other strategy would have measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice

from mlrun.records import Params
from mlrun.search_contracts import SAMPLED_TRIALS, Budget, Proposal, SearchStrategy, Space, Tried
from mlrun.searches import random

FACTOR = 3
FINALISTS = 3  # candidates, at least, that are fitted on all rows
FEWEST_ROWS = 250  # of training: on fewer, what is best has little to do with what is best on all
BRACKET = 27  # candidates between two finals, where CPU seconds are counted instead of trials
ROUND = 8  # trials between two looks at a budget of CPU seconds


def propose(space: Space, history: Sequence[Tried], budget: Budget, seed: int) -> Sequence[Proposal]:
    """Return the rest of the rung that the history has come to; of CPU seconds, a few of it.

    Where these are spent before any candidate was fitted on all rows, the best so far is.
    """
    if budget.is_spent:
        return [last_resort(history)] if history and all(tried.fidelity < 1 for tried in history) else ()
    return list(islice(unfinished(space, history, budget, seed), ROUND if budget.cpu_seconds is not None else None))


def unfinished(space: Space, history: Sequence[Tried], budget: Budget, seed: int) -> Iterator[Proposal]:
    """Yield what the rung that the history has come to still lacks; nothing once the last bracket is whole."""
    size = budget.trials or (SAMPLED_TRIALS if budget.cpu_seconds is None else BRACKET)
    candidates = random.draws(space, seed)
    done = 0  # trials of the history that belong to the rungs looked at so far
    while True:
        rung = list(islice(candidates, size))
        if not rung:
            return
        for fidelity in shares(len(rung), budget.rows):
            tried = history[done : done + len(rung)]
            if len(tried) < len(rung):
                yield from (Proposal(params, fidelity) for params in rung[len(tried) :])
                return
            done += len(rung)
            rung = survivors(tried)
        if budget.trials is not None or budget.cpu_seconds is None:
            return


def shares(candidates: int, rows: int | None) -> list[float]:
    """Return the share of the rows of each rung, ascending to 1.

    As many rungs as leave enough finalists, and as leave enough rows to the first one.
    """
    rungs = math.floor(round(math.log(max(1.0, candidates / FINALISTS), FACTOR), 9))
    if rows is not None:
        rungs = min(rungs, math.floor(math.log(max(1.0, rows / FEWEST_ROWS), FACTOR)))
    return [FACTOR**-rung for rung in range(rungs, -1, -1)]


def survivors(rung: Sequence[Tried]) -> list[Params]:
    """Return the best third of a rung in the order of their ranks; of equals, and of failures, the first proposed."""
    ranked = sorted(rung, key=lambda tried: -math.inf if tried.score is None else tried.score, reverse=True)
    return [tried.params for tried in ranked[: math.ceil(len(rung) / FACTOR)]]


def last_resort(history: Sequence[Tried]) -> Proposal:
    """Return the best of those that were tried on most rows, on all of them."""
    most = max(tried.fidelity for tried in history)
    (best, *_) = survivors([tried for tried in history if tried.fidelity == most])
    return Proposal(best)


ENTRY = SearchStrategy(propose=propose, samples=True, ranges=True)
