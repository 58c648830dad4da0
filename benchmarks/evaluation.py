"""What `evaluation: auto` costs beside the training that it judges: CPU seconds of whole runs, in alternation.

Run `python benchmarks/evaluation.py [REPEATS]`: 20,000 rows × 20 columns, the default families (`models: auto`), once
with `evaluation: none` and once with `evaluation: auto`. The difference is the evaluation; the goal is a ratio of at
most 1 to the training.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl
from alternating import spend
from environments import mlrun

REPEATS = 5
ROWS, COLUMNS = 20_000, 20
TRAIN = ("train", "spec.yaml", "--no-cache", "--fresh", "--jobs", "1", "--quiet")
SPEC = """
experiment: cost
data: {path: rows.csv, target: y, sensitive: {columns: [x19], withhold: false}}
models: auto
"""


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_rows(folder / "rows.csv")
        (folder / "spec.yaml").write_text(SPEC)
        without, with_auto = [], []
        for turn in range(repeats):
            without.append(cpu_seconds(folder, "none"))
            with_auto.append(cpu_seconds(folder, "auto"))
            ratio = (with_auto[-1] - without[-1]) / without[-1]
            print(
                f"round {turn + 1}: none {without[-1]:.1f} s, auto {with_auto[-1]:.1f} s, evaluation / run {ratio:.2f}"
            )
        one, other = median(without), median(with_auto)
        print(f"median: training {one:.1f} s, evaluation {other - one:.1f} s, ratio {(other - one) / one:.2f}")


def write_rows(path: Path) -> None:
    """Write numbers and categories with a target that depends on some of them."""
    draws = np.random.default_rng(0)
    numbers = draws.normal(size=(ROWS, COLUMNS - 4))
    table = pl.DataFrame(numbers, schema=[f"x{index}" for index in range(COLUMNS - 4)])
    words = {f"x{index}": draws.choice(list("abcde"), ROWS) for index in range(COLUMNS - 4, COLUMNS)}
    pull = numbers[:, 0] + numbers[:, 1] * numbers[:, 2] + (words["x16"] == "a") + draws.logistic(size=ROWS)
    table.with_columns(**{name: pl.Series(values) for name, values in words.items()}, y=pl.Series(pull > 0)).write_csv(
        path
    )


def cpu_seconds(folder: Path, evaluation: str) -> float:
    """Return user + system seconds of one run, nothing reused."""
    (folder / "runs").mkdir(exist_ok=True)
    return spend([mlrun(), *TRAIN, "--set", f"evaluation={evaluation}"], folder).cpu


if __name__ == "__main__":
    main()
