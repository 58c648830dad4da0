"""XGBoost: gradient boosting with second derivatives, for tables of every kind."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from mlrun.contracts import Estimator, ModelFamily, Staged
from mlrun.estimator.hyperparameters import SEED, arguments, optional
from mlrun.estimator.nesting import nested_in
from mlrun.estimator.staged_losses import xgboost_losses, xgboost_rounds
from mlrun.kinds import ByTask, Integer, Number, OneOf
from mlrun.records import Params, TaskKind
from mlrun.search_contracts import Range


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from xgboost import XGBClassifier, XGBRegressor

    of_task = XGBRegressor if task == "regression" else XGBClassifier
    return of_task(**arguments(params, random_state=seed, n_jobs=1))


def with_categories(estimator: Estimator, positions: Sequence[int]) -> Estimator:
    """Return an estimator that splits by sets of categories in these columns of codes; NaN is unknown."""
    from xgboost import XGBRegressor

    from mlrun.estimator.coded_xgboost import CodedXGBClassifier, CodedXGBRegressor

    of_task = CodedXGBRegressor if isinstance(estimator, XGBRegressor) else CodedXGBClassifier
    return of_task(**estimator.get_params(), category_positions=[int(position) for position in positions])


def _restrict(estimator: Estimator, rounds: int) -> Estimator:
    narrow = copy.copy(estimator).set_params(n_estimators=rounds)
    narrow._Booster = estimator.get_booster()[:rounds]  # noqa: SLF001 - as load_model sets it; held by a test
    return narrow


def _allowed(params: Params) -> bool:
    """Say whether rounds stand for themselves: dart drops earlier trees, a linear booster changes one model."""
    return "booster" not in params or params["booster"] in (None, "gbtree")


# null = the library's default. Not here: constraints by column position, devices, early stopping on rows of its own.
ENTRY = ModelFamily(
    build=build,
    tasks=("classification", "regression"),
    simplicity_rank=5,
    assumptions=("prediction", "iid"),
    hyperparameters={
        "n_estimators": optional(Integer(low=1)),
        "max_depth": optional(Integer(low=0)),
        "max_leaves": optional(Integer(low=0)),
        "max_bin": optional(Integer(low=2)),
        "grow_policy": OneOf("depthwise", "lossguide", None),
        "learning_rate": optional(Number(low=0)),
        "objective": ByTask(
            regression=OneOf(
                "reg:squarederror",
                "reg:squaredlogerror",
                "reg:absoluteerror",
                "reg:pseudohubererror",
                "reg:gamma",
                "reg:tweedie",
                "count:poisson",
            )
        ),
        "booster": OneOf("gbtree", "gblinear", "dart", None),
        "tree_method": OneOf("auto", "exact", "approx", "hist", None),
        "gamma": optional(Number(low=0)),
        "min_child_weight": optional(Number(low=0)),
        "max_delta_step": optional(Number(low=0)),
        "subsample": optional(Number(above=0, high=1)),
        "colsample_bytree": optional(Number(above=0, high=1)),
        "colsample_bylevel": optional(Number(above=0, high=1)),
        "colsample_bynode": optional(Number(above=0, high=1)),
        "reg_alpha": optional(Number(low=0)),
        "reg_lambda": optional(Number(low=0)),
        "scale_pos_weight": ByTask(classification=optional(Number(above=0))),
        "base_score": ByTask(
            classification=optional(Number(above=0, below=1)),
            regression=optional(Number()),
        ),
        "num_parallel_tree": optional(Integer(low=1)),
        "max_cat_to_onehot": optional(Integer(low=1)),
        "max_cat_threshold": optional(Integer(low=1)),
        "random_state": optional(SEED),
    },
    grid={"n_estimators": [50, 100, 200], "max_depth": [3, 6], "learning_rate": [0.1]},
    ranges={
        "n_estimators": Range(40, 400, log=True, integer=True),
        "learning_rate": Range(0.02, 0.3, log=True),
        "max_depth": Range(2, 10, log=True, integer=True),
        "min_child_weight": Range(0.5, 30.0, log=True),
        "subsample": Range(0.6, 1.0),
        "colsample_bytree": Range(0.4, 1.0),
        "reg_lambda": Range(1e-3, 10.0, log=True),
    },
    takes=("missing", "categories"),
    gives="probabilities",
    weights=True,
    nested=nested_in("n_estimators", default=100, restrict=_restrict, allowed=_allowed),
    staged=Staged(xgboost_rounds, xgboost_losses),
    with_categories=with_categories,
)
