"""K nearest neighbours: rows are what the rows most like them are."""

from __future__ import annotations

from mlrun.contracts import Estimator, ModelFamily, Nested
from mlrun.estimator.hyperparameters import NEIGHBOURS, arguments, given
from mlrun.kinds import OneOf
from mlrun.records import Params, TaskKind
from mlrun.search_contracts import Choice, Range


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    of_task = KNeighborsRegressor if task == "regression" else KNeighborsClassifier
    return of_task(**arguments(params, n_jobs=1))


def restrict(estimator: Estimator, params: Params) -> Estimator:
    """Return the estimator of one trial, which shares the group's one search for neighbours."""
    from mlrun.estimator import shared_neighbours

    return shared_neighbours.restrict(estimator, params)


ENTRY = ModelFamily(
    build=build,
    tasks=("classification", "regression"),
    simplicity_rank=2,
    assumptions=("prediction", "iid", "smoothness", "tractability"),
    hyperparameters={**NEIGHBOURS, "weights": OneOf("uniform", "distance", None)},
    grid={"n_neighbors": [25, 11, 5, 3], "weights": ["uniform", "distance"]},
    ranges={
        "n_neighbors": Range(1, 100, log=True, integer=True),
        "weights": Choice(("uniform", "distance")),
        "p": Choice((1, 2)),
    },
    needs=("scaling",),
    gives="probabilities",
    likeliest_by=lambda estimator: estimator.weights != "distance",  # whose votes are added up in another order
    nested=Nested(
        parameters=("n_neighbors", "weights"),
        widest=lambda many: max(many, key=lambda params: int(given(params, "n_neighbors", 5))),
        restrict=restrict,
    ),
    stores_rows=True,
)
