"""Complement naive Bayes: multinomial naive Bayes for classes of very different sizes."""

from __future__ import annotations

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import NAIVE_BAYES, arguments
from mlrun.kinds import Flag
from mlrun.records import Params, TaskKind
from mlrun.search_contracts import Range


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.naive_bayes import ComplementNB

    return ComplementNB(**arguments(params))


ENTRY = ModelFamily(
    build=build,
    tasks=("classification",),
    simplicity_rank=1,
    assumptions=("prediction", "iid", "boundaries", "conditional_independence"),
    hyperparameters={**NAIVE_BAYES, "norm": Flag()},
    grid={"alpha": [10.0, 1.0, 0.1, 0.01]},
    ranges={
        "alpha": Range(1e-3, 100.0, log=True),
    },
    needs=("non_negative",),
    gives="probabilities",
    weights=True,
)
