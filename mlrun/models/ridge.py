"""Ridge regression: least squares with its coefficients held small."""

from __future__ import annotations

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import SEED, TOLERANCE, arguments, given, optional
from mlrun.kinds import Flag, Integer, Number, OneOf
from mlrun.records import Params, TaskKind
from mlrun.search_contracts import Range


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.linear_model import Ridge

    return Ridge(**arguments(params, random_state=seed))


def check(params: Params) -> str | None:
    """Say why these params cannot go together; None when they can."""
    solver = given(params, "solver", "auto")
    positive = given(params, "positive", False)
    if positive and solver not in ("auto", "lbfgs"):
        return f"solver {solver} cannot keep coefficients positive; use lbfgs"
    if solver == "lbfgs" and not positive:
        return "solver lbfgs is for positive: true; use another solver"
    return None


ENTRY = ModelFamily(
    build=build,
    tasks=("regression",),
    simplicity_rank=1,
    assumptions=("prediction", "iid", "linearity"),
    hyperparameters={
        "alpha": Number(low=0),
        "fit_intercept": Flag(),
        "max_iter": optional(Integer(low=1)),
        "tol": TOLERANCE,
        "solver": OneOf("auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"),
        "positive": Flag(),
        "random_state": SEED,
    },
    grid={"alpha": [100.0, 10.0, 1.0, 0.1, 0.01]},
    ranges={
        "alpha": Range(1e-4, 1e4, log=True),
    },
    needs=("scaling",),
    weights=True,
    check=check,
)
