"""The rows that an exported model is checked on: the run's test rows, and rows made from them that are odder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mlrun.comparison.origins import read_as
from mlrun.dataset import load
from mlrun.errors import MlrunError
from mlrun.run_spec import spec_of
from mlrun.runs import read_run
from mlrun.shift.profile import PROFILE
from mlrun.splits import split

if TYPE_CHECKING:
    from mlrun.records import Array
    from mlrun.stored import StoredModel

TEST_ROWS, MADE_ROWS = 10_000, 1_000  # at most, and always
MISSING, UNSEEN = 0.1, 0.05  # shares of cells that are emptied, of categories that nobody saw


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What profile.json says of a column; counts: of categories, or between edges."""

    kind: str = ""
    edges: tuple[float, ...] = ()
    counts: Any = ()


@dataclass(frozen=True, slots=True)
class Profile:
    features: Mapping[str, ColumnProfile] = field(default_factory=dict)


def test_rows(run: Path, model: StoredModel, trust: Sequence[str]) -> tuple[pl.DataFrame | None, str]:
    """Return the columns that a model reads of its run's test rows, and what rows these are in a word.

    Without a test part they are rows of the table. None with the reason when they cannot be loaded.
    """
    try:
        spec, record = spec_of(run, trust), read_run(run)
        dataset = load(spec, record.sampled)
        rows = split(dataset, spec).test
    except MlrunError as error:
        return None, str(error).partition("\n")[0]
    noun = "test row"
    if len(rows) == 0:
        rows, noun = np.arange(dataset.table.height), "row"
    if len(rows) > TEST_ROWS:
        rows = rows[np.linspace(0, len(rows) - 1, TEST_ROWS).astype(np.int64)]
    return dataset.table[rows].select(model.features), noun


def made_rows(run: Path, model: StoredModel, known: pl.DataFrame | None, *, gaps: bool) -> pl.DataFrame:
    """Return rows whose columns are drawn each for itself, from the rows at hand or from the run's profile.

    gaps: with missing values too. Categories that nobody saw are always among them.
    """
    draw = np.random.default_rng(0)
    drawn = {}
    for name in model.features:
        values = known[name] if known is not None and known.height else profiled(run, name, model.schema[name], draw)
        chosen = values.gather(draw.integers(0, len(values), MADE_ROWS))
        if chosen.dtype == pl.String:
            chosen = without(chosen, draw.random(MADE_ROWS) < UNSEEN, "never seen by anyone")
        drawn[name] = without(chosen, draw.random(MADE_ROWS) < MISSING, None) if gaps else chosen
    return pl.DataFrame(drawn)


def without(values: pl.Series, where: Array, other: str | None) -> pl.Series:
    """Return values with another one, or none, in some rows."""
    frame = pl.select(pl.when(pl.Series(where)).then(pl.lit(other, values.dtype)).otherwise(values))
    return frame.to_series().rename(values.name)


def profiled(run: Path, name: str, dtype: str, draw: np.random.Generator) -> pl.Series:
    """Return values such as the run's profile tells of: categories, or numbers between and around its quantiles."""
    profile = read_as(Profile, run / PROFILE) or Profile()
    column = profile.features[name] if name in profile.features else ColumnProfile()
    kind = getattr(pl, dtype)  # the name of one of its types
    if column.kind not in ("numeric", "date") and isinstance(column.counts, Mapping):
        return pl.Series(name, list(column.counts) or ["a"]).cast(kind, strict=False)
    edges = np.asarray(column.edges, dtype=np.float64)
    low, high = (edges.min(), edges.max()) if len(edges) else (-100.0, 100.0)
    reach = max(high - low, 1.0)
    numbers = pl.Series(name, draw.uniform(low - reach, high + reach, MADE_ROWS))
    if kind.is_temporal():
        return (numbers * 86_400e6).cast(pl.Int64).cast(pl.Datetime("us")).cast(kind)
    return numbers.cast(kind, strict=False)
