"""From the features that a model reads to how well they tell another column, held out, and which of them tell it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mlrun.change.rows import FEW_VALUES
from mlrun.check_contracts import Context, Subject
from mlrun.intervals import Question, interval
from mlrun.metrics import specify
from mlrun.prepare import Preparation, learn
from mlrun.process.jobs import OneThread
from mlrun.recipes import Recipe
from mlrun.records import Finding, Params, Prediction, Task
from mlrun.wording import number

if TYPE_CHECKING:
    from mlrun.records import Array

FOLDS = 3
FEWEST = 30  # rows of a category that is told at all
TERMS = 300  # of a text
STRONGEST, LOOKED_AT = 3, 100  # features that are named, and tried


@dataclass(frozen=True, slots=True)
class Told:
    """A column to be told: positions of the rows, their codes or numbers, and the task that this is."""

    name: str
    rows: Array
    truth: Array
    task: Task


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fold's estimator with its preparation; valid: the held-out positions among the rows."""

    preparation: Preparation
    estimator: Any
    valid: Array
    said: Prediction


def proxy_finding(name: str, subject: Subject, context: Context, params: Params) -> Finding:
    """Return how well the features of a model tell a column, held out over three folds.

    Measured by gradient boosting: of a category the AUC of each value against the rest, mean; of a number R². The
    default bounds belong together: two normal groups of one size that an AUC of 0.8 tells apart share an r² of 0.26
    with the number that tells them.
    """
    told = column_to_tell(name, context, params["rows"])
    if isinstance(told, str):
        return Finding("", "", "", name, "not_run", "warn", reason=told)
    features = tuple(column for column in subject.features or () if column != name)
    if not features:
        return Finding("", "", "", name, "not_run", "warn", reason="the model does not say what it reads")
    with OneThread() as threads:
        threads.hold()
        folds = list(fitted(told, recipe_of(features, context, told.task), context))
        strongest = strongest_features(told, folds[-1], features, context)
        groups = groups_told(told, folds[-1], subject, context)
    valid = np.concatenate([fold.valid for fold in folds])
    said = joined(folds)
    by_class = told.task.kind == "classification"
    question = Question(specify("roc_auc" if by_class else "r2"), told.truth[valid], told.task, context.confidence)
    found, bound = interval(question, said), params["max_auc"] if by_class else params["max_r2"]
    easy = found.value is not None and found.value > bound
    word = "AUC" if by_class else "R²"
    reason = f"the features tell '{name}' with {word} {number(found.value)}"
    if easy:
        reason += f", best by {', '.join(strongest)}: a model may use it unseen" if strongest else ""
    return Finding(
        check="",
        test="",
        model="",
        variant=name,
        status="warn" if easy else "pass",
        severity="warn",
        measure=question.spec.label,
        value=found.value,
        low=found.low,
        high=found.high,
        threshold=bound,
        n=len(valid),
        reason=reason,
        details={"strongest": list(strongest), "groups": groups},
    )


def column_to_tell(name: str, context: Context, size: int) -> Told | str:
    """Return a column as something to be told, or why it cannot be; values that are too rare are left out."""
    column = context.dataset.table[name]
    rows = context.train if len(context.train) else context.rows
    rows = rows[column[rows].is_not_null().to_numpy()]
    rows = np.sort(np.random.default_rng(context.seed).permutation(rows)[:size])
    values = column[rows]
    if values.dtype.is_numeric() and values.n_unique() > FEW_VALUES:
        return Told(name, rows, values.cast(pl.Float64).to_numpy(), Task("regression"))
    if values.dtype.is_temporal() and values.n_unique() > FEW_VALUES:
        return f"the column '{name}' holds dates"
    words = values.cast(pl.String)
    counts = words.value_counts(name="n").filter(pl.col("n") >= FEWEST)
    labels = tuple(sorted(counts[name].to_list()))
    if len(labels) < 2:
        return f"fewer than two values of '{name}' have {FEWEST} rows"
    kept = words.is_in(labels).to_numpy()
    codes = words.filter(pl.Series(kept)).replace_strict(list(labels), list(range(len(labels))), return_dtype=pl.Int64)
    return Told(name, rows[kept], codes.to_numpy().astype(np.int64), Task("classification", labels))


def recipe_of(features: tuple[str, ...], context: Context, task: Task) -> Recipe:
    """Return how the features become numbers: missing as such, categories as codes, few terms of a text."""
    kinds = {column.name: column.kind for column in context.dataset.features}
    return Recipe(
        columns=tuple((name, kinds[name]) for name in features if name in kinds),
        impute="none",
        scale="none",
        encode="ordinal",
        rare=1,
        text="tfidf",
        ngrams=(1, 1),
        max_terms=TERMS,
        lowercase=True,
        dense=True,
        task=task.kind,
    )


def fitted(told: Told, recipe: Recipe, context: Context) -> Iterator[Fitted]:
    """Yield a fitted fold after the other."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.model_selection import KFold, StratifiedKFold

    by_class = told.task.kind == "classification"
    split = (StratifiedKFold if by_class else KFold)(FOLDS, shuffle=True, random_state=context.seed)
    for train, valid in split.split(told.rows, told.truth):
        preparation, matrix = learn(recipe, context.dataset.table[told.rows[train]], None, context.seed)
        family = HistGradientBoostingClassifier if by_class else HistGradientBoostingRegressor
        estimator = family(max_iter=50, early_stopping=False, random_state=context.seed).fit(matrix, told.truth[train])
        said = say(preparation, estimator, context.dataset.table[told.rows[valid]])
        yield Fitted(preparation, estimator, valid, said)


def say(preparation: Preparation, estimator: Any, table: pl.DataFrame) -> Prediction:
    matrix = preparation.matrix(table)
    probabilities = estimator.predict_proba(matrix) if hasattr(estimator, "predict_proba") else None
    values = estimator.predict(matrix) if probabilities is None else probabilities.argmax(axis=1)
    return Prediction(values, probabilities)


def joined(folds: list[Fitted]) -> Prediction:
    probabilities = [fold.said.probabilities for fold in folds if fold.said.probabilities is not None]
    values = np.concatenate([fold.said.values for fold in folds])
    return Prediction(values, np.concatenate(probabilities) if probabilities else None)


def strongest_features(told: Told, fold: Fitted, features: tuple[str, ...], context: Context) -> tuple[str, ...]:
    """Return the features whose shuffling costs most on the last fold; () where there are very many."""
    if len(features) > LOOKED_AT:
        return ()
    from mlrun import metrics

    table, truth = context.dataset.table[told.rows[fold.valid]], told.truth[fold.valid]
    spec, generator = specify("roc_auc" if told.task.kind == "classification" else "r2"), np.random.default_rng(0)
    clean = metrics.score((spec,), truth, fold.said, told.task)[spec.label] or 0.0
    lost: dict[str, float] = {}
    for name in features:
        shuffled = table.with_columns(table[name][generator.permutation(table.height)])
        worse = say(fold.preparation, fold.estimator, shuffled)
        lost[name] = clean - (metrics.score((spec,), truth, worse, told.task)[spec.label] or 0.0)
    ranked = sorted((name for name in features if lost[name] > 0), key=lambda name: -lost[name])
    return tuple(ranked[:STRONGEST])


def groups_told(told: Told, fold: Fitted, subject: Subject, context: Context) -> list[dict[str, Any]] | None:
    """Return what the best model says on average of the judged rows of each group that the features tell."""
    if told.task.kind != "classification" or subject.test is None:
        return None
    group = say(fold.preparation, fold.estimator, context.table).values
    said = subject.test.values.astype(float)
    if context.dataset.task.binary and subject.test.probabilities is not None:
        said = subject.test.probabilities[:, 1]
    elif context.dataset.task.multiclass:
        return None
    return [
        {"value": label, "n": int((group == code).sum()), "mean": float(said[group == code].mean())}
        for code, label in enumerate(told.task.labels)
        if (group == code).any()
    ]
