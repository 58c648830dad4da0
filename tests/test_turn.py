"""--wait: those who wait go one by one, however many there are; nobody waits longer than they are ready to."""

from __future__ import annotations

import itertools
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest
from faults.commands import run_folders, run_json, started, train, wait_for
from in_process import write_spec

from mlrun.runs import is_locked
from mlrun.turn import QUEUE

SPEC = """
experiment: waits
data: {source: sklearn, name: iris}
evaluation: none
split: {folds: 2}
models: {mine: {family: "family_that_waits:build"}}
"""
FAMILY = """
import os, pathlib, time
from sklearn.naive_bayes import GaussianNB

class Waits(GaussianNB):
    def fit(self, rows, truth):
        here = pathlib.Path(__file__).parent
        (here / "begun").touch()
        while not (here / "go").exists():
            time.sleep(0.02)
        return super().fit(rows, truth)

def build(params, seed):
    return Waits()
"""
OPTIONS = ("--executor", "serial")


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "family_that_waits.py").write_text(FAMILY)
    return write_spec(tmp_path, SPEC)


def moments(spec: Path) -> list[tuple[float, float]]:
    """Return when each run began and ended, by its journal and its last file."""
    folders = run_folders(spec)
    return [((path / "lock").stat().st_mtime, (path / "run.json").stat().st_mtime) for path in folders]


def test_those_who_wait_go_one_by_one_even_when_they_begin_at_once(spec: Path) -> None:
    ours = 'models: {mine: {family: "family_that_waits:build"}}'
    write_spec(spec.parent, SPEC.replace(ours, "models: {gaussian_nb: {params: {}}}"))
    with ExitStack() as stack:
        processes = [stack.enter_context(started(spec, "--wait", "--no-cache", *OPTIONS)) for _ in range(3)]
        for process in processes:
            errors = process.communicate(timeout=120)[1]
            assert process.returncode == 0, errors
    spans = moments(spec)
    assert len(spans) == 3
    assert all(ended <= begun for (_, ended), (begun, _) in itertools.pairwise(spans))


def test_of_two_jobs_that_wait_for_a_change_one_runs(spec: Path) -> None:
    with started(spec, "--wait", "--if-changed", *OPTIONS) as first:
        assert wait_for((spec.parent / "begun").exists, first)
        with started(spec, "--wait", "--if-changed", *OPTIONS) as second:
            assert second.stderr is not None
            assert second.stderr.readline() == "  waiting for waits@1, which is running\n"
            (spec.parent / "go").touch()
            told = second.communicate(timeout=60)[1]
        first.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0)
    assert "nothing has changed since waits@1: no new run" in told
    assert len(run_folders(spec)) == 1


def test_a_run_that_does_not_wait_is_waited_for(spec: Path) -> None:
    with started(spec, *OPTIONS) as first:
        assert wait_for((spec.parent / "begun").exists, first)
        late = train(spec, "--wait-at-most", "1", *OPTIONS)
        assert late.returncode == 3
        assert "waited 1 second for waits@1, which is running: nothing was run" in late.stderr
        assert len(run_folders(spec)) == 1


def test_one_who_is_killed_while_it_waits_lets_the_next_one_go(spec: Path) -> None:
    with started(spec, *OPTIONS) as first:
        assert wait_for((spec.parent / "begun").exists, first)
        with started(spec, "--wait", *OPTIONS) as second:
            assert wait_for((spec.parent / "runs" / "waits" / QUEUE).exists, second)
            second.send_signal(signal.SIGKILL)
            second.communicate(timeout=20)
        (spec.parent / "go").touch()
        third = train(spec, "--wait", *OPTIONS)
        assert third.returncode == 0
        first.communicate(timeout=20)
    assert [run_json(folder)["status"] for folder in run_folders(spec)] == ["complete", "complete"]


def test_one_who_waits_goes_on_with_a_run_that_is_killed_meanwhile(spec: Path) -> None:
    with started(spec, *OPTIONS) as first:
        assert wait_for((spec.parent / "begun").exists, first)
        with started(spec, "--wait", *OPTIONS) as second:
            assert second.stderr is not None
            assert "waiting" in second.stderr.readline()
            first.send_signal(signal.SIGKILL)
            (spec.parent / "go").touch()
            errors = second.communicate(timeout=60)[1]
            assert second.returncode == 0
    assert "goes on where it was cut off" in errors
    assert len(run_folders(spec)) == 1
    assert not is_locked(run_folders(spec)[0])


def test_a_folder_that_cannot_be_written_is_told_before_anybody_waits(spec: Path) -> None:
    (spec.parent / "runs" / "waits").write_text("a file")
    done = train(spec, "--wait", *OPTIONS)
    assert done.returncode == 74
    assert str(spec.parent / "runs" / "waits") in done.stderr
