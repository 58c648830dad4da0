"""XGBoost: gradient boosting with second derivatives, for tables of every kind."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlrun.contracts import Estimator, ModelFamily, Staged
from mlrun.estimator.hyperparameters import SEED, Fraction, arguments, given, optional
from mlrun.estimator.nesting import nested_in
from mlrun.estimator.staged_losses import xgboost_losses, xgboost_rounds
from mlrun.kinds import ByTask, Integer, Number, OneOf
from mlrun.records import Params, TaskKind
from mlrun.search_contracts import Range

if TYPE_CHECKING:
    from mlrun.records import Array


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    said = arguments(params, random_state=seed, n_jobs=1)
    if _stops(params):
        from mlrun.estimator.stopped_xgboost import StoppedXGBClassifier, StoppedXGBRegressor

        return (StoppedXGBRegressor if task == "regression" else StoppedXGBClassifier)(**said)
    from xgboost import XGBClassifier, XGBRegressor

    said.pop("validation_fraction", None)
    return (XGBRegressor if task == "regression" else XGBClassifier)(**said)


def with_categories(estimator: Estimator, positions: Sequence[int]) -> Estimator:
    """Return an estimator that splits by sets of categories in these columns of codes; NaN is unknown."""
    from xgboost import XGBRegressor

    from mlrun.estimator.coded_xgboost import CodedXGBClassifier, CodedXGBRegressor

    codes = [int(position) for position in positions]
    if estimator.early_stopping_rounds is not None:
        return estimator.set_params(category_positions=codes)
    of_task = CodedXGBRegressor if isinstance(estimator, XGBRegressor) else CodedXGBClassifier
    return of_task(**estimator.get_params(), category_positions=codes)


def fit_in_turn(estimator: Estimator, rows: Any, truth: Array, weights: Array | None) -> Estimator:
    """Fit a trial on rows that other trials are fitted on too: they are sorted into bins once."""
    from mlrun.estimator.shared_matrices import fit_on_shared_matrix

    return fit_on_shared_matrix(estimator, rows, truth, weights)


def check(params: Params) -> str | None:
    """Say why these params cannot go together; None when they can."""
    if "validation_fraction" in params and "early_stopping_rounds" not in params:
        return "validation_fraction is what early stopping keeps aside; add early_stopping_rounds: 10"
    if _stops(params) and not _allowed(params):
        return (
            f"early_stopping_rounds goes back to the best round, which booster {params['booster']} cannot: its later "
            "rounds change the earlier ones; leave one of them out"
        )
    return None


def losses(estimator: Estimator) -> dict[str, list[float]]:
    """Return the losses that decided on early stopping, after each round, of the rows that were kept aside.

    A squared error is shown as such, not as its root: as the curves of other rows are.
    """
    if estimator.early_stopping_rounds is None:
        return {}
    from mlrun.estimator.stopped_xgboost import stopping_losses

    metric, found = stopping_losses(estimator)
    return {"stopping": [loss**2 for loss in found] if metric == "rmse" else list(found)}


def _restrict(estimator: Estimator, rounds: int) -> Estimator:
    if estimator.early_stopping_rounds is not None:
        from mlrun.estimator.stopped_xgboost import narrowed

        return narrowed(estimator, rounds)
    narrow = copy.copy(estimator).set_params(n_estimators=rounds)
    narrow._Booster = estimator.get_booster()[:rounds]  # noqa: SLF001 - as load_model sets it; held by a test
    return narrow


def _allowed(params: Params) -> bool:
    """Say whether rounds stand for themselves: dart drops earlier trees, a linear booster changes one model."""
    return given(params, "booster", None) in (None, "gbtree")


def _thread_exact(params: Params) -> bool:
    """Say whether threads change no bit; a linear booster's race each other, and other methods are not proven."""
    return _allowed(params) and not _stops(params) and given(params, "tree_method", None) in (None, "auto", "hist")


def _stops(params: Params) -> bool:
    return given(params, "early_stopping_rounds", None) is not None


# null = the library's default. Not here: constraints by column position, devices.
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
        "early_stopping_rounds": optional(Integer(low=1)),
        "validation_fraction": Fraction(above=0, below=1),
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
    curves=losses,
    staged=Staged(xgboost_rounds, xgboost_losses),
    with_categories=with_categories,
    check=check,
    fit_in_turn=fit_in_turn,
    says_likeliest=True,
    thread_exact=_thread_exact,
    with_threads=lambda estimator, threads: estimator.set_params(n_jobs=threads),
)
