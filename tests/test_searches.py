"""What each strategy proposes: the whole grid in order, and random draws that cover what they say."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
from scipy import stats

from mlrun.records import Params
from mlrun.search_contracts import Budget, Choice, Domain, Proposal, Range, Space, Tried
from mlrun.searches import grid, random

SPACE: Space = ({"a": Choice((1, 2)), "b": Choice(("x", "y", "z"))}, {"c": Choice((None,))})
FREE = Budget()


def history(params: list[Params]) -> list[Tried]:
    return [Tried(one, 0.0) for one in params]


def params_of(proposals: Sequence[Proposal]) -> list[Params]:
    return [each.params for each in proposals]


def drawn(domain: Domain, count: int = 2000) -> list[Any]:
    draws = itertools.islice(random.draws(({"p": domain},), seed=1), count)
    return [params["p"] for params in draws]


def test_a_grid_is_tried_in_the_order_in_which_it_is_written() -> None:
    assert params_of(grid.propose(SPACE, (), FREE, 0)) == [
        *({"a": a, "b": b} for a in (1, 2) for b in "xyz"),
        {"c": None},
    ]


def test_what_two_grids_of_a_union_share_is_tried_once_where_it_first_stands() -> None:
    union: Space = ({"a": Choice((1, 2))}, {"a": Choice((3, 1))})
    assert params_of(grid.propose(union, (), FREE, 0)) == [{"a": 1}, {"a": 2}, {"a": 3}]
    assert grid.size(union) == 4


def test_one_is_not_true_nor_a_float_in_a_grid() -> None:
    assert len(grid.expand(({"a": Choice((1, True, 1.0))},))) == 3


def test_lists_and_mappings_are_values() -> None:
    space: Space = ({"layers": Choice(((50,), (100, 50))), "class_weight": Choice(({"yes": 5}, "balanced"))},)
    assert len(grid.expand(space)) == 4


def test_an_empty_space_is_one_trial_with_the_librarys_defaults() -> None:
    assert params_of(grid.propose(({},), (), FREE, 0)) == [{}]
    assert params_of(random.propose(({},), (), FREE, 0)) == [{}]


def test_cpu_seconds_are_looked_at_between_rounds() -> None:
    space: Space = ({"a": Choice(tuple(range(20)))},)
    budget = Budget(cpu_seconds=60)
    tried: list[Params] = []
    sizes = []
    while found := params_of(grid.propose(space, history(tried), budget, 0)):
        tried += found
        sizes.append(len(found))
    assert sizes == [8, 8, 4]
    assert tried == grid.expand(space)


def test_random_draws_lists_without_replacement_until_nothing_is_left() -> None:
    space: Space = ({"a": Choice(tuple(range(40))), "b": Choice(tuple(range(25)))},)
    found = params_of(random.propose(space, (), Budget(trials=5000), 3))
    assert len(found) == 1000
    assert {(params["a"], params["b"]) for params in found} == set(itertools.product(range(40), range(25)))
    assert [params["a"] for params in found] != sorted(params["a"] for params in found)


def test_random_grants_thirty_trials_when_nothing_is_said() -> None:
    assert len(params_of(random.propose(({"p": Range(0, 1)},), (), FREE, 0))) == 30


def test_a_short_distribution_of_integers_is_used_up() -> None:
    assert sorted(drawn(Range(3, 7, integer=True))) == [3, 4, 5, 6, 7]


def test_integers_are_integers_within_both_ends() -> None:
    for domain in (Range(1, 30_000, integer=True), Range(3, 30_000, log=True, integer=True)):
        values = drawn(domain)
        assert all(type(value) is int and domain.low <= value <= domain.high for value in values)


def test_the_low_end_of_a_log_range_stays_though_the_logarithm_is_rounded() -> None:
    low_ends = [low for low in range(1, 200) if int(math.exp(math.log(low))) < low]
    assert low_ends  # such numbers exist: exp(log(3)) may be less than 3
    for low in low_ends[:10]:
        assert min(drawn(Range(low, low + 1, log=True, integer=True))) >= low


@pytest.mark.parametrize(
    ("domain", "shape"),
    [
        (Range(-2.0, 3.0), stats.uniform(-2.0, 5.0)),
        (Range(1e-4, 1e2, log=True), stats.loguniform(1e-4, 1e2)),
    ],
)
def test_draws_follow_the_distribution_that_was_asked_for(domain: Range, shape: object) -> None:
    values = np.array(drawn(domain), dtype=float)
    assert values.min() >= domain.low
    assert values.max() <= domain.high
    # Kolmogorov-Smirnov against scipy's distributions, one fixed seed
    assert stats.kstest(values, shape.cdf).pvalue > 0.01  # type: ignore[attr-defined]


def test_logs_of_integers_are_spread_evenly() -> None:
    generator = Random(5)
    values = [random._draw(Range(1, 999, log=True, integer=True), generator) for _ in range(3000)]
    decades = Counter(len(str(value)) for value in values)
    assert all(900 < decades[digits] < 1100 for digits in (1, 2, 3))


def test_a_union_with_distributions_gives_each_grid_its_share() -> None:
    union: Space = ({"a": Range(0.0, 1.0)}, {"b": Range(0.0, 1.0), "c": Choice((1, 2, 3))})
    found = params_of(random.propose(union, (), Budget(trials=400), 0))
    assert 60 < sum("a" in params for params in found) < 140  # a quarter of 400: 10 against 30 combinations


def test_other_seeds_give_other_draws() -> None:
    first, second = (params_of(random.propose(SPACE, (), Budget(trials=7), seed)) for seed in (1, 2))
    assert first != second
