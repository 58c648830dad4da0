"""Random combinations: without replacement from lists, independent draws from distributions."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from mlrun.records import Params
from mlrun.search_contracts import SAMPLED_TRIALS, Budget, Choice, Domain, Grid, Proposal, SearchStrategy, Space, Tried
from mlrun.searches import grid

ROUND = 8  # trials between two looks at a budget of CPU seconds
LISTED = 20_000  # combinations up to which a space of lists is shuffled as a whole: none is missed
MISSES = 1000  # draws in a row that gave nothing new: the space is used up


def propose(space: Space, history: Sequence[Tried], budget: Budget, seed: int) -> Sequence[Proposal]:
    """Return the next draws of the one sequence that the seed defines; a resumed run goes on in it."""
    start = len(history)
    if budget.cpu_seconds is not None:
        stop = min(start + ROUND, budget.trials or start + ROUND)
    else:
        stop = budget.trials or SAMPLED_TRIALS
    return [Proposal(params) for params in islice(draws(space, seed), start, stop)]


def draws(space: Space, seed: int) -> Iterator[Params]:
    """Yield distinct combinations, for ever or until the space is used up."""
    generator = random.Random(seed)  # noqa: S311 - no secret; the standard library keeps its sequence across versions
    if is_listed(space):
        combinations = grid.expand(space)
        generator.shuffle(combinations)
        yield from combinations
        return
    weights = [_combinations(part) for part in space]
    seen: set[str] = set()
    misses = 0
    while misses < MISSES:
        chosen = generator.choices(space, weights)[0] if len(space) > 1 else space[0]
        params = {name: _draw(domain, generator) for name, domain in chosen.items()}
        key = grid.key_of(params)
        if key in seen:
            misses += 1
            continue
        misses = 0
        seen.add(key)
        yield params


def points_then_draws(space: Space, seed: int) -> Iterator[Params]:
    """Yield first what grids of a single point say, in order, then draws from the other grids; nothing twice."""
    parts = [part for part in space if all(isinstance(d, Choice) and len(d.values) == 1 for d in part.values())]
    points = grid.expand(tuple(parts))
    yield from points
    if rest := tuple(part for part in space if part not in parts):
        said = {grid.key_of(params) for params in points}  # grids of a union may overlap
        yield from (params for params in draws(rest, seed) if grid.key_of(params) not in said)


def is_listed(space: Space) -> bool:
    """Say whether a space has no distribution, and so few combinations that all of them can be listed."""
    return all(isinstance(d, Choice) for part in space for d in part.values()) and grid.size(space) <= LISTED


def _combinations(part: Grid) -> int:
    """Return a grid's weight in a union: its combinations, a distribution counting as ten values."""
    total = 1
    for domain in part.values():
        total *= len(domain.values) if isinstance(domain, Choice) else 10
    return total


def _draw(domain: Domain, generator: random.Random) -> Any:
    if isinstance(domain, Choice):
        return generator.choice(domain.values)
    if domain.log:
        high = domain.high + 1 if domain.integer else domain.high
        drawn = math.exp(generator.uniform(math.log(domain.low), math.log(high)))
        bounded = min(max(drawn, domain.low), domain.high)  # exp(log(3)) is less than 3
        return int(bounded) if domain.integer else bounded
    if domain.integer:
        return generator.randint(int(domain.low), int(domain.high))
    return generator.uniform(domain.low, domain.high)


ENTRY = SearchStrategy(propose=propose, samples=True)
