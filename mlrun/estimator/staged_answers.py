"""What histogram boosting says of rows after several numbers of rounds, labels and probabilities, from one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mlrun.contracts import Estimator
    from mlrun.records import Array


@dataclass(frozen=True, slots=True)
class ClassAnswers:
    """Says of the rows that were asked about what a classifier of so many rounds would say of them."""

    classes_: Array
    labels: Array
    probabilities: Array

    def predict(self, rows: Any) -> Array:  # noqa: ARG002 - as an estimator is asked
        return self.labels

    def predict_proba(self, rows: Any) -> Array:  # noqa: ARG002 - as above
        return self.probabilities


@dataclass(frozen=True, slots=True)
class NumberAnswers:
    """Says of the rows that were asked about what a regressor of so many rounds would say of them."""

    numbers: Array

    def predict(self, rows: Any) -> Array:  # noqa: ARG002 - as an estimator is asked
        return self.numbers


def hist_answers(estimator: Estimator, rounds: Sequence[int], rows: Any) -> list[ClassAnswers | NumberAnswers]:
    """Return what the first so many rounds say, for each number; bit for bit what they would say alone.

    A prediction adds the trees in their order to where it begins, so that the sums along the way are those of fewer.
    """
    wanted = [min(most, int(estimator.n_iter_)) for most in rounds]
    sums: dict[int, Array] = {}
    for number, raw in enumerate(estimator._staged_raw_predict(rows), 1):  # noqa: SLF001 - held by a test of equality
        if number in wanted:
            sums[number] = raw
        if number == max(wanted):
            break
    found = {number: answer_of(estimator, raw) for number, raw in sums.items()}
    return [found[number] for number in wanted]


def answer_of(estimator: Estimator, raw: Array) -> ClassAnswers | NumberAnswers:
    """Return what the estimator's predict and predict_proba make of (n, 1 or classes) sums."""
    loss = estimator._loss  # noqa: SLF001 - as above
    if not hasattr(estimator, "classes_"):
        return NumberAnswers(loss.link.inverse(raw.ravel()))
    winners = (raw.ravel() > 0).astype(int) if raw.shape[1] == 1 else np.argmax(raw, axis=1)
    return ClassAnswers(estimator.classes_, estimator.classes_[winners], loss.predict_proba(raw))
