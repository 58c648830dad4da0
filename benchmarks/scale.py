"""What a run costs against its trials and its rows, with the largest tables: CPU, wall, the most memory at a time.

    python benchmarks/scale.py [--quick] [--write docs/benchmarks.md]

Trials: a grid of ridge on 200 rows × 5 features, 5 folds, one process. Rows: 20 columns of Parquet (3 of them
categories), logistic regression, histogram boosting and xgboost, 3 folds, --jobs 2. Memory is the sum of the
proportional share (PSS) of every process of the tree, five times a second. The exponent is that of a line through the
points in log-log, after the cost of the smallest run: 1 is linear.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from environments import environment
from telling import Section, options, table

from mlrun.process.load import descendants

EVERY_SECONDS = 0.2
WIDTH, HEIGHT = 48, 12  # of a picture, in characters


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run of some size cost; fits: CPU seconds of the fits themselves, as its timings say."""

    size: int
    cpu: float
    wall: float
    fits: float
    bytes: int


def main() -> None:
    asked = options(__doc__, 1).parse_args()
    about = "A run's cost against its trials and its rows; see benchmarks/scale.py for what is measured."
    section = Section("Scale", about, asked)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes: Sequence[int] = (1, 100, 300, 1_000) if asked.quick else (1, 1_000, 3_000, 10_000)
        costs = []
        for size in sizes:
            costs.append(train(folder, size, f"trials{size}", tiny(folder, size), 1))
            section.put("trials", told("trials", costs))
        sizes = (1_000, 10_000, 30_000) if asked.quick else (1_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
        costs = []
        for size in sizes:
            costs.append(train(folder, size, f"rows{size}", tall(folder, size), 2))
            section.put("rows", told("rows", costs))
        count = 10 if asked.quick else 1
        large = {
            "500 columns of mixed types": train(folder, 20_000 // count, "wide", wide(folder, 20_000 // count), 2),
            "a column of texts": train(folder, 100_000 // count, "text", texts(folder, 100_000 // count), 2),
        }
        rows = [[what, f"{cost.size:,}", *figures(cost)] for what, cost in large.items()]
        header = ["evaluation: auto", "rows", "CPU s", "of it fits", "wall s", "GiB"]
        section.put("large", "### Wide tables and texts\n\n" + table(header, rows))
    section.show()


def train(folder: Path, size: int, experiment: str, spec: str, jobs: int) -> Cost:
    """Train a spec in a process of its own, and measure the tree of its processes."""
    path = folder / f"{experiment}.yaml"
    path.write_text(f"experiment: {experiment}\n{spec}")
    program = str(Path(sys.executable).with_name("mlrun"))
    command = [
        program,
        "train",
        str(path),
        "--no-cache",
        "--quiet",
        "--jobs",
        str(jobs),
        "--runs",
        str(folder / "runs"),
    ]
    said = folder / "said.log"
    with said.open("w") as file:
        begun, most = time.perf_counter(), 0
        process = subprocess.Popen(command, env=environment(), stdout=file, stderr=subprocess.STDOUT)
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            most = max(most, sum(map(share_of, (process.pid, *descendants(process.pid)))))
            time.sleep(EVERY_SECONDS)
        wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)  # waited for here: Popen must not try again
    if process.returncode:
        raise SystemExit(said.read_text(errors="replace")[-4_000:])
    timings = folder / "runs" / experiment / "0001" / "timings.jsonl"
    fits = sum(json.loads(line)["cpu_seconds"] for line in timings.read_text().splitlines())
    cost = Cost(size, usage.ru_utime + usage.ru_stime, wall, fits, most)
    print(f"  {experiment:<16} {' '.join(f'{figure:>9}' for figure in figures(cost))}", file=sys.stderr, flush=True)
    return cost


def share_of(pid: int) -> int:
    """Return the bytes of a process, its share of what it has in common with others; 0 where that is not told."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


# -- the tables -------------------------------------------------------------------------------------------------------


def tiny(folder: Path, trials: int) -> str:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(200, 5))
    columns = {f"x{number}": numbers[:, number] for number in range(5)}
    pl.DataFrame({**columns, "y": numbers @ np.arange(5) + rng.normal(size=200)}).write_csv(folder / "tiny.csv")
    values = [round(10 ** (-3 + 6 * step / trials), 9) for step in range(trials)]
    return (
        f"data: {{source: csv, path: tiny.csv, target: y}}\nevaluation: none\nmodels: {{ridge: {{alpha: {values}}}}}\n"
    )


def tall(folder: Path, rows: int) -> str:
    rng = np.random.default_rng(1)
    columns: dict[str, Any] = {f"x{number:02d}": rng.normal(size=rows) for number in range(17)}
    columns["city"] = rng.choice([f"city{number}" for number in range(40)], rows)
    columns["kind"], columns["level"] = rng.choice(list("abcdef"), rows), rng.choice(["low", "mid", "high"], rows)
    signal = columns["x00"] - 0.7 * columns["x01"] + np.sin(2 * columns["x02"]) + (columns["level"] == "high")
    columns["y"] = np.where(signal + rng.logistic(size=rows) > 0.4, "yes", "no")
    pl.DataFrame(columns).write_parquet(folder / f"rows{rows}.parquet")
    return (
        f"data: {{source: parquet, path: rows{rows}.parquet, target: y}}\nevaluation: none\nsplit: {{folds: 3}}\n"
        "models:\n  logistic_regression: {C: [0.1, 1]}\n"
        "  hist_gradient_boosting: {max_iter: [10, 20], early_stopping: false}\n  xgboost: {n_estimators: [10, 20]}\n"
    )


def wide(folder: Path, rows: int) -> str:
    rng = np.random.default_rng(2)
    columns: dict[str, Any] = {f"n{number:03d}": rng.normal(size=rows) for number in range(300)}
    for number in range(0, 300, 10):
        columns[f"n{number:03d}"][rng.random(rows) < 0.1] = np.nan
    for number in range(150):
        count = 5_000 if number == 149 else (2, 3, 5, 10, 30, 100)[number % 6]
        columns[f"c{number:03d}"] = np.char.add("v", rng.integers(0, count, rows).astype(str))
    first = np.datetime64("2020-01-01")
    columns |= {f"d{number:02d}": first + rng.integers(0, 1_500, rows) for number in range(20)}
    columns |= {f"b{number}": rng.random(rows) < 0.3 for number in range(10)}
    columns |= {f"k{number:02d}": np.full(rows, "same") for number in range(20)}
    signal = columns["n001"] + columns["n002"] + columns["b0"]
    columns["y"] = np.where(signal + rng.logistic(size=rows) > 0.5, "yes", "no")
    pl.DataFrame(columns, nan_to_null=True).write_parquet(folder / "wide.parquet")
    return (
        "data: {source: parquet, path: wide.parquet, target: y}\nsplit: {folds: 3}\n"
        "prepare: {category: {encode: ordinal}}\n"
        "models:\n  logistic_regression: {C: [0.1]}\n  random_forest: {n_estimators: [20]}\n"
        "  xgboost: {n_estimators: [20]}\n"
    )


def texts(folder: Path, rows: int) -> str:
    rng = np.random.default_rng(3)
    count, letters = 20_000, list("abcdefghijklmnopqrstuvwxyz")
    words = np.array(["".join(rng.choice(letters, size)) for size in rng.integers(2, 11, count)])
    weights = 1 / np.arange(1, count + 1) ** 1.07  # Zipf's law
    lengths = rng.integers(15, 80, rows)
    kinds = rng.integers(0, 4, rows)
    drawn = rng.choice(count, lengths.sum(), p=weights / weights.sum())
    telling = rng.random(len(drawn)) < 0.05
    drawn[telling] = 2_000 + np.repeat(kinds, lengths)[telling] * 200 + drawn[telling] % 200
    parts = np.split(words[drawn], np.cumsum(lengths)[:-1])
    labels = np.array(["arts", "science", "sport", "trade"])[kinds]
    pl.DataFrame({"text": [" ".join(part) for part in parts], "y": labels}).write_parquet(folder / "text.parquet")
    return (
        "data: {source: parquet, path: text.parquet, target: y, text: [text]}\nsplit: {folds: 3}\n"
        "models:\n  multinomial_nb: {alpha: [0.1, 1]}\n  linear_svm: {C: [0.1]}\n"
    )


# -- what is told -----------------------------------------------------------------------------------------------------


def told(of: str, costs: Sequence[Cost]) -> str:
    """Return a table of costs, their exponents and a picture."""
    rows = [[f"{cost.size:,}", *figures(cost)] for cost in costs]
    parts = [f"### {of.capitalize()}", table([of, "CPU s", "of it fits", "wall s", "GiB"], rows)]
    if len(costs) > 2:
        first, rest = costs[0], costs[1:]
        sizes = [cost.size for cost in rest]
        whole = [max(cost.cpu - first.cpu, 1e-3) for cost in rest]
        fits = [max(cost.fits - first.fits, 1e-3) for cost in rest]
        exponents = f"{exponent(sizes, whole):.2f}; of the fits alone: {exponent(sizes, fits):.2f}"
        parts += [f"CPU beyond that of {first.size:,} grows with {of} to the power {exponents}."]
        parts += [picture(sizes, whole, fits, of)]
    return "\n\n".join(parts)


def figures(cost: Cost) -> list[str]:
    return [f"{cost.cpu:.2f}", f"{cost.fits:.2f}", f"{cost.wall:.2f}", f"{cost.bytes / 2**30:.2f}"]


def exponent(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """Return the slope of the line through the points in log-log, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def picture(sizes: Sequence[int], whole: Sequence[float], fits: Sequence[float], of: str) -> str:
    """Return points in log-log, as text: `o` the CPU of runs, `x` of their fits, `.` what is linear."""
    left, right = log10(min(sizes)), log10(max(sizes))
    low, high = log10(min(*whole, *fits)), log10(max(*whole, *fits))
    grid = [[" "] * WIDTH for _ in range(HEIGHT)]

    def put(size: float, seconds: float, mark: str) -> None:
        x = round((size - left) / (right - left) * (WIDTH - 1))
        y = round((high - seconds) / max(high - low, 1e-9) * (HEIGHT - 1))
        if 0 <= y < HEIGHT:
            grid[y][x] = mark

    for step in range(WIDTH):
        size = left + step / (WIDTH - 1) * (right - left)
        put(size, log10(whole[-1]) - right + size, ".")
    for costs, mark in ((fits, "x"), (whole, "o")):
        for size, seconds in zip(sizes, costs, strict=True):
            put(log10(size), log10(seconds), mark)
    lines = [f"{10**high:8.3g} s |{''.join(grid[0])}"]
    lines += [f"{'':10} |{''.join(row)}" for row in grid[1:-1]]
    lines += [f"{10**low:8.3g} s |{''.join(grid[-1])}"]
    ends = f"{min(sizes):,}", f"{max(sizes):,} {of}"
    lines += [f"{'':10} +{'-' * WIDTH}", f"{'':12}{ends[0]}{ends[1]:>{WIDTH - len(ends[0])}}"]
    drawn = "\n".join(line.rstrip() for line in lines)
    return f"```text\n{drawn}\n```\n\nCPU beyond the smallest run: o all of it, x its fits, . linear."


if __name__ == "__main__":
    main()
