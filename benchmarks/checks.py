"""What the measures of calibration and the search for slices cost on 20,000 rows, beside fitting a logistic regression.

Run `python benchmarks/checks.py`: CPU seconds of one thread in this process, in alternation, medians of five.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from mlrun.certainty import reliability
from mlrun.slice.search import predicates_of, search_slices

ROWS, COLUMNS, REPEATS = 20_000, 20, 5
DRAWS = np.random.default_rng(0)
NUMBERS = DRAWS.normal(size=(ROWS, COLUMNS))
P = 1 / (1 + np.exp(-NUMBERS[:, 0] - NUMBERS[:, 1]))
Y = (DRAWS.random(ROWS) < P).astype(np.float64)
TABLE = pl.DataFrame(NUMBERS, schema=[f"x{number}" for number in range(COLUMNS)])


def main() -> None:
    parts: dict[str, Callable[[], object]] = {
        "logistic regression, 5 fits": lambda: [
            LogisticRegression(C=c).fit(NUMBERS, Y) for c in (0.01, 0.1, 1, 10, 100)
        ],
        "calibration, all measures": measure_calibration,
        "slices, search of depth 2": find_slices,
    }
    spent: dict[str, list[float]] = {name: [] for name in parts}
    with threadpool_limits(1):
        for _ in range(REPEATS + 1):
            for name, part in parts.items():
                begun = time.process_time()
                part()
                spent[name].append(time.process_time() - begun)
    reference = median(spent["logistic regression, 5 fits"][1:])
    for name, seconds in spent.items():
        print(f"{name:<28} {median(seconds[1:]):6.3f} s   ratio {median(seconds[1:]) / reference:.2f}")


def fit_five() -> None:
    for c in (0.01, 0.1, 1, 10, 100):
        LogisticRegression(C=c).fit(NUMBERS, Y)


def measure_calibration() -> None:
    binned = reliability.quantile_bins(P, Y, 15)
    reliability.floor_of(binned, 0)
    reliability.smooth_error(P, Y)
    reliability.decompose(P, Y)
    reliability.calibration_slope(P, Y)


def find_slices() -> None:
    search_slices(predicates_of(TABLE, TABLE.columns, 50), np.abs(Y - P), depth=2, min_rows=50, fdr=0.1, seed=0)


if __name__ == "__main__":
    main()
