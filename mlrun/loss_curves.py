"""From a fitted estimator to its loss curves: what its library kept, and what its rounds say of rows it is shown now.

The estimator is only looked at, after it was fitted and scored: neither a model nor a score can change by that.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from mlrun.contracts import Estimator, ModelFamily, Staged

if TYPE_CHECKING:
    from mlrun.records import Array

SHOWN_ROWS = 500  # of a fold's training rows, and of those held out: what is drawn needs no more
GROWTH = 2**0.5  # from one round that is asked for to the next: each costs a look, and losses fall fast at first
KEPT_ROUNDS = 200  # of those that a library has kept: each costs a number in the journal


Points = tuple[tuple[float, ...], tuple[int, ...]]  # losses, and the round of each


@dataclass(frozen=True, slots=True)
class Curves:
    """losses: name → losses, None where one is not finite; rounds: name → the round of each, where not 1, 2, 3 ..."""

    losses: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    rounds: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shown:
    """Rows with their truth: those that a model was fitted on, and those that were held out; truth None = unknown."""

    train: Any
    train_truth: Array | None
    held_out: Any
    held_out_truth: Array | None


def loss_curves(entry: ModelFamily, whole: Estimator, parts: Sequence[Estimator], shown: Shown) -> list[Curves]:
    """Return the curves of each part: of the estimators that one fit, the whole, answers for.

    train: of rows that it was fitted on; validation: of rows held out; others as the library names them.
    """
    found: list[dict[str, Points]] = [{} for _ in parts]
    if entry.staged is not None:
        found = staged_curves(entry.staged, whole, parts, shown)
    for part, curves in zip(parts, found, strict=True):
        kept = {} if entry.curves is None else entry.curves(part)
        curves.update({name: thinned(losses) for name, losses in kept.items()})
    return [as_curves(curves) for curves in found]


def staged_curves(
    staged: Staged, whole: Estimator, parts: Sequence[Estimator], shown: Shown
) -> list[dict[str, Points]]:
    """Return the losses of the shown rows along the rounds of each part."""
    nothing: list[dict[str, Points]] = [{} for _ in parts]
    if shown.train_truth is None or shown.held_out_truth is None:
        return nothing
    rounds = [asked(staged.rounds(part)) for part in parts]
    at = sorted(set().union(*rounds))
    if not at:
        return nothing
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            means = mean_losses(staged, whole, shown, at)
    except Exception:  # noqa: BLE001 - the fit is done and scored: a curve that cannot be drawn must not take it away
        return nothing
    return [
        {name: (tuple(losses[each] for each in own), own) for name, losses in means.items() if losses} for own in rounds
    ]


def mean_losses(staged: Staged, estimator: Estimator, shown: Shown, at: Sequence[int]) -> dict[str, dict[int, float]]:
    """Return for train and validation: round → mean loss of some of the rows; nothing where there is no row."""
    train, train_truth = some(estimator, shown.train, shown.train_truth)
    held_out, held_out_truth = some(estimator, shown.held_out, shown.held_out_truth)
    stack = sparse.vstack if sparse.issparse(train) else np.vstack
    rows, truth = stack([train, held_out]), np.concatenate([train_truth, held_out_truth])
    found: dict[str, dict[int, float]] = {"train": {}, "validation": {}}
    for number, losses in zip(at, staged.losses(estimator, rows, truth, at), strict=True):
        for name, part in (("train", losses[: len(train_truth)]), ("validation", losses[len(train_truth) :])):
            if len(part):
                found[name][number] = float(np.mean(part))
    return found


def some(estimator: Estimator, rows: Any, truth: Any) -> tuple[Any, Array]:
    """Return at most so many rows, evenly from first to last, whose class the estimator knows."""
    known = (
        np.flatnonzero(np.isin(truth, estimator.classes_)) if hasattr(estimator, "classes_") else np.arange(len(truth))
    )
    chosen = (
        known[np.linspace(0, len(known) - 1, min(len(known), SHOWN_ROWS)).astype(np.int64)] if len(known) else known
    )
    return rows[chosen], truth[chosen]


def asked(rounds: int) -> tuple[int, ...]:
    """Return the numbers of the rounds to ask about: the same of any number of rounds, up to the last."""
    found, step = [], 1.0
    while round(step) < rounds:
        found.append(round(step))
        step = max(step + 1, step * GROWTH)
    return (*found, rounds) if rounds else ()


def spaced(rounds: int, most: int) -> tuple[int, ...]:
    """Return the numbers of at most so many rounds, evenly from the first to the last."""
    if rounds <= most:
        return tuple(range(1, rounds + 1))
    return tuple(sorted({round(1 + at * (rounds - 1) / (most - 1)) for at in range(most)}))


def thinned(losses: Sequence[float]) -> Points:
    """Return losses with their rounds, at most as many as are kept."""
    rounds = spaced(len(losses), KEPT_ROUNDS)
    return tuple(losses[number - 1] for number in rounds), rounds


def as_curves(found: Mapping[str, Points]) -> Curves:
    """Return what is written: rounds only where they are not 1, 2, 3 ..."""
    losses = {
        name: tuple(float(loss) if np.isfinite(loss) else None for loss in each) for name, (each, _) in found.items()
    }
    rounds = {name: each for name, (_, each) in found.items() if each != tuple(range(1, len(each) + 1))}
    return Curves(losses, rounds)
