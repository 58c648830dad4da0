"""Subjects of an evaluation, made of plain scikit-learn estimators on numeric rows, and their context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mlrun import metrics
from mlrun.check_contracts import Check, Context, Refit, Subject
from mlrun.records import Column, Dataset, Finding, Fold, Prediction, Task

if TYPE_CHECKING:
    from mlrun.records import Array


def dataset_of(features: Array, truth: Array | None, **changes: Any) -> Dataset:
    """Return a dataset of the columns x0, x1, ...; a float truth makes it a regression."""
    table = pl.DataFrame({f"x{number}": column for number, column in enumerate(np.asarray(features, float).T)})
    if truth is None:
        task = Task("anomaly")
    elif truth.dtype.kind == "f":
        task = Task("regression")
    else:
        task = Task("classification", tuple(range(int(truth.max()) + 1)))
    made: dict[str, Any] = {
        "table": table,
        "task": task,
        "features": tuple(Column(name, "numeric", "Float64", 0, table[name].n_unique()) for name in table.columns),
        "withheld": (),
        "truth": truth,
        "row_ids": np.arange(table.height),
    }
    return Dataset(**{**made, **changes})


def halves(count: int, test: float = 0.3, seed: int = 0) -> tuple[Array, Array]:
    """Return training and test rows of a random split, ascending."""
    order = np.random.default_rng(seed).permutation(count)
    cut = round(test * count)
    return np.sort(order[cut:]), np.sort(order[:cut])


def context_of(dataset: Dataset, train: Array, test: Array, estimators: Mapping[str, Any], **changes: Any) -> Context:
    """Return the context of the estimators fitted on train, each a subject; folds: three, by position."""
    metric = changes.pop("metric", None)
    spec = metrics.defaults(dataset.task) if metric is None else (metrics.specify(metric),)
    given: dict[str, Any] = {
        name: changes.pop(name) for name in ("members", "assumptions", "family", "rank") if name in changes
    }
    folds = tuple(
        Fold(0, k, train[np.arange(len(train)) % 3 != k], train[np.arange(len(train)) % 3 == k]) for k in range(3)
    )
    made = Context(dataset, test, train, folds, spec, (), best=next(iter(estimators), None), training_fits=1e9)
    subjects = tuple(subject_of(name, estimator, made, given) for name, estimator in estimators.items())
    return changed(made, subjects=subjects, **changes)


def changed(context: Context, **changes: Any) -> Context:
    return replace(context, **changes)


def subject_of(name: str, estimator: Any, context: Context, given: Mapping[str, Any]) -> Subject:
    """Return an estimator as a champion: fitted on train, with its held-out predictions of the folds."""
    from sklearn.base import clone

    dataset = context.dataset

    def ask(fitted: Any, table: pl.DataFrame) -> Prediction:
        rows = table.select([column.name for column in dataset.features]).to_numpy()
        probabilities = fitted.predict_proba(rows) if hasattr(fitted, "predict_proba") else None
        return Prediction(fitted.predict(rows), probabilities)

    def fitted(rows: Array) -> Any:
        assert dataset.truth is not None
        names = [column.name for column in dataset.features]
        return clone(estimator).fit(dataset.table[rows].select(names).to_numpy(), dataset.truth[rows])

    def refit(parts: Sequence[tuple[Array, Sequence[Array]]]) -> list[Refit]:
        found = []
        for rows, asked in parts:
            model = fitted(rows)
            found.append(Refit(tuple(ask(model, dataset.table[each]) for each in asked)))
        return found

    champion = fitted(context.train)
    made: dict[str, Any] = {
        "test": ask(champion, dataset.table[context.rows]),
        "folds": tuple((fold, ask(fitted(fold.train), dataset.table[fold.valid]), None) for fold in context.folds),
        "features": tuple(column.name for column in dataset.features),
        "predict": lambda table: ask(champion, table),
        "refit": refit,
        "fit_seconds": 1.0,
        "size_bytes": 1000,
        "p95_ms_1_row": 1.0,
    }
    own = {key: value[name] for key, value in given.items() if name in value}
    return Subject(name, "model", **{"family": name, **made, **own})


def defaults(check: Check, **params: Any) -> dict[str, Any]:
    """Return a check's params, every default written out."""
    return {**{key: parameter.default for key, parameter in check.parameters.items()}, **params}


def found(check: Check, context: Context, name: str = "", **params: Any) -> list[Finding]:
    """Return what a check finds of a subject, the best one by default."""
    return list(check.run(context.subject(name or str(context.best)), context, defaults(check, **params)))
