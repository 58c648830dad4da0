"""Every executor on the shelf keeps the contract: each job once, the same values, faults as outcomes, nothing left."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import psutil
import pytest
from fits_that_fail import Do, Starts

from mlrun import catalog
from mlrun.contracts import Executor, ExecutorKind

KINDS = catalog.names("executors")


def descendants() -> set[int]:
    """Return the children of this process, but for loky's and multiprocessing's trackers, which live as long as it."""
    return {
        child.pid
        for child in psutil.Process().children(recursive=True)
        if not any("resource_tracker" in word for word in child.cmdline())
    }


@pytest.fixture(params=[(name, jobs) for name in KINDS for jobs in (1, 2)], ids=lambda param: "-".join(map(str, param)))
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    name, jobs = request.param
    kind: ExecutorKind = catalog.find("executors", name)
    before = descendants()
    with kind.make(jobs) as made:
        yield made
    assert descendants() <= before


def test_the_shelf_has_the_executors_that_are_promised() -> None:
    assert {"joblib", "serial"} <= set(KINDS)
    isolates = {name: catalog.find("executors", name).isolates for name in KINDS}
    assert isolates["joblib"]
    assert not isolates["serial"]


def test_each_job_has_one_outcome_whatever_becomes_of_it(executor: Executor) -> None:
    jobs = [
        *(Do(f"plain-{number}", value=number) for number in range(20)),
        Do("raises", "raise", ValueError("too few rows")),
        Do("exits", "exit", 2),
        Do("own", value=7, isolated=True),
        Do("crashes", "signal", signal.SIGSEGV, isolated=True),
        Do("hangs", "sleep", 30, timeout=0.3),
        Do("in time", value=8, timeout=20.0),
    ]
    starts = Starts()
    outcomes = list(executor.run(jobs, starts))
    assert sorted(outcome.key for outcome in outcomes) == sorted(job.key for job in jobs)
    found = {outcome.key: outcome.failure.code if outcome.failure else outcome.value for outcome in outcomes}
    assert found == {
        **{f"plain-{number}": 2 * number for number in range(20)},
        "raises": "raised: ValueError",
        "exits": "exited: status 2",
        "own": 14,
        "crashes": "crashed: SIGSEGV",
        "hangs": "timeout",
        "in time": 16,
    }
    assert {key for key, _, _ in starts.seen} == {job.key for job in jobs}
    assert all(in_main == (pid == os.getpid()) for _, pid, in_main in starts.seen)
    assert not {key for key, _, in_main in starts.seen if in_main} & {"own", "crashes", "hangs", "in time"}
    assert list(executor.run([], starts)) == []
    assert [outcome.value for outcome in executor.run(iter([Do("again", value=3)]), starts)] == [6]
