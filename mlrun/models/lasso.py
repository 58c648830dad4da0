"""Lasso: a linear model that leaves most features out."""

from __future__ import annotations

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import SEED, TOLERANCE, arguments
from mlrun.kinds import Flag, Integer, Number, OneOf
from mlrun.records import Params, TaskKind
from mlrun.search_contracts import Range


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.linear_model import Lasso

    return Lasso(**arguments(params, random_state=seed))


ENTRY = ModelFamily(
    build=build,
    tasks=("regression",),
    simplicity_rank=1,
    assumptions=("prediction", "iid", "linearity"),
    hyperparameters={
        "alpha": Number(low=0),
        "fit_intercept": Flag(),
        "precompute": Flag(),
        "max_iter": Integer(low=1),
        "tol": TOLERANCE,
        "positive": Flag(),
        "selection": OneOf("cyclic", "random"),
        "random_state": SEED,
    },
    grid={"alpha": [1.0, 0.1, 0.01, 0.001]},
    ranges={
        "alpha": Range(1e-5, 10.0, log=True),
    },
    needs=("scaling",),
    weights=True,
)
