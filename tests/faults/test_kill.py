"""kill -9 at any moment: no finished fit is lost or run again, and the result is that of a run nobody disturbed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from faults.commands import (
    complete_run,
    end_group,
    finished_fits,
    gone_within,
    journal_bytes,
    run_folders,
    started,
    train,
    wait_for,
    what_must_be_equal,
    whole_lines,
)

SPEC = """
experiment: killed
data: {source: sklearn, name: iris}
split: {folds: 3}
metrics: [accuracy, log_loss]
models:
  apart: {family: "killed_family:ENTRY", leaves: [2, 3, 4, 5]}
  gaussian_nb: {var_smoothing: [1.0e-9, 1.0e-6, 1.0e-3, 0.1]}
  logistic_regression: {C: [0.01, 0.1, 1, 10, 100]}
  k_nearest_neighbors: {n_neighbors: [1, 3, 5, 9], weights: [uniform, distance]}
  decision_tree: {max_leaf_nodes: [2, 4, 8], min_samples_leaf: [1, 2, 4, 8]}
  random_forest: {n_estimators: [2, 4, 8], max_depth: [1, 2, 3]}
  hist_gradient_boosting: {max_iter: [2, 4], max_leaf_nodes: [2, 4, 8]}
  mlp: {hidden_layer_sizes: [[4]], max_iter: [2, 3]}  # warns: it has not converged
  committee: {family: voting, members: [apart, gaussian_nb, random_forest], voting: soft}
"""
# A family of the user's runs in workers; of rank 0, so that they are there from the start, and others' fits go there.
FAMILY = """
from mlrun.contracts import ModelFamily

def build(params, seed):
    from sklearn.tree import DecisionTreeClassifier
    return DecisionTreeClassifier(max_leaf_nodes=params["leaves"], random_state=seed)

ENTRY = ModelFamily(
    build=build, tasks=("classification",), simplicity_rank=0, hyperparameters=None, gives="probabilities"
)
"""
WAYS = (("--jobs", "2"), ("--jobs", "1"), ("--executor", "serial"))
LONGEST_CUT = 400  # bytes cut off a journal, to stand for a line that a power cut tore


def make(folder: Path) -> Path:
    (folder / "runs").mkdir(parents=True)
    (folder / "killed_family.py").write_text(FAMILY)
    (folder / "spec.yaml").write_text(SPEC)
    return folder / "spec.yaml"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = make(tmp_path_factory.mktemp("undisturbed"))
    done = train(spec, "--jobs", "1")
    assert done.returncode == 0, done.stderr
    return complete_run(spec)


def kill_until_finished(spec: Path, kills: int, lines: int, draw: random.Random) -> tuple[int, int]:
    """Run, kill and run again until a run ends by itself or so many kills; return kills, and journals torn."""
    torn = 0
    for killed in range(kills):
        if draw.random() < 0.5:
            torn += tear(spec, draw)
        before = whole_lines(journal_bytes(spec))
        at = len(before)
        target = draw.randint(at, max(at, lines))
        with started(spec, *draw.choice(WAYS)) as process:
            wait_for(lambda: len(whole_lines(journal_bytes(spec))) >= target, process)  # noqa: B023 - used at once
            time.sleep(draw.random() * draw.choice((0.01, 0.5)))
            ended = process.poll() is not None
            end_group(process.pid, signal.SIGKILL)
            assert gone_within(process.pid, 5)
            errors = process.communicate()[1]
        assert whole_lines(journal_bytes(spec))[:at] == before, "what was written before is never changed"
        if ended:
            assert process.returncode == 0, errors
            return killed, torn
    return kills, torn


def tear(spec: Path, draw: random.Random) -> bool:
    """Cut the newest journal off at a random place near its end; say whether a line was torn by that."""
    folders = [folder for folder in run_folders(spec) if (folder / "journal.jsonl").exists()]
    if folders and not (folders[-1] / "run.json").exists():
        path = folders[-1] / "journal.jsonl"
        os.truncate(path, max(0, path.stat().st_size - draw.randint(0, LONGEST_CUT)))
        return path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    return False


def check(spec: Path, undisturbed: Path) -> None:
    run = complete_run(spec)
    fits = finished_fits((run / "journal.jsonl").read_bytes())
    assert len(fits) == len(set(fits)), "a finished fit is never run again"
    ours, theirs = what_must_be_equal(run), what_must_be_equal(undisturbed)
    for name, expected in theirs.items():
        assert ours[name] == expected, name
    assert not (run / "scratch").exists()
    assert not list(run.rglob(".tmp-*"))


def test_a_run_killed_four_times_gives_what_an_undisturbed_one_gives(undisturbed: Path, tmp_path: Path) -> None:
    spec, draw = make(tmp_path / "run"), random.Random(7)
    lines = len(whole_lines((undisturbed / "journal.jsonl").read_bytes()))
    kill_until_finished(spec, 4, lines, draw)
    last = train(spec, "--jobs", "2") if not any((run / "run.json").exists() for run in run_folders(spec)) else None
    assert last is None or last.returncode == 0, last.stderr
    check(spec, undisturbed)


@pytest.mark.long
def test_kills_at_random_moments_lose_nothing(undisturbed: Path, tmp_path: Path) -> None:
    """MLRUN_KILLS times (50 if it does not say), from run to run; MLRUN_SEED for other moments."""
    kills, draw = int(os.environ.get("MLRUN_KILLS", "50")), random.Random(os.environ.get("MLRUN_SEED", "11"))
    lines, wanted, torn = len(whole_lines((undisturbed / "journal.jsonl").read_bytes())), kills, 0
    while kills > 0:
        spec = make(tmp_path / "run")
        killed, cut = kill_until_finished(spec, min(kills, 12), lines, draw)
        kills, torn = kills - killed, torn + cut
        if not any((run / "run.json").exists() for run in run_folders(spec)):
            last = train(spec, *draw.choice(WAYS))
            assert last.returncode == 0, last.stderr
        check(spec, undisturbed)
        shutil.rmtree(tmp_path / "run")
    print(f"{wanted} kills, {torn} of them before a torn journal: nothing lost, equal results")
    assert torn >= wanted // 5
