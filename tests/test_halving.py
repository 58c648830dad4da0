"""Successive halving: rungs that thin out, a last one on all rows, budgets that count candidates or CPU seconds."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from in_process import Done, run, write_spec

from mlrun.fidelity import rows_at
from mlrun.search_contracts import Budget, Choice, Proposal, Range, Space, Tried
from mlrun.searches import halving

SPACE: Space = ({"x": Range(0.0, 1.0)},)


def play(budget: Budget, space: Space = SPACE) -> list[Proposal]:
    """Play a search to its end; the score of a candidate is its x."""
    tried: list[Proposal] = []
    while True:
        told = [Tried(each.params, each.params["x"], each.fidelity) for each in tried]
        found = halving.propose(space, told, budget, 0)
        if not found:
            return tried
        tried += found


def sizes(proposals: list[Proposal]) -> dict[float, int]:
    return {
        fidelity: sum(each.fidelity == fidelity for each in proposals) for fidelity in {p.fidelity for p in proposals}
    }


def test_each_rung_keeps_a_third_and_has_three_times_the_rows() -> None:
    # the same as scikit-learn's HalvingRandomSearchCV(n_candidates=30, factor=3) has: n_candidates_ [30, 10, 4]
    assert sizes(play(Budget(trials=30))) == {1 / 9: 30, 1 / 3: 10, 1.0: 4}
    assert sizes(play(Budget(trials=81))) == {1 / 27: 81, 1 / 9: 27, 1 / 3: 9, 1.0: 3}


def test_a_rung_is_the_best_of_the_one_before() -> None:
    proposals = play(Budget(trials=30))
    first = sorted((each.params["x"] for each in proposals if each.fidelity < 1 / 5), reverse=True)
    assert [each.params["x"] for each in proposals if each.fidelity == 1 / 3] == first[:10]
    assert [each.params["x"] for each in proposals if each.fidelity == 1] == first[:4]


def test_few_candidates_or_few_rows_are_tried_on_all_rows_at_once() -> None:
    assert sizes(play(Budget(trials=5))) == {1.0: 5}
    assert sizes(play(Budget(trials=30, rows=700))) == {1.0: 30}
    assert sizes(play(Budget(trials=30, rows=800))) == {1 / 3: 30, 1.0: 10}


def test_a_small_grid_is_used_up_and_a_failure_never_survives() -> None:
    space: Space = ({"x": Choice(tuple(range(9)))},)
    assert sizes(play(Budget(trials=30), space)) == {1 / 3: 9, 1.0: 3}
    told = [Tried({"x": x}, None if x > 5 else float(x), 1 / 3) for x in range(9)]
    assert [params["x"] for params in halving.survivors(told, 3)] == [5, 4, 3]


def by_seconds(seconds: float, cost: float, trials: int | None = None) -> list[Tried]:
    """Play a search whose trials cost so many CPU seconds on all rows, until its seconds are spent."""
    history: list[Tried] = []
    while True:
        spent = cost * sum(tried.fidelity for tried in history)
        found = halving.propose(SPACE, history, Budget(trials, cpu_seconds=seconds, spent=spent), 0)
        if not found or spent >= seconds:
            return history
        assert len(found) <= halving.ROUND
        history += [Tried(each.params, each.params["x"], each.fidelity) for each in found]


def test_cpu_seconds_are_spent_on_a_whole_trial_first_and_then_on_whoever_is_ahead() -> None:
    history = by_seconds(60.0, cost=1.0)
    assert history[0].fidelity == 1
    counts = Counter(tried.fidelity for tried in history)
    assert counts[1 / 9] > 2.5 * counts[1 / 3] > 2.5 * 2.5 * (counts[1.0] - 1)
    cost = sum(tried.fidelity for tried in history)
    assert 60.0 <= cost <= 61.0  # the last round is cut to what is left
    whole = sorted(tried.params["x"] for tried in history[1:] if tried.fidelity == 1)
    few = sorted((tried.params["x"] for tried in history if tried.fidelity == 1 / 9), reverse=True)
    assert whole[-1] == few[0]


def test_where_few_whole_trials_can_be_paid_for_all_are_whole() -> None:
    assert {tried.fidelity for tried in by_seconds(60.0, cost=15.0)} == {1.0}
    assert len(by_seconds(60.0, cost=70.0)) == 1  # one at least, so that there is something to choose


def test_both_budgets_bound_a_search() -> None:
    assert len({tried.params["x"] for tried in by_seconds(60.0, cost=1e-3, trials=20)}) == 20


def test_grids_of_one_point_are_tried_first() -> None:
    space: Space = ({"x": Range(0.0, 1.0)}, {"x": Choice((0.25,))})
    assert halving.propose(space, (), Budget(trials=5), 0)[0].params == {"x": 0.25}
    assert halving.propose(space, (), Budget(cpu_seconds=9.0), 0) == [Proposal({"x": 0.25})]


# -- the rows of a rung ------------------------------------------------------------------------------------------------


def test_a_smaller_share_is_a_part_of_a_larger_one_and_each_class_keeps_its_share() -> None:
    truth = np.repeat([0, 1, 2], [900, 90, 10])
    rows = np.sort(np.random.default_rng(1).permutation(1000)[:800])
    parts = {share: rows_at(rows, share, truth, 5) for share in (1 / 9, 1 / 3, 1.0)}
    assert parts[1.0] is rows
    assert set(parts[1 / 9]) < set(parts[1 / 3]) < set(rows)
    for share, part in parts.items():
        assert list(part) == sorted(set(part))
        for code in range(3):
            whole = int((truth[rows] == code).sum())
            assert (truth[part] == code).sum() == min(whole, max(2, int(np.ceil(share * whole))))
    assert list(rows_at(rows, 1 / 3, truth, 6)) != list(parts[1 / 3])
    assert len(rows_at(rows, 1 / 3, None, 5)) == 267


# -- whole runs --------------------------------------------------------------------------------------------------------

SPEC = """
experiment: halved
data: {source: csv, path: table.csv, target: y}
split: {folds: 3}
metrics: [accuracy]
evaluation: none
search: {strategy: halving, budget: {trials: 12}}
models:
  decision_tree:
  random_forest: {n_estimators: [3, 5], max_depth: {log_int: [1, 12]}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    drawn = np.random.default_rng(0)
    rows = drawn.normal(size=(1500, 4))
    table = pl.DataFrame(rows, schema=list("abcd")).with_columns(
        y=pl.Series((rows[:, 0] * rows[:, 1] + drawn.normal(size=1500) > 0).astype(int))
    )
    table.write_csv(tmp_path / "table.csv")
    (tmp_path / "runs").mkdir()
    return tmp_path


def trials_of(done: Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.trials.splitlines()]


def test_a_run_is_chosen_on_all_rows_by_what_a_grid_would_have_measured(folder: Path) -> None:
    done = run(write_spec(folder, SPEC))
    trials = {trial["id"]: trial for trial in trials_of(done)}
    assert {trial["fidelity"] for trial in trials.values()} == {1 / 3, 1.0}
    for model in (each for each in done.record["models"] if each["kind"] == "model"):
        best = trials[model["trial"]]
        finalists = [each for each in trials.values() if each["model"] == model["name"] and each["fidelity"] == 1]
        assert best["scores"] == max((each["scores"] for each in finalists), key=lambda scores: sum(scores["accuracy"]))
        assert model["budget"] == {"granted": 12, "used": 12}
        grid = f"models={{{model['name']}: {json.dumps(model['params'])}}}"
        again = run(folder / "spec.yaml", "search={strategy: grid}", grid, no_cache=True)
        assert trials_of(again)[0]["scores"] == best["scores"]


def test_a_search_that_was_run_again_reuses_its_rungs(folder: Path) -> None:
    first, second = (run(write_spec(folder, SPEC)) for _ in range(2))
    assert second.trials == first.trials
    assert not second.begun


def test_a_model_named_alone_is_searched_over_its_ranges(folder: Path) -> None:
    tried = [trial["params"] for trial in trials_of(run(write_spec(folder, SPEC))) if trial["model"] == "decision_tree"]
    assert tried[0] == {"max_depth": None}  # the library's defaults come first
    assert {frozenset(params) for params in tried[1:9]} == {frozenset(("max_depth", "min_samples_leaf", "ccp_alpha"))}
    asked = run(write_spec(folder, SPEC), "models.decision_tree={grid: default}")
    grid = [trial["params"] for trial in trials_of(asked) if trial["model"] == "decision_tree"]
    assert {frozenset(params) for params in grid} == {frozenset(("max_depth", "min_samples_leaf"))}
