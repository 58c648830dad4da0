"""Distance to the nearest of k centres: odd rows belong to no cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import SEED, TOLERANCE, arguments
from mlrun.kinds import AnyOf, Integer, OneOf
from mlrun.records import Params, TaskKind

if TYPE_CHECKING:
    from mlrun.records import Array


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from mlrun.estimator.distances import KMeansDistance

    return KMeansDistance(**arguments(params, random_state=seed))


def anomaly_score(estimator: Estimator, rows: Array) -> Array:
    """Return (n,) distances: higher = more anomalous."""
    scores: Array = estimator.score_samples(rows)
    return scores


ENTRY = ModelFamily(
    build=build,
    tasks=("anomaly",),
    simplicity_rank=1,
    assumptions=("prediction", "iid", "smoothness"),
    hyperparameters={
        "n_clusters": Integer(low=1),
        "init": OneOf("k-means++", "random"),
        "n_init": AnyOf(OneOf("auto"), Integer(low=1)),
        "max_iter": Integer(low=1),
        "tol": TOLERANCE,
        "algorithm": OneOf("lloyd", "elkan"),
        "random_state": SEED,
    },
    grid={"n_clusters": [1, 2, 4, 8], "n_init": [3]},
    needs=("scaling",),
    gives="scores",
    weights=True,
    anomaly_score=anomaly_score,
)
