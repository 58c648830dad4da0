"""Random forest: many deep trees, each grown on its own draw of the rows."""

from __future__ import annotations

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import FOREST, arguments, check_bootstrap
from mlrun.estimator.nesting import first_trees
from mlrun.records import Params, TaskKind
from mlrun.search_contracts import Choice, Range


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    of_task = RandomForestRegressor if task == "regression" else RandomForestClassifier
    return of_task(**arguments(params, random_state=seed, n_jobs=1))


ENTRY = ModelFamily(
    build=build,
    tasks=("classification", "regression"),
    simplicity_rank=4,
    assumptions=("prediction", "iid"),
    hyperparameters=FOREST,
    grid={"n_estimators": [100, 300], "min_samples_leaf": [5, 1]},
    ranges={
        "n_estimators": Choice((200,)),
        "max_features": Range(0.1, 1.0, log=True),
        "min_samples_leaf": Range(1, 30, log=True, integer=True),
    },
    gives="probabilities",
    says_likeliest=True,
    weights=True,
    nested=first_trees(default=100),
    thread_exact=lambda params: True,
    with_threads=lambda estimator, threads: estimator.set_params(n_jobs=threads),
    threads_yield=True,
    check=check_bootstrap(default=True),
)
