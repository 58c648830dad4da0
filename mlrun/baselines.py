"""What a useful model must beat: each baseline says something of rows after seeing other rows, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlrun.errors import DataError, UsageError
from mlrun.labels import code_of
from mlrun.records import Dataset, Label, Params, Prediction, Task, TaskKind

if TYPE_CHECKING:
    import polars as pl

    from mlrun.records import Array

PREDICTED: tuple[TaskKind, ...] = ("classification", "regression")
ALL_TASKS: tuple[TaskKind, ...] = (*PREDICTED, "anomaly")


@dataclass(frozen=True, slots=True)
class Question:
    """What a baseline is asked: to predict `rows` of the dataset after seeing `train`.

    contamination: the share of rows that are called anomalies.
    """

    dataset: Dataset
    train: Array
    rows: Array
    seed: int
    folder: str = ""
    contamination: float = 0.1

    @property
    def task(self) -> Task:
        return self.dataset.task

    @property
    def seen(self) -> Array:
        """Return the training rows' truth; raise DataError when the data has no target."""
        if self.dataset.truth is None:
            raise DataError("this baseline needs a target")
        return self.dataset.truth[self.train]


@dataclass(frozen=True, slots=True)
class Answer:
    """A prediction of every row asked for; `answered` is false where the baseline is silent."""

    prediction: Prediction
    answered: Array


@dataclass(frozen=True, slots=True)
class Baseline:
    """A row of the table: parameters with one line each, and which of them must be given."""

    answer: Callable[[Params, Question], Answer]
    tasks: tuple[TaskKind, ...]
    caption: str
    parameters: Mapping[str, str]
    required: tuple[str, ...] = ()


def _spoken(prediction: Prediction) -> Answer:
    return Answer(prediction, np.ones(len(prediction.values), dtype=bool))


def _hard(codes: Array, task: Task) -> Prediction:
    """Return labels without probabilities; their AUC is that of 0/1, of many classes that of each against the rest."""
    two = task.kind == "anomaly" or task.binary
    scores = codes.astype(np.float64) if two else np.eye(len(task.labels))[codes]
    return Prediction(codes.astype(np.int64), None, scores)


def _random(params: Params, question: Question) -> Answer:
    """Draw classes by their frequency in train (or uniformly); for regression draw one of the training values."""
    generator, count = np.random.default_rng(question.seed), len(question.rows)
    if question.task.kind == "anomaly":
        scores = generator.random(count)
        return _spoken(Prediction((scores > 1 - question.contamination).astype(np.int64), None, scores))
    if question.task.kind == "regression":
        return _spoken(Prediction(generator.choice(question.seen, count)))
    classes = len(question.task.labels)
    shares = np.bincount(question.seen, minlength=classes) / len(question.seen)
    drawn = generator.choice(classes, count, p=None if params.get("uniform") else shares)
    return _spoken(_hard(drawn, question.task))


def _zero_rule(params: Params, question: Question) -> Answer:
    """Predict the most frequent class with the classes' shares as probabilities, or the mean (median) of the target."""
    count = len(question.rows)
    if question.task.kind == "regression":
        middle = np.median if params.get("statistic") == "median" else np.mean
        return _spoken(Prediction(np.full(count, float(middle(question.seen)))))
    classes = len(question.task.labels)
    shares = np.bincount(question.seen, minlength=classes) / len(question.seen)
    codes = np.full(count, int(shares.argmax()), dtype=np.int64)
    return _spoken(Prediction(codes, np.tile(shares, (count, 1))))


def _constant(params: Params, question: Question) -> Answer:
    """Predict one value for every row: a label, a number, or the training rows' mean or median."""
    value, count = params.get("value"), len(question.rows)
    if question.task.kind == "regression":
        middles = {"mean": float(np.mean(question.seen)), "median": float(np.median(question.seen))}
        number = middles[value] if value in middles else _number(value)
        return _spoken(Prediction(np.full(count, number)))
    return _spoken(_hard(np.full(count, _code(value, question.task), dtype=np.int64), question.task))


def _rule(params: Params, question: Question) -> Answer:
    """Predict one value where an SQL condition holds and another elsewhere."""
    from mlrun.table.row_conditions import select_rows

    holds = select_rows(question.dataset.table[question.rows], params["when"])
    predict, otherwise = params.get("predict"), params.get("otherwise")
    if question.task.kind == "regression":
        if predict is None or otherwise is None:
            raise UsageError("a rule for a number needs `predict` and `otherwise`")
        return _spoken(Prediction(np.where(holds, _number(predict), _number(otherwise))))
    if question.task.multiclass and (predict is None or otherwise is None):
        raise UsageError("a rule for more than two classes needs `predict` and `otherwise`")
    yes = 1 if predict is None else _code(predict, question.task)
    no = 1 - yes if otherwise is None else _code(otherwise, question.task)
    return _spoken(_hard(np.where(holds, yes, no), question.task))


def _human(params: Params, question: Question) -> Answer:
    """Take people's labels from a column, or from a file with an id column."""
    return _given(params, question, "label")


def _existing(params: Params, question: Question) -> Answer:
    """Take an earlier solution's answers: a column, a file of predictions, or an earlier run's model on these rows."""
    if params.get("run") is not None:
        from mlrun.predict import predict_table

        features = question.dataset.table[question.rows]
        return _spoken(predict_table(Path(str(params["run"])), features, question.task))
    return _given(params, question, str(params.get("is") or "label"))


def _given(params: Params, question: Question, meaning: str) -> Answer:
    if params.get("column") is not None:
        column = question.dataset.table[question.rows][str(params["column"])]
    else:
        column = _looked_up(params, question)
    column = column.fill_nan(None) if column.dtype.is_float() else column
    answered = column.is_not_null().to_numpy()
    if meaning == "label" and question.task.kind != "regression":
        return Answer(_hard(_codes(column, question.task), question.task), answered)
    numbers = _numbers(column)
    if question.task.kind == "regression":
        return Answer(Prediction(numbers), answered)
    if not question.task.binary and question.task.kind != "anomaly":
        raise UsageError(f"`is: {meaning}` needs two classes")
    cut = params.get("at_least")
    cut = 0.5 if cut is None else float(cut)
    values = (numbers >= cut).astype(np.int64)
    if meaning == "probability":
        if ((numbers < 0) | (numbers > 1)).any():
            raise DataError("a baseline that `is: probability` has values outside 0 to 1; use `is: score`")
        return Answer(Prediction(values, np.column_stack([1 - numbers, numbers])), answered)
    return Answer(Prediction(values, None, numbers), answered)


def _looked_up(params: Params, question: Question) -> pl.Series:
    """Return a file's predictions in the order of the rows asked for, joined by id; null where it has none."""
    import polars as pl

    from mlrun.predictions import read_predictions

    path = str(params.get("predictions") or params.get("path"))
    known = read_predictions(Path(question.folder) / path, params.get("id"))
    asked = pl.DataFrame({"row": pl.Series(question.dataset.row_ids[question.rows]).cast(pl.String)})
    return asked.join(known, on="row", how="left", maintain_order="left")["prediction"]


def _previous(params: Params, question: Question) -> Answer:
    """Predict the target of the last row that is strictly earlier in time (with `time` only)."""
    dataset = question.dataset
    if dataset.times is None or dataset.truth is None:
        raise UsageError("`previous` needs `data.time`")
    order = np.argsort(dataset.times, kind="stable")
    earlier = np.searchsorted(dataset.times[order], dataset.times[question.rows], side="left") - 1
    values = dataset.truth[order[np.maximum(earlier, 0)]]
    if question.task.kind == "regression":
        return Answer(Prediction(values.astype(np.float64)), earlier >= 0)
    return Answer(_hard(values, question.task), earlier >= 0)


def _max_z(params: Params, question: Question) -> Answer:
    """Score a row by its largest distance from a training mean, in training standard deviations."""
    import warnings

    import polars as pl

    numeric = [column.name for column in question.dataset.features if column.kind == "numeric"]
    if not numeric:
        raise UsageError("`max_z` needs a numeric column")
    table = question.dataset.table.select(pl.col(numeric).cast(pl.Float64).fill_null(float("nan"))).to_numpy()
    seen = table[question.train]
    with warnings.catch_warnings():  # a column without a value in these rows: it scores nothing
        warnings.simplefilter("ignore", RuntimeWarning)
        middle, spread = np.nanmean(seen, axis=0), np.nanstd(seen, axis=0)
    z = np.abs((table - middle) / np.where(spread > 0, spread, np.inf))
    scores = np.nan_to_num(z, nan=0.0).max(axis=1)
    cut = np.quantile(scores[question.train], 1 - question.contamination)
    return _spoken(Prediction((scores[question.rows] > cut).astype(np.int64), None, scores[question.rows]))


def _codes(column: pl.Series, task: Task) -> Array:
    """Return (n,) class codes of labels; 0 where there is none."""
    known = {value: _code(value, task) for value in column.unique().to_list() if value is not None}
    return np.array([0 if value is None else known[value] for value in column.to_list()], dtype=np.int64)


def _code(value: Label | None, task: Task) -> int:
    """Return the code of a label as the spec or a file writes it; raise DataError when the target has none such."""
    code = code_of(value, task)
    if code is None:
        known = ", ".join(repr(label) for label in task.labels or (False, True))
        raise DataError(f"a baseline says {value!r}, which is no class of the target (known: {known})")
    return code


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise DataError(f"a baseline says {value!r}, where the target is a number")
    return float(value)


def _numbers(column: pl.Series) -> Array:
    import polars as pl

    numbers = column.cast(pl.Float64, strict=False)
    if numbers.null_count() > column.null_count():
        row = int((numbers.is_null() & column.is_not_null()).arg_max() or 0)
        raise DataError(f"column '{column.name}' must hold numbers for this baseline; row {row + 1} does not")
    return numbers.fill_null(0.0).to_numpy()


ENTRIES: dict[str, Baseline] = {
    "random": Baseline(_random, ALL_TASKS, "draws by class frequency", {"uniform": "every class equally often"}),
    "zero_rule": Baseline(
        _zero_rule, PREDICTED, "the most frequent class, the mean", {"statistic": "mean | median, for regression"}
    ),
    "rule": Baseline(
        _rule,
        ALL_TASKS,
        "a rule in a SQL condition",
        {"when": "a condition over the columns", "predict": "where it holds", "otherwise": "elsewhere"},
        required=("when",),
    ),
    "constant": Baseline(
        _constant, ALL_TASKS, "one value for all rows", {"value": "a label, a number, mean or median"}, ("value",)
    ),
    "human": Baseline(
        _human,
        PREDICTED,
        "people's labels",
        {"column": "a column of labels", "path": "a file of labels", "id": "its id column"},
    ),
    "existing": Baseline(
        _existing,
        ALL_TASKS,
        "what is in use today",
        {
            "column": "a column",
            "is": "label | probability | score",
            "at_least": "the cut of a score",
            "predictions": "a file with ids and predictions",
            "id": "its id column",
            "run": "an earlier run",
        },
    ),
    "previous": Baseline(_previous, PREDICTED, "the last known target, with `time`", {}),
    "max_z": Baseline(_max_z, ("anomaly",), "the largest z-score of a row's numbers", {}),
}
