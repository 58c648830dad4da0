"""From two runs with other test rows to the difference of their models: the earlier one's predicts the later's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlrun.comparison.origins import Data, read_as
from mlrun.comparison.paired import Measured, Side, measured, rows_of_test
from mlrun.dataset import load
from mlrun.earlier import LEAST_ROWS, predict_earlier
from mlrun.errors import MlrunError, NothingConcluded
from mlrun.fit import take
from mlrun.origin.digests import data_digests, split_digest
from mlrun.predictions import prediction_of
from mlrun.records import Dataset, Task
from mlrun.run_rows import rows_of_run
from mlrun.run_spec import spec_of
from mlrun.splits import split

if TYPE_CHECKING:
    from mlrun.records import Array, Prediction
    from mlrun.store.run_record import ModelRecord


def difference_on_later_rows(
    new: Side, new_model: ModelRecord, old: Side, old_model: ModelRecord, min_rows: int = LEAST_ROWS
) -> Measured:
    """Return the new model's score less the old one's on the test rows of the run that was started later.

    The earlier run's model predicts them, without those that it was trained on (spec.md section 12); the later run's
    predictions are those that it stored. Raises NothingConcluded where the later run's rows cannot be loaded again as
    they were, the earlier one's model not be asked, or fewer than `min_rows` remain.
    """
    later, later_model, earlier, model = new, new_model, old, old_model
    if (new.record.started, new.record.version) < (old.record.started, old.record.version):  # started: to the second
        later, later_model, earlier, model = old, old_model, new, new_model
    dataset, test = rows_again(later)
    said = predict_earlier(earlier.folder, dataset, test, min_rows, model.name)
    if said.prediction is None:
        raise NothingConcluded(f"other test rows, and {earlier.record.name} cannot be asked about them: {said.reason}")
    kept = np.flatnonzero(np.isin(test, said.kept_rows))
    stored = take(stored_prediction(later, later_model, dataset, test), kept)
    first, second = (stored, said.prediction) if later is new else (said.prediction, stored)
    if dataset.truth is None:
        raise NothingConcluded("other test rows, and they have no labels")
    task = Task(dataset.task.kind, dataset.task.labels, old.costs)
    return measured(old, task, dataset.truth[said.kept_rows], first, second)


def rows_again(side: Side) -> tuple[Dataset, Array]:
    """Return a run's data as it was, and the positions of its test rows; raise NothingConcluded where it is another."""
    name = side.record.name
    try:
        spec = spec_of(side.folder)
        kept = rows_of_run(side.folder, side.folder.parent.parent).dataset
        dataset = load(spec, side.record.sampled) if kept is None else kept
        test = split(dataset, spec).test
    except MlrunError as error:
        raise NothingConcluded(f"other test rows, and the data of {name} cannot be loaded again: {error}") from error
    digests = data_digests(dataset.table)
    recorded = read_as(Data, side.folder / "data.json")
    if digests.data_id != side.record.data_id:
        raise NothingConcluded(f"other test rows, and the data of {name} has changed since")
    if recorded is None or recorded.test != split_digest(digests.rows, test):
        raise NothingConcluded(f"other test rows, and those of {name} cannot be told again")
    return dataset, test


def stored_prediction(side: Side, model: ModelRecord, dataset: Dataset, test: Array) -> Prediction:
    """Return what a run's model said of its test rows, in their order."""
    table = rows_of_test(side, model)
    if table.height != len(test) or table["row"].to_list() != dataset.row_ids[test].tolist():
        raise NothingConcluded(
            f"other test rows, and predictions/{model.name}.parquet of {side.record.name} has others"
        )
    return prediction_of(table, dataset.task)
