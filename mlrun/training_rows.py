"""Which rows a run's models were trained on, on disk: written by train, read when they are to predict other data."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from mlrun.errors import DataError
from mlrun.origin.digests import data_digests
from mlrun.runs import write_atomically
from mlrun.table.schema_cast import TYPES, apply_schema, schema_of

if TYPE_CHECKING:
    from mlrun.origin.digests import Words
    from mlrun.records import Array, Dataset

FILE = "training_rows.parquet"
DIGEST, ID = "digest", "id"


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """The rows that a run's stored models have seen.

    digests: (n,) uint64, the first half of a row's digest over all columns of `schema` (column → type as loaded).
    ids: (n,) str where the rows have a column of ids, which is `id_column`; else None.
    """

    digests: Array
    ids: Array | None
    id_column: str | None
    schema: Mapping[str, str]


def write_training_rows(folder: Path, dataset: Dataset, digests: Words, rows: Array) -> None:
    """Write training_rows.parquet: a digest of each row, its id where the data has one; no other value of any row.

    digests: (n, 2) as in DataDigests.rows, of all rows of the dataset; rows: positions of those that were trained on.
    64 bits tell 10^6 rows from 10^6 others with one mistake in 18 million runs.
    """
    columns = {DIGEST: pl.Series(digests[rows, 0])}
    id_column = next((name for name, reason in dataset.withheld if reason == "id"), None)
    if id_column is not None:
        columns[ID] = dataset.table[id_column].gather(rows).cast(pl.String)
    buffer = io.BytesIO()
    about = {"schema": json.dumps(schema_of(dataset.table)), "id_column": json.dumps(id_column)}
    pl.DataFrame(columns).write_parquet(buffer, compression="zstd", metadata=about)
    write_atomically(folder / FILE, buffer.getvalue())


def read_training_rows(folder: Path) -> TrainingRows | None:
    """Return what a run's models were trained on; None where its folder does not say so, or no longer."""
    file = folder / FILE
    try:
        table, about = pl.read_parquet(file), pl.read_parquet_metadata(file)
        schema, id_column = json.loads(about["schema"]), json.loads(about["id_column"])
        ids = table[ID].to_numpy() if id_column is not None else None
        return TrainingRows(table[DIGEST].to_numpy(), ids, id_column, schema)
    except (OSError, pl.exceptions.PolarsError, KeyError, ValueError):
        return None


def were_trained_on(known: TrainingRows, table: pl.DataFrame) -> Array:
    """Say which rows of a table are among those known: by id where both have it, else by digest; (n,) bool.

    The digest is over the columns that there were then, cast to the types of then. Raises DataError, a sentence
    without its end, when one of them is missing or can no longer be cast: then nothing can be told.
    """
    if known.ids is not None and known.id_column in table.columns:
        return np.asarray(
            table[str(known.id_column)].cast(pl.String).is_in(pl.Series(known.ids, dtype=pl.String).implode())
        )
    return np.isin(digests_of(known, table), known.digests)


def digests_of(known: TrainingRows, table: pl.DataFrame) -> Array:
    """Return the digests that rows of a table have, or would have, among those known; raises as `were_trained_on`."""
    absent = [name for name in known.schema if name not in table.columns]
    if absent:
        raise DataError(
            f"without the column '{absent[0]}' its training rows cannot be told from others; `data: {{id: COLUMN}}` can"
        )
    usual = {name: dtype for name, dtype in known.schema.items() if dtype in TYPES}
    cast = apply_schema(table, usual, "these rows")
    rest = table.select(name for name in known.schema if name not in usual)  # lists and the like, as loaded
    return data_digests(pl.concat([cast, rest], how="horizontal")).rows[:, 0]
