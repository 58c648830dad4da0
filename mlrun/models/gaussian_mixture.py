"""Mixture of Gaussians: odd rows are where its density is low."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import SEED, TOLERANCE, arguments
from mlrun.kinds import Integer, OneOf
from mlrun.records import Params, TaskKind

if TYPE_CHECKING:
    from mlrun.records import Array


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.mixture import GaussianMixture

    return GaussianMixture(**arguments(params, random_state=seed))


def anomaly_score(estimator: Estimator, rows: Array) -> Array:
    """Return (n,) minus the library's score: higher = more anomalous."""
    scores: Array = -estimator.score_samples(rows)
    return scores


def losses(estimator: Estimator) -> dict[str, list[float]]:
    """Return minus the bound of the log-likelihood of a row, after each iteration; older libraries keep none."""
    bounds = getattr(estimator, "lower_bounds_", [])
    return {"train": [-float(bound) for bound in bounds]} if len(bounds) > 1 else {}


ENTRY = ModelFamily(
    build=build,
    tasks=("anomaly",),
    simplicity_rank=2,
    assumptions=("prediction", "iid", "smoothness", "tractability", "normality"),
    hyperparameters={
        "n_components": Integer(low=1),
        "covariance_type": OneOf("full", "tied", "diag", "spherical"),
        "reg_covar": TOLERANCE,
        "tol": TOLERANCE,
        "max_iter": Integer(low=0),
        "n_init": Integer(low=1),
        "init_params": OneOf("kmeans", "k-means++", "random", "random_from_data"),
        "random_state": SEED,
    },
    grid={"covariance_type": ["diag", "full"], "n_components": [1, 2, 4], "reg_covar": [1e-4]},
    needs=("scaling", "dense"),
    gives="scores",
    anomaly_score=anomaly_score,
    curves=losses,
)
