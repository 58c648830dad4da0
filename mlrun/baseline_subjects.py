"""From a baseline to a subject of the evaluation: what it said, and whether it has an answer for a changed row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from mlrun.baselines import ENTRIES, Answer, Question
from mlrun.check_contracts import Subject
from mlrun.errors import MlrunError
from mlrun.provenance import fit_seed
from mlrun.records import Dataset, Fold, Prediction
from mlrun.spec import BaselineSpec

if TYPE_CHECKING:
    from mlrun.records import Array, Split
    from mlrun.spec import Spec
    from mlrun.store.run_record import ModelRecord

    OfFold = tuple[Fold, Prediction, Array | None]

DRAWS_ANEW = "it draws its answers, so a change would prove nothing"
GIVEN_BY_ROW = "its answers are given by row, so it has none for a changed or a new one"
NEEDS_TRAINING_ROWS = "what it says depends on the training rows, which are not at hand"


def baseline_subject(
    spec: Spec,
    baseline: BaselineSpec,
    record: ModelRecord,
    known: tuple[Dataset, Array],
    answer: Answer | None,
    folds: tuple[OfFold, ...] = (),
    refusal: str = "",
) -> Subject:
    """Return a baseline under evaluation.

    known: the dataset, and the positions of the training rows, none where they are not at hand. answer: what it said
    of the rows that are judged, None where it says nothing; refusal: why, '' = there are none.
    """
    silent = refusal or why_silent(baseline, training_rows=len(known[1]) > 0)
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


def baseline_again(spec: Spec, record: ModelRecord, dataset: Dataset, split: Split | None, judged: Array) -> Subject:
    """Return a baseline of a finished run, as that knew it (some are none of the spec's), asked about the rows judged.

    split: None where these are not the run's own rows; what cannot be said of them is a reason.
    """
    baseline = BaselineSpec(record.family, record.name, record.params)
    known = dataset, np.empty(0, dtype=np.int64) if split is None else split.train
    refusal = "" if split is not None else why_unknown(baseline)
    if refusal:
        return baseline_subject(spec, baseline, record, known, None, refusal=refusal)
    try:
        answer = ask(spec, baseline, dataset, known[1], judged)
        folds = () if split is None else tuple(answers_of_folds(spec, baseline, dataset, split))
    except MlrunError as error:
        return baseline_subject(spec, baseline, record, known, None, refusal=str(error))
    except pl.exceptions.ColumnNotFoundError:
        return baseline_subject(spec, baseline, record, known, None, refusal="these rows lack a column that it needs")
    except (ValueError, pl.exceptions.PolarsError) as error:  # an earlier run's model may refuse rows of today
        return baseline_subject(spec, baseline, record, known, None, refusal=f"it raised {type(error).__name__}")
    return baseline_subject(spec, baseline, record, known, answer, folds)


def answers_of_folds(spec: Spec, baseline: BaselineSpec, dataset: Dataset, split: Split) -> Iterator[OfFold]:
    """Yield what a baseline says of the held-out rows of each fold, as the run asked it."""
    for fold in split.folds:
        answer = ask(spec, baseline, dataset, fold.train, fold.valid, fold.name)
        yield fold, answer.prediction, answer.answered


def why_unknown(baseline: BaselineSpec) -> str:
    """Return why a baseline has no answer for rows of another file; '' when it may have."""
    return NEEDS_TRAINING_ROWS if baseline.kind == "random" else why_silent(baseline, training_rows=False)


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


def ask(spec: Spec, baseline: BaselineSpec, dataset: Dataset, train: Array, rows: Array, part: str = "test") -> Answer:
    """Return what a baseline says of rows of a dataset, as the run asks it about test, or about a fold by its name."""
    seed = fit_seed(spec.seed, f"baseline {baseline.name} {part}", 0, 0)
    question = Question(dataset, train, rows, seed, spec.folder, spec.anomaly.contamination)
    return ENTRIES[baseline.kind].answer(baseline.params, question)
