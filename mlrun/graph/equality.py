"""From a stored model and its ONNX file to whether both say the same of the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mlrun.graph.columns import NO_CATEGORY, NO_DATE
from mlrun.graph.model import PREDICTION, PROBABILITIES, SCORES, Written
from mlrun.labels import code_of
from mlrun.predict import predict_alone

if TYPE_CHECKING:
    from mlrun.records import Array, Prediction, Task
    from mlrun.stored import StoredModel

# Sums of trees are float32 in ONNX, 24 bits; boosting and xgboost add hundreds of them.
TOLERANCE = 1e-5  # of probabilities; of scores and numbers, times the largest of them


@dataclass(frozen=True, slots=True)
class Equality:
    """How near two answers to the same rows are.

    largest: difference of probabilities, or of scores and numbers over the largest of them. ties: rows whose answer is
    left open by the model: two labels are no further apart than the tolerance and the file says the other, or two rows
    of training are equally near and the last neighbour could be either; these do not count. wrong: all other rows with
    another label.
    """

    rows: int
    largest: float
    ties: int = 0
    wrong: int = 0

    @property
    def holds(self) -> bool:
        return self.wrong == 0 and self.largest <= TOLERANCE


def compare(model: StoredModel, written: Written, table: pl.DataFrame) -> Equality:
    """Ask both about the rows of a table; raises what the stored model raises of rows that it does not take."""
    prediction = predict_alone(model, table)
    answer = ask(written, table)
    task = model.blueprint.task
    given = {PROBABILITIES: prediction.probabilities, SCORES: prediction.scores}
    if task.kind == "regression":
        given = {PREDICTION: prediction.values}
    open_rows = undecided(model, table)
    told = [away(answer[what], mine, ~open_rows, what) for what, mine in given.items() if mine is not None]
    if task.kind == "regression":
        return Equality(table.height, max(told), int(open_rows.sum()))
    codes = np.array([code_of(label, task) for label in answer[PREDICTION].reshape(-1).tolist()])
    differs = codes != prediction.values
    near = open_rows | (margins(prediction, task, model) <= 2 * TOLERANCE)
    ties = open_rows | (differs & near)
    return Equality(table.height, max(told, default=0.0), int(ties.sum()), int((differs & ~near).sum()))


def ask(written: Written, table: pl.DataFrame) -> dict[str, Array]:
    """Return what the ONNX model says of rows."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what it would say goes into the error
    session = onnxruntime.InferenceSession(written.content, options, providers=["CPUExecutionProvider"])
    feeds = {name: feed(table[name], kind) for name, kind in written.inputs.items()}
    answer = session.run(list(written.outputs.values()), feeds)
    return dict(zip(written.outputs, (np.asarray(part) for part in answer), strict=True))


def feed(column: pl.Series, kind: type) -> Array:
    """Return a column as its input takes it, (n, 1)."""
    if kind is str:
        found: Array = column.cast(pl.String).fill_null(NO_CATEGORY).to_numpy().astype(object)
    elif kind is np.int64:
        found = column.cast(pl.Datetime("us")).dt.timestamp("us").fill_null(int(NO_DATE)).to_numpy()
    else:
        found = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return found.reshape(-1, 1)


def undecided(model: StoredModel, table: pl.DataFrame) -> Array:
    """Return (n,) whether the last of the nearest neighbours of a row could as well be the next one."""
    estimator = model.estimator
    name = type(estimator).__name__
    if model.preparation is None or not name.startswith(("KNeighbors", "LocalOutlierFactor")):
        return np.zeros(table.height, dtype=bool)
    count = int(estimator.n_neighbors_ if name == "LocalOutlierFactor" else estimator.n_neighbors)
    if count >= estimator.n_samples_fit_:
        return np.zeros(table.height, dtype=bool)
    found, _ = estimator.kneighbors(model.preparation.matrix(table.select(model.features)), n_neighbors=count + 1)
    near: Array = np.isclose(found[:, count - 1], found[:, count], rtol=1e-9, atol=1e-12)
    return near


def away(theirs: Array, mine: Array, counted: Array, what: str) -> float:
    """Return the largest difference in the rows that are counted, infinite where one is not a number."""
    mine = np.asarray(mine, dtype=np.float64)
    theirs = np.asarray(theirs, dtype=np.float64).reshape(mine.shape)
    if not counted.any():
        return 0.0
    difference = float(np.abs(theirs - mine)[counted].max())
    scale = 1.0 if what == PROBABILITIES else max(1e-300, float(np.abs(mine[counted]).max()))
    return difference / scale if np.isfinite(difference) else float("inf")


def margins(prediction: Prediction, task: Task, model: StoredModel) -> Array:
    """Return (n,) how far each row is from another label, in the units of `away`; infinite where nothing tells."""
    if prediction.probabilities is not None:
        cut = None if model.wrapping is None else model.wrapping.threshold
        if cut is not None:
            return np.abs(prediction.probabilities[:, 1] - cut)
        return gap(prediction.probabilities)
    if prediction.scores is None or len(prediction.scores) == 0:
        return np.full(len(prediction.values), np.inf)
    scale = max(1e-300, float(np.abs(prediction.scores).max()))
    if task.kind == "anomaly":
        cut = np.inf if model.threshold is None else model.threshold
        return np.abs(prediction.scores - cut) / scale
    return (np.abs(prediction.scores) if prediction.scores.ndim == 1 else gap(prediction.scores)) / scale


def gap(values: Array) -> Array:
    """Return how far the largest is from the second, of each row."""
    ordered = np.sort(values, axis=1)
    found: Array = ordered[:, -1] - ordered[:, -2]
    return found


Answers = Mapping[str, Any]
