"""From the stored predictions of two runs to differences on the same test rows, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun.errors import NothingConcluded
from mlrun.records import Difference, MetricSpec, Task
from mlrun.weighing import tolerance
from mlrun.wording import count

if TYPE_CHECKING:
    import polars as pl

    from mlrun.records import Array, Prediction
    from mlrun.store.run_record import ModelRecord, RunRecord

FOLDER = "predictions"


@dataclass(frozen=True, slots=True)
class Side:
    """A run, where it is, the costs that its spec gives to errors, what differences it calls small, and how sure."""

    record: RunRecord
    folder: Path
    costs: dict[str, float]
    rope: float = 0.005
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class Measured:
    """A difference, and on how many rows; chances: P(worse), P(within the rope), P(better), where folds tell them."""

    found: Difference
    rows: int
    chances: tuple[float, float, float] | None = None


def difference_on_test(new: Side, new_model: ModelRecord, old: Side, old_model: ModelRecord, by_id: bool) -> Measured:
    """Return the new model's score on test less the old one's, by the first metric of the old run.

    by_id: rows are joined by their id; else they stand in the same order, as the caller knows. Raises NothingConcluded
    when the rows or their truth are not the same, or a file is missing.
    """
    from mlrun.predictions import as_prediction

    first, second = same_rows(rows_of_test(new, new_model), rows_of_test(old, old_model), by_id)
    task = task_of(old)
    truth, newer = as_prediction(first, task)
    _, older = as_prediction(second, task)
    return measured(old, task, truth, newer, older)


def measured(reference: Side, task: Task, truth: Array, newer: Prediction, older: Prediction) -> Measured:
    """Return the first prediction's score less the second's on the same (n,) rows, by the reference's first metric."""
    from mlrun.intervals import Question, difference

    metric = metric_of(reference.record.metrics[0].label)
    return Measured(difference(Question(metric, truth, task, reference.confidence), newer, older), len(truth))


def rows_of_test(side: Side, model: ModelRecord) -> pl.DataFrame:
    """Return the stored predictions of the test rows."""
    file = side.folder / FOLDER / f"{model.name}.parquet"
    from polars.exceptions import PolarsError

    from mlrun.predictions import read_part

    if not file.is_file():
        raise NothingConcluded(f"{side.record.name} has no {FOLDER}/{model.name}.parquet")
    try:
        return read_part(file, "test")
    except (PolarsError, OSError) as error:
        raise NothingConcluded(f"{FOLDER}/{model.name}.parquet of {side.record.name} is damaged") from error


def same_test_ids(one: Side, model: ModelRecord, other: Side, other_model: ModelRecord) -> bool:
    """Say whether two runs predicted test rows of the same ids; where a file is missing, that is for others to say."""
    try:
        ids = [rows_of_test(one, model)["row"].sort(), rows_of_test(other, other_model)["row"].sort()]
    except NothingConcluded:
        return True
    return ids[0].dtype == ids[1].dtype and ids[0].equals(ids[1])


def same_rows(new: pl.DataFrame, old: pl.DataFrame, by_id: bool) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return both tables in one order, without rows on which either says nothing."""
    import polars as pl

    if by_id:
        new, old = new.sort("row"), old.sort("row")
    if new["row"].dtype != old["row"].dtype or not new["row"].equals(old["row"]):
        raise NothingConcluded("other test rows")
    changed = int((new["truth"] != old["truth"]).sum()) if new["truth"].dtype == old["truth"].dtype else new.height
    if changed:
        raise NothingConcluded(f"{count(changed, 'test row')} with another truth")
    answered = new["prediction"].is_not_null() & old["prediction"].is_not_null()
    if int(answered.sum()) < 2:
        raise NothingConcluded("no rows on which both say something")
    return new.filter(pl.Series(answered)), old.filter(pl.Series(answered))


def difference_over_folds(
    new: Side, new_model: ModelRecord, old: Side, old_model: ModelRecord, repeats: int, rows: int
) -> Measured:
    """Return the difference of the mean over the same folds of so many rows, by the corrected resampled t-test.

    repeats: how often the rows were divided into folds. The chances are those of the Bayesian correlated t. Raises
    NothingConcluded when a trial's scores are missing.
    """
    import numpy as np

    from mlrun.statistics import bayesian_correlated_t, nadeau_bengio

    label = old.record.metrics[0].label
    newer, older = fold_scores(new, new_model, label), fold_scores(old, old_model, label)
    pairs = [(one, other) for one, other in zip(newer, older, strict=False) if one is not None and other is not None]
    if len(newer) != len(older) or len(pairs) < 2:
        raise NothingConcluded("other folds")
    gaps = np.array([one - other for one, other in pairs])
    folds = max(2, len(newer) // repeats)  # each tests 1 / folds of the rows and trains on the others
    low, high, p_value = nadeau_bengio(gaps, folds - 1, 1, old.confidence)
    chances = bayesian_correlated_t(gaps, folds - 1, 1, in_units(old.rope, old_model, label))
    if old.record.metrics[0].direction == "minimize":
        chances = (chances[2], chances[1], chances[0])
    return Measured(Difference(float(gaps.mean()), low, high, p_value, "corrected resampled t"), rows, chances)


def fold_scores(side: Side, model: ModelRecord, label: str) -> tuple[float | None, ...]:
    """Return the champion's score on each fold."""
    from mlrun.runs import read_trials

    for result in read_trials(side.folder):
        if result.trial.id == model.trial and label in result.scores:
            return result.scores[label]
    raise NothingConcluded(f"{side.record.name} has no scores of {model.name} on folds")


def task_of(side: Side) -> Task:
    """Return the task as the metrics need it."""
    task = side.record.task
    if task is None:
        raise NothingConcluded(f"{side.record.name} does not say what its task was")
    return Task(task.kind, task.labels, side.costs)


def in_units(rope: float, reference: ModelRecord, label: str) -> float:
    """Return the rope in a metric's unit: of one without a highest value it is a share of the reference's score."""
    from mlrun import metrics

    test, folds = reference.test, reference.cv
    score = test[label].value if label in test else folds[label].mean if label in folds else None
    return tolerance(rope, metrics.entry(metric_of(label).name).bounds[1], score)


def metric_of(label: str) -> MetricSpec:
    """Return the metric that a label such as precision_at(k=0.05) means; raise NothingConcluded for a user's own."""
    from mlrun.metric_labels import metric_of

    name = label.partition("(")[0]
    if ":" in name:
        raise NothingConcluded(f"'{name}' is a metric of your own, which compare does not run")
    return metric_of(label)
