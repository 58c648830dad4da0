"""Isolation forest: odd rows are soon alone when cuts are drawn at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import SEED, arguments, share
from mlrun.kinds import AnyOf, Flag, Integer, OneOf
from mlrun.records import Params, TaskKind

if TYPE_CHECKING:
    from mlrun.records import Array


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.ensemble import IsolationForest

    return IsolationForest(**arguments(params, random_state=seed, n_jobs=1))


def anomaly_score(estimator: Estimator, rows: Array) -> Array:
    """Return (n,) minus the library's score: higher = more anomalous."""
    scores: Array = -estimator.score_samples(rows)
    return scores


ENTRY = ModelFamily(
    build=build,
    tasks=("anomaly",),
    simplicity_rank=4,
    assumptions=("prediction", "iid"),
    hyperparameters={
        "n_estimators": Integer(low=1),
        "max_samples": AnyOf(OneOf("auto"), share()),
        "max_features": share(),
        "bootstrap": Flag(),
        "random_state": SEED,
    },
    grid={"n_estimators": [100, 300], "max_samples": ["auto", 1.0]},
    gives="scores",
    weights=True,
    anomaly_score=anomaly_score,
)
