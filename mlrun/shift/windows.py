"""From judged rows with a time to windows of time, and each model's score in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlrun import metrics, statistics
from mlrun.intervals import Question, gain
from mlrun.records import Difference, Prediction

if TYPE_CHECKING:
    from mlrun.check_contracts import Context, Subject
    from mlrun.records import Array, Label

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Window:
    """The rows of a window, as positions among the judged ones; from and to: its first and last time.

    gap: the first of the two best models less the second, turned so that more is better for the first.
    """

    start: Label
    end: Label
    rows: int
    scores: Mapping[str, float | None]
    gap: Difference | None


def windows_of(times: Array, most: int, fewest_rows: int) -> list[Array]:
    """Divide rows by time into at most so many windows of about equal size; equal times are never divided.

    times: (n,). Returns positions, ascending in time, each window with at least so many rows; [] where there is none.
    """
    order = np.argsort(times, kind="stable")
    count = min(most, len(times) // fewest_rows)
    if count < 1:
        return []
    ordered = times[order]
    cuts = [np.searchsorted(ordered, ordered[round(part * len(order) / count)]) for part in range(1, count)]
    parts = np.split(order, sorted({int(cut) for cut in cuts if cut > 0}))
    kept: list[Array] = []
    for part in parts:  # a window that equal times made small joins the one before
        if kept and (len(part) < fewest_rows or len(kept[-1]) < fewest_rows):
            kept[-1] = np.concatenate([kept[-1], part])
        else:
            kept.append(part)
    return kept if all(len(part) >= fewest_rows for part in kept) else []


def scored(context: Context, rows: Array, times: Array, pair: tuple[Subject, Subject] | None) -> Window:
    """Return one window's scores by the first metric, and the difference of the two models that are best overall."""
    spec, task, truth = context.metrics[0], context.dataset.task, context.truth
    assert truth is not None  # noqa: S101 - the check needs labels
    scores: dict[str, float | None] = {}
    for subject in context.subjects:
        said = answers(subject)
        if said is not None:
            found = metrics.score((spec,), truth[rows], rows_of(said, rows), task, context.folder)
            scores[subject.name] = found[spec.label]
    gap: Difference | None = None
    if pair is not None:
        question = Question(spec, truth[rows], task, context.confidence, context.seed, context.folder)
        one, other = (answers(subject) for subject in pair)
        gap = None if one is None or other is None else gain(question, rows_of(one, rows), rows_of(other, rows))
    return Window(told(times[rows].min()), told(times[rows].max()), len(rows), scores, gap)


def windows_lost(windows: Sequence[Window]) -> int:
    """Return in how many windows the best model is behind the second beyond chance, windows held together (Holm)."""
    known = [window.gap for window in windows if window.gap is not None and window.gap.p_value is not None]
    adjusted = statistics.holm([gap.p_value for gap in known if gap.p_value is not None])
    behind = [gap.difference is not None and gap.difference < 0 for gap in known]
    return sum(lost and p_value < ALPHA for lost, p_value in zip(behind, adjusted, strict=True))


def answers(subject: Subject) -> Prediction | None:
    """Return what a subject said of all judged rows; None where it is silent on one."""
    if subject.answered is not None and not subject.answered.all():
        return None
    return subject.test


def rows_of(prediction: Prediction, rows: Array) -> Prediction:
    probabilities, scores = prediction.probabilities, prediction.scores
    return Prediction(
        prediction.values[rows],
        None if probabilities is None else probabilities[rows],
        None if scores is None else scores[rows],
    )


def told(time: np.generic) -> Label:
    """Return a time as it is written: a number, or the day, with the clock where it is not midnight."""
    if not isinstance(time, np.datetime64):
        return float(time)
    written = str(time.astype("datetime64[s]"))
    return written.removesuffix("T00:00:00")
