"""Whether rows that follow each other err alike: the autocorrelation of held-out residuals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mlrun.assumption.judgement import ALPHA, Judgement, not_applicable, word_above
from mlrun.distributions import normal_sf

if TYPE_CHECKING:
    from mlrun.check_contracts import Context, Subject
    from mlrun.records import Array, Prediction

FEWEST, SORTED = 50, 0.99
STRAINED, VIOLATED = 0.1, 0.3
LAGS = 50
CONSEQUENCES = {
    "": "intervals are too narrow, and shuffled folds too hopeful: name the `time` or the `group` that binds the rows",
    "time": "intervals are too narrow: there are fewer rows than it seems",
}


def judge(subject: Subject, context: Context) -> Judgement:
    """Judge the correlation of held-out residuals of neighbouring rows, in their order in time or in the file.

    The effective number of rows is n / (1 + 2 Σ ρ_k) over the lags before the correlation is lost in chance (Bartlett
    1946).
    """
    found = residuals_in_order(subject, context)
    if isinstance(found, str):
        return not_applicable(found)
    count = len(found)
    lags = autocorrelations(found, min(LAGS, count // 4))
    first = lags[0]
    p_value = normal_sf(first * math.sqrt(count))
    lost = np.flatnonzero(lags < 2 / math.sqrt(count))
    kept = lags[: int(lost[0])] if len(lost) else lags
    effective = count / (1 + 2 * float(kept.sum()))
    told = f"residuals of neighbouring rows correlate by {first:.2f}: {count:,} rows count like {effective:,.0f}"
    word = word_above(first, STRAINED, VIOLATED, p_value < ALPHA)
    return Judgement(word, "lag-1 autocorrelation of held-out residuals", first, told, p_value)


def residuals_in_order(subject: Subject, context: Context) -> Array | str:
    """Return (n, k) residuals of the first repeat's held-out rows, centred, in order; or why there are none."""
    dataset = context.dataset
    if dataset.truth is None:
        return "there are no labels"
    parts = [(fold, said) for fold, said, answered in subject.folds if fold.repeat == 0 and answered is None]
    if sum(len(fold.valid) for fold, _ in parts) < FEWEST:
        return f"there are fewer than {FEWEST} held-out predictions"
    rows = np.concatenate([fold.valid for fold, _ in parts])
    residuals = np.concatenate([residuals_of(said, dataset.truth[fold.valid], context) for fold, said in parts])
    order = np.argsort(rows if dataset.times is None else dataset.times[rows], kind="stable")
    if is_sorted(dataset.truth[rows[order]], dataset.task.kind == "regression"):
        return "the rows are sorted by target, so their order says nothing"
    found: Array = residuals[order] - residuals.mean(axis=0)
    return found if np.square(found).sum() > 0 else "the held-out predictions have no errors"


def residuals_of(said: Prediction, truth: Array, context: Context) -> Array:
    """Return truth less what was said, (n, k): of a number, of each class's probability, or of its label."""
    if context.dataset.task.kind == "regression":
        return (truth - said.values)[:, None]
    classes = max(2, len(context.dataset.task.labels))
    told = np.eye(classes)[said.values] if said.probabilities is None else said.probabilities
    residuals: Array = np.eye(classes)[truth] - told
    return residuals


def is_sorted(truth: Array, number: bool) -> bool:
    """Return whether rows stand in the order of their target: nearly all steps go one way, or classes in blocks."""
    steps = np.diff(truth)
    if not number:
        return int(np.count_nonzero(steps)) < len(np.unique(truth)) + 0.01 * len(truth)
    return bool(max((steps >= 0).mean(), (steps <= 0).mean()) >= SORTED)


def autocorrelations(residuals: Array, lags: int) -> Array:
    """Return the correlation of centred (n, k) residuals with those so many rows later, (lags,)."""
    whole = float((residuals * residuals).sum())
    return np.array([float((residuals[lag:] * residuals[:-lag]).sum()) / whole for lag in range(1, max(1, lags) + 1)])
