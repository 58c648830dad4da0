"""AdaBoost: small models in a row, each looking hardest at what those before it got wrong."""

from __future__ import annotations

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import POSITIVE, SEED, arguments
from mlrun.kinds import ByTask, Integer, OneOf
from mlrun.records import Params, TaskKind
from mlrun.search_contracts import Range


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.ensemble import AdaBoostClassifier, AdaBoostRegressor

    of_task = AdaBoostRegressor if task == "regression" else AdaBoostClassifier
    base = members[0][1] if members else None
    return of_task(base, **arguments(params, random_state=seed))


def losses(estimator: Estimator) -> dict[str, list[float]]:
    """Return the weighted error of each round's model."""
    return {"member_error": estimator.estimator_errors_[: len(estimator.estimators_)].tolist()}


# "weights": its base must accept them. Prefixes differ by one unit in the last place, so it is not nested.
ENTRY = ModelFamily(
    build=build,
    tasks=("classification", "regression"),
    simplicity_rank=5,
    assumptions=("prediction", "iid"),
    hyperparameters={
        "n_estimators": Integer(low=1),
        "learning_rate": POSITIVE,
        "loss": ByTask(regression=OneOf("linear", "square", "exponential")),
        "random_state": SEED,
    },
    grid={"n_estimators": [50, 100], "learning_rate": [0.1, 1.0]},
    ranges={
        "n_estimators": Range(25, 300, log=True, integer=True),
        "learning_rate": Range(0.01, 2.0, log=True),
    },
    needs=("weights",),
    gives="probabilities",
    weights=True,
    members="one",
    curves=losses,
)
