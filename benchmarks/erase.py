"""What an erasure costs: seconds for runs with a snapshot each, and how fast files are decoded and searched."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from in_process import run, write_spec

from mlrun.erase import Wish, erase
from mlrun.erasure.proof import search
from mlrun.erasure.subject import make_subject

RUNS, ROWS, REPEATS = 20, 20_000, 3


def make(folder: Path) -> Path:
    """Make one run and copy its folder, so that all of them share a snapshot."""
    draw = np.random.default_rng(0)
    pull = draw.normal(size=ROWS)
    users = [f"user-{number:05d}" for number in draw.integers(0, 2000, ROWS)]
    table = pl.DataFrame({"id": range(ROWS), "user": users, "a": pull, "b": draw.normal(size=ROWS)})
    table.with_columns(y=pl.Series(np.where(pull > 0, "yes", "no"))).write_csv(folder / "rows.csv")
    data = {"path": "rows.csv", "target": "y", "id": "id", "drop": ["user"], "snapshot": True}
    spec = {"experiment": "shop", "data": data, "split": {"folds": 3}, "models": ["gaussian_nb", "decision_tree"]}
    done = run(write_spec(folder, json.dumps(spec)))
    assert done.folder is not None
    for version in range(2, RUNS + 1):
        shutil.copytree(done.folder, done.folder.with_name(f"{version:04d}"))
    return folder / "runs"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = make(Path(name))
        size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
        erasing, searching = [], []
        for number in range(REPEATS):
            began = time.process_time()
            done = erase(root, Wish("user", (f"user-{number:05d}",)), lambda told: None)
            erasing.append(time.process_time() - began)
            assert len(done.receipt.runs) == RUNS
            assert not done.receipt.left
            began = time.process_time()
            search(root, "", make_subject("user", [f"user-{number:05d}"]), lambda told: None)
            searching.append(time.process_time() - began)
        print(f"{RUNS} runs of {ROWS:,} rows, {size / 1e6:.1f} MB in all")
        print(f"erase: {statistics.median(erasing):.2f} s CPU, {statistics.median(erasing) / RUNS * 1000:.0f} ms a run")
        print(f"search: {statistics.median(searching):.2f} s CPU, {size / 1e6 / statistics.median(searching):.0f} MB/s")


main()
