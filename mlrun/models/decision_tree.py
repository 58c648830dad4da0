"""Decision tree: a few questions, one after the other."""

from __future__ import annotations

from mlrun.contracts import Estimator, ModelFamily
from mlrun.estimator.hyperparameters import CLASS_WEIGHT, TREE, TREE_CRITERION, arguments
from mlrun.estimator.pruned_trees import smaller_trees
from mlrun.kinds import ByTask, OneOf
from mlrun.records import Params, TaskKind
from mlrun.search_contracts import Choice, Range


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    of_task = DecisionTreeRegressor if task == "regression" else DecisionTreeClassifier
    return of_task(**arguments(params, random_state=seed))


# Missing values are taken only from dense matrices and not with every criterion, so it is not said that they are.
ENTRY = ModelFamily(
    build=build,
    tasks=("classification", "regression"),
    simplicity_rank=2,
    assumptions=("prediction", "iid"),
    hyperparameters={
        "criterion": TREE_CRITERION,
        "splitter": OneOf("best", "random"),
        **TREE,
        "class_weight": ByTask(classification=CLASS_WEIGHT),
    },
    grid={"max_depth": [2, 4, 8, None], "min_samples_leaf": [20, 1]},
    ranges={
        "max_depth": Choice((None,)),
        "min_samples_leaf": Range(1, 100, log=True, integer=True),
        "ccp_alpha": Range(1e-6, 0.03, log=True),
    },
    gives="probabilities",
    says_likeliest=True,
    weights=True,
    nested=smaller_trees(),
)
