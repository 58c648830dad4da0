"""From an earlier run to the best model's lead over its champion, on the same rows of today."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlrun import intervals, metrics, runs
from mlrun.comparison.origins import Data, read_as
from mlrun.earlier import predict_earlier
from mlrun.errors import MlrunError
from mlrun.fit import take
from mlrun.judgement.head_to_head import Lead, question_of, turn
from mlrun.leaderboard import Line
from mlrun.predictions import FOLDER, as_codes, prediction_of, read_part
from mlrun.provenance import split_digest
from mlrun.records import MetricSpec, Prediction

if TYPE_CHECKING:
    import polars as pl

    from mlrun.course import Course
    from mlrun.records import Array
    from mlrun.store.run_record import RunRecord


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier champion says of some test rows, by their position in test."""

    prediction: Prediction
    kept: Array


def lead_over_run(course: Course, metric: MetricSpec, best: Line, folder: Path) -> Lead | str:
    """Return the best model's lead in a metric over an earlier run's champion; a sentence where there is none.

    On the same test rows the champion's stored predictions are taken; on others it predicts today's rows, but for
    those that it was trained on (spec.md section 12).
    """
    truth = course.dataset.truth
    if best.test is None or truth is None:
        return "there are no test rows with labels"
    try:
        record = runs.read_run(folder)
        stored = stored_answer(course, folder, record)
    except MlrunError as error:
        return str(error)
    if stored is None:
        said = predict_earlier(folder, course.dataset, course.split.test, trust=own_modules(course))
        if said.prediction is None:
            return said.reason
        stored = Earlier(said.prediction, np.flatnonzero(np.isin(course.split.test, said.kept_rows)))
    question = question_of(course, metric, truth[course.split.test[stored.kept]])
    found = intervals.difference(question, take(best.test.prediction, stored.kept), stored.prediction)
    if found.difference is None:
        return f"{metric.label} is not defined for one of the two"
    lower = metrics.entry(metric.name, course.spec.folder).direction == "minimize"
    score = question.value(stored.prediction)
    before = None if record.champion is None else record.champion.test.get(metric.label)
    return Lead(
        record.name,
        turn(found) if lower else found,
        len(stored.kept),
        metric.label,
        lower=lower,
        score=score,
        before=None if before is None else before.value,
    )


def stored_answer(course: Course, folder: Path, record: RunRecord) -> Earlier | None:
    """Return the champion's stored prediction of test, in today's order; None when its test rows were others."""
    if record.champion is None or record.task is None:
        return None
    task = course.dataset.task
    if record.task.kind != task.kind or tuple(record.task.labels) != task.labels:
        return None
    table = stored_rows(folder / FOLDER / f"{record.champion.name}.parquet")
    if table is None:
        return None
    ids, every = course.dataset.row_ids[course.split.test], np.arange(len(course.split.test))
    data = read_as(Data, folder / "data.json")
    same = data is not None and data.test == split_digest(course.identity.digests.rows, course.split.test)
    if not same:
        table = by_id(course, table, ids)
    if table is None or table.height != len(every) or not same_truth(course, table):
        return None
    return Earlier(prediction_of(table, task), every)


def stored_rows(file: Path) -> pl.DataFrame | None:
    """Return the stored predictions of test; None where they are gone or damaged."""
    from polars.exceptions import PolarsError

    try:
        table = read_part(file, "test")
    except (PolarsError, OSError):
        return None
    return table if table.height and table["prediction"].null_count() == 0 else None


def by_id(course: Course, table: pl.DataFrame, ids: Array) -> pl.DataFrame | None:
    """Return the stored rows in the order of today's ids; None when the ids are not the same set, or are none."""
    import polars as pl

    today = pl.DataFrame({"row": pl.Series(ids)})
    if course.spec.data.id is None or today["row"].dtype != table["row"].dtype or table.height != today.height:
        return None
    joined = today.join(table, on="row", how="left", maintain_order="left")
    return None if joined["part"].null_count() or joined.height != today.height else joined


def same_truth(course: Course, table: pl.DataFrame) -> bool:
    """Say whether the rows have the labels that they had."""
    truth = course.dataset.truth
    if truth is None or table["truth"].null_count():
        return False
    try:
        return bool(np.array_equal(as_codes(table["truth"], course.dataset.task), truth[course.split.test]))
    except KeyError:  # a label that the target no longer has
        return False


def own_modules(course: Course) -> list[str]:
    """Return the modules whose models this spec runs anyway."""
    return sorted({model.family.partition(":")[0] for model in course.spec.models if ":" in model.family})
