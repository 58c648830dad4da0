"""Gaussian naive Bayes: the first thing to try on numeric features."""

from __future__ import annotations

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import CLASS_PRIORS, arguments
from mlrun.kinds import Number
from mlrun.records import Params, TaskKind
from mlrun.search_contracts import Range


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB(**arguments(params))


ENTRY = ModelFamily(
    build=build,
    tasks=("classification",),
    simplicity_rank=1,
    assumptions=("prediction", "iid", "boundaries", "conditional_independence", "normality"),
    hyperparameters={"var_smoothing": Number(low=0), "priors": CLASS_PRIORS},
    grid={"var_smoothing": [1e-9, 1e-6, 1e-3, 1e-1]},
    ranges={
        "var_smoothing": Range(1e-10, 1.0, log=True),
    },
    needs=("dense",),
    gives="probabilities",
    weights=True,
)
