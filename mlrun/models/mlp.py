"""Multilayer perceptron: a small neural network."""

from __future__ import annotations

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import NETWORK, arguments
from mlrun.kinds import ByTask, OneOf
from mlrun.records import Params, TaskKind
from mlrun.search_contracts import Choice, Range


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    of_task = MLPRegressor if task == "regression" else MLPClassifier
    return of_task(**arguments(params, random_state=seed))


def losses(estimator: Estimator) -> dict[str, list[float]]:
    """Return the loss after each epoch; lbfgs keeps none."""
    return {"train": [float(loss) for loss in estimator.loss_curve_]} if hasattr(estimator, "loss_curve_") else {}


ENTRY = ModelFamily(
    build=build,
    tasks=("classification", "regression"),
    simplicity_rank=6,
    assumptions=("prediction", "iid", "smoothness"),
    hyperparameters={**NETWORK, "loss": ByTask(regression=OneOf("squared_error", "poisson"))},
    grid={"hidden_layer_sizes": [(50,), (100,), (100, 50)], "alpha": [1e-2, 1e-4], "max_iter": [500]},
    ranges={
        "hidden_layer_sizes": Choice(((50,), (100,), (100, 50))),
        "alpha": Range(1e-6, 0.1, log=True),
        "learning_rate_init": Range(1e-4, 0.02, log=True),
        "max_iter": Choice((500,)),
    },
    needs=("scaling",),
    gives="probabilities",
    weights=True,
    curves=losses,
)
