"""How long `mlrun data diff` takes on 1,000,000 rows of 20 columns, and what memory; medians.

python benchmarks/data_diff.py [ROWS] [REPEATS]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

PROBE = """
import json, resource, sys, time
from pathlib import Path
from mlrun.data_diff import Wish, diff
begun, cpu = time.perf_counter(), time.process_time()
found = diff(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Wish(sys.argv[4] or None))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps([time.perf_counter() - begun, time.process_time() - cpu, peak, found.same]))
"""


def table(rows: int, seed: int) -> pl.DataFrame:
    """Return 20 columns: an id, 10 numbers, 4 whole numbers, 4 categories and a date."""
    draw = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "id": np.arange(rows),
            **{f"x{at}": draw.normal(size=rows) for at in range(10)},
            **{f"k{at}": draw.integers(0, 1000, rows) for at in range(4)},
            **{f"c{at}": draw.choice(["red", "green", "blue", "black"], rows) for at in range(4)},
            "day": pl.Series(draw.integers(0, 20_000, rows), dtype=pl.Int32).cast(pl.Date),
        }
    )


def main(rows: int, repeats: int) -> None:
    first = table(rows, 0)
    changed = pl.col("id") % 100 == 7
    second = first.with_columns(x0=pl.when(changed).then(pl.col("x0") + 1).otherwise(pl.col("x0")))
    second = pl.concat([second[rows // 50 :], table(rows // 50, 1).with_columns(pl.col("id") + rows)])
    second = second.sample(fraction=1, shuffle=True, seed=2)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, frame in {"first": first, "second": second, "shuffled": first.reverse()}.items():
            frame.write_parquet(folder / f"{name}.parquet")
            frame.write_csv(folder / f"{name}.csv")
        print(f"{rows:,} rows x {first.width}, median of {repeats}; memory is the peak of the whole process")
        for title, one, two, column in (
            ("by id, parquet", "first.parquet", "second.parquet", "id"),
            ("by content, parquet", "first.parquet", "second.parquet", ""),
            ("same, parquet, other order", "first.parquet", "shuffled.parquet", ""),
            ("by id, csv", "first.csv", "second.csv", "id"),
        ):
            asked = [str(folder / one), str(folder / two), place, column]
            told = [json.loads(subprocess.check_output([sys.executable, "-c", PROBE, *asked])) for _ in range(repeats)]
            wall, cpu, peak = (statistics.median(each[at] for each in told) for at in range(3))
            print(f"{title:28} {wall:6.2f} s  {cpu:6.2f} s CPU  {peak:6.0f} MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000, int(sys.argv[2]) if len(sys.argv) > 2 else 3)
