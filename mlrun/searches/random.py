"""Random combinations: without replacement from lists, independent draws from distributions."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from mlrun.contracts import Budget, Choice, Domain, Grid, SearchStrategy, Space, Tried
from mlrun.records import Params

TRIALS = 30  # the budget of a strategy that samples, when the spec names none
ROUND = 8  # trials between two looks at a budget of CPU seconds
MISSES = 1000  # draws in a row that gave nothing new: the space is used up


def propose(space: Space, history: Sequence[Tried], budget: Budget, seed: int) -> Sequence[Params]:
    """Return the next draws of the one sequence that the seed defines; a resumed run goes on in it."""
    start = len(history)
    if budget.cpu_seconds is not None:
        stop = min(start + ROUND, budget.trials or start + ROUND)
    else:
        stop = budget.trials or TRIALS
    return list(islice(draws(space, seed), start, stop))


def draws(space: Space, seed: int) -> Iterator[Params]:
    """Yield distinct combinations, for ever or until the space is used up."""
    generator = random.Random(seed)  # noqa: S311 - no secret; the standard library keeps its sequence across versions
    weights = [_combinations(grid) for grid in space]
    seen: set[str] = set()
    misses = 0
    while misses < MISSES:
        grid = generator.choices(space, weights)[0] if len(space) > 1 else space[0]
        params = {name: _draw(domain, generator) for name, domain in grid.items()}
        key = repr(sorted(params.items()))
        if key in seen:
            misses += 1
            continue
        misses = 0
        seen.add(key)
        yield params


def _combinations(grid: Grid) -> int:
    """Return a grid's weight in a union: its combinations, a distribution counting as ten values."""
    total = 1
    for domain in grid.values():
        total *= len(domain.values) if isinstance(domain, Choice) else 10
    return total


def _draw(domain: Domain, generator: random.Random) -> Any:
    if isinstance(domain, Choice):
        return generator.choice(domain.values)
    if domain.log:
        high = domain.high + 1 if domain.integer else domain.high
        value = math.exp(generator.uniform(math.log(domain.low), math.log(high)))
        return min(int(value), int(domain.high)) if domain.integer else min(max(value, domain.low), domain.high)
    if domain.integer:
        return generator.randint(int(domain.low), int(domain.high))
    return generator.uniform(domain.low, domain.high)


ENTRY = SearchStrategy(propose=propose, samples=True)
