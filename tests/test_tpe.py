"""What TPE proposes: better than random on known functions, the same after any cut, each thing once."""

from __future__ import annotations

import logging
import math
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from mlrun.errors import SpecError
from mlrun.records import Params
from mlrun.search_contracts import Budget, Choice, Range, SearchStrategy, Space, Tried
from mlrun.searches import grid, random, tpe
from mlrun.spec import load

pytest.importorskip("optuna", reason="'tpe' needs the extra 'optuna'")

Score = Callable[[Params], float | None]
CUBE: Space = ({name: Range(0.0, 1.0) for name in "abcd"},)
MIXED: Space = (
    {
        "learning_rate": Range(1e-4, 1.0, log=True),
        "max_depth": Choice((2, 3, 4, 6, 8, 10)),
        "n_estimators": Range(10, 1000, log=True, integer=True),
        "booster": Choice(("a", "b", "c")),
    },
)
UNION: Space = (
    {"kernel": Choice(("rbf",)), "gamma": Range(1e-4, 10.0, log=True), "C": Range(1e-2, 1e3, log=True)},
    {"kernel": Choice(("linear",)), "C": Range(1e-2, 1e3, log=True)},
)


def narrow(params: Params) -> float:
    return -sum(float(params[name] - best) ** 2 for name, best in zip("abcd", (0.2, 0.7, 0.35, 0.9), strict=True))


def mixed(params: Params) -> float:
    rate, trees = math.log10(params["learning_rate"]) + 1.5, math.log10(params["n_estimators"]) - 2.5
    return -(rate**2) - trees**2 - 0.1 * float(params["max_depth"] - 6) ** 2 - float(params["booster"] != "b")


def linear_wins(params: Params) -> float:
    lost = (math.log10(params["gamma"]) + 2) ** 2 + 1 if params["kernel"] == "rbf" else 0.0
    return -((math.log10(params["C"]) - 1) ** 2) - lost


def play(
    space: Space, score: Score, budget: Budget, seed: int = 0, strategy: SearchStrategy = tpe.ENTRY, most: int = 80
) -> list[Tried]:
    """Play a search to its end, or `most` trials."""
    history: list[Tried] = []
    while len(history) < most and (found := strategy.propose(space, history, budget, seed)):
        history += [Tried(each.params, score(each.params)) for each in found]
    return history


def best(history: Sequence[Tried]) -> float:
    return max(tried.score for tried in history if tried.score is not None)


@pytest.mark.parametrize(
    ("space", "score", "trials", "times"),
    [(CUBE, narrow, 40, 4.0), (MIXED, mixed, 60, 4.0), (UNION, linear_wins, 30, 10.0)],
)
def test_the_best_is_nearer_to_the_optimum_than_that_of_as_many_random_draws(
    space: Space, score: Score, trials: int, times: float
) -> None:
    seeds, budget = range(7), Budget(trials=trials)
    mine = statistics.median(best(play(space, score, budget, seed)) for seed in seeds)
    theirs = statistics.median(best(play(space, score, budget, seed, random.ENTRY)) for seed in seeds)
    assert theirs * (1 / times) < mine <= 0  # all three have their optimum at 0


@pytest.mark.parametrize(("space", "score"), [(CUBE, narrow), (UNION, linear_wins)])
def test_a_history_cut_off_after_any_trial_goes_on_as_it_would_have(space: Space, score: Score) -> None:
    budget = Budget(trials=23)
    whole = play(space, score, budget, seed=5)
    assert len(whole) == 23
    for cut in range(len(whole)):
        found = [each.params for each in tpe.propose(space, whole[:cut], budget, 5)]
        assert found
        assert found == [tried.params for tried in whole[cut : cut + len(found)]]


def test_the_first_trials_are_those_of_the_strategy_random() -> None:
    found = [tried.params for tried in play(CUBE, narrow, Budget(trials=30), seed=3)]
    assert found[: tpe.START] == list(islice(random.draws(CUBE, 3), tpe.START))
    assert found[tpe.START] != list(islice(random.draws(CUBE, 3), tpe.START + 1))[-1]


@pytest.mark.parametrize(("trials", "first"), [(1, 1), (3, 1), (12, 4), (30, 10), (300, 10)])
def test_a_small_budget_begins_to_learn_sooner(trials: int, first: int) -> None:
    assert len(tpe.propose(CUBE, (), Budget(trials=trials), 0)) == first


def test_thirty_trials_are_granted_when_nothing_is_said_and_no_end_to_cpu_seconds() -> None:
    assert len(play(CUBE, narrow, Budget())) == 30
    assert len(play(CUBE, narrow, Budget(cpu_seconds=60.0), most=50)) >= 50
    assert len(play(CUBE, narrow, Budget(cpu_seconds=60.0, trials=21), most=50)) == 21


def test_a_space_within_the_budget_is_tried_whole() -> None:
    space: Space = ({"a": Choice((1, 2, 3)), "b": Choice(("x", None, True))},)
    found = [tried.params for tried in play(space, lambda params: params["a"], Budget(trials=30))]
    assert sorted(map(repr, found)) == sorted(map(repr, grid.expand(space)))


def test_a_listed_space_is_used_up_and_then_ended_though_the_search_comes_back_to_the_best() -> None:
    space: Space = ({"a": Choice((1, 2, 3, 4, 5)), "b": Choice(("x", "y", "z"))},)
    found = play(space, lambda params: -abs(params["a"] - 2), Budget(cpu_seconds=60.0))
    assert sorted(repr(tried.params) for tried in found) == sorted(map(repr, grid.expand(space)))


def test_numbers_in_order_are_searched_by_their_order() -> None:
    from optuna.distributions import CategoricalDistribution, IntDistribution

    ordered: list[tuple[Any, ...]] = [(1, 10, 100), (0.1, 1, 10), (9, 5, 2)]
    assert all(isinstance(tpe.make_dimension("p", Choice(each)).distribution, IntDistribution) for each in ordered)
    others: list[tuple[Any, ...]] = [(1, 3, 2), (None, 5, 10), (False, True), ("a", "b"), ((50,), (100, 50))]
    for each in others:
        assert isinstance(tpe.make_dimension("p", Choice(each)).distribution, CategoricalDistribution)


def test_near_the_best_of_an_ordered_list_more_is_tried() -> None:
    space: Space = ({"a": Choice(tuple(range(40))), "b": Choice(tuple(range(40)))},)
    found = play(space, lambda params: -abs(params["a"] - 30) - abs(params["b"] - 5), Budget(trials=60))
    late = [tried.params for tried in found[20:]]
    assert statistics.fmean(abs(params["a"] - 30) for params in late) < 8  # of random draws: 14.8
    assert statistics.fmean(abs(params["b"] - 5) for params in late) < 8


def test_where_trials_fail_less_is_tried() -> None:
    space: Space = ({"a": Range(0.0, 1.0), "b": Range(0.0, 1.0)},)
    found = play(space, lambda params: None if params["a"] > 0.4 else params["b"], Budget(trials=60), seed=1)
    late = [tried for tried in found[30:] if tried.score is None]
    assert len(late) <= 6  # of random draws: 18 of 30


def test_all_may_fail_or_be_equal_or_endless() -> None:
    for score in (lambda params: None, lambda params: 0.5, lambda params: -math.inf, lambda params: math.nan):
        assert len(play(CUBE, score, Budget(trials=25))) == 25


def test_log_ranges_keep_their_ends() -> None:
    space: Space = ({"p": Range(3, 7, log=True, integer=True), "q": Range(0.1, 0.3, log=True)},)
    found = play(space, lambda params: params["q"] - params["p"], Budget(trials=60), seed=2)
    assert all(type(tried.params["p"]) is int and 3 <= tried.params["p"] <= 7 for tried in found)
    assert all(0.1 <= tried.params["q"] <= 0.3 for tried in found)


def test_params_that_two_grids_of_a_union_share_are_tried_once() -> None:
    space: Space = ({"a": Range(0, 30, integer=True)}, {"a": Range(10, 40, integer=True)})
    found = [tried.params["a"] for tried in play(space, lambda params: params["a"], Budget(trials=41))]
    assert sorted(found) == sorted(set(found))


def test_optuna_says_nothing_and_its_logging_is_left_as_it_was(caplog: pytest.LogCaptureFixture) -> None:
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.enable_propagation()
    try:
        with caplog.at_level(logging.INFO):
            play(UNION, linear_wins, Budget(trials=20))  # pytest makes errors of warnings
    finally:
        optuna.logging.disable_propagation()
    assert not caplog.records
    assert optuna.logging.get_verbosity() == before


def test_optuna_is_imported_only_by_who_asks_it() -> None:
    code = "from mlrun import catalog; catalog.find('searches', 'tpe'); import sys; sys.exit('optuna' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_spec_that_needs_optuna_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "experiment: e\ndata: {source: sklearn, name: iris}\nmodels: [gaussian_nb]\nsearch: {strategy: tpe}\n"
    )
    assert load(spec).search.trials == 30
    monkeypatch.setitem(sys.modules, "optuna", None)  # as if it were not there
    with pytest.raises(SpecError) as refused:
        load(spec)
    (problem,) = refused.value.problems
    assert "'tpe' needs optuna, which is not installed" in str(problem)
    assert "pip install 'mlrun-cli[optuna]'" in str(problem)
    assert problem.place is not None
    assert problem.place.line == 4


def test_the_same_is_proposed_whatever_the_order_of_sets() -> None:
    code = (
        "from mlrun.search_contracts import *; from mlrun.searches import tpe, random; from itertools import islice\n"
        "space = ({'k': Choice(('r',)), 'g': Range(0, 1), 'C': Range(0, 9)}, {'C': Range(0, 9), 'd': Choice((1, 2))})\n"
        "known = [Tried(p, p['C']) for p in islice(random.draws(space, 0), 14)]\n"
        "print(tpe.propose(space, known, Budget(trials=40), 0))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, env={"PYTHONHASHSEED": str(seed)}
        ).stdout
        for seed in (1, 2)
    }
    assert len(said) == 1
