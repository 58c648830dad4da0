"""Every search strategy of the shelf keeps the contract, found through the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlrun import catalog
from mlrun.records import Params
from mlrun.search_contracts import Budget, Choice, Proposal, Range, SearchStrategy, Space, Tried

NAMES = catalog.names("searches")
VALUES = st.one_of(st.integers(-3, 3), st.booleans(), st.none(), st.sampled_from(["a", "b", (1, 2), 0.5]))
CHOICES = st.lists(VALUES, min_size=1, max_size=4, unique_by=repr).map(lambda values: Choice(tuple(values)))
RANGES = st.builds(
    lambda low, width, log, integer: Range(low, low + width, log=log, integer=integer),
    st.integers(1, 5),
    st.integers(1, 50),
    st.booleans(),
    st.booleans(),
)


def spaces(strategy: SearchStrategy) -> st.SearchStrategy[Space]:
    domains = st.one_of(CHOICES, RANGES) if strategy.samples else CHOICES
    return st.lists(st.dictionaries(st.sampled_from("pqr"), domains, max_size=3), min_size=1, max_size=3).map(tuple)


def entry(name: str) -> SearchStrategy:
    found: SearchStrategy = catalog.find("searches", name)
    for module in found.modules:
        pytest.importorskip(module, reason=f"'{name}' needs the extra '{found.extra}'")
    return found


def told(proposals: Sequence[Proposal]) -> list[Tried]:
    """Return the history that these make, with a made-up score for each, every fifth one failed."""
    return [
        Tried(each.params, len(repr(each.params)) % 7 if number % 5 else None, each.fidelity)
        for number, each in enumerate(proposals)
    ]


def run(strategy: SearchStrategy, space: Space, budget: Budget, seed: int, most: int = 60) -> list[Proposal]:
    """Play a search to its end (or `most` trials)."""
    tried: list[Proposal] = []
    while len(tried) < most:
        found = strategy.propose(space, told(tried), budget, seed)
        if not found:
            break
        tried += found
    return tried


def key(params: Params) -> str:
    return repr(sorted(params.items()))


BUDGETS = st.builds(
    Budget, trials=st.one_of(st.none(), st.integers(1, 40)), cpu_seconds=st.one_of(st.none(), st.just(60.0))
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("trials", [None, 2, 3])
def test_grids_of_a_union_that_overlap_are_tried_once(name: str, trials: int | None) -> None:
    union: Space = ({"p": Choice((0,))}, {"p": Choice((0, None))})
    found = run(entry(name), union, Budget(trials=trials), seed=0)
    assert sorted(key(each.params) for each in found if each.fidelity == 1) == [key({"p": 0}), key({"p": None})]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None)
@given(data=st.data(), budget=BUDGETS, seed=st.integers(0, 5))
def test_a_search_keeps_its_budget_repeats_nothing_and_stays_in_its_space(
    name: str, data: Any, budget: Budget, seed: int
) -> None:
    strategy = entry(name)
    space = data.draw(spaces(strategy))
    found = run(strategy, space, budget, seed)
    assert len(found) >= 1
    assert budget.trials is None or len({key(each.params) for each in found}) <= budget.trials
    assert len({(key(each.params), each.fidelity) for each in found}) == len(found)
    assert all(any(is_in(each.params, grid) for grid in space) for each in found)
    assert all(0 < each.fidelity <= 1 for each in found)
    assert any(each.fidelity == 1 for each in found)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None)
@given(data=st.data(), budget=BUDGETS, seed=st.integers(0, 5))
def test_a_search_that_was_cut_off_goes_on_as_it_would_have(name: str, data: Any, budget: Budget, seed: int) -> None:
    strategy = entry(name)
    space = data.draw(spaces(strategy))
    whole = run(strategy, space, budget, seed)
    assert run(strategy, space, budget, seed) == whole  # a pure function of history and seed
    rounds = list(strategy.propose(space, [], budget, seed))
    again = list(strategy.propose(space, told(rounds), budget, seed))
    assert [*rounds, *again] == whole[: len(rounds) + len(again)]


def is_in(params: Params, grid: Any) -> bool:
    if set(params) != set(grid):
        return False
    for name, domain in grid.items():
        value = params[name]
        if isinstance(domain, Choice):
            if not any(value is one or (value == one and type(value) is type(one)) for one in domain.values):
                return False
        elif (
            isinstance(value, (str, tuple, bool))
            or value is None
            or not (domain.low <= value <= domain.high and (type(value) is int or not domain.integer))
        ):
            return False
    return True
