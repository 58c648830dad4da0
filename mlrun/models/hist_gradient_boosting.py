"""Histogram gradient boosting: boosting on binned features, for tables of many rows."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from mlrun.contracts import Estimator, ModelFamily, Staged
from mlrun.estimator.hyperparameters import (
    CLASS_WEIGHT,
    POSITIVE,
    SEED,
    TOLERANCE,
    Fraction,
    arguments,
    given,
    optional,
)
from mlrun.estimator.nesting import nested_in
from mlrun.estimator.staged_losses import scikit_losses
from mlrun.kinds import AnyOf, ByTask, Flag, Integer, Number, OneOf
from mlrun.records import Params, TaskKind
from mlrun.search_contracts import Range


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    of_task = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    return of_task(**arguments(params, random_state=seed, categorical_features=None))


def with_categories(estimator: Estimator, positions: Sequence[int]) -> Estimator:
    """Return an estimator that splits by sets of categories in these columns of codes (at most 255, NaN unknown)."""
    from mlrun.estimator.coded_hist_boosting import CodedHistBoostingClassifier, CodedHistBoostingRegressor

    of_task = CodedHistBoostingClassifier if hasattr(estimator, "class_weight") else CodedHistBoostingRegressor
    return of_task(**{**estimator.get_params(), "categorical_features": [int(position) for position in positions]})


def check(params: Params) -> str | None:
    """Say why these params cannot go together; None when they can."""
    if given(params, "loss", None) == "quantile" and given(params, "quantile", None) is None:
        return "loss quantile needs to know which one; add quantile: 0.9"
    return None


def losses(estimator: Estimator) -> dict[str, list[float]]:
    """Return the losses that decide on early stopping, after each tree: `stopping` is of rows that it kept aside."""
    found = {"train": -estimator.train_score_[1:], "stopping": -estimator.validation_score_[1:]}
    return {name: values.tolist() for name, values in found.items() if len(values)}


def _restrict(estimator: Estimator, most: int) -> Estimator:
    """Return the first rounds; early stopping looks back only, so a stop within them would have been made too."""
    rounds = min(most, estimator.n_iter_)
    narrow = copy.copy(estimator).set_params(max_iter=most)
    narrow._predictors = estimator._predictors[:rounds]  # noqa: SLF001 - held by a test of equality with separate fits
    narrow.train_score_ = estimator.train_score_[: rounds + 1]
    narrow.validation_score_ = estimator.validation_score_[: rounds + 1]
    return narrow


def answers(estimator: Estimator, trials: Sequence[Params], rows: Any) -> Sequence[Estimator]:
    """Return what the estimator of each trial's number of rounds says of the rows."""
    from mlrun.estimator.staged_answers import hist_answers

    return hist_answers(estimator, [int(given(params, "max_iter", 100)) for params in trials], rows)


ENTRY = ModelFamily(
    build=build,
    tasks=("classification", "regression"),
    simplicity_rank=5,
    assumptions=("prediction", "iid"),
    hyperparameters={
        "max_iter": Integer(low=1),
        "learning_rate": POSITIVE,
        "loss": ByTask(
            classification=OneOf("log_loss"),
            regression=OneOf("squared_error", "absolute_error", "gamma", "poisson", "quantile"),
        ),
        "quantile": ByTask(regression=optional(Number(low=0, high=1))),
        "max_leaf_nodes": optional(Integer(low=2)),
        "max_depth": optional(Integer(low=1)),
        "min_samples_leaf": Integer(low=1),
        "l2_regularization": Number(low=0),
        "max_features": Fraction(above=0, high=1),
        "max_bins": Integer(low=2, high=255),
        "interaction_cst": OneOf("no_interactions", "pairwise", None),
        "early_stopping": AnyOf(OneOf("auto"), Flag()),
        "validation_fraction": AnyOf(Integer(low=1), Fraction(above=0, below=1), OneOf(None)),
        "n_iter_no_change": Integer(low=1),
        "tol": TOLERANCE,
        "class_weight": ByTask(classification=CLASS_WEIGHT),
        "random_state": SEED,
    },
    grid={"max_iter": [50, 100, 200], "max_leaf_nodes": [7, 31]},
    ranges={
        "max_iter": Range(40, 400, log=True, integer=True),
        "learning_rate": Range(0.02, 0.3, log=True),
        "max_leaf_nodes": Range(4, 128, log=True, integer=True),
        "min_samples_leaf": Range(3, 100, log=True, integer=True),
        "l2_regularization": Range(1e-6, 10.0, log=True),
        "max_features": Range(0.4, 1.0),
    },
    needs=("dense",),
    takes=("missing", "categories"),
    gives="probabilities",
    weights=True,
    nested=nested_in("max_iter", default=100, restrict=_restrict),
    curves=losses,
    staged=Staged(lambda estimator: int(estimator.n_iter_), scikit_losses),
    with_categories=with_categories,
    check=check,
    answers=answers,
    thread_exact=lambda params: True,
    with_threads=lambda estimator, threads: estimator,  # it asks OpenMP, as it is limited while it fits
)
