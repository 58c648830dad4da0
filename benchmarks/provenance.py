"""What provenance costs a run on a table of 150 MB: digests of files and rows, git's state, and their share of a run.

Medians of the rounds; wall and CPU seconds. The share is what the main thread spends on it, and what the thread beside
it spends; the rest of the run goes on meanwhile. Three tables: numbers and categories (as CSV and as Parquet), and one
that also has a text of its own in each row, which is what digests take longest for.

    python benchmarks/provenance.py [rounds]
"""

from __future__ import annotations

import functools
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlrun import provenance, ready, recording, sealing, train
from mlrun.origin.code_state import code_state
from mlrun.run_options import TrainOptions
from mlrun.store.file_digests import CACHE, fingerprints

BYTES = 150_000_000
Spent = dict[str, list[tuple[float, float]]]


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tables = {"plain": make_table(folder, texts=False), "with texts": make_table(folder, texts=True)}
        make_repository(folder)
        for kind, table in tables.items():
            for file in sorted(folder.glob(f"{kind.replace(' ', '-')}.*")):
                measure_file(file, table, folder, rounds)
                measure_run(file, folder, rounds)
        print_line("git's state, 200 files and a patch", repeat(lambda: code_state(str(folder)), rounds))


def make_table(folder: Path, texts: bool) -> pl.DataFrame:
    """Write a table of 150 MB as CSV, and as Parquet; return it as it is read back."""
    draw, rows = np.random.default_rng(0), 600_000
    while True:
        numbers = {f"x{at}": draw.normal(size=rows).round(6) for at in range(12)}
        counts = {f"n{at}": draw.integers(0, 100_000, rows) for at in range(4)}
        words = {f"c{at}": draw.choice([f"kind {word}" for word in range(12)], rows) for at in range(4)}
        own = {"own": [f"what row {row:07d} says" for row in range(rows)]} if texts else {}
        target = np.where(numbers["x0"] + draw.normal(size=rows) > 0, "yes", "no")
        table = pl.DataFrame({**numbers, **counts, **words, **own, "y": target})
        path = folder / f"{'with-texts' if texts else 'plain'}.csv"
        table.write_csv(path)
        if path.stat().st_size >= 0.99 * BYTES:
            table.write_parquet(path.with_suffix(".parquet"))
            return table
        rows = int(rows * BYTES / path.stat().st_size) + 1


def make_repository(folder: Path) -> None:
    """Make the folder a repository of 200 sources, one of them changed, and a spec beside them."""
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    (folder / ".gitignore").write_text("*.csv\n*.parquet\nruns/\n*.yaml\n")
    for number in range(200):
        (folder / f"module_{number}.py").write_text(f"value = {number}\n" * 100)
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    (folder / "module_7.py").write_text("value = 0\n")
    (folder / "runs").mkdir()


def measure_file(file: Path, table: pl.DataFrame, folder: Path, rounds: int) -> None:
    """Print what it costs to digest a file, once and again, and the rows that it holds."""
    size = file.stat().st_size
    print(f"\n{file.name}: {size / 1e6:,.0f} MB, {table.height:,} rows, {table.width} columns")
    print_line("sha256 of the file", repeat(lambda: provenance.file_fingerprint(file), rounds), size)
    time.sleep(2.1)  # what was written just now is not remembered
    fingerprints([file], folder / "runs")
    print_line("the same, remembered", repeat(lambda: fingerprints([file], folder / "runs"), rounds))
    (folder / "runs" / CACHE).unlink()
    print_line("digests of the rows", repeat(lambda: provenance.data_digests(table), rounds), size)


def measure_run(file: Path, folder: Path, rounds: int) -> None:
    """Print how much of a run's time is spent on provenance; each is a first run, for which nothing is remembered."""
    spec, drop = folder / "spec.yaml", "[own]" if file.name.startswith("with") else "[]"
    spec.write_text(
        f"experiment: {file.suffix[1:]}\ndata: {{path: {file.name}, target: y, drop: {drop}}}\nbaselines: [zero_rule]\n"
        "models: [gaussian_nb]\nsplit: {folds: 2}\nmetrics: [roc_auc]\nevaluation: none\n"
    )
    whole: list[tuple[float, float]] = []
    spent: Spent = defaultdict(list)
    for _ in range(rounds):
        (folder / "runs" / CACHE).unlink(missing_ok=True)
        of_round: Spent = defaultdict(list)
        with timed(of_round):
            options = TrainOptions(executor="serial", jobs=1, no_cache=True, runs=str(folder / "runs"))
            whole += repeat(lambda: list(train.train(spec, (), options)), 1)  # noqa: B023 - called at once
        for name, parts in of_round.items():
            spent[name].append(summed(parts))
    print_line("a run, whole", whole)
    for name, each_round in spent.items():
        print_line(f"  of it: {name}", each_round)
    for beside, told in ((False, "  all of it, main thread"), (True, "  all of it, thread beside")):
        kinds = [each for name, each in spent.items() if name.endswith("beside") == beside]
        print_line(told, [summed([kind[at] for kind in kinds]) for at in range(rounds)])


def summed(parts: list[tuple[float, float]]) -> tuple[float, float]:
    return sum(wall for wall, _ in parts), sum(cpu for _, cpu in parts)


class timed:  # noqa: N801 - used as a function
    """Take the time of what a run does for its provenance, while the block lasts."""

    PLACES = (
        ("digests of rows, folds, code", ready, "identify"),
        ("files, beside", recording, "recorded_files"),
        ("git, beside", recording, "code_state"),
        ("profile, beside", recording, "profile"),
        ("record", sealing, "write_provenance"),
    )

    def __init__(self, spent: Spent) -> None:
        self.spent = spent
        self.before: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> None:
        for name, module, function in self.PLACES:
            real = getattr(module, function)
            self.before.append((module, function, real))
            setattr(module, function, self.watched(name, real))

    def __exit__(self, *_: object) -> None:
        for module, function, real in self.before:
            setattr(module, function, real)

    def watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(real)
        def watch(*arguments: Any, **named: Any) -> Any:
            wall, cpu = time.perf_counter(), time.thread_time()
            try:
                return real(*arguments, **named)
            finally:
                self.spent[name].append((time.perf_counter() - wall, time.thread_time() - cpu))

        return watch


def repeat(work: Callable[[], object], rounds: int) -> list[tuple[float, float]]:
    """Return wall and CPU seconds of each round."""
    found = []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        found.append((time.perf_counter() - wall, time.process_time() - cpu))
    return found


def print_line(what: str, seconds: list[tuple[float, float]], size: int = 0) -> None:
    wall, cpu = (statistics.median(each[at] for each in seconds) for at in (0, 1))
    speed = f"  {size / wall / 1e6:7,.0f} MB/s" if size else ""
    print(f"{what:44}{wall:9.3f} s wall {cpu:9.3f} s CPU{speed}")


if __name__ == "__main__":
    main()
