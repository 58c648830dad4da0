"""From a stored model to the time that it needs for one row, and for a thousand, preparation included."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlrun.stored import Model, StoredModel

if TYPE_CHECKING:
    import polars as pl

CALLS = 30  # predictions of one row each, of which the 95th percentile is told
MANY, FEW_CALLS = 1000, 11  # rows of a larger question, and how often it is put
SECONDS = 0.3  # stop measuring after so long
PATIENCE_SECONDS = 30.0  # of a model of the user's, which may hang


@dataclass(frozen=True, slots=True)
class LatencyJob:
    """The measurement as an executor runs it (contracts.Job): for a user's model, whose predict may do anything."""

    key: str
    model: StoredModel
    table: pl.DataFrame
    isolated: bool = True
    timeout: float | None = PATIENCE_SECONDS

    def run(self) -> float:
        return one_row_latency(self.model, self.table)


def one_row_latency(model: Model, table: pl.DataFrame) -> float:
    """Return the 95th percentile of milliseconds for one row of the table."""
    return p95_ms(model.predict, [table[row : row + 1] for row in range(min(CALLS, table.height))])


def many_rows_latency(predict: Callable[[pl.DataFrame], object], table: pl.DataFrame) -> float:
    """Return the 95th percentile of milliseconds for MANY rows, the table's own, repeated where it has fewer."""
    asked = table[np.arange(MANY) % table.height]
    return p95_ms(predict, [asked] * FEW_CALLS)


def p95_ms(predict: Callable[[pl.DataFrame], object], tables: Sequence[pl.DataFrame]) -> float:
    """Return the 95th percentile of milliseconds over the tables, the first call left out, until SECONDS have gone."""
    seconds: list[float] = []
    deadline = time.perf_counter() + SECONDS
    for table in tables:
        begun = time.perf_counter()
        predict(table)
        seconds.append(time.perf_counter() - begun)
        if time.perf_counter() > deadline:
            break
    return round(float(np.quantile(seconds[1:] or seconds, 0.95)) * 1000, 3)
