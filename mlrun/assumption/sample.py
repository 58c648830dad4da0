"""From the training rows to a few thousand of them as matrices: what assumptions are judged on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlrun.prepare import learn
from mlrun.recipes import Recipe

if TYPE_CHECKING:
    from mlrun.check_contracts import Context
    from mlrun.records import Array, Column, Task

ROWS = 5000  # evaluation.md, section 10
TERMS = 200  # of a text, the most frequent
SHARE_OF_CATEGORY = 50  # a category that fewer than a fiftieth of the rows have is one with other seldom ones


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Some of the training rows, prepared: filled, scaled, dense.

    rows: (n,) positions in the dataset, ascending. features: (n, d), numbers first. numbers: how many of these columns
    are numbers with more than two values (all of them come first). truth: (n,) codes or float64, None without labels.
    """

    rows: Array
    features: Array
    numbers: int
    truth: Array | None
    task: Task
    seed: int

    @property
    def numeric(self) -> Array:
        """The columns that are numbers, (n, m)."""
        found: Array = self.features[:, : self.numbers]
        return found

    def first(self, most: int) -> Sample:
        """Return at most so many of the rows, drawn."""
        if len(self.rows) <= most:
            return self
        kept = np.sort(np.random.default_rng([self.seed, 91]).permutation(len(self.rows))[:most])
        truth = None if self.truth is None else self.truth[kept]
        return Sample(self.rows[kept], self.features[kept], self.numbers, truth, self.task, self.seed)

    def folds(self, count: int) -> Array:
        """Return a fold for each row, (n,), classes in their shares."""
        order = np.random.default_rng([self.seed, 92]).permutation(len(self.rows))
        fold = np.empty(len(self.rows), dtype=np.int64)
        if self.truth is not None and self.task.kind != "regression":
            order = order[np.argsort(self.truth[order], kind="stable")]
        fold[order] = np.arange(len(order)) % count
        return fold


def sample_of(context: Context) -> Sample:
    """Return at most 5,000 training rows, drawn with the context's seed."""
    generator = np.random.default_rng([context.seed, 90])
    rows = np.sort(generator.permutation(context.train)[:ROWS])
    truth = context.dataset.truth
    features, numbers = prepared(context, rows)
    if truth is not None:
        truth = in_own_unit(truth[rows]) if context.dataset.task.kind == "regression" else truth[rows]
    return Sample(rows, features, numbers, truth, context.dataset.task, context.seed)


def in_own_unit(truth: Array) -> Array:
    """Return numbers times the power of 2 (exact) that brings their range to about 1: trees see none below 1e-8."""
    reach = float(np.ptp(truth)) if len(truth) else 0.0
    return np.ldexp(truth, -math.frexp(reach)[1]) if math.isfinite(reach) else truth


def prepared(context: Context, rows: Array) -> tuple[Array, int]:
    """Return the features of rows, dense, filled and scaled, (n, d), and how many columns are numbers, which lead."""
    table = context.dataset.table[rows]
    columns = sorted(context.dataset.features, key=lambda column: not is_number(column))
    recipe = Recipe(
        columns=tuple((column.name, column.kind) for column in columns),
        impute="median",
        scale="standard",
        encode="one_hot",
        rare=max(10, len(rows) // SHARE_OF_CATEGORY),
        text="tfidf",
        ngrams=(1, 1),
        max_terms=TERMS,
        lowercase=True,
        dense=True,
        task=context.dataset.task.kind,
    )
    _, matrix = learn(recipe, table.select([column.name for column in columns]), None, context.seed)
    matrix = np.where(np.isfinite(matrix), matrix, 0.0)  # a column too large for its own square says nothing
    return matrix, sum(is_number(column) for column in columns)


def is_number(column: Column) -> bool:
    return column.kind == "numeric" and column.distinct > 2


def classes_of(sample: Sample) -> Iterator[Array]:
    """Yield the rows of each class, as positions in the sample."""
    assert sample.truth is not None  # noqa: S101 - the caller has labels
    for code in np.unique(sample.truth):
        yield np.flatnonzero(sample.truth == code)
