"""Local outlier factor: odd rows live in thinner places than their neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import NEIGHBOURS, arguments
from mlrun.records import Params, TaskKind

if TYPE_CHECKING:
    from mlrun.records import Array


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.neighbors import LocalOutlierFactor

    return LocalOutlierFactor(**arguments(params, novelty=True, n_jobs=1))


def anomaly_score(estimator: Estimator, rows: Array) -> Array:
    """Return (n,) minus the library's score: higher = more anomalous."""
    scores: Array = -estimator.score_samples(rows)
    return scores


def training_scores(estimator: Estimator) -> Array:
    """Return the scores of the rows that it was fitted on, none of them its own neighbour."""
    scores: Array = -estimator.negative_outlier_factor_
    return scores


ENTRY = ModelFamily(
    build=build,
    tasks=("anomaly",),
    simplicity_rank=2,
    assumptions=("prediction", "iid", "smoothness", "tractability"),
    hyperparameters=NEIGHBOURS,
    grid={"n_neighbors": [10, 20, 40, 80]},
    needs=("scaling",),
    gives="scores",
    stores_rows=True,
    training_scores=training_scores,
    anomaly_score=anomaly_score,
)
