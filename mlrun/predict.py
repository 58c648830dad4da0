"""From a run and new rows to a file of predictions, by the run's champion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mlrun import runs
from mlrun.comparison.origins import read_object
from mlrun.dataset import load_rows
from mlrun.errors import DataError, StorageError, UsageError
from mlrun.foreign import Room, open_foreign
from mlrun.predictions import as_labels
from mlrun.process.jobs import OneThread
from mlrun.records import Label, Prediction, Task
from mlrun.screen.tables import FORMULA
from mlrun.store.model_files import version_differences
from mlrun.store.stale_models import warning
from mlrun.stored import Model, from_payload
from mlrun.table.schema_cast import apply_schema
from mlrun.wording import as_text

if TYPE_CHECKING:
    from mlrun.records import Array

SOURCES = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".gz": "csv", ".zip": "csv", ".parquet": "parquet",
    ".db": "sql", ".sqlite": "sql", ".duckdb": "sql",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Predicted:
    """What was written, and by which model; notes: why its predictions may not be those of its run."""

    rows: int
    model: str
    run: str
    output: str
    notes: tuple[str, ...] = ()


def predict(
    run: str,
    data: str,
    output: str,
    model: str | None,
    trust: Sequence[str],
    root: str | None,
    *,
    stale: bool = False,
) -> Predicted:
    """Predict the rows of a table with a run's champion; write row, prediction, and probabilities or score to `output`.

    The table is read as the run's own was (separator, null values, ...) and cast to the recorded types. stale: also by
    a model that holds a person who was erased. Raises UsageError, DataError with row and column, StorageError.
    """
    target = Path(output)
    if target.suffix not in (".csv", ".parquet", ".json"):
        raise UsageError(f"{output}: the name of the output ends in .csv, .parquet or .json")
    if not target.absolute().parent.is_dir():
        raise UsageError(f"{output}: there is no folder {target.absolute().parent} to write it into")
    if target.exists() and Path(data).exists() and target.samefile(data):
        raise UsageError(f"{output}: the predictions would replace the rows that they are made of; name another file")
    path = runs.resolve(runs.runs_root(None, root), run)
    stored = stored_model(path, model, trust, stale=stale)
    resolved = data_section(path)
    id_column = resolved["id"]
    needed = {name: stored.schema[name] for name in stored.features}
    if id_column is not None and str(id_column) not in stored.schema:
        raise StorageError(f"{path}: its model knows no column '{id_column}', which names the rows; mlrun verify {run}")
    if id_column is not None:
        needed[str(id_column)] = stored.schema[str(id_column)]
    source, params = source_of(data, resolved)
    table = load_rows(source, params, str(Path.cwd()), needed)
    if table.height == 0:
        raise DataError(f"{Path(data).absolute()}: there are no rows to predict")
    rows = table[str(id_column)] if id_column is not None else pl.Series(np.arange(table.height))
    prediction = predict_alone(stored, table)
    write_output(target, table_of(rows, prediction, stored.blueprint.task))
    record, used = runs.read_run(path), stored.blueprint.model
    notes = (*version_differences({"versions": stored.versions}), *filter(None, (warning(record, used),)))
    return Predicted(table.height, used, record.name, str(target), notes)


def data_section(run: Path) -> Mapping[str, Any]:
    """Return what a run's spec said of its data; raise StorageError when that cannot be read any more."""
    file = run / "spec.resolved.json"
    content = read_object(file)
    found = None if content is None or "data" not in content else content["data"]
    if not isinstance(found, dict) or not {"id", "source", "params"} <= found.keys():
        raise StorageError(f"{file} is missing or damaged. Restore it, or run the spec again")
    return found


def predict_table(run: Path, table: pl.DataFrame, task: Task) -> Prediction:
    """Return a run's champion's prediction of rows of another table, in this task's class codes.

    Raises DataError when the run's classes are others, or a column is missing.
    """
    stored = stored_model(run, None, ())
    needed = {name: stored.schema[name] for name in stored.features}
    prediction = predict_alone(stored, apply_schema(table, needed, str(run)))
    theirs = stored.blueprint.task
    if theirs.kind != task.kind or set(map(str, theirs.labels)) != set(map(str, task.labels)):
        raise DataError(f"{run}: its task is another ({theirs.kind}, classes {', '.join(map(str, theirs.labels))})")
    return recoded(prediction, theirs.labels, task.labels)


def predict_alone(stored: Model, table: pl.DataFrame) -> Prediction:
    """Return a prediction made on one thread, as in a run: more of them may add numbers in another order."""
    with OneThread() as threads:
        threads.hold()
        return stored.predict(table)


def recoded(prediction: Prediction, theirs: Sequence[Label], ours: Sequence[Label]) -> Prediction:
    """Return a prediction in other class codes: the same labels in another order."""
    if list(map(str, theirs)) == list(map(str, ours)) or not theirs:
        return prediction
    position = {str(label): code for code, label in enumerate(ours)}
    new_code = np.array([position[str(label)] for label in theirs])
    back = np.argsort(new_code)
    scores = prediction.scores
    if scores is not None:
        scores = -scores if scores.ndim == 1 else scores[:, back]
    probabilities = None if prediction.probabilities is None else prediction.probabilities[:, back]
    return Prediction(new_code[prediction.values], probabilities, scores)


def stored_model(
    run: Path,
    model: str | None,
    trust: Sequence[str],
    folder: str = "",
    room: Room | None = None,
    *,
    stale: bool = False,
) -> Model:
    """Return a run's champion, or another model by name; one that was not stored here stays in a child process.

    folder: where the author's own modules are looked for, else in the working directory. room: whose child it is, when
    there are several. stale: also one that holds a person who was erased. Raises UsageError or DataError when there is
    none, or one that may not be loaded.
    """
    if runs.is_own(run):
        return from_payload(runs.load_model(run, model, trust, folder=folder, stale=stale), folder)
    return open_foreign(*runs.find_model(run, model, stale=stale), trust, folder or str(Path.cwd()), room)


def source_of(data: str, resolved: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the source that reads a file, with the run's own reading parameters when it is of the same kind."""
    path = Path(data)
    source = SOURCES.get(path.suffix.lower())
    if source is None:
        raise UsageError(f"{data}: the name of a table ends in one of {', '.join(SOURCES)}")
    params = dict(resolved["params"]) if resolved["source"] == source else {}
    if source == "sql" and "query" not in params:
        raise UsageError(
            f"{data}: the run read no database, so it has no query for one; write the rows to csv or parquet"
        )
    return source, {**params, "path": str(path.absolute())}


def table_of(rows: pl.Series, prediction: Prediction, task: Task) -> pl.DataFrame:
    """Return row, prediction, then a probability a class (p_LABEL), or the score."""
    columns: dict[str, pl.Series | Array] = {
        "row": rows,
        "prediction": as_labels(prediction.values, task, len(prediction.values)),
    }
    if prediction.probabilities is not None:
        for code, label in enumerate(task.labels):
            columns[f"p_{as_text(label)}"] = np.ascontiguousarray(prediction.probabilities[:, code])
    elif prediction.scores is not None and prediction.scores.ndim == 1:
        columns["score"] = prediction.scores
    return pl.DataFrame(columns)


def write_output(path: Path, table: pl.DataFrame) -> None:
    """Write a table where the user asked for it; whole or not at all."""
    if path.suffix == ".parquet":
        import io

        buffer = io.BytesIO()
        table.write_parquet(buffer)
        runs.write_atomically(path, buffer.getvalue())
        return
    text = table.write_json() if path.suffix == ".json" else without_formulas(table).write_csv()
    runs.write_atomically(path, text.encode())


def without_formulas(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table with an apostrophe before texts that a spreadsheet would run."""
    texts = [name for name, dtype in table.schema.items() if dtype == pl.String]
    return table.with_columns(
        pl.when(pl.any_horizontal(pl.col(name).str.starts_with(sign) for sign in FORMULA))
        .then(pl.concat_str(pl.lit("'"), pl.col(name)))
        .otherwise(pl.col(name))
        .alias(name)
        for name in texts
    )
