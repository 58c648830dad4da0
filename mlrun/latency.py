"""From a stored model to the time that it needs for one row, preparation included."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlrun.stored import StoredModel

if TYPE_CHECKING:
    import polars as pl

CALLS = 30  # predictions of one row each, of which the 95th percentile is told
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


def one_row_latency(model: StoredModel, table: pl.DataFrame) -> float:
    """Return the 95th percentile of milliseconds for one row of the table."""
    seconds: list[float] = []
    deadline = time.perf_counter() + SECONDS
    for row in range(min(CALLS, table.height)):
        begun = time.perf_counter()
        model.predict(table[row : row + 1])
        seconds.append(time.perf_counter() - begun)
        if time.perf_counter() > deadline:
            break
    return round(float(np.quantile(seconds[1:] or seconds, 0.95)) * 1000, 3)
