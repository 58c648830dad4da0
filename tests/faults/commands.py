"""mlrun as a process of its own: started, watched while it runs, ended; what its run folders hold."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import polars as pl
import psutil

from mlrun.journal import from_line

PROGRAM = [sys.executable, "-c", "from mlrun.cli import main; main()"]


@contextmanager
def started(spec: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Start `mlrun train` in a process group of its own; what is left of the group is killed at the end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLRUN_")}
    process = subprocess.Popen(
        [*PROGRAM, "train", spec.name, *options],
        cwd=spec.parent,
        env={**environment, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="backslashreplace",
        start_new_session=True,
    )
    try:
        yield process
    finally:
        end_group(process.pid, signal.SIGKILL)
        process.communicate()


def train(spec: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `mlrun train` to its end."""
    with started(spec, *options) as process:
        output, errors = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def end_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def living(group: int) -> list[psutil.Process]:
    """Return the processes of a group that are alive; one that only waits to be reaped is not."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def gone_within(group: int, seconds: float) -> bool:
    """Say whether every process of a group has ended before the time is over."""
    limit = time.monotonic() + seconds
    while living(group) and time.monotonic() < limit:
        time.sleep(0.02)
    return not living(group)


def wait_for(claim: Any, process: subprocess.Popen[str], seconds: float = 60) -> bool:
    """Wait until claim() holds; say whether it did before the process ended."""
    limit = time.monotonic() + seconds
    while not claim():
        if process.poll() is not None or time.monotonic() > limit:
            return bool(claim())
        time.sleep(0.003)
    return True


def run_folders(spec: Path) -> list[Path]:
    """Return the run folders beside a spec, oldest first."""
    return sorted(path for path in (spec.parent / "runs").glob("*/*") if path.is_dir())


def complete_run(spec: Path) -> Path:
    """Return the one finished run beside a spec."""
    (found,) = [path for path in run_folders(spec) if (path / "run.json").exists()]
    return found


def journal_bytes(spec: Path) -> bytes:
    """Return what the newest journal beside a spec holds by now."""
    for folder in reversed(run_folders(spec)):
        with suppress(FileNotFoundError):
            return (folder / "journal.jsonl").read_bytes()
    return b""


def whole_lines(content: bytes) -> list[bytes]:
    return content.split(b"\n")[:-1]


def finished_fits(content: bytes) -> list[tuple[str, str]]:
    """Return (trial, fold) of every finished fit that a journal tells of, once for each time."""
    events = [from_line(line) for line in whole_lines(content)]
    return [
        (result["trial"], event["fold"])
        for event in events
        if event is not None and "event" in event and event["event"] == "fit"
        for result in event["results"]
    ]


def run_json(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "run.json").read_bytes())
    return content


MEASURED = ("fit_seconds", "p95_ms_1_row", "size_bytes")


def what_must_be_equal(folder: Path) -> dict[str, Any]:
    """Return all of a finished run that neither clocks nor interruptions may change."""
    record = run_json(folder)
    models = [{name: model[name] for name in model if name not in MEASURED} for model in record["models"]]
    kept = ("status", "spec_id", "data_id", "rows_id", "best", "verdict", "failed_trials", "exit_code", "notes")
    return {
        "trials": (folder / "trials.jsonl").read_bytes(),
        "models": models,
        **{name: record[name] for name in kept},
        "predictions": {
            path.name: pl.read_parquet(path).write_json() for path in sorted((folder / "predictions").iterdir())
        },
        "stored": sorted(path.name for path in (folder / "models").iterdir()),
        "curves": (folder / "curves.jsonl").read_bytes(),
        "fits": sorted(json.loads(line)["fit"] for line in (folder / "timings.jsonl").read_bytes().splitlines()),
    }
