"""One-class support vector machine: a smooth border around most rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import KERNEL_MACHINE, arguments
from mlrun.kinds import Number
from mlrun.records import Params, TaskKind

if TYPE_CHECKING:
    from mlrun.records import Array


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.svm import OneClassSVM

    return OneClassSVM(**arguments(params))


def anomaly_score(estimator: Estimator, rows: Array) -> Array:
    """Return (n,) minus the library's score: higher = more anomalous."""
    scores: Array = -estimator.score_samples(rows)
    return scores


ENTRY = ModelFamily(
    build=build,
    tasks=("anomaly",),
    simplicity_rank=3,
    assumptions=("prediction", "iid", "smoothness", "tractability"),
    hyperparameters={"nu": Number(above=0, below=1), **KERNEL_MACHINE},
    grid={"nu": [0.5, 0.1, 0.05], "gamma": ["scale", "auto"]},
    needs=("scaling",),
    gives="scores",
    stores_rows=True,
    weights=True,
    anomaly_score=anomaly_score,
)
