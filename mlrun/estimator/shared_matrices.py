"""What xgboost makes of rows before it can fit, kept in this process for the next fit on the same rows.

Sorting values into bins takes a third to a half of a short fit, and trials that differ in depth or rate bin alike.
"""

from __future__ import annotations

import weakref
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mlrun.contracts import Estimator
    from mlrun.records import Array

MOST_BYTES = 256 * 2**20  # of all that is kept in a process
PATIENCE = 100  # fits after which what none of them used makes room


def fit_on_shared_matrix(
    estimator: Estimator, rows: Any, truth: Array, weights: Array | None, kept: Kept | None = None
) -> Estimator:
    """Fit as estimator.fit does, bit for bit; the binned rows are kept as long as the rows themselves live.

    rows: never changed while they live, as those of a fold. kept: where they are kept; of this process.
    """
    kept = KEPT if kept is None else kept
    given = {} if weights is None else {"sample_weight": weights}
    if not bins_alike(estimator) or (isinstance(rows, np.ndarray) and rows.flags.writeable):
        return estimator.fit(rows, truth, **given)
    binned = kept.take(rows, truth, weights, facts_of(estimator))
    estimator._create_dmatrix = Offer(binned, estimator._create_dmatrix)  # noqa: SLF001 - held by a test of equality
    try:
        estimator.fit(rows, truth, **given)
    finally:
        del estimator._create_dmatrix  # noqa: SLF001 - as above; a stored model is the library's own, with nothing of ours in it
    kept.keep(binned)
    return estimator


def bins_alike(estimator: Estimator) -> bool:
    """Say whether fits of such params begin with the same bins: of `hist` alone, for trees alone."""
    return (
        estimator.booster in (None, "gbtree", "dart")
        and estimator.tree_method in (None, "auto", "hist")
        and estimator.device in (None, "cpu")
        and isinstance(estimator.feature_types, list | None)
    )


def facts_of(estimator: Estimator) -> Hashable:
    """Return all that the bins of given rows, truth and weights depend on; with early stopping, which rows are in."""
    positions = tuple(getattr(estimator, "category_positions", ()))
    types = None if estimator.feature_types is None else tuple(estimator.feature_types)
    aside = (getattr(estimator, "validation_fraction", None), estimator.random_state)
    stops = estimator.early_stopping_rounds is not None
    missing = repr(estimator.missing)  # NaN is not NaN
    return estimator.max_bin, missing, estimator.n_jobs, positions, types, aside if stops else None


@dataclass(slots=True, eq=False)
class Binned:
    """The matrices that a fit asks for, in this order: of the rows to fit, then of those kept aside."""

    rows: weakref.ref[Any]
    truth: Array
    weights: Array | None
    facts: Hashable
    matrices: list[Any] = field(default_factory=list)
    last_used: int = 0

    def is_of(self, rows: Any, truth: Array, weights: Array | None, facts: Hashable) -> bool:
        """Say whether the same fit would make the same matrices."""
        return (
            self.rows() is rows
            and self.facts == facts
            and np.array_equal(self.truth, truth)
            and (self.weights is None) == (weights is None)
            and (self.weights is None or weights is None or np.array_equal(self.weights, weights))
        )

    @property
    def size_bytes(self) -> int:
        """At most so many: the number of a bin for each value there is, by row and by column."""
        found: int = sum(2 * bin_bytes(matrix) * matrix.num_nonmissing() for matrix in self.matrices)
        return found + 2 * self.truth.nbytes


def bin_bytes(matrix: Any) -> int:
    """Return how many bytes xgboost takes for the number of a bin: as few as will do, or four where values miss."""
    most = getattr(matrix, "max_bin", None) or 256
    if matrix.num_nonmissing() < matrix.num_row() * matrix.num_col() or most > 2**16:
        return 4
    return 1 if most <= 2**8 else 2


class Offer:
    """Stands in for an estimator's _create_dmatrix during one fit: what was made before, else made now and noted."""

    def __init__(self, binned: Binned, create: Any) -> None:
        self.binned = binned
        self.create = create
        self.asked = 0

    def __call__(self, ref: Any, **given: Any) -> Any:
        matrices = self.binned.matrices
        if self.asked == len(matrices):
            matrices.append(self.create(ref=ref, **given))
        self.asked += 1
        return matrices[self.asked - 1]


class Kept:
    """Binned rows of this process; what a fit works on is taken out, so that no two threads ever share it."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self.all: list[Binned] = []
        self.fits = 0

    def take(self, rows: Any, truth: Array, weights: Array | None, facts: Hashable) -> Binned:
        """Return what was kept of such a fit, else an empty one."""
        self.fits += 1
        for binned in tuple(self.all):
            if binned.is_of(rows, truth, weights, facts):
                self.all.remove(binned)
                return binned
        return Binned(
            weakref.ref(rows, self.forget), np.array(truth), None if weights is None else np.array(weights), facts
        )

    def keep(self, binned: Binned) -> None:
        """Keep it for the next fit, where there is room: the rest of a long round of folds is worth more than it."""
        binned.last_used = self.fits
        self.all = [each for each in self.all if self.fits - each.last_used < PATIENCE]
        if sum(each.size_bytes for each in (*self.all, binned)) <= self.most_bytes:
            self.all.append(binned)

    def forget(self, rows: weakref.ref[Any]) -> None:
        """Drop what was made of rows that are gone."""
        self.all = [each for each in self.all if each.rows is not rows]


KEPT = Kept()
