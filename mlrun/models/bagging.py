"""Bagging: one model fitted on many draws of the rows, their predictions averaged."""

from __future__ import annotations

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import SEED, arguments, given, optional, share
from mlrun.estimator.nesting import first_trees
from mlrun.kinds import Flag, Integer
from mlrun.records import Params, TaskKind


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.ensemble import BaggingClassifier, BaggingRegressor

    of_task = BaggingRegressor if task == "regression" else BaggingClassifier
    base = members[0][1] if members else None
    # null = as many rows as there are, which scikit-learn before 1.9 does not know as a value.
    said = {name: value for name, value in params.items() if value is not None}
    return of_task(base, **arguments(said, random_state=seed, n_jobs=1))


def check(params: Params) -> str | None:
    """Say why these params cannot go together; None when they can."""
    if given(params, "oob_score", False) and not given(params, "bootstrap", True):
        return "oob_score needs rows out of the bag; add bootstrap: true"
    return None


ENTRY = ModelFamily(
    build=build,
    tasks=("classification", "regression"),
    simplicity_rank=4,
    assumptions=("prediction", "iid"),
    hyperparameters={
        "n_estimators": Integer(low=1),
        "max_samples": optional(share()),
        "max_features": share(),
        "bootstrap": Flag(),
        "bootstrap_features": Flag(),
        "oob_score": Flag(),
        "random_state": SEED,
    },
    grid={"n_estimators": [10, 30, 100], "max_features": [1.0, 0.5]},
    gives="probabilities",
    says_likeliest=True,
    weights=True,
    nested=first_trees(default=10),
    members="one",
    check=check,
)
