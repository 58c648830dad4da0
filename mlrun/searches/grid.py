"""Every combination of the listed values, in the order in which they are written."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from mlrun.records import Params
from mlrun.search_contracts import Budget, Choice, Proposal, SearchStrategy, Space, Tried

ROUND = 8  # trials between two looks at a budget of CPU seconds


def propose(space: Space, history: Sequence[Tried], budget: Budget, seed: int) -> Sequence[Proposal]:
    """Return what of the grid is still to be tried: all of it, or a few where CPU seconds are counted."""
    remaining = expand(space)[len(history) : budget.trials]
    remaining = remaining[:ROUND] if budget.cpu_seconds is not None else remaining
    return [Proposal(params) for params in remaining]


def expand(space: Space) -> list[Params]:
    """Return every combination of a union of grids, each once; the first parameter varies slowest."""
    combinations = [
        dict(zip(grid, values, strict=True))
        for grid in space
        for values in product(*(domain.values for domain in grid.values() if isinstance(domain, Choice)))
    ]
    first: dict[str, Params] = {}
    for params in combinations:
        first.setdefault(key_of(params), params)
    return list(first.values())


def key_of(params: Params) -> str:
    """Return what equal params have in common, in whatever order they are written."""
    return repr(sorted(params.items()))


def size(space: Space) -> int:
    """Return how many combinations there are, before equal ones are put together."""
    total = 0
    for grid in space:
        count = 1
        for domain in grid.values():
            count *= len(domain.values) if isinstance(domain, Choice) else 1
        total += count
    return total


ENTRY = SearchStrategy(propose=propose, samples=False)
