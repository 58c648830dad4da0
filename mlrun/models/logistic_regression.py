"""Logistic regression: the first thing to try on labels."""

from __future__ import annotations

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import CLASS_WEIGHT, POSITIVE, SEED, TOLERANCE, arguments, given
from mlrun.kinds import Flag, Integer, Number, OneOf
from mlrun.records import Params, TaskKind
from mlrun.search_contracts import Choice, Range


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.linear_model import LogisticRegression

    penalty = _penalty(params, LogisticRegression().penalty)
    return LogisticRegression(**arguments({**params, **penalty}, random_state=seed))


def check(params: Params) -> str | None:
    """Say why these params cannot go together; None when they can."""
    solver = given(params, "solver", "lbfgs")
    l1_ratio = _l1_ratio(params)
    if 0 < l1_ratio < 1 and solver != "saga":
        return f"solver {solver} cannot mix penalties (l1_ratio {l1_ratio:g}); use saga"
    if l1_ratio == 1 and solver not in ("liblinear", "saga"):
        return f"solver {solver} has no l1 penalty; use liblinear or saga"
    if given(params, "dual", False) and (solver != "liblinear" or l1_ratio > 0):
        return "dual: true is for solver liblinear without an l1 penalty"
    return None


def _l1_ratio(params: Params) -> float:
    return float(given(params, "l1_ratio", 0))


def _penalty(params: Params, default: str) -> Params:
    """Return what scikit-learn before 1.8 needs to hear; from 1.8 on l1_ratio says it all."""
    if default == "deprecated":
        return {}
    ratio = _l1_ratio(params)
    if 0 < ratio < 1:
        return {"penalty": "elasticnet", "l1_ratio": ratio}
    return {"penalty": "l1" if ratio else "l2", "l1_ratio": None}


ENTRY = ModelFamily(
    build=build,
    tasks=("classification",),
    simplicity_rank=1,
    assumptions=("prediction", "iid", "boundaries"),
    hyperparameters={
        "C": POSITIVE,
        "l1_ratio": Number(low=0, high=1),
        "class_weight": CLASS_WEIGHT,
        "solver": OneOf("lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"),
        "max_iter": Integer(low=0),
        "tol": TOLERANCE,
        "dual": Flag(),
        "fit_intercept": Flag(),
        "intercept_scaling": POSITIVE,
        "random_state": SEED,
    },
    grid={"C": [0.01, 0.1, 1.0, 10.0], "max_iter": [1000]},
    ranges={
        "C": Range(1e-4, 1e3, log=True),
        "max_iter": Choice((1000,)),
    },
    needs=("scaling",),
    gives="probabilities",
    weights=True,
    check=check,
)
