"""From a fold's rows of training to the part of them on which a search tries first, when it tries on less than all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mlrun.records import Array

SMALLEST = 2  # rows of a class that a part holds, where the class has so many: one cannot be told from noise


def rows_at(rows: Array, fidelity: float, truth: Array | None, seed: int) -> Array:
    """Return a share of (n,) rows, in their order; a smaller share is a part of each larger one.

    truth: the (rows of the table,) class codes, so that each class keeps its share; None = drawn from all alike.
    """
    if fidelity >= 1:
        return rows
    drawn = np.random.default_rng(seed).permutation(rows)
    if truth is None:
        kept = drawn[: max(SMALLEST, math.ceil(fidelity * len(rows)))]
    else:
        classes = truth[drawn]
        parts = [drawn[classes == code] for code in np.unique(classes)]
        kept = np.concatenate([part[: max(SMALLEST, math.ceil(fidelity * len(part)))] for part in parts])
    return np.sort(kept)
