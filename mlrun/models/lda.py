"""Linear discriminant analysis: one Gaussian a class, all of one shape."""

from __future__ import annotations

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import CLASS_PRIORS, arguments, given
from mlrun.kinds import AnyOf, Number, OneOf
from mlrun.records import Params, TaskKind


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return LinearDiscriminantAnalysis(**arguments(params))


def check(params: Params) -> str | None:
    """Say why these params cannot go together; None when they can."""
    if given(params, "shrinkage", None) is not None and given(params, "solver", "svd") == "svd":
        return "solver svd cannot shrink; add solver: lsqr"
    return None


ENTRY = ModelFamily(
    build=build,
    tasks=("classification",),
    simplicity_rank=1,
    assumptions=("prediction", "iid", "boundaries", "normality"),
    hyperparameters={
        "solver": OneOf("svd", "lsqr", "eigen"),
        "shrinkage": AnyOf(OneOf("auto", None), Number(low=0, high=1)),
        "priors": CLASS_PRIORS,
        "tol": Number(low=0, below=1),
    },
    grid={"solver": ["lsqr"], "shrinkage": [0.9, 0.5, 0.1, "auto"]},
    needs=("dense",),
    gives="probabilities",
    check=check,
)
