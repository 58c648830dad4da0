"""Ordinary least squares: the plainest model of a number."""

from __future__ import annotations

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import TOLERANCE, arguments
from mlrun.kinds import Flag
from mlrun.records import Params, TaskKind


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.linear_model import LinearRegression

    return LinearRegression(**arguments(params, n_jobs=1))


ENTRY = ModelFamily(
    build=build,
    tasks=("regression",),
    simplicity_rank=1,
    assumptions=("prediction", "iid", "linearity", "normality"),
    hyperparameters={"fit_intercept": Flag(), "positive": Flag(), "tol": TOLERANCE},
    grid={"fit_intercept": [True]},
    weights=True,
)
