"""From a dataset to what its spec leaves open: families that suit it, the simplest first; the task's metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlrun import catalog, metrics
from mlrun.contracts import ModelFamily
from mlrun.encoders import DENSE_TERMS
from mlrun.errors import SpecError
from mlrun.records import Dataset, MetricSpec, Problem

if TYPE_CHECKING:
    from mlrun.spec import Spec

COMMITTEE = "committee"
VOTERS = ("random_forest", "extra_trees", "hist_gradient_boosting", "xgboost")  # strong, and wrong in other places
LARGE = 20_000  # rows from which on families whose cost grows faster than the rows are left out


def suggest_families(dataset: Dataset, first: MetricSpec | None = None) -> tuple[str, ...]:
    """Return the names of families that suit the data, the simplest first (chapter 6: start simple).

    first: the metric that chooses, where the spec names one; families that it cannot rank are left out.
    """
    return tuple(name for name in _suited(dataset) if _fits(catalog.find("models", name), dataset, first))


def suggest_models(dataset: Dataset, first: MetricSpec | None = None) -> dict[str, dict[str, Any]]:
    """Return what `models: auto` stands for: the families that suit the data, and a committee of the strong ones.

    The committee costs no fit: its scores follow from its members' predictions, its champion is made of theirs.
    """
    models: dict[str, dict[str, Any]] = {name: {} for name in suggest_families(dataset, first)}
    voters = [name for name in models if name in VOTERS]
    if len(voters) > 1:
        says = {"voting": "soft"} if dataset.task.kind == "classification" else {}
        models[COMMITTEE] = {"family": "voting", "members": voters, **says}
    return models


def _fits(entry: ModelFamily, dataset: Dataset, first: MetricSpec | None) -> bool:
    """Say whether a family can hold the columns, and gives what the first metric needs."""
    texts = any(column.kind == "text" for column in dataset.features)
    categories = sum(column.distinct for column in dataset.features if column.kind == "category")
    if "dense" in entry.needs and (texts or categories > DENSE_TERMS):
        return False
    needs = "labels" if first is None or ":" in first.name else metrics.entry(first.name).needs
    return needs != "probabilities" or entry.gives == "probabilities"


def _suited(dataset: Dataset) -> tuple[str, ...]:
    kinds = {column.kind for column in dataset.features}
    large = dataset.table.height >= LARGE
    if dataset.task.kind == "anomaly":
        return (
            ("kmeans_distance", "isolation_forest")
            if large
            else ("knn_distance", "isolation_forest", "gaussian_mixture")
        )
    if dataset.task.kind == "regression":
        return ("ridge", *VOTERS)
    if kinds == {"text"}:
        return ("multinomial_nb", "logistic_regression", "linear_svm")
    if "text" in kinds:
        return ("logistic_regression", *VOTERS)
    simple = ("gaussian_nb", "logistic_regression") if "category" not in kinds else ("logistic_regression",)
    return (*simple, *VOTERS)


def chosen_metrics(spec: Spec, dataset: Dataset) -> tuple[MetricSpec, ...]:
    """Return the metrics asked for, or the task's own; raise SpecError for all that do not fit the task."""
    if not spec.metrics:
        return metrics.defaults(dataset.task)
    problems = [
        Problem(reason, spec.place(("metrics", position)))
        for position, metric in enumerate(spec.metrics)
        if (reason := metrics.applies(metric.name, dataset.task, spec.folder)) is not None
    ]
    if problems:
        raise SpecError(problems)
    return spec.metrics
