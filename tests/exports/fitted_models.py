"""Whole models of every family, fitted on a few rows of numbers and categories with gaps; for tests of ONNX."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from mlrun import catalog
from mlrun.contracts import ModelFamily
from mlrun.pipelines import Blueprint, build, fit_estimator
from mlrun.prepare import learn
from mlrun.recipes import Recipe
from mlrun.records import ColumnKind, Task, TaskKind
from mlrun.stored import StoredModel

COLUMNS: tuple[tuple[str, ColumnKind], ...] = (
    ("a", "numeric"), ("b", "numeric"), ("k", "numeric"), ("c", "category"), ("yes", "boolean"),
)  # fmt: skip
SCHEMA = {"a": "Float64", "b": "Float64", "k": "Int64", "c": "String", "yes": "Boolean"}
TASKS: dict[str, Task] = {
    "binary": Task("classification", ("no", "yes")),
    "multiclass": Task("classification", (1, 2, 3)),
    "regression": Task("regression"),
    "anomaly": Task("anomaly"),
}
PARAMS: dict[str, dict[str, Any]] = {
    "mlp": {"hidden_layer_sizes": [8], "max_iter": 50},
    "autoencoder": {"hidden_layer_sizes": [2], "max_iter": 50},
    "adaboost": {"n_estimators": 8},
    "bagging": {"n_estimators": 8, "max_features": 0.6},
    "hist_gradient_boosting": {"max_iter": 15},
    **{name: {"n_estimators": 12} for name in ("gradient_boosting", "xgboost", "random_forest", "extra_trees")},
    "isolation_forest": {"n_estimators": 12, "max_features": 0.6},
}


def rows(count: int, seed: int = 0, gaps: float = 0.1) -> tuple[pl.DataFrame, npt.NDArray[np.float64]]:
    """Return rows with gaps, and a number that follows from them."""
    draw = np.random.default_rng(seed)
    table = pl.DataFrame(
        {
            "a": draw.normal(size=count),
            "b": 100 * draw.normal(size=count) + 30,
            "k": draw.integers(0, 4, count),
            "c": draw.choice(["red", "green", "blue", "rare", "odd"], count, p=[0.4, 0.3, 0.26, 0.02, 0.02]),
            "yes": draw.random(count) < 0.5,
        }
    )
    pull = table["a"].to_numpy() + 0.01 * table["b"].to_numpy() + (table["c"] == "red").to_numpy()
    holes = [
        pl.when(pl.Series(draw.random(count) < gaps)).then(None).otherwise(pl.col(name)).alias(name)
        for name in table.columns
    ]
    return table.with_columns(holes), pull + 0.3 * draw.normal(size=count)


def truth_of(kind: str, pull: npt.NDArray[np.float64]) -> npt.NDArray[Any] | None:
    if kind == "anomaly":
        return None
    if kind == "regression":
        return 10 * pull
    return (pull > 0.8).astype(np.int64) if kind == "binary" else np.digitize(pull, [0.2, 1.4]).astype(np.int64)


def recipe_of(family: ModelFamily, task: TaskKind, **settings: Any) -> Recipe:
    """Return the preparation that a family gets where the spec is silent, or another."""
    usual: dict[str, Any] = {
        "columns": COLUMNS,
        "impute": "none" if "missing" in family.takes else "median",
        "scale": "minmax" if "non_negative" in family.needs else "standard" if "scaling" in family.needs else "none",
        "encode": "one_hot",
        "rare": 5,
        "text": "tfidf",
        "ngrams": (1, 1),
        "max_terms": None,
        "lowercase": True,
        "dense": "dense" in family.needs,
        "task": task,
    }
    return Recipe(**{**usual, **settings})


def blueprint(name: str, kind: str, **settings: Any) -> Blueprint:
    """Return how a family is built for a task: with a tree inside, or three members, where it needs some."""
    family: ModelFamily = catalog.find("models", name)
    task = TASKS[kind]
    params = {**PARAMS.get(name, {}), **settings.pop("params", {})}
    recipe = recipe_of(family, task.kind, **settings)
    if family.members == "none":
        return Blueprint(name, name, params, recipe, task)
    if family.members == "one":
        return Blueprint(name, name, params, recipe, task, members=(blueprint("decision_tree", kind),))
    straight = "ridge" if kind == "regression" else "logistic_regression"
    members = tuple(blueprint(member, kind) for member in ("decision_tree", straight, "xgboost"))
    meta = blueprint(straight, kind) if name == "stacking" else None
    return Blueprint(name, name, params, None, task, members=members, meta=meta)


def fitted(name: str, kind: str, count: int = 160, **settings: Any) -> StoredModel:
    """Return a family fitted on made rows; settings: of its preparation, and `params`."""
    extras = {key: settings.pop(key) for key in ("wrapping", "target_transform", "threshold") if key in settings}
    plan = blueprint(name, kind, **settings)
    table, pull = rows(count)
    truth, preparation = truth_of(kind, pull), None
    estimator = build(plan, lambda model: 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few rounds on few rows
        if plan.recipe is None:
            estimator = estimator.fit(table, truth)
        else:
            preparation, matrix = learn(plan.recipe, table, truth, 0)
            estimator = fit_estimator(estimator, matrix, truth, None)
    threshold = 0.5 if kind == "anomaly" else None
    whole = {"threshold": threshold, **extras}
    names = tuple(name for name, _ in COLUMNS)
    return StoredModel(plan, estimator, preparation, names, SCHEMA, **whole)
