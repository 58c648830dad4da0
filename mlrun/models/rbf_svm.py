"""Support vector machine with a Gaussian kernel: rows are weighed by how near they are."""

from __future__ import annotations

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import CLASS_WEIGHT, KERNEL_MACHINE, POSITIVE, arguments
from mlrun.kinds import ByTask, Flag, Number
from mlrun.records import Params, TaskKind
from mlrun.search_contracts import Range


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.svm import SVC, SVR

    return SVR(**arguments(params)) if task == "regression" else SVC(**arguments(params, random_state=seed))


# Probabilities come from `calibrate`: the library's own are deprecated, and may contradict the predicted class.
ENTRY = ModelFamily(
    build=build,
    tasks=("classification", "regression"),
    simplicity_rank=3,
    assumptions=("prediction", "iid", "smoothness", "tractability"),
    hyperparameters={
        "C": POSITIVE,
        **KERNEL_MACHINE,
        "epsilon": ByTask(regression=Number(low=0)),
        "class_weight": ByTask(classification=CLASS_WEIGHT),
        "break_ties": ByTask(classification=Flag()),
    },
    grid={"C": [0.1, 1.0, 10.0, 100.0], "gamma": ["scale"]},
    ranges={
        "C": Range(0.03, 1e3, log=True),
        "gamma": Range(1e-4, 3.0, log=True),
    },
    needs=("scaling",),
    gives="scores",
    stores_rows=True,
    weights=True,
)
