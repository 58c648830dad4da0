"""Bernoulli naive Bayes: for features that are there or not."""

from __future__ import annotations

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import NAIVE_BAYES, arguments, optional
from mlrun.kinds import Number
from mlrun.records import Params, TaskKind
from mlrun.search_contracts import Range


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.naive_bayes import BernoulliNB

    return BernoulliNB(**arguments(params))


ENTRY = ModelFamily(
    build=build,
    tasks=("classification",),
    simplicity_rank=1,
    assumptions=("prediction", "iid", "boundaries", "conditional_independence"),
    hyperparameters={**NAIVE_BAYES, "binarize": optional(Number(low=0))},
    grid={"alpha": [10.0, 1.0, 0.1, 0.01]},
    ranges={
        "alpha": Range(1e-3, 100.0, log=True),
    },
    gives="probabilities",
    weights=True,
)
