"""How far families agree on which rows are odd, where no labels can say which of them is right."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mlrun.leaderboard import Line
    from mlrun.records import Array

SHOWN = 6  # pairs of families that are told one by one


def agreement(lines: Sequence[Line]) -> Iterator[str]:
    """Yield the rank correlation (Spearman's rho) of each two families' anomaly scores, on test or on the folds."""
    scores = {line.record.name: scores_of(line) for line in lines if line.record.kind == "model" and line.parts}
    pairs = [
        (rho, first, second)
        for first, second in itertools.combinations(scores, 2)
        if (rho := spearman(scores[first], scores[second])) is not None
    ]
    if not pairs:
        return
    if len(pairs) > SHOWN:
        (low, *least), (high, *most) = min(pairs), max(pairs)
        told = f"from {low:.2f} ({' and '.join(least)}) to {high:.2f} ({' and '.join(most)})"
    else:
        told = ", ".join(f"{first} and {second} {rho:.2f}" for rho, first, second in pairs)
    yield f"agreement of the families (Spearman's rho of their scores; 1 = the same order of rows): {told}"


def scores_of(line: Line) -> Array:
    """Return a model's scores of the test rows; without a test, of the rows that its folds held out."""
    ordered = np.argsort(np.concatenate([part.rows for part in line.shown]), kind="stable")
    found: Array = np.concatenate([part.prediction.scores for part in line.shown if part.prediction.scores is not None])
    return found[ordered]


def spearman(first: Array, second: Array) -> float | None:
    """Return the correlation of the ranks, ties sharing their mean rank; None where one of them is constant."""
    from scipy.stats import rankdata

    if len(first) != len(second) or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(rankdata(first), rankdata(second))[0, 1])
