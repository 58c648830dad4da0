"""K nearest neighbours: rows are what the rows most like them are."""

from __future__ import annotations

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import NEIGHBOURS, arguments
from mlrun.kinds import OneOf
from mlrun.records import Params, TaskKind


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    of_task = KNeighborsRegressor if task == "regression" else KNeighborsClassifier
    return of_task(**arguments(params, n_jobs=1))


ENTRY = ModelFamily(
    build=build,
    tasks=("classification", "regression"),
    simplicity_rank=2,
    assumptions=("prediction", "iid", "smoothness", "tractability"),
    hyperparameters={**NEIGHBOURS, "weights": OneOf("uniform", "distance", None)},
    grid={"n_neighbors": [25, 11, 5, 3], "weights": ["uniform", "distance"]},
    needs=("scaling",),
    gives="probabilities",
    stores_rows=True,
)
