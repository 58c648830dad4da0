"""Gradient boosting: small trees in a row, each fitted to what is left of the loss."""

from __future__ import annotations

import copy

from mlrun.contracts import Estimator, ModelFamily, Staged
from mlrun.estimator.hyperparameters import TOLERANCE, TREE, arguments, optional
from mlrun.estimator.nesting import nested_in
from mlrun.estimator.staged_losses import scikit_losses
from mlrun.kinds import ByTask, Integer, Number, OneOf
from mlrun.records import Params, TaskKind
from mlrun.search_contracts import Range


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    of_task = GradientBoostingRegressor if task == "regression" else GradientBoostingClassifier
    return of_task(**arguments(params, random_state=seed))


def losses(estimator: Estimator) -> dict[str, list[float]]:
    """Return the loss after each tree, on the rows that it was fitted on and, with subsample, on the others."""
    found = {"train": estimator.train_score_.tolist()}
    if hasattr(estimator, "oob_scores_"):
        found["out_of_bag"] = estimator.oob_scores_.tolist()
    return found


def _restrict(estimator: Estimator, trees: int) -> Estimator:
    """Return the first trees; early stopping looks back only, so a stop within them would have been made too."""
    stages = min(trees, estimator.n_estimators_)
    narrow = copy.copy(estimator).set_params(n_estimators=trees)
    narrow.n_estimators_ = stages
    narrow.estimators_ = estimator.estimators_[:stages]
    narrow.train_score_ = estimator.train_score_[:stages]
    if hasattr(estimator, "oob_scores_"):
        narrow.oob_scores_ = estimator.oob_scores_[:stages]
        narrow.oob_improvement_ = estimator.oob_improvement_[:stages]
        narrow.oob_score_ = narrow.oob_scores_[-1]
    return narrow


ENTRY = ModelFamily(
    build=build,
    tasks=("classification", "regression"),
    simplicity_rank=5,
    assumptions=("prediction", "iid"),
    hyperparameters={
        "n_estimators": Integer(low=1),
        "learning_rate": Number(low=0),
        "loss": ByTask(
            classification=OneOf("log_loss", "exponential"),
            regression=OneOf("squared_error", "absolute_error", "huber", "quantile"),
        ),
        "alpha": ByTask(regression=Number(above=0, below=1)),
        "subsample": Number(above=0, high=1),
        **TREE,
        "init": optional(OneOf("zero")),
        "validation_fraction": Number(above=0, below=1),
        "n_iter_no_change": optional(Integer(low=1)),
        "tol": TOLERANCE,
    },
    grid={"n_estimators": [50, 100, 200], "max_depth": [2, 4]},
    ranges={
        "n_estimators": Range(40, 400, log=True, integer=True),
        "learning_rate": Range(0.02, 0.3, log=True),
        "max_depth": Range(2, 8, log=True, integer=True),
        "subsample": Range(0.5, 1.0),
        "max_features": Range(0.3, 1.0),
    },
    gives="probabilities",
    weights=True,
    nested=nested_in("n_estimators", default=100, restrict=_restrict),
    curves=losses,
    staged=Staged(lambda estimator: int(estimator.n_estimators_), scikit_losses),
)
