"""Fits on dask give the bytes that fits in this process give, on this machine and on a cluster that sees no file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import run, write_spec

from mlrun.errors import UsageError

distributed: Any = pytest.importorskip("distributed")

SPEC = """
experiment: dask
data: {source: sklearn, name: iris}
split: {folds: 2}
models:
  logistic_regression: {C: [0.1, 1]}
  random_forest: {n_estimators: [3, 6]}
  hist_gradient_boosting: {max_iter: [3, 6]}
  committee: {family: voting, members: [logistic_regression, random_forest]}
"""
OWN = """
import os

def build(params, seed):
    from sklearn.tree import DecisionTreeClassifier
    if params.get("max_depth") == 2:
        os.kill(os.getpid(), 11)
    return DecisionTreeClassifier(random_state=seed, **params)
"""


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make a cluster that is reached by its address alone, as one of other machines is."""
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None, silence_logs=50
    ) as made:
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", made.scheduler_address)
        yield


def test_trials_are_equal_byte_for_byte_on_this_machine(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, SPEC)
    assert run(spec, executor="dask", jobs=2).trials == run(spec, no_cache=True).trials


def test_folds_travel_with_the_jobs_to_a_cluster_and_the_trials_are_equal(tmp_path: Path, cluster: None) -> None:
    spec = write_spec(tmp_path, SPEC)
    done = run(spec, executor="dask", jobs=1)
    assert not list(tmp_path.rglob("fold.json"))
    assert done.trials == run(spec, no_cache=True).trials


def test_a_fit_that_crashes_on_a_cluster_costs_that_fit_alone(
    tmp_path: Path, cluster: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "own_on_dask.py").write_text(OWN)
    spec = write_spec(
        tmp_path,
        "experiment: crash\ndata: {source: sklearn, name: iris}\nsplit: {folds: 2}\n"
        'models: {mine: {family: "own_on_dask:build", max_depth: [1, 2, 3]}}\n',
    )
    assert run(spec, executor="dask", jobs=1).reasons == {
        "mine/0000": "done",
        "mine/0001": "failed crashed: SIGSEGV",
        "mine/0002": "done",
    }


def test_a_scheduler_that_does_not_answer_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:1")
    monkeypatch.setattr("mlrun.executors.dask.CONNECT_SECONDS", 0.5)
    with pytest.raises(UsageError, match="there is no dask scheduler that answers"):
        run(write_spec(tmp_path, SPEC), executor="dask", jobs=1)
