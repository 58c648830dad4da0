"""Small datasets, models and suites for tests of behaviour; a suite is made as a run makes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mlrun import catalog, metrics
from mlrun.change.engine import Engine, make_engine
from mlrun.check_contracts import Check, Context, Subject
from mlrun.records import Column, ColumnKind, Dataset, Finding, PlannedTest, Prediction, Task

if TYPE_CHECKING:
    from mlrun.records import Array

KINDS: dict[str, ColumnKind] = {"Int64": "numeric", "Float64": "numeric", "Boolean": "boolean", "Date": "date"}
BINARY = Task("classification", ("no", "yes"))


def people(rows: int = 400, seed: int = 0) -> pl.DataFrame:
    """Return made people: numbers, categories, a flag, a date and a text; some values are missing."""
    draw = np.random.default_rng(seed)
    sex = draw.choice(["Male", "Female"], rows)
    return pl.DataFrame(
        {
            "age": draw.integers(18, 80, rows),
            "income": draw.normal(50.0, 10.0, rows),
            "sex": sex,
            "role": np.where(sex == "Male", "Husband", "Wife"),
            "race": draw.choice(["A", "B", "C"], rows, p=[0.6, 0.3, 0.1]),
            "member": draw.random(rows) < 0.5,
            "said": [f"Word{number % 7} is 1 good thing, number {number}!" for number in range(rows)],
        }
    ).with_columns(
        pl.when(pl.int_range(rows) % 10 == 3).then(None).otherwise(pl.col("income")).alias("income"),
        pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 1, 1) + pl.duration(days=rows - 1)).alias("since"),
    )


def dataset_of(table: pl.DataFrame, task: Task = BINARY, truth: Array | None = None, **changes: Any) -> Dataset:
    """Return a dataset of all columns; texts are those called `said`."""
    features = tuple(
        Column(name, "text" if name == "said" else KINDS.get(str(dtype), "category"), str(dtype))
        for name, dtype in table.schema.items()
    )
    made = Dataset(table, task, features, (), truth, np.arange(table.height))
    return replace(made, **changes)


def subject_of(predict: Callable[[pl.DataFrame], Prediction], dataset: Dataset, **changes: Any) -> Subject:
    """Return a model that reads all features and answers with a function of the table."""
    features = tuple(column.name for column in dataset.features)
    made = Subject("model", "model", "made", None, features=features, predict=predict)
    return replace(made, **changes)


def probability(of: Callable[[pl.DataFrame], Any]) -> Callable[[pl.DataFrame], Prediction]:
    """Return a model whose probability of `yes` is a function of the table."""

    def predict(table: pl.DataFrame) -> Prediction:
        p = np.asarray(of(table), dtype=float)
        return Prediction((p >= 0.5).astype(np.int64), np.column_stack([1 - p, p]))

    return predict


def numbers(of: Callable[[pl.DataFrame], Any]) -> Callable[[pl.DataFrame], Prediction]:
    """Return a model that answers with a number."""
    return lambda table: Prediction(np.asarray(of(table), dtype=float))


def planned(check: str, name: str = "test", **params: Any) -> PlannedTest:
    """Return a test with every default written out, as the language gives it."""
    entry: Check = catalog.find("checks", check)
    defaults = {key: parameter.default for key, parameter in entry.parameters.items()}
    edits = {"along": ()} if entry.edits else {}
    return PlannedTest(check, name, {**defaults, **edits, "name": name, **params})


def context_of(dataset: Dataset, subjects: Sequence[Subject], tests: Sequence[PlannedTest], **changes: Any) -> Context:
    """Return the context of a suite with its engine; all rows are judged unless `rows` says otherwise."""
    rows = changes.pop("rows", np.arange(dataset.table.height))
    specs = changes.pop("metrics", None) or (() if dataset.truth is None else metrics.defaults(dataset.task)[:1])
    sample, folder = changes.pop("sample", 2000), changes.pop("folder", "")
    engine = make_engine(dataset, rows, tests, sample, 0, folder)
    made = Context(dataset, rows, np.arange(0), (), specs, tuple(subjects), tests=tuple(tests), engine=engine)
    return replace(made, sample=sample, folder=folder, best=subjects[0].name if subjects else None, **changes)


def engine_of(context: Context) -> Engine:
    assert isinstance(context.engine, Engine)
    return context.engine


def findings(test: PlannedTest, context: Context, subject: Subject | None = None) -> list[Finding]:
    """Return what a test of the context finds of a subject, the first one by default."""
    check: Check = catalog.find("checks", test.check)
    return list(check.run(subject or context.subjects[0], context, test.params))


def whole(test: PlannedTest, context: Context, subject: Subject | None = None) -> Finding:
    """Return the finding of the whole test."""
    return next(finding for finding in findings(test, context, subject) if finding.variant == "")
