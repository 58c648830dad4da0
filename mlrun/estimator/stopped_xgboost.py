"""XGBoost that watches rows of its own as it fits, stops when they fare no better, and keeps its best rounds."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from xgboost import XGBClassifier, XGBRegressor

from mlrun.estimator.coded_xgboost import CodedXGBClassifier, CodedXGBRegressor, type_columns

if TYPE_CHECKING:
    from mlrun.contracts import Estimator
    from mlrun.records import Array

WATCHED = "validation_0"  # xgboost's name of the first rows that it watches


class StoppedXGBClassifier(CodedXGBClassifier):
    """XGBClassifier that draws its own validation rows: a share of each class."""

    def __init__(self, *, validation_fraction: float = 0.1, **params: Any) -> None:
        super().__init__(**params)
        self.validation_fraction = validation_fraction

    def fit(self, X: Array, y: Array, sample_weight: Array | None = None) -> Self:
        """Fit until early_stopping_rounds rounds in a row were no better, then keep the rounds up to the best."""
        inside, aside = drawn_apart(self, y, y)
        type_columns(self, X)
        told = watched(X, y, sample_weight, aside)
        XGBClassifier.fit(self, X[inside], y[inside], sample_weight=_some(sample_weight, inside), **told)
        first_rounds(self, self.get_num_boosting_rounds())
        return self


class StoppedXGBRegressor(CodedXGBRegressor):
    """XGBRegressor that draws its own validation rows: a share of all."""

    def __init__(self, *, validation_fraction: float = 0.1, **params: Any) -> None:
        super().__init__(**params)
        self.validation_fraction = validation_fraction

    def fit(self, X: Array, y: Array, sample_weight: Array | None = None) -> Self:
        """Fit until early_stopping_rounds rounds in a row were no better, then keep the rounds up to the best."""
        inside, aside = drawn_apart(self, y, None)
        type_columns(self, X)
        told = watched(X, y, sample_weight, aside)
        XGBRegressor.fit(self, X[inside], y[inside], sample_weight=_some(sample_weight, inside), **told)
        first_rounds(self, self.get_num_boosting_rounds())
        return self


def drawn_apart(estimator: Estimator, truth: Array, classes: Array | None) -> tuple[Array, Array]:
    """Return the positions of the rows to fit and of those kept aside, as scikit-learn's train_test_split draws them.

    The draw is of the estimator's random_state alone, so trials of one fold keep the same rows aside.
    """
    from sklearn.model_selection import train_test_split

    fraction, seed = estimator.validation_fraction, estimator.random_state
    try:
        inside, aside = train_test_split(
            np.arange(len(truth)), test_size=fraction, stratify=classes, random_state=0 if seed is None else seed
        )
    except ValueError as error:
        raise ValueError(
            f"early stopping cannot keep {fraction:g} of {len(truth)} rows aside: {error} Leave early_stopping_rounds "
            "out, or set another validation_fraction"
        ) from error
    return inside, aside


def watched(rows: Any, truth: Array, weights: Array | None, aside: Array) -> dict[str, Any]:
    """Return what xgboost's fit is told of the rows that it watches."""
    return {
        "eval_set": [(rows[aside], truth[aside])],
        "sample_weight_eval_set": None if weights is None else [weights[aside]],
        "verbose": False,
    }


def stopping_losses(estimator: Estimator) -> tuple[str, list[float]]:
    """Return the metric that decided on early stopping, and what it was after each round."""
    ((metric, losses),) = estimator.evals_result_[WATCHED].items()
    return metric, losses


def first_rounds(estimator: Estimator, rounds: int) -> Estimator:
    """Make a fitted estimator what a fit of at most so many rounds gives; return it.

    Early stopping looks back only, so a stop within these rounds would have been made too; but the best of them may
    be another than the best of all. xgboost takes the first of the least losses (its callback EarlyStopping).
    """
    metric, losses = stopping_losses(estimator)
    losses, best = losses[:rounds], 0
    for number, loss in enumerate(losses):
        if loss < losses[best]:
            best = number
    booster = estimator.get_booster()[: best + 1]
    booster.set_attr(best_score=str(losses[best]), best_iteration=str(best))
    estimator._Booster = booster  # noqa: SLF001 - as load_model sets it; held by a test
    estimator.evals_result_ = {WATCHED: {metric: losses}}
    return estimator


def narrowed(estimator: Estimator, rounds: int) -> Estimator:
    """Return the estimator that a fit of at most so many rounds gives; the first is not changed."""
    return first_rounds(copy.copy(estimator).set_params(n_estimators=rounds), rounds)


def _some(weights: Array | None, rows: Array) -> Array | None:
    return None if weights is None else weights[rows]
