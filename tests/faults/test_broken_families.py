"""Families of the user's that crash, exit, hang, or answer nonsense: each fails alone, with its reason, in one run."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from in_process import write_spec

from faults import broken_families
from faults.commands import complete_run, run_json, train

REASONS = {
    "segfault": ("failed", "crashed: SIGSEGV"),
    "exits": ("failed", "exited: status 3"),
    "leaves": ("failed", "exited: status 5"),
    "hangs": ("timeout", "timeout"),
    "killed": ("failed", "killed: SIGKILL"),
    "raises": ("failed", "raised: ArithmeticError"),
    "nan": ("failed", "invalid_output"),
    "short": ("failed", "invalid_output"),
    "strange": ("failed", "invalid_output"),
    "flat": ("failed", "invalid_output"),
}
SCORED = ("gaussian_nb", "prints")
HEAD = """
experiment: broken
data: {source: sklearn, name: iris}
evaluation: none
split: {folds: 2}
search: {timeout: 2}
models:
  gaussian_nb: {var_smoothing: 1.0e-9}
"""


def write_broken_spec(folder: Path, deeds: Sequence[str]) -> Path:
    shutil.copy(broken_families.__file__, folder / "its_own_families.py")
    models = [
        f'  {deed}: {{family: "its_own_families:{deed}", width: {"[1, 2, 3]" if deed == "too_wide" else 1}}}\n'
        for deed in deeds
    ]
    return write_spec(folder, HEAD + "".join(models))


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_broken_spec(tmp_path_factory.mktemp("broken"), (*REASONS, "prints", "too_wide"))


@pytest.fixture(scope="module")
def done(spec: Path) -> subprocess.CompletedProcess[str]:
    return train(spec, "--jobs", "2")


@pytest.fixture(scope="module")
def trials(spec: Path, done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    lines = (complete_run(spec) / "trials.jsonl").read_text().splitlines()
    return {trial["id"]: trial for trial in map(json.loads, lines)}


def test_the_run_ends_with_the_code_for_failed_trials(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_each_way_to_fail_has_its_own_reason(trials: dict[str, Any]) -> None:
    assert {name: (trials[f"{name}/0000"]["status"], trials[f"{name}/0000"]["reason"]) for name in REASONS} == REASONS


def test_the_other_models_are_scored(trials: dict[str, Any]) -> None:
    """All are Gaussian naive Bayes beneath, so all have its scores."""
    expected = trials["gaussian_nb/0000"]["scores"]
    assert all(score is not None for score in expected["accuracy"])
    for name in SCORED:
        assert (trials[f"{name}/0000"]["status"], trials[f"{name}/0000"]["scores"]) == ("done", expected), name


def test_the_leaderboard_tells_the_reasons(spec: Path, done: subprocess.CompletedProcess[str]) -> None:
    models = {model["name"]: model for model in run_json(complete_run(spec))["models"]}
    for name, (_, reason) in REASONS.items():
        assert models[name]["status"] == "failed"
        assert reason in models[name]["reason"]
        assert reason in done.stdout


def test_of_a_shared_fit_that_fails_only_the_guilty_trial_fails(trials: dict[str, Any]) -> None:
    assert trials["too_wide/0002"]["reason"] == "raised: MemoryError"
    for trial in ("too_wide/0000", "too_wide/0001"):
        assert trials[trial]["status"] == "done"
        assert trials[trial]["scores"] == trials["gaussian_nb/0000"]["scores"]


def test_what_a_fit_prints_does_not_reach_the_output(done: subprocess.CompletedProcess[str]) -> None:
    assert "rubbish" not in done.stdout


@pytest.mark.long
def test_a_champion_that_breaks_costs_no_more_than_what_it_cannot_do(tmp_path: Path) -> None:
    """Refitted, sent back, stored, timed: whatever fails there, the scores of the folds and the other models stay."""
    spec = write_broken_spec(tmp_path, ("late", "unpicklable", "unstorable", "lonely"))
    done = train(spec, "--jobs", "2")
    assert done.returncode == 4, done.stderr
    run = complete_run(spec)
    trials = [json.loads(line) for line in (run / "trials.jsonl").read_text().splitlines()]
    assert {(trial["status"], str(trial["scores"])) for trial in trials} == {("done", str(trials[0]["scores"]))}
    models = {model["name"]: model for model in run_json(run)["models"]}
    for name, reason in (("late", "crashed: SIGSEGV"), ("unpicklable", "raised: ")):
        assert (models[name]["status"], models[name]["file"]) == ("failed", "")
        assert reason in models[name]["reason"]
    for name in ("unstorable", "lonely"):
        assert models[name]["status"] == "done"
        assert models[name]["test"]["accuracy"]["value"] == models["gaussian_nb"]["test"]["accuracy"]["value"]
    assert models["unstorable"]["file"] == ""
    assert "unstorable: its model cannot be stored" in done.stderr
    assert models["lonely"]["p95_ms_1_row"] is None
    assert "lonely: it cannot predict single rows (killed: SIGKILL)" in done.stderr
