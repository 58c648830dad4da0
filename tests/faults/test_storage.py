"""A full disk, a folder that cannot be written: one sentence, exit code 74, and the run goes on once there is room."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from in_process import run, write_spec

from faults.commands import finished_fits, journal_bytes
from mlrun import cli

SPEC = """
experiment: tight
data: {source: sklearn, name: iris}
split: {folds: 3}
metrics: [accuracy, log_loss]
models:
  gaussian_nb: {var_smoothing: [1.0e-9, 1.0e-6, 1.0e-3]}
  decision_tree: {max_leaf_nodes: [2, 4], min_samples_leaf: [1, 2, 4]}
  random_forest: {n_estimators: [4, 8]}
"""
DISK_BYTES = 2_000_000
PAGE = 4096


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of two megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not permitted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def leave_room(disk: Path, pages: int) -> None:
    """Fill the disk but for so many pages."""
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    filler.write_bytes(bytes(max(0, shutil.disk_usage(disk).free - pages * PAGE)))


@pytest.mark.parametrize(
    "overrides",
    [pytest.param((), id="here"), pytest.param(("search.timeout=60",), id="in-a-worker", marks=pytest.mark.long)],
)
def test_a_full_disk_stops_the_run_at_any_place_and_it_goes_on_when_there_is_room(
    disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], overrides: tuple[str, ...]
) -> None:
    undisturbed = run(write_spec(tmp_path / "undisturbed", SPEC), *overrides)
    spec = write_spec(disk, SPEC)
    command = ["train", str(spec), "--jobs", "1", "-q", *(f"--set={override}" for override in overrides)]
    code, stops, kept = 74, 0, 0
    for pages in (0, 1, 3, 6, 20, 50, 400):
        leave_room(disk, pages)
        code = cli.run(command)
        errors = capsys.readouterr().err
        fits = finished_fits(journal_bytes(spec))
        assert len(fits) == len(set(fits)) >= kept
        kept = len(fits)
        if code == 0:
            break
        assert code == 74, errors
        (sentence,) = errors.splitlines()
        assert sentence.startswith(f"error: {disk}")
        assert "disk is full" in sentence
        stops += 1
    assert code == 0
    assert stops >= 4
    (folder,) = [path for path in disk.glob("runs/tight/*") if (path / "run.json").exists()]
    assert (folder / "trials.jsonl").read_bytes() == undisturbed.trials
    assert not (folder / "scratch").exists()


def test_a_folder_that_cannot_be_written_is_told_in_one_sentence(
    disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A read-only mount: the rights of a folder do not stop root."""
    spec = write_spec(disk, SPEC)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert cli.run(["train", str(spec), "-q"]) == 74
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.startswith(f"error: {disk}")
    assert "--runs" in sentence
    assert cli.run(["train", str(spec), "-q", "--jobs", "1", "--runs", str(tmp_path / "elsewhere")]) == 0
    assert (tmp_path / "elsewhere" / "tight" / "0001" / "run.json").exists()


def test_a_disk_that_turns_read_only_leaves_a_run_to_go_on_with(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = write_spec(disk, SPEC)
    leave_room(disk, 8)
    assert cli.run(["train", str(spec), "-q", "--jobs", "1"]) == 74
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    capsys.readouterr()
    assert cli.run(["train", str(spec), "-q", "--jobs", "1"]) == 74
    (sentence,) = capsys.readouterr().err.splitlines()
    assert "read-only" in sentence.lower()
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    leave_room(disk, 400)
    assert cli.run(["train", str(spec), "-q", "--jobs", "1"]) == 0
