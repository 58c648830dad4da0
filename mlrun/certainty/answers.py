"""From what a model said of test and of its folds to how sure it was of each answer, and whether that was wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlrun.check_contracts import Context, Subject
from mlrun.records import Prediction

if TYPE_CHECKING:
    from mlrun.records import Array


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Rows on which a model said something; rows: (n,) positions in the dataset.

    probabilities: (n, k), None where it gives none. confidence: (n,) the probability of the class that it named, else
    the distance of its score from another class; None where it gives neither. For numbers: error is |truth − value|.
    """

    rows: Array
    values: Array
    truth: Array
    probabilities: Array | None
    confidence: Array | None

    @property
    def wrong(self) -> Array:
        found: Array = self.values != self.truth
        return found

    @property
    def error(self) -> Array:
        found: Array = np.abs(self.truth - self.values)
        return found


def answers_on_test(subject: Subject, context: Context) -> Answers:
    """Return what was said of the rows that are judged; raises ValueError without a prediction or a truth."""
    if subject.test is None or context.truth is None:
        raise ValueError("there is no labelled prediction of test")
    return _answers(context, context.rows, subject.test, subject.answered)


def answers_of_folds(subject: Subject, context: Context) -> Answers | None:
    """Return what was said of held-out rows, each row once (of the first repeat); None where there is nothing."""
    first = min((fold.repeat for fold, _, _ in subject.folds), default=0)
    parts = [
        _answers(context, fold.valid, prediction, answered)
        for fold, prediction, answered in subject.folds
        if fold.repeat == first
    ]
    if not sum(len(part.rows) for part in parts):
        return None
    probabilities = [part.probabilities for part in parts if part.probabilities is not None]
    confidence = [part.confidence for part in parts if part.confidence is not None]
    return Answers(
        rows=np.concatenate([part.rows for part in parts]),
        values=np.concatenate([part.values for part in parts]),
        truth=np.concatenate([part.truth for part in parts]),
        probabilities=np.concatenate(probabilities) if len(probabilities) == len(parts) else None,
        confidence=np.concatenate(confidence) if len(confidence) == len(parts) else None,
    )


def _answers(context: Context, rows: Array, prediction: Prediction, answered: Array | None) -> Answers:
    if context.dataset.truth is None:
        raise ValueError("there is no truth")
    said = slice(None) if answered is None else answered
    sure = confidence_of(prediction)
    return Answers(
        rows=rows[said],
        values=prediction.values[said],
        truth=context.dataset.truth[rows[said]],
        probabilities=None if prediction.probabilities is None else prediction.probabilities[said],
        confidence=None if sure is None else sure[said],
    )


def confidence_of(prediction: Prediction) -> Array | None:
    """Return how sure each answer is, (n,): the probability of the class named, else the margin of its score.

    A cut other than ½ names classes that are less probable than not; they count as unsure. None where a score is but
    the label again, so that no answer is surer than another.
    """
    rows = np.arange(len(prediction.values))
    if prediction.probabilities is not None:
        sure: Array = prediction.probabilities[rows, prediction.values].astype(np.float64)
        return sure
    scores, values = prediction.scores, prediction.values
    if scores is None:
        return None
    if scores.ndim == 1:
        return None if np.array_equal(scores, values) else np.abs(scores - _cut_of(scores, values == 1))
    if np.array_equal(scores, np.eye(scores.shape[1])[values]):
        return None
    ranked = np.sort(scores, axis=1)
    margin: Array = ranked[:, -1] - ranked[:, -2]
    return margin


def _cut_of(scores: Array, positive: Array) -> float:
    """Return from which score the positive class is named: 0 of a decision function; else halfway between the labels.

    A score that people cut (`at_least: 5`) may lie anywhere.
    """
    below = float(scores[~positive].max(initial=-np.inf))
    above = float(scores[positive].min(initial=np.inf))
    if below <= 0 <= above:
        return 0.0
    if np.isinf(below) or np.isinf(above):
        return above if np.isinf(below) else below
    return (below + above) / 2
