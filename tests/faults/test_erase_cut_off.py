"""kill -9 at each step of an erasure: no run is ever without a valid manifest, the same command finishes the work."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from decoded_search import holders
from in_process import run, write_spec

from mlrun import runs
from mlrun.errors import MlrunError
from mlrun.store.run_folder import claim, sha256_of

PERSON = "ana-0001"
SPEC = {
    "experiment": "shop",
    "data": {"path": "rows.csv", "target": "y", "id": "id", "types": {"user": "category"}, "snapshot": True},
    "split": {"folds": 2},
    "prepare": {"category": {"rare": 1}},
    "models": {"near": {"family": "k_nearest_neighbors", "n_neighbors": 3}, "plain": {"family": "gaussian_nb"}},
}
# Counts what changes the disk below the runs; kills itself before the step that is asked for, 0 = never.
DRIVER = """
import os, signal, sys
root, step = sys.argv[1], int(sys.argv[2])
CHANGES = {"os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.truncate"}
count = 0

def watch(event, arguments):
    global count
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if (event in CHANGES or writes) and root in str(arguments[0]):
        count += 1
        if count == step:
            os.kill(os.getpid(), signal.SIGKILL)

from mlrun.cli import run
sys.addaudithook(watch)
code = run(["data", "erase", "--column", "user", "--value-from-stdin", "--runs", root])
print(f"steps {count}")
sys.exit(code)
"""


def erase(root: Path, step: int = 0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", DRIVER, str(root), str(step)],
        input=PERSON, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return runs of two experiments on one snapshot, and one that was cut off."""
    folder = tmp_path_factory.mktemp("made")
    draw = np.random.default_rng(0)
    users = [PERSON if at % 12 == 0 else f"bob-{at % 12:04d}" for at in range(60)]
    pull = draw.normal(size=60)
    table = pl.DataFrame({"id": range(60), "user": users, "a": pull, "y": np.where(pull > 0, "yes", "no")})
    table.write_csv(folder / "rows.csv")
    run(write_spec(folder, json.dumps(SPEC)))
    run(write_spec(folder, json.dumps({**SPEC, "experiment": "other"})))
    with claim(folder / "runs", "shop") as cut:
        (cut.path / "journal.jsonl").write_text(f'{{"torn": "{PERSON}')
        (cut.path / "models").mkdir()
        (cut.path / "models/near.skops").write_text("half")
    return folder / "runs"


@pytest.fixture(scope="module")
def undisturbed(made: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """Return the runs after an erasure that nobody disturbed, and in how many steps it changed the disk."""
    root = tmp_path_factory.mktemp("undisturbed") / "runs"
    shutil.copytree(made, root)
    done = erase(root)
    assert done.returncode == 0, done.stdout + done.stderr
    return root, int(done.stdout.rpartition("steps ")[2])


def is_valid(path: Path) -> bool:
    """Say whether a finished run has a manifest that is its own, and every file that it names as it says."""
    try:
        manifest = runs.read_manifest(path)
        stored = {model.file for model in runs.read_run(path).models if model.file}
    except MlrunError:
        return False
    return runs.is_own(path) and stored <= set(manifest) and all(
        (path / name).is_file() and sha256_of(path / name) == sha256 for name, sha256 in manifest.items()
    )  # fmt: skip


def what_must_be_equal(root: Path) -> dict[str, object]:
    """Return all files but those that tell of time: receipts, and what names them."""
    found: dict[str, object] = {}
    for path in sorted(each for each in root.rglob("*") if each.is_file()):
        name = path.relative_to(root).as_posix()
        if name.startswith(".erasures/") or path.name == "manifest.json":
            continue
        content: object = path.read_bytes()
        if path.name == "run.json":
            record = json.loads(path.read_bytes())
            content = {key: record[key] for key in record if key not in ("erasures", "manifest", "digest", "seal")}
        if path.name == "report.md":
            content = [line for line in path.read_text().splitlines() if "receipt" not in line]
        found[name] = content
    return found


def killed_at(step: int, made: Path, folder: Path, undisturbed: Path) -> None:
    root = folder / "runs"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(made, root)
    done = erase(root, step)
    assert done.returncode == -signal.SIGKILL, (step, done.stdout, done.stderr)
    for name in ("shop", "other"):
        assert is_valid(root / name / "0001"), f"{name}@1 is not whole after a kill at step {step}"
    again = erase(root)
    assert again.returncode == 0, (step, again.stdout, again.stderr)
    assert holders(root, PERSON) == [], step
    assert what_must_be_equal(root) == what_must_be_equal(undisturbed), step
    assert len(list((root / ".erasures").glob("*.json"))) == 1, step
    receipt = json.loads(next((root / ".erasures").glob("*.json")).read_bytes())
    assert receipt["finished"]
    assert {each["run"] for each in receipt["runs"]} == {"shop@1", "shop@2", "other@1"}, step


def test_a_kill_at_any_step_leaves_whole_runs_and_the_same_command_finishes(
    made: Path, undisturbed: tuple[Path, int], tmp_path: Path
) -> None:
    root, steps = undisturbed
    assert steps > 50
    for step in np.linspace(1, steps, 5).astype(int).tolist():
        killed_at(step, made, tmp_path, root)


@pytest.mark.long
def test_a_kill_at_every_step(made: Path, undisturbed: tuple[Path, int], tmp_path: Path) -> None:
    """MLRUN_ERASE_STEPS: so many of the steps, evenly; all of them when it is not set."""
    root, steps = undisturbed
    wanted = int(os.environ.get("MLRUN_ERASE_STEPS", "0")) or steps
    for step in dict.fromkeys(np.linspace(1, steps, wanted).astype(int).tolist()):
        killed_at(step, made, tmp_path, root)
