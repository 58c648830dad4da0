"""Linear support vector machine: the widest margin between the classes."""

from __future__ import annotations

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import CLASS_WEIGHT, POSITIVE, SEED, arguments, given
from mlrun.kinds import AnyOf, ByTask, Flag, Integer, Number, OneOf
from mlrun.records import Params, TaskKind
from mlrun.search_contracts import Choice, Range


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.svm import LinearSVC, LinearSVR

    of_task = LinearSVR if task == "regression" else LinearSVC
    return of_task(**arguments(params, random_state=seed))


def check(params: Params) -> str | None:
    """Say why these params cannot go together; None when they can."""
    lasso = given(params, "penalty", "l2") == "l1"
    loss = given(params, "loss", "squared_hinge")
    dual = given(params, "dual", "auto")
    if lasso and loss == "hinge":
        return "penalty l1 has no hinge loss; use loss: squared_hinge"
    if lasso and dual is True:
        return "penalty l1 is not solved in the dual; use dual: false"
    if dual is False and loss in ("hinge", "epsilon_insensitive"):
        return f"loss {loss} is solved in the dual only; use dual: true"
    return None


ENTRY = ModelFamily(
    build=build,
    tasks=("classification", "regression"),
    simplicity_rank=2,
    assumptions=("prediction", "iid", "boundaries", "linearity"),
    hyperparameters={
        "C": POSITIVE,
        "penalty": ByTask(classification=OneOf("l1", "l2")),
        "loss": ByTask(
            classification=OneOf("hinge", "squared_hinge"),
            regression=OneOf("epsilon_insensitive", "squared_epsilon_insensitive"),
        ),
        "epsilon": ByTask(regression=Number(low=0)),
        "dual": AnyOf(OneOf("auto"), Flag()),
        "class_weight": ByTask(classification=CLASS_WEIGHT),
        "multi_class": ByTask(classification=OneOf("ovr", "crammer_singer")),
        "fit_intercept": Flag(),
        "intercept_scaling": POSITIVE,
        "tol": POSITIVE,
        "max_iter": Integer(low=0),
        "random_state": SEED,
    },
    grid={"C": [0.01, 0.1, 1.0, 10.0], "max_iter": [10_000]},
    ranges={
        "C": Range(1e-4, 100.0, log=True),
        "max_iter": Choice((10_000,)),
    },
    needs=("scaling",),
    gives="scores",
    weights=True,
    check=check,
)
