"""From an earlier run and rows of today to what its champion says of those that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlrun import runs
from mlrun.errors import DataError, Interrupted, MlrunError
from mlrun.predict import predict_alone, recoded, stored_model
from mlrun.table.schema_cast import apply_schema
from mlrun.training_rows import FILE, read_training_rows, were_trained_on
from mlrun.wording import count

if TYPE_CHECKING:
    import polars as pl

    from mlrun.records import Array, Dataset, Prediction, Task

LEAST_ROWS = 100


def _no_rows() -> Array:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class EarlierPrediction:
    """What an earlier run's model says of rows of today; `reason` says why it says nothing, '' = it does.

    kept_rows: positions in today's dataset, those of the rows asked about that it was not trained on, in their order;
    prediction: of these, in today's class codes. left_out: how many it was trained on. run: its name.
    """

    prediction: Prediction | None
    kept_rows: Array = field(default_factory=_no_rows)
    model: str = ""
    run: str = ""
    reason: str = ""
    left_out: int = 0


def predict_earlier(
    run_folder: Path,
    dataset: Dataset,
    rows: Array,
    min_rows: int = LEAST_ROWS,
    model: str | None = None,
    trust: Sequence[str] = (),
) -> EarlierPrediction:
    """Let an earlier run's champion, or a model of it by name, predict today's rows without its own training rows.

    rows: positions in today's dataset. trust: modules of the user's own whose models may be loaded. Its training rows
    are found by id, where both data have the earlier run's id column, else by the digest of the whole row. What cannot
    be done (spec.md section 12) is a reason, never an error.
    """
    name, wanted = run_folder.name, model or ""
    try:
        record = runs.read_run(run_folder)
        name, wanted = record.name, model or record.best or ""
        table = dataset.table[rows]
        seen = _seen(run_folder, name, table)
        kept, left_out = rows[~seen], int(seen.sum())
        if len(kept) < min_rows:
            return EarlierPrediction(None, kept, wanted, name, _too_few(name, kept, left_out, min_rows), left_out)
        prediction = _asked(run_folder, dataset.task, table.filter(~seen), model, trust)
        return EarlierPrediction(prediction, kept, wanted, name, "", left_out)
    except Interrupted:
        raise
    except MlrunError as error:
        return EarlierPrediction(None, _no_rows(), wanted, name, str(error))
    except Exception as error:  # noqa: BLE001 - a stored model may refuse rows of today; its words may quote them
        return EarlierPrediction(None, _no_rows(), wanted, name, f"{name} cannot predict them: {type(error).__name__}")


def _seen(run_folder: Path, name: str, table: pl.DataFrame) -> Array:
    """Say which rows of a table the run was trained on, (n,) bool; raise DataError where that cannot be told."""
    known = read_training_rows(run_folder)
    if known is None:
        raise DataError(f"{name} has no readable {FILE}: it does not say which rows it was trained on")
    return were_trained_on(known, table)


def _too_few(name: str, kept: Array, left_out: int, min_rows: int) -> str:
    trained = f" that {name} was not trained on ({count(left_out, 'row')} left out)" if left_out else ""
    return f"{count(len(kept), 'row')}{trained}, {min_rows} are needed"


def _asked(run_folder: Path, task: Task, table: pl.DataFrame, model: str | None, trust: Sequence[str]) -> Prediction:
    """Return a stored model's prediction of a table of today, in today's class codes."""
    stored = stored_model(run_folder, model, trust)
    theirs = stored.blueprint.task
    if theirs.kind != task.kind or set(map(str, theirs.labels)) != set(map(str, task.labels)):
        raise DataError(f"its task is another ({theirs.kind}, classes {', '.join(map(str, theirs.labels))})")
    needed = {name: stored.schema[name] for name in stored.features}
    return recoded(predict_alone(stored, apply_schema(table, needed, "these rows")), theirs.labels, task.labels)
