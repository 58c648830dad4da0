"""A model family of one's own: each class is a cloud around its mean; the nearest wins."""
# ruff: noqa: INP001 - a folder of examples, not a package

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class Clouds(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Normal distributions with one covariance for all classes, drawn towards a ball by `roundness`."""

    def __init__(self, roundness: float = 0.1) -> None:
        self.roundness = roundness

    def fit(self, rows: Any, labels: Any) -> Clouds:
        """Learn means, shares and the common covariance from (n, d) numbers and (n,) labels."""
        self.classes_, codes = np.unique(labels, return_inverse=True)
        self.means_ = np.stack([rows[codes == code].mean(axis=0) for code in range(len(self.classes_))])
        self.shares_ = np.bincount(codes) / len(codes)
        spread = np.cov((rows - self.means_[codes]).T)
        ball = np.eye(len(spread)) * np.trace(spread) / len(spread)
        self.precision_ = np.linalg.inv((1 - self.roundness) * spread + self.roundness * ball)
        return self

    def predict_proba(self, rows: Any) -> Any:
        """Return (n, k) probabilities in the order of `classes_`."""
        away = rows[:, None, :] - self.means_[None, :, :]
        logs = -0.5 * np.einsum("nkd,de,nke->nk", away, self.precision_, away) + np.log(self.shares_)
        weights = np.exp(logs - logs.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)

    def predict(self, rows: Any) -> Any:
        """Return (n,) labels."""
        return self.classes_[self.predict_proba(rows).argmax(axis=1)]


def build(params: Mapping[str, Any], seed: int) -> Clouds:  # noqa: ARG001 - nothing is drawn here
    """Return an unfitted estimator: this is all that mlrun asks of a family that a spec names."""
    return Clouds(**params)
