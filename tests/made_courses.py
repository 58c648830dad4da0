"""Runs under way whose predictions are made up: what verdict and gates look at, without any fit."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from mlrun import metrics, spec
from mlrun.course import Course
from mlrun.leaderboard import Line, test_scores
from mlrun.predictions import PredictedPart
from mlrun.records import Dataset, Finding, Fold, Prediction, Split, Task
from mlrun.store.run_record import FoldSummary, ModelRecord

HEAD = "experiment: made\ndata: {path: a.csv, target: y}\n"
CLASSES = Task("classification", ("no", "yes"))
Numbers = npt.NDArray[Any]


def course(truth: Any, written: str = "", task: Task = CLASSES, folds: int = 2) -> Course:
    """Return a run whose test rows are the first half of the data, and whose folds hold out parts of the second.

    truth: of the test rows; those of the folds have the same once more.
    """
    read = spec.parse((HEAD + written).encode(), "s.yaml", "/somewhere")
    once = np.asarray(truth)
    whole = np.concatenate([once, once])
    rows = len(once)
    if read.costs:
        task = Task(task.kind, task.labels, read.costs)
    table = pl.DataFrame({"row": np.arange(len(whole)), "age": np.linspace(0, 1, len(whole))})
    train = np.arange(rows, 2 * rows)
    parts = np.array_split(train, folds)
    data = Dataset(table, task, (), (), whole, np.arange(len(whole)))
    split = Split(
        train,
        np.arange(rows),
        tuple(Fold(0, index, np.setdiff1d(train, part), part) for index, part in enumerate(parts)),
    )
    chosen = read.metrics or metrics.defaults(task)
    nothing = cast("Any", None)
    return Course(read, data, split, chosen, {}, nothing, nothing, nothing, nothing, nothing, nothing)


def said(values: Any, positive: Any = None) -> Prediction:
    """Return a prediction of labels, or of probabilities cut at a half."""
    if positive is None:
        codes = np.asarray(values)
        return Prediction(codes, None, codes.astype(np.float64) if codes.dtype != np.float64 else None)
    p = np.asarray(positive, dtype=np.float64)
    return Prediction((p >= 0.5).astype(np.int64), np.column_stack([1 - p, p]))


def line(
    around: Course,
    name: str,
    prediction: Prediction | None,
    *,
    kind: Any = "model",
    family: str = "",
    rank: int = 1,
    cv: float = 0.8,
    answered: Numbers | None = None,
    folds: Prediction | None = None,
    **facts: Any,
) -> Line:
    """Return a line of the leaderboard; folds: what it says of the folds' rows, in the order of train."""
    record = ModelRecord(
        name=name,
        kind=kind,
        family=family or name,
        simplicity_rank=rank if kind == "model" else None,
        cv={around.metrics[0].label: FoldSummary(cv, 0.01)},
        test={} if prediction is None else test_scores(around, around.split.test, prediction),
        **facts,
    )
    parts = [] if folds is None else list(parts_of(around, folds))
    if prediction is not None:
        parts.append(PredictedPart(around.split.test, prediction, None, answered))
    return Line(record, tuple(parts))


def parts_of(around: Course, prediction: Prediction) -> list[PredictedPart]:
    """Return the held-out predictions of the folds."""
    found, begin = [], len(around.split.test)
    for fold in around.split.folds:
        rows = fold.valid - begin
        p = None if prediction.probabilities is None else prediction.probabilities[rows]
        found.append(PredictedPart(fold.valid, Prediction(prediction.values[rows], p), fold))
    return found


def baseline(around: Course, name: str, prediction: Prediction, family: str = "", **more: Any) -> Line:
    return line(around, name, prediction, kind="baseline", family=family or name, **more)


def finding(status: Any, check: str = "calibration", model: str = "best", **more: Any) -> Finding:
    return Finding(check, more.pop("test", check), model, status=status, **more)


def two_classes(rows: int = 1000, share: float = 0.5, seed: int = 0) -> Numbers:
    """Return so many class codes."""
    return (np.random.default_rng(seed).random(rows) < share).astype(np.int64)


def noisy(truth: Numbers, strength: float, seed: int = 1) -> Numbers:
    """Return probabilities of the positive class that know so much of the truth."""
    noise = np.random.default_rng(seed).normal(size=len(truth))
    found: Numbers = 1 / (1 + np.exp(-(strength * (2 * truth - 1) + noise)))
    return found
