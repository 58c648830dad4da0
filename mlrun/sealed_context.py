"""From a context to one whose arrays cannot be written into, so that no check can change what the others see."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mlrun.check_contracts import Context, Subject
from mlrun.records import Prediction

if TYPE_CHECKING:
    from mlrun.records import Array


def sealed(context: Context) -> Context:
    """Return the context with read-only views of truth, rows and predictions; nothing is copied."""
    dataset = replace(
        context.dataset,
        truth=None if context.dataset.truth is None else read_only(context.dataset.truth),
        row_ids=read_only(context.dataset.row_ids),
    )
    return replace(
        context,
        dataset=dataset,
        rows=read_only(context.rows),
        train=read_only(context.train),
        subjects=tuple(map(sealed_subject, context.subjects)),
    )


def sealed_subject(subject: Subject) -> Subject:
    """Return a subject whose predictions are read-only."""
    return replace(
        subject,
        test=None if subject.test is None else sealed_prediction(subject.test),
        folds=tuple((fold, sealed_prediction(said), answered) for fold, said, answered in subject.folds),
    )


def sealed_prediction(prediction: Prediction) -> Prediction:
    """Return read-only views of what a model said."""
    return Prediction(
        read_only(prediction.values),
        None if prediction.probabilities is None else read_only(prediction.probabilities),
        None if prediction.scores is None else read_only(prediction.scores),
    )


def read_only(values: Array) -> Array:
    """Return a view of an array that cannot be written into; the array itself stays as it is."""
    view = values.view()
    view.flags.writeable = False
    return view
