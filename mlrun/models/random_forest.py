"""Random forest: many deep trees, each grown on its own draw of the rows."""

from __future__ import annotations

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import FOREST, arguments, given
from mlrun.estimator.nesting import first_trees
from mlrun.records import Params, TaskKind


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    of_task = RandomForestRegressor if task == "regression" else RandomForestClassifier
    return of_task(**arguments(params, random_state=seed, n_jobs=1))


def check(params: Params) -> str | None:
    """Say why these params cannot go together; None when they can."""
    if given(params, "bootstrap", True):
        return None
    if given(params, "oob_score", False):
        return "oob_score needs rows out of the bag; add bootstrap: true"
    if given(params, "max_samples", None) is not None:
        return "max_samples is the size of a bootstrap; add bootstrap: true"
    return None


ENTRY = ModelFamily(
    build=build,
    tasks=("classification", "regression"),
    simplicity_rank=4,
    assumptions=("prediction", "iid"),
    hyperparameters=FOREST,
    grid={"n_estimators": [100, 300], "min_samples_leaf": [5, 1]},
    gives="probabilities",
    weights=True,
    nested=first_trees(default=100),
    check=check,
)
