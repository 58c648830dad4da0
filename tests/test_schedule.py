"""In which order fits run and on how many threads: the longest first, never at the price of another result."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_process import run, write_spec

from mlrun import schedule
from mlrun.fit_jobs import Jobs
from mlrun.schedule import Pace, earlier_pace, longest_first, outlasts, threads_for, timed


@dataclass(frozen=True)
class Fit:
    key: str
    model: str
    rank: int = 1
    rows: int = 100


def test_the_longest_runs_first_and_equal_ones_as_proposed() -> None:
    pace = Pace({"short": 0.1, "long": 0.2, "long/0": 0.3})
    fits = [
        Fit(f"{model}/{number}@0.{fold}", model) for model in ("short", "long") for number in (1, 0) for fold in "01"
    ]
    ordered = [fit.key for fit in longest_first(fits, pace)]
    assert ordered[:4] == ["long/0@0.0", "long/0@0.1", "long/1@0.0", "long/1@0.1"]
    assert ordered[4:] == ["short/1@0.0", "short/1@0.1", "short/0@0.0", "short/0@0.1"]


def test_what_was_never_measured_runs_first_the_least_simple_family_before_others() -> None:
    fits = [Fit("a/0@0.0", "a", rank=3), Fit("b/0@0.0", "b", rank=5), Fit("c/0@0.0", "c", rank=9)]
    assert [fit.model for fit in longest_first(fits, Pace({"c": 10.0}))] == ["b", "a", "c"]


def test_this_runs_times_count_before_those_of_earlier_runs_and_grow_with_the_rows() -> None:
    pace = Pace({"m": 5.0})
    assert pace.seconds(Fit("m/0@0.0", "m", rows=10)) == 50
    pace.note("m/1@0.0", "m", rows=100, seconds=10)
    assert pace.seconds(Fit("m/0@0.0", "m", rows=10)) == pytest.approx(1)
    assert pace.seconds(Fit("m/0@final", "other", rows=10)) is None


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), unique=True),
    st.dictionaries(st.sampled_from("abc"), st.floats(0, 9)),
)
def test_no_fit_is_lost_or_done_twice(named: list[tuple[str, int]], known: dict[str, float]) -> None:
    fits = [Fit(f"{model}/{number}@0.0", model) for model, number in named]
    assert sorted(fit.key for fit in longest_first(fits, Pace(known))) == sorted(fit.key for fit in fits)


def test_threads_are_for_a_long_fit_alone_on_an_idle_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "idle_cores", lambda: 8.0)
    assert threads_for(1, 8, 60.0) == 8
    assert threads_for(3, 8, 60.0) == 2
    assert [threads_for(8, 8, 60.0), threads_for(1, 8, 0.3), threads_for(1, 8, None), threads_for(1, 1, 60.0)] == [
        1
    ] * 4
    monkeypatch.setattr(schedule, "idle_cores", lambda: 6.5)
    assert threads_for(1, 8, 60.0) == 1


def test_lines_of_timings_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    good = {
        "fit": "m/0@0.0",
        "model": "m",
        "status": "done",
        "rows_per_second": 50,
        "fit_seconds": 2.0,
        "wall_seconds": 3.0,
    }
    lines = [json.dumps(good), "{", json.dumps({"fit": "x"}), json.dumps({**good, "rows_per_second": None}), "3"]
    (tmp_path / "timings.jsonl").write_text("\n".join(lines))
    assert list(timed(tmp_path / "timings.jsonl")) == [("m/0@0.0", "m", 100.0, 3.0)]
    assert list(timed(tmp_path / "none.jsonl")) == []


SPEC = """
experiment: order
data: {source: sklearn, name: breast_cancer}
split: {folds: 2}
models:
  gaussian_nb: {}
  decision_tree: {max_depth: [1, 3]}
  random_forest: {n_estimators: [3, 6]}
  voting: {members: [gaussian_nb, decision_tree], voting: soft}
"""


def test_a_run_in_another_order_says_the_same(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, SPEC)
    first = run(spec)
    known = earlier_pace(tmp_path / "runs", "order")
    assert {"gaussian_nb", "decision_tree", "random_forest", "random_forest/0000-0001(2)"} <= set(known)
    second = run(spec, no_cache=True)
    assert second.trials == first.trials
    assert {event.key for event in second.begun} == {event.key for event in first.begun}
    for done in (first, second):
        assert done.folder is not None
        assert not (done.folder / "scratch").exists()
    assert [model["name"] for model in second.record["models"]] == [model["name"] for model in first.record["models"]]


def test_the_order_is_looked_at_again_when_another_model_was_measured() -> None:
    pace = Pace()
    fits = [Fit("a/0@0", "a", 5), Fit("a/0@1", "a", 5), Fit("a/0@2", "a", 5), Fit("b/0@0", "b", 4)]
    made: list[str] = []

    def make(fit: Fit) -> Any:  # a fit stands for its own job
        made.append(fit.key)
        pace.note(fit.key, fit.model, fit.rows, 1.0 if fit.model == "a" else 9.0)

    assert len(list(Jobs(fits, make, pace))) == 4
    assert made == ["a/0@0", "b/0@0", "a/0@1", "a/0@2"]
    assert longest_first(fits, pace)[0].key == "b/0@0"


def test_a_fit_outlasts_what_the_other_cores_can_do_meanwhile() -> None:
    assert outlasts(10.0, 5.0, 2)
    assert not outlasts(10.0, 9.0, 2)
    assert not outlasts(10.0, 0.0, 1)
    assert outlasts(10.0, 15.0, 4)
