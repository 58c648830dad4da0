"""From a model and its training rows to its predictions after a fit on growing parts of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mlrun.records import Prediction

if TYPE_CHECKING:
    from mlrun.check_contracts import Context, Refit, Subject
    from mlrun.records import Array

TRAIN_SAMPLE = 2000  # training rows whose score is told beside the test's


@dataclass(frozen=True, slots=True)
class Point:
    """A number of training rows, and what each repeat predicted: of the judged rows, and of rows that it has seen.

    seen: (n,) positions of those rows, for each of the `trained` predictions.
    """

    rows: int
    predictions: tuple[Prediction, ...] = ()
    trained: tuple[Prediction, ...] = ()
    seen: tuple[Array, ...] = ()
    failure: str = ""


def measured(subject: Subject, context: Context, shares: Sequence[float], repeats: int) -> list[Point]:
    """Return a point for each of the ascending shares of the training rows; the whole is the champion as it is.

    Smaller shares are fitted in one call, so that an executor may run them side by side. With `time` a part is the
    latest rows, once; else it is drawn, classes in their shares, the smaller sets of a repeat inside its larger ones.
    """
    parts = [
        (position, rows)
        for repeat in range(1 if context.time is not None else repeats)
        for position, rows in enumerate(rows_for(context, shares, repeat))
        if len(rows) < len(context.train)
    ]
    generator = np.random.default_rng([context.seed, 71])
    seen = [np.sort(generator.permutation(rows)[:TRAIN_SAMPLE]) for _, rows in parts]
    answers: Sequence[Refit] = ()
    if parts and subject.refit is not None:
        asked = [(rows, (context.rows, known)) for (_, rows), known in zip(parts, seen, strict=True)]
        answers = subject.refit(asked)
    points = [Point(rows_of(share, len(context.train))) for share in shares]
    for (position, _), known, answer in zip(parts, seen, answers, strict=True):
        points[position] = _with(points[position], answer, known)
    return [_champion(subject, context, generator) if point.rows == len(context.train) else point for point in points]


def _with(point: Point, answer: Refit, seen: Array) -> Point:
    if answer.failure:
        return replace(point, failure=answer.failure)
    test, trained = answer.predictions
    return replace(
        point,
        predictions=(*point.predictions, test),
        trained=(*point.trained, trained),
        seen=(*point.seen, seen),
    )


def _champion(subject: Subject, context: Context, generator: np.random.Generator) -> Point:
    seen = np.sort(generator.permutation(context.train)[:TRAIN_SAMPLE])
    predictions = () if subject.test is None else (subject.test,)
    if subject.predict is None:
        return Point(len(context.train), predictions)
    return Point(len(context.train), predictions, (subject.predict(context.dataset.table[seen]),), (seen,))


# -- which rows --------------------------------------------------------------------------------------------------------


def rows_for(context: Context, shares: Sequence[float], repeat: int) -> list[Array]:
    """Return the training rows of each share in one repeat, ascending positions in the dataset."""
    dataset = context.dataset
    if context.time is not None and dataset.times is not None:
        return latest_rows(context.train, dataset.times, shares)
    strata = None if dataset.task.kind == "regression" or dataset.truth is None else dataset.truth[context.train]
    return nested_rows(context.train, strata, shares, np.random.default_rng([context.seed, 70, repeat]))


def nested_rows(
    rows: Array, strata: Array | None, shares: Sequence[float], generator: np.random.Generator
) -> list[Array]:
    """Draw rows for each share so that the smaller sets lie inside the larger; ascending.

    strata: (n,) classes of the rows, kept in their shares and each with a row at least; None = drawn at random.
    """
    classes = np.zeros(len(rows), dtype=np.int64) if strata is None else strata
    place = np.empty(len(rows))
    for code in np.unique(classes):
        members = generator.permutation(np.flatnonzero(classes == code))
        place[members] = (np.arange(len(members)) + generator.random()) / len(members)
        place[members[0]] = -1.0
    order = np.argsort(place, kind="stable")
    return [np.sort(rows[order[: rows_of(share, len(rows))]]) for share in shares]


def latest_rows(rows: Array, times: Array, shares: Sequence[float]) -> list[Array]:
    """Return the latest rows for each share, ascending: those nearest to the rows that come next."""
    order = rows[np.argsort(times[rows], kind="stable")]
    return [np.sort(order[len(order) - rows_of(share, len(order)) :]) for share in shares]


def rows_of(share: float, count: int) -> int:
    """Return how many of so many rows a share is, one at least."""
    return max(1, min(count, math.floor(share * count + 0.5)))
