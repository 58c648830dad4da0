"""Stacking: a last model learns how much to trust each of the others, from what they predict of rows held out."""

from __future__ import annotations

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import arguments, optional
from mlrun.kinds import ByTask, Integer, OneOf
from mlrun.records import Params, TaskKind

META = "(meta)"  # the name of the pair that holds the last model, which is fitted on a matrix of predictions


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    """Make an estimator whose members take rows as they come; without a pair called (meta) the library's last model."""
    from sklearn.ensemble import StackingClassifier, StackingRegressor

    # Members are numbered: the library refuses names with two underscores and those of its own parameters.
    first = [(f"member{number}", estimator) for number, (name, estimator) in enumerate(members) if name != META]
    last = next((estimator for name, estimator in members if name == META), None)
    of_task = StackingRegressor if task == "regression" else StackingClassifier
    return of_task(first, last, **arguments(params, n_jobs=1))


ENTRY = ModelFamily(
    build=build,
    tasks=("classification", "regression"),
    simplicity_rank=7,
    assumptions=("prediction", "iid"),
    hyperparameters={
        "cv": optional(Integer(low=2)),
        "stack_method": ByTask(classification=OneOf("auto", "predict_proba", "decision_function", "predict")),
    },
    gives="probabilities",
    weights=True,
    members="many",
)
