"""What a spec leaves open is filled with families that can do the job: each of the suggested ones fits the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from mlrun import catalog, metrics
from mlrun.records import Column, ColumnKind, Dataset, Task
from mlrun.suggest import COMMITTEE, suggest_families, suggest_models

LABELS = {"classification": ("no", "yes"), "regression": (), "anomaly": ()}


def dataset(kind: Any, *columns: ColumnKind, distinct: int = 5, rows: int = 60) -> Dataset:
    features = tuple(Column(f"c{number}", each, "", distinct=distinct) for number, each in enumerate(columns))
    table = pl.DataFrame({"c0": np.zeros(rows)})
    return Dataset(table, Task(kind, LABELS[kind]), features, (), None, np.arange(rows))


@pytest.mark.parametrize("kind", ["classification", "regression", "anomaly"])
@pytest.mark.parametrize("columns", [("numeric",), ("numeric", "category"), ("text",), ("numeric", "text", "date")])
@pytest.mark.parametrize("rows", [60, 30_000])
def test_every_suggestion_does_the_task_and_can_hold_the_columns(kind: Any, columns: Any, rows: int) -> None:
    found = suggest_families(dataset(kind, *columns, rows=rows))
    assert len(found) >= 2
    for name in found:
        entry = catalog.find("models", name)
        assert kind in entry.tasks
        assert "text" not in columns or "dense" not in entry.needs


def test_the_simplest_comes_first() -> None:
    ranks = [
        catalog.find("models", name).simplicity_rank for name in suggest_families(dataset("regression", "numeric"))
    ]
    assert ranks == sorted(ranks)


def test_thousands_of_categories_are_not_for_dense_families() -> None:
    few, many = (suggest_families(dataset("classification", "category", distinct=count)) for count in (50, 6_000))
    assert set(few) - set(many) == {"hist_gradient_boosting"}


def test_a_first_metric_of_probabilities_leaves_out_those_who_give_none() -> None:
    words = dataset("classification", "text")
    assert "linear_svm" in suggest_families(words)
    assert "linear_svm" in suggest_families(words, metrics.specify("roc_auc"))
    assert "linear_svm" not in suggest_families(words, metrics.specify("log_loss"))


@pytest.mark.parametrize("kind", ["classification", "regression", "anomaly"])
@pytest.mark.parametrize("columns", [("numeric",), ("text",), ("numeric", "text"), ("category",)])
def test_a_committee_has_voters_that_can_vote(kind: Any, columns: Any) -> None:
    models = suggest_models(dataset(kind, *columns, distinct=6_000))
    members = models.get(COMMITTEE, {}).get("members", [])
    assert len(members) != 1
    assert bool(members) == (kind == "regression" or (kind == "classification" and columns != ("text",)))
    for name in members:
        entry = catalog.find("models", name)
        assert name in models
        assert kind in entry.tasks
        assert kind == "regression" or entry.gives == "probabilities"
