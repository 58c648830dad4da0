"""From the best model to the columns that matter most to it, each shuffled once on a few hundred rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from mlrun import metrics
from mlrun.change.outputs import moves
from mlrun.check_contracts import Context, Subject
from mlrun.fit import take
from mlrun.records import Prediction

if TYPE_CHECKING:
    from mlrun.records import Array

ROWS = 400  # judged at most, fewer where there are many columns
FEWEST_ROWS = 50
ALL_ROWS = 30_000  # predicted at most, over all columns
CELLS = 5_000_000  # of one call


def most_important(context: Context, count: int) -> tuple[str, ...]:
    """Return the features whose loss costs the best model most of the first metric, the worst loss first.

    One permutation a column (Breiman 2001, Random Forests, section 10); without labels by how far the answers move.
    () where there is no best model to ask, or more columns than can be tried; columns that cost nothing are left out.
    """
    if context.best is None or not len(context.rows):
        return ()
    best = context.subject(context.best)
    names = best.features or tuple(column.name for column in context.dataset.features)
    if best.predict is None or len(names) * FEWEST_ROWS > ALL_ROWS:
        return ()
    costs = dict(zip(names, loss_of_each(best, context, names), strict=True))
    ranked = sorted((name for name in names if costs[name] > 0), key=lambda name: -costs[name])
    return tuple(ranked[:count])


def loss_of_each(best: Subject, context: Context, names: tuple[str, ...]) -> list[float]:
    """Return what shuffling each column costs, higher = more."""
    generator = np.random.default_rng(context.seed)
    size = max(FEWEST_ROWS, min(ROWS, ALL_ROWS // len(names)))
    rows = np.sort(generator.permutation(context.rows)[:size])
    table, truth = context.dataset.table[rows], context.dataset.truth
    each = max(1, CELLS // max(1, len(rows) * table.width))
    found: list[float] = []
    clean: Prediction | None = None
    for begin in range(0, len(names), each):
        part = names[begin : begin + each]
        shuffled = [table.with_columns(table[name][generator.permutation(len(rows))]) for name in part]
        said = ask(best, pl.concat([table, *shuffled]))
        clean = take(said, np.arange(len(rows)))
        for number in range(1, len(part) + 1):
            worse = take(said, np.arange(number * len(rows), (number + 1) * len(rows)))
            found.append(loss(clean, worse, None if truth is None else truth[rows], context))
    return found


def ask(best: Subject, table: pl.DataFrame) -> Prediction:
    if best.predict is None:
        raise TypeError("a model that cannot be asked has no important columns")
    return best.predict(table)


def loss(clean: Prediction, worse: Prediction, truth: Array | None, context: Context) -> float:
    """Return how much of the first metric is lost; where it is not defined, the mean size of the moves."""
    task = context.dataset.task
    if truth is not None and context.metrics:
        spec = context.metrics[0]
        scores = [metrics.score((spec,), truth, said, task, context.folder)[spec.label] for said in (clean, worse)]
        if scores[0] is not None and scores[1] is not None:
            better, then = (metrics.oriented(spec.name, score, context.folder) for score in scores if score is not None)
            return better - then
    return float(np.abs(moves(clean, worse, task).change).mean())
