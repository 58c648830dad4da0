"""SIGINT and SIGTERM: told in one sentence, the right exit code, no process left within 5 s, nothing lost."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

import pytest

from faults import slow_families
from faults.commands import (
    finished_fits,
    gone_within,
    journal_bytes,
    living,
    run_folders,
    started,
    wait_for,
    whole_lines,
)

SLOW = """
experiment: slow
data: {source: sklearn, name: iris}
split: {folds: 3}
models:
  gaussian_nb: {var_smoothing: [1.0e-9, 1.0e-6]}
  sleepy: {family: "slow_families:SLEEPS", seconds: 600}
"""
HOLDS_ON = """
experiment: holds-on
data: {source: csv, path: wide.csv, target: y}
split: {folds: 2, test: 0}
models: {rbf_svm: {C: 1000000.0, tol: 1.0e-12}}
"""
SOURCE = """
import pathlib, time

def load():
    pathlib.Path(__file__).with_name("begun").touch()
    time.sleep(600)
"""
PROMISED_SECONDS = 5  # tracking.md, section 5


def make(folder: Path, spec: str) -> Path:
    (folder / "runs").mkdir(parents=True)
    shutil.copy(slow_families.__file__, folder)
    (folder / "spec.yaml").write_text(spec)
    return folder / "spec.yaml"


@pytest.fixture(scope="module")
def stopped_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a spec whose run was stopped by SIGTERM while two workers were at work."""
    spec = make(tmp_path_factory.mktemp("stopped"), SLOW)
    stop_and_check(spec, signal.SIGTERM, 143)
    return spec


def stop_and_check(spec: Path, number: signal.Signals, code: int) -> None:
    before = finished_fits(journal_bytes(spec))
    with started(spec, "--jobs", "2") as process:
        assert wait_for(lambda: sleepers(process.pid) >= 2, process)
        process.send_signal(number)
        asked = time.monotonic()
        errors = process.communicate(timeout=60)[1]
        assert gone_within(process.pid, PROMISED_SECONDS - (time.monotonic() - asked)), "a process outlived its run"
    assert process.returncode == code
    assert errors.splitlines()[-1] == "stopped: what is finished is kept; the same command goes on with it"
    fits = finished_fits(journal_bytes(spec))
    assert fits[: len(before)] == before
    assert fits  # the first tells what its model's take, and then those come that were never measured: the sleepers
    assert set(fits) <= {(f"gaussian_nb/{trial:04d}", f"0.{fold}") for trial in range(2) for fold in range(3)}
    assert not list(spec.parent.glob("runs/*/*/scratch"))
    assert len(run_folders(spec)) == 1


def sleepers(group: int) -> int:
    """Return how many fits of a group sleep: each has started a `sleep` of its own."""
    return sum(process.name() == "sleep" for process in living(group))


def test_sigterm_ends_the_run_and_all_its_processes_in_time(stopped_once: Path) -> None:
    assert len(whole_lines(journal_bytes(stopped_once))) > 1


def test_the_same_command_goes_on_and_ctrl_c_ends_it_alike(stopped_once: Path) -> None:
    stop_and_check(stopped_once, signal.SIGINT, 130)


def test_ctrl_c_before_there_is_a_run_leaves_no_folder(tmp_path: Path) -> None:
    spec = make(
        tmp_path / "early", SLOW.replace("source: sklearn, name: iris", 'source: "slow_source:load", target: y')
    )
    (spec.parent / "slow_source.py").write_text(SOURCE)
    with started(spec) as process:
        assert wait_for((spec.parent / "begun").exists, process)
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=30)[1]
    assert process.returncode == 130, errors
    assert errors.splitlines()[-1] == "stopped: what is finished is kept; the same command goes on with it"
    assert run_folders(spec) == []


@pytest.mark.long
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_fit_in_this_process_that_holds_on_is_left_in_time(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """libsvm does not look at Python's signals while it runs; this fit takes minutes."""
    import numpy as np
    import polars as pl

    spec = make(tmp_path / "holds-on", HOLDS_ON)
    draw = np.random.default_rng(0)
    table = pl.DataFrame(draw.normal(size=(6000, 30))).with_columns(y=pl.Series(draw.integers(0, 2, 6000)))
    table.write_csv(spec.parent / "wide.csv")
    with started(spec, "--jobs", "1") as process:
        assert wait_for(lambda: b'"started"' in journal_bytes(spec), process)
        time.sleep(0.5)
        process.send_signal(number)
        errors = process.communicate(timeout=PROMISED_SECONDS)[1]
    assert process.returncode == code
    assert "the same command goes on" in errors
