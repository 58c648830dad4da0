"""Kinds of hyperparameters that several model families share, so that each says only what is its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any

from mlrun.kinds import AnyOf, ByTask, Flag, Integer, Kind, ListOf, MappingOf, Number, OneOf
from mlrun.records import Params


def arguments(params: Params, **always: Any) -> dict[str, Any]:
    """Return keyword arguments for a library's class: `always`, overruled by the params.

    Mappings become dicts, which is the only kind that scikit-learn takes.
    """
    return {**always, **{name: dict(value) if isinstance(value, Mapping) else value for name, value in params.items()}}


def left_open(estimator: Any, params: Params) -> dict[str, Any]:
    """Return what else an estimator was built with: hyperparameters that `params` does not name, as far as plain data.

    These are its library's defaults, and what mlrun sets itself, such as the seed. {} where it does not tell.
    """
    try:
        known = estimator.get_params(deep=False)
    except Exception:  # noqa: BLE001 - it may be the user's own, and nothing rests on it
        return {}
    plain = (str, int, float, bool, NoneType)
    return {name: known[name] for name in sorted(known) if name not in params and isinstance(known[name], plain)}


def given(params: Params, name: str, otherwise: Any) -> Any:
    """Return what the params say, else the library's default."""
    return {name: otherwise, **params}[name]


def check_bootstrap(*, default: bool) -> Callable[[Params], str | None]:
    """Return the check of a forest's params: what a forest without bootstrap, `default` or asked for, cannot have."""

    def check(params: Params) -> str | None:
        if given(params, "bootstrap", default):
            return None
        if given(params, "oob_score", False):
            return "oob_score needs rows out of the bag; add bootstrap: true"
        if given(params, "max_samples", None) is not None:
            return "max_samples is the size of a bootstrap; add bootstrap: true"
        return None

    return check


def optional(kind: Kind) -> Kind:
    """Return the kind that admits null too."""
    return AnyOf(kind, OneOf(None))


def share(low: int = 1) -> Kind:
    """Return the kind of a count (a whole number from `low`) or a share of all (a fraction up to 1)."""
    return AnyOf(Integer(low=low), Fraction(above=0, high=1))


class Fraction(Number):
    """A share of all; never a whole number, which means a count where shares are admitted too."""

    __slots__ = ()

    def admits(self, value: object) -> bool:
        return isinstance(value, float) and super().admits(value)


SEED = Integer(low=0, high=2**32 - 1)
TOLERANCE = Number(low=0)
POSITIVE = Number(above=0)

# By label; labels are turned into class codes before a family's `build` sees them.
CLASS_WEIGHT = AnyOf(OneOf("balanced", None), MappingOf(Number(low=0)))
# One for each class, in the order of their codes.
CLASS_PRIORS = optional(ListOf(Number(low=0, high=1)))

# Naive Bayes on counts and on presence.
NAIVE_BAYES: Mapping[str, Kind] = {
    "alpha": Number(low=0),
    "force_alpha": Flag(),
    "fit_prior": Flag(),
    "class_prior": CLASS_PRIORS,
}

# What scikit-learn's trees have in common. Not here: constraints by column position, which a spec cannot know.
TREE: Mapping[str, Kind] = {
    "max_depth": optional(Integer(low=1)),
    "min_samples_split": share(low=2),
    "min_samples_leaf": AnyOf(Integer(low=1), Fraction(above=0, below=1)),
    "min_weight_fraction_leaf": Number(low=0, high=0.5),
    "max_features": AnyOf(OneOf("sqrt", "log2", None), share()),
    "max_leaf_nodes": optional(Integer(low=2)),
    "min_impurity_decrease": Number(low=0),
    "ccp_alpha": Number(low=0),
    "random_state": SEED,
}
TREE_CRITERION = ByTask(
    classification=OneOf("gini", "entropy", "log_loss"),
    regression=OneOf("squared_error", "absolute_error", "poisson"),
)

FOREST: Mapping[str, Kind] = {
    "n_estimators": Integer(low=1),
    "criterion": TREE_CRITERION,
    **TREE,
    "class_weight": ByTask(classification=AnyOf(OneOf("balanced_subsample"), CLASS_WEIGHT)),
    "bootstrap": Flag(),
    "oob_score": Flag(),
    "max_samples": optional(share()),
}

# How the nearest neighbours are searched for.
NEIGHBOURS: Mapping[str, Kind] = {
    "n_neighbors": Integer(low=1),
    "algorithm": OneOf("auto", "ball_tree", "kd_tree", "brute"),
    "leaf_size": Integer(low=1),
    "p": POSITIVE,
    "metric": OneOf("minkowski", "euclidean", "manhattan", "chebyshev", "cosine", "correlation", "canberra", "hamming"),
}

# A support vector machine with a Gaussian kernel.
KERNEL_MACHINE: Mapping[str, Kind] = {
    "gamma": AnyOf(OneOf("scale", "auto"), Number(low=0)),
    "shrinking": Flag(),
    "tol": POSITIVE,
    "cache_size": POSITIVE,
    "max_iter": Integer(low=-1),
}

NETWORK: Mapping[str, Kind] = {
    "hidden_layer_sizes": ListOf(Integer(low=1)),
    "activation": OneOf("identity", "logistic", "tanh", "relu"),
    "solver": OneOf("lbfgs", "sgd", "adam"),
    "alpha": Number(low=0),
    "batch_size": AnyOf(OneOf("auto"), Integer(low=1)),
    "learning_rate": OneOf("constant", "invscaling", "adaptive"),
    "learning_rate_init": POSITIVE,
    "power_t": Number(low=0),
    "max_iter": Integer(low=1),
    "shuffle": Flag(),
    "random_state": SEED,
    "tol": TOLERANCE,
    "momentum": Number(low=0, high=1),
    "nesterovs_momentum": Flag(),
    "early_stopping": Flag(),
    "validation_fraction": Number(above=0, below=1),
    "beta_1": Number(low=0, below=1),
    "beta_2": Number(low=0, below=1),
    "epsilon": POSITIVE,
    "n_iter_no_change": Integer(low=1),
    "max_fun": Integer(low=1),
}
