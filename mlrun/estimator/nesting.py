"""How one fit of an ensemble answers for all smaller ones: its first members are what a smaller fit would have made."""

from __future__ import annotations

import copy
from collections.abc import Callable

from mlrun.contracts import Estimator, Nested
from mlrun.estimator.hyperparameters import given
from mlrun.records import Params


def nested_in(
    parameter: str,
    default: int,
    restrict: Callable[[Estimator, int], Estimator],
    allowed: Callable[[Params], bool] = lambda params: True,
) -> Nested:
    """Return the contract of a family that grows by one member at a time.

    default: what the library takes when the parameter is absent or null.
    restrict: a fitted estimator and a number of members to the estimator of so many.
    """

    def count(params: Params) -> int:
        said = given(params, parameter, None)
        return default if said is None else int(said)

    return Nested(
        parameters=(parameter,),
        widest=lambda many: max(many, key=count),
        restrict=lambda estimator, params: restrict(estimator, count(params)),
        allowed=allowed,
    )


def first_trees(default: int) -> Nested:
    """Return the contract of forests and bagging, whose members draw their seeds in turn: the first k are the same.

    Out-of-bag scores belong to the whole forest, so fits that ask for them are not shared.
    """
    return nested_in("n_estimators", default, _first_members, allowed=lambda params: not (params.get("oob_score")))


def _first_members(estimator: Estimator, count: int) -> Estimator:
    narrow = copy.copy(estimator).set_params(n_estimators=count)
    narrow.estimators_ = estimator.estimators_[:count]
    if hasattr(estimator, "estimators_features_"):  # bagging
        narrow.estimators_features_ = estimator.estimators_features_[:count]
        narrow._seeds = estimator._seeds[:count]  # noqa: SLF001 - held by a test of equality with separate fits
    return narrow
