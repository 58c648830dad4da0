"""Several fitted models as one: their votes counted, or their probabilities or numbers averaged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.utils.metaestimators import available_if

if TYPE_CHECKING:
    from mlrun.contracts import Estimator
    from mlrun.records import Array

Rows = Any  # whatever the members take: a table, a matrix


def count_votes(codes: Sequence[Array], classes: int, weights: Sequence[float] | None = None) -> Array:
    """Return (n,) the class code with the most votes, the lowest code when votes tie.

    codes: one (n,) array of class codes a member. As scikit-learn's VotingClassifier(voting="hard").
    """
    counts = np.zeros((len(codes[0]), classes))
    rows = np.arange(len(counts))
    for of_member, weight in zip(codes, _one_each(weights, codes), strict=True):
        counts[rows, np.asarray(of_member, dtype=np.int64)] += weight
    winners: Array = counts.argmax(axis=1)
    return winners


def average_probabilities(probabilities: Sequence[Array], weights: Sequence[float] | None = None) -> Array:
    """Return (n, k) the weighted mean of the members' (n, k), as scikit-learn's VotingClassifier(voting="soft")."""
    _one_each(weights, probabilities)
    mean: Array = np.average(np.asarray(probabilities), axis=0, weights=weights)
    return mean


def average_numbers(numbers: Sequence[Array], weights: Sequence[float] | None = None) -> Array:
    """Return (n,) the weighted mean of the members' (n,), as scikit-learn's VotingRegressor."""
    _one_each(weights, numbers)
    mean: Array = np.average(np.asarray(numbers).T, axis=1, weights=weights)
    return mean


def _one_each(weights: Sequence[float] | None, members: Sequence[Any]) -> Sequence[float]:
    if weights is None:
        return [1] * len(members)
    if len(weights) != len(members):
        raise ValueError(f"{len(weights)} weights for {len(members)} members")
    return weights


class _Vote(BaseEstimator):
    """What the two kinds share: members fitted one after the other, on rows that are handed through as they are."""

    members: Sequence[Estimator]

    def fit(self, X: Rows, y: Array, sample_weight: Array | None = None) -> Self:
        weighted = {} if sample_weight is None else {"sample_weight": sample_weight}
        return self.adopt([clone(member).fit(X, y, **weighted) for member in self.members])

    def adopt(self, fitted: Sequence[Estimator]) -> Self:
        """Take members that are already fitted, in the order of `members`, instead of fitting them."""
        self.members_ = list(fitted)
        return self


class VoteClassifier(ClassifierMixin, _Vote):
    """Members vote (hard), or their probabilities are averaged (soft); predicts class codes 0..k-1."""

    def __init__(
        self,
        members: Sequence[Estimator],
        voting: Literal["hard", "soft"] = "hard",
        weights: Sequence[float] | None = None,
    ) -> None:
        self.members = members
        self.voting = voting
        self.weights = weights

    def adopt(self, fitted: Sequence[Estimator]) -> Self:
        self.classes_ = np.asarray(fitted[0].classes_)
        return super().adopt(fitted)

    def predict(self, X: Rows) -> Array:
        if self.voting == "soft":
            return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
        codes = [member.predict(X) for member in self.members_]
        return count_votes(codes, int(self.classes_.max()) + 1, self.weights)

    @available_if(lambda self: self.voting == "soft")
    def predict_proba(self, X: Rows) -> Array:
        return average_probabilities([member.predict_proba(X) for member in self.members_], self.weights)


class VoteRegressor(RegressorMixin, _Vote):
    """The mean of the members' numbers."""

    def __init__(self, members: Sequence[Estimator], weights: Sequence[float] | None = None) -> None:
        self.members = members
        self.weights = weights

    def predict(self, X: Rows) -> Array:
        return average_numbers([member.predict(X) for member in self.members_], self.weights)
