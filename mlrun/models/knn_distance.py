"""Distance to the nearest neighbours: odd rows are far from all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import NEIGHBOURS, arguments
from mlrun.kinds import OneOf
from mlrun.records import Params, TaskKind

if TYPE_CHECKING:
    from mlrun.records import Array


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from mlrun.estimator.distances import KnnDistance

    return KnnDistance(**arguments(params))


def anomaly_score(estimator: Estimator, rows: Array) -> Array:
    """Return (n,) distances: higher = more anomalous."""
    scores: Array = estimator.score_samples(rows)
    return scores


def training_scores(estimator: Estimator) -> Array:
    """Return the scores of the rows that it was fitted on, none of them its own neighbour."""
    scores: Array = estimator.training_scores()
    return scores


ENTRY = ModelFamily(
    build=build,
    tasks=("anomaly",),
    simplicity_rank=1,
    assumptions=("prediction", "iid", "smoothness", "tractability"),
    hyperparameters={**NEIGHBOURS, "distance": OneOf("largest", "mean", "median")},
    grid={"n_neighbors": [5, 10, 20, 40]},
    needs=("scaling",),
    gives="scores",
    stores_rows=True,
    training_scores=training_scores,
    anomaly_score=anomaly_score,
)
