"""Predictions on disk, a Parquet file a champion or baseline: written by train, read by compare and as baselines."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from mlrun.errors import DataError
from mlrun.records import Dataset, Fold, Prediction, Split, Task
from mlrun.runs import storing, write_atomically

if TYPE_CHECKING:
    from mlrun.records import Array

FOLDER = "predictions"


@dataclass(frozen=True, slots=True)
class PredictedPart:
    """A prediction of some rows of the dataset: of a fold's held-out rows, or of test (fold None)."""

    rows: Array
    prediction: Prediction
    fold: Fold | None = None
    answered: Array | None = None


def write_predictions(folder: Path, name: str, dataset: Dataset, parts: list[PredictedPart]) -> str:
    """Write predictions/NAME.parquet; return its path relative to the run folder."""
    table = pl.concat([part_table(dataset, part) for part in parts], how="diagonal")
    buffer = io.BytesIO()
    table.write_parquet(buffer, compression="zstd")
    with storing(folder / FOLDER):
        (folder / FOLDER).mkdir(exist_ok=True)
    write_atomically(folder / FOLDER / f"{name}.parquet", buffer.getvalue())
    return f"{FOLDER}/{name}.parquet"


def part_table(dataset: Dataset, part: PredictedPart) -> pl.DataFrame:
    """Return the rows of a predictions file: row, part, fold, repeat, truth, prediction, p_0..p_k or score."""
    count, task = len(part.rows), dataset.task
    truth = None if dataset.truth is None else dataset.truth[part.rows]
    columns: dict[str, pl.Series] = {
        "row": pl.Series(dataset.row_ids[part.rows]),
        "part": pl.repeat("fold" if part.fold else "test", count, eager=True),
        "fold": pl.repeat(part.fold.index if part.fold else None, count, dtype=pl.Int32, eager=True),
        "repeat": pl.repeat(part.fold.repeat if part.fold else None, count, dtype=pl.Int32, eager=True),
        "truth": as_labels(truth, task, count),
        **prediction_columns(part.prediction, task),
    }
    table = pl.DataFrame(columns)
    if part.answered is None or part.answered.all():
        return table
    said = pl.Series(part.answered)
    names = [name for name in table.columns if name in ("prediction", "score") or name.startswith("p_")]
    return table.with_columns(pl.when(said).then(pl.col(names)))


def prediction_columns(prediction: Prediction, task: Task) -> dict[str, pl.Series]:
    """Return what a model says as columns: prediction, then p_0..p_k, then score, as far as they are there."""
    columns = {"prediction": as_labels(prediction.values, task, len(prediction.values))}
    if prediction.probabilities is not None:
        for code in range(prediction.probabilities.shape[1]):
            columns[f"p_{code}"] = pl.Series(np.ascontiguousarray(prediction.probabilities[:, code]))
    scores = prediction.scores
    if scores is not None and scores.ndim == 1:
        columns["score"] = pl.Series(scores)
    elif scores is not None:
        columns.update(
            {f"score_{code}": pl.Series(np.ascontiguousarray(scores[:, code])) for code in range(scores.shape[1])}
        )
    return columns


def as_labels(values: Array | None, task: Task, count: int) -> pl.Series:
    """Return class codes as the labels of the data; numbers, and anomalies without a target, as they are."""
    if values is None:
        return pl.repeat(None, count, dtype=pl.Int64, eager=True)
    if task.kind == "regression" or not task.labels:
        return pl.Series(values)
    labels = pl.Series(list(task.labels))
    return labels.gather(values.astype(np.int64))


def read_part(path: Path, part: str) -> pl.DataFrame:
    """Return the rows of a predictions file that belong to `part` (fold or test)."""
    return pl.read_parquet(path).filter(pl.col("part") == part)


def said_of_test(run: Path, names: Iterable[str], task: Task) -> dict[str, Prediction]:
    """Return what each of these models said of a run's test rows, as far as its folder still has it."""
    found = {}
    for name in names:
        try:
            table = read_part(run / FOLDER / f"{name}.parquet", "test")
        except (OSError, pl.exceptions.PolarsError):
            continue
        if table.height:
            found[name] = prediction_of(table, task)
    return found


def prediction_of(table: pl.DataFrame, task: Task) -> Prediction:
    """Return predictions as arrays again: the inverse of `part_table` for rows that were answered.

    Columns without a value are of the file's other parts: of a wrapped model, test has probabilities where the folds
    may have scores.
    """
    table = table.select(column for column in table.columns if table[column].null_count() < max(1, table.height))
    probabilities = [name for name in table.columns if name.startswith("p_")]
    scores = [name for name in table.columns if name.startswith("score_")]
    return Prediction(
        as_codes(table["prediction"], task),
        np.ascontiguousarray(table.select(probabilities).to_numpy()) if probabilities else None,
        table["score"].to_numpy() if "score" in table.columns else table.select(scores).to_numpy() if scores else None,
    )


def as_prediction(table: pl.DataFrame, task: Task) -> tuple[Array, Prediction]:
    """Return truth and prediction of a predictions file's rows."""
    return as_codes(table["truth"], task), prediction_of(table, task)


@dataclass(frozen=True, slots=True)
class StoredParts:
    """A model's predictions as an earlier run of equal identity wrote them: by fold name, and of test."""

    folds: Mapping[str, Prediction]
    test: Prediction | None


def read_parts(path: Path, task: Task, split: Split) -> StoredParts:
    """Return a predictions file's parts in the order of this split's rows, which its writer had too.

    Raises ValueError when a part has another number of rows.
    """
    table = pl.read_parquet(path)
    folds: dict[str, Prediction] = {}
    for fold in split.folds:
        part = table.filter(
            (pl.col("part") == "fold") & (pl.col("fold") == fold.index) & (pl.col("repeat") == fold.repeat)
        )
        if part.height != len(fold.valid):
            raise ValueError(path)
        folds[fold.name] = prediction_of(part, task)
    test = table.filter(pl.col("part") == "test")
    if test.height != len(split.test):
        raise ValueError(path)
    return StoredParts(folds, prediction_of(test, task) if test.height else None)


def as_codes(column: pl.Series, task: Task) -> Array:
    """Return labels of the data as class codes; numbers as they are."""
    if task.kind == "regression" or not task.labels:
        return column.to_numpy()
    code_of = {label: code for code, label in enumerate(task.labels)}
    return np.array([code_of[value] for value in column.to_list()], dtype=np.int64)


def read_predictions(path: Path, id_column: str | None) -> pl.DataFrame:
    """Return a user's file (csv or parquet) as columns `row` (text) and `prediction`.

    The id is the named column, else `row` or `id`, else the first; the prediction is `prediction`, else `label`,
    `score` or `probability`, else the only other column. Raises DataError in a sentence.
    """
    if not path.is_file():
        raise DataError(f"{path.absolute()}: there is no such file of predictions")
    try:
        table = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema_length=None)
    except Exception as error:  # the library's message may hold the user's rows
        raise DataError(f"{path.absolute()}: it cannot be read as a table ({type(error).__name__})") from error
    if table.width < 2:
        raise DataError(f"{path.absolute()}: it needs two columns, an id and a prediction")
    identity = id_column or next((name for name in ("row", "id") if name in table.columns), table.columns[0])
    if identity not in table.columns:
        raise DataError(f"{path.absolute()}: there is no column '{identity}'; there are {', '.join(table.columns)}")
    others = [name for name in table.columns if name != identity]
    value = next((name for name in ("prediction", "label", "score", "probability") if name in others), others[0])
    rows = table[identity].cast(pl.String)
    if rows.is_duplicated().any():
        raise DataError(f"{path.absolute()}: the id '{identity}' is not unique")
    return pl.DataFrame({"row": rows, "prediction": table[value]})
