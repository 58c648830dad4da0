"""From a baseline to a subject of the evaluation: what it said, and whether it has an answer for a changed row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from mlrun.baselines import ENTRIES, Answer, Question
from mlrun.check_contracts import Subject
from mlrun.provenance import fit_seed
from mlrun.records import Dataset, Fold, Prediction

if TYPE_CHECKING:
    from mlrun.records import Array
    from mlrun.spec import BaselineSpec, Spec
    from mlrun.store.run_record import ModelRecord

DRAWS_ANEW = "it draws its answers, so a change would prove nothing"
GIVEN_BY_ROW = "its answers are given by row, so it has none for a changed row"
NEEDS_TRAINING_ROWS = "what it says depends on the training rows, which are not at hand"


def baseline_subject(
    spec: Spec,
    baseline: BaselineSpec,
    record: ModelRecord,
    known: tuple[Dataset, Array],
    answer: Answer | None,
    folds: tuple[tuple[Fold, Prediction, Array | None], ...] = (),
) -> Subject:
    """Return a baseline under evaluation.

    known: the dataset, and the positions of the training rows, none where they are not at hand. answer: what it said
    of the rows that are judged, None where it says nothing.
    """
    silent = why_silent(baseline, training_rows=len(known[1]) > 0)
    return Subject(
        name=record.name,
        kind="baseline",
        family=baseline.kind,
        test=None if answer is None else answer.prediction,
        answered=None if answer is None or answer.answered.all() else answer.answered,
        folds=folds,
        predict=None if silent else (lambda table: answer_table(spec, baseline, known, table)),
        silent=silent,
        cv={label: summary.mean for label, summary in record.cv.items()},
    )


def why_silent(baseline: BaselineSpec, *, training_rows: bool) -> str:
    """Return why a baseline cannot answer for changed rows; '' when it can."""
    if baseline.kind == "random":
        return DRAWS_ANEW
    looked_up = baseline.kind in {"human", "existing"} and baseline.params.get("column") is None
    if baseline.kind == "previous" or (looked_up and baseline.params.get("run") is None):
        return GIVEN_BY_ROW
    learns = baseline.kind in {"zero_rule", "max_z"} or baseline.params.get("value") in {"mean", "median"}
    return NEEDS_TRAINING_ROWS if learns and not training_rows else ""


def answer_table(spec: Spec, baseline: BaselineSpec, known: tuple[Dataset, Array], table: pl.DataFrame) -> Prediction:
    """Return what a baseline says of the rows of a table, after it has seen the training rows."""
    dataset, train = known
    truth = dataset.truth
    joined = replace(
        dataset,
        table=pl.concat([dataset.table[train], table.select(dataset.table.columns)], how="vertical_relaxed"),
        truth=None if truth is None else np.concatenate([truth[train], np.zeros(table.height, dtype=truth.dtype)]),
    )
    return ask(spec, baseline, joined, np.arange(len(train)), np.arange(len(train), joined.table.height)).prediction


def ask(spec: Spec, baseline: BaselineSpec, dataset: Dataset, train: Array, rows: Array) -> Answer:
    """Return what a baseline says of rows of a dataset, as it is asked about test."""
    seed = fit_seed(spec.seed, f"baseline {baseline.name} test", 0, 0)
    question = Question(dataset, train, rows, seed, spec.folder, spec.anomaly.contamination)
    return ENTRIES[baseline.kind].answer(baseline.params, question)
