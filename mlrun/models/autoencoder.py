"""Autoencoder: a network squeezes rows through few numbers; odd rows do not come out as they went in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import NETWORK, arguments
from mlrun.records import Params, TaskKind

if TYPE_CHECKING:
    from mlrun.records import Array


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from mlrun.estimator.distances import Autoencoder

    return Autoencoder(**arguments(params, hidden_layer_sizes=(8,), random_state=seed))


def anomaly_score(estimator: Estimator, rows: Array) -> Array:
    """Return (n,) mean squared errors of reconstruction: higher = more anomalous."""
    scores: Array = estimator.score_samples(rows)
    return scores


def losses(estimator: Estimator) -> dict[str, list[float]]:
    """Return the loss after each epoch; lbfgs keeps none."""
    return {"train": [float(loss) for loss in estimator.loss_curve_]} if hasattr(estimator, "loss_curve_") else {}


ENTRY = ModelFamily(
    build=build,
    tasks=("anomaly",),
    simplicity_rank=6,
    assumptions=("prediction", "iid", "smoothness"),
    hyperparameters=NETWORK,
    grid={"hidden_layer_sizes": [(2,), (4,), (8,), (16, 4, 16)], "max_iter": [500]},
    needs=("scaling", "dense"),
    gives="scores",
    curves=losses,
    anomaly_score=anomaly_score,
)
