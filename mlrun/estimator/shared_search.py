"""One search for the most neighbours of a group of trials, and of which rows smaller searches must be made again."""

# ruff: noqa: SLF001 - what scikit-learn keeps of a fit has no public name; held by tests of equality with separate fits

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from sklearn import get_config

if TYPE_CHECKING:
    from mlrun.records import Array

Ask = Callable[[Any, int], tuple["Array", "Array"]]  # rows and a number of neighbours to (n, k) distances, (n, k) rows

BY_PAIR = frozenset({"euclidean", "manhattan", "chebyshev", "minkowski", "canberra"})  # of dense rows, block by block


@dataclass(frozen=True, slots=True)
class Searched:
    """What one search found, each (n, most), ascending by distance; and where a smaller search may find otherwise.

    hinges: (n, most - 1); column k - 1 says that the k nearest hang on a tie between rows that are not alike.
    mixed: (n, most - 1); column k - 2 says that the order of the k nearest does.
    whole: every distance is a number; the correlation of a row that is the same in all columns is none.
    """

    rows: Any
    distances: Array
    indices: Array
    hinges: Array
    mixed: Array
    whole: bool


@dataclass(frozen=True, slots=True)
class Again:
    """What a search for k neighbours alone found of some rows; `place` (n,) is a row's position in it, or -1."""

    k: int
    in_order: bool
    place: Array
    distances: Array
    indices: Array


@dataclass(slots=True)
class SharedSearch:
    """The neighbours of the rows last asked about, for every estimator of a group; `values` are the training rows'.

    A search for k gives the first k of a search for more, unless distances tie: which of the tied rows come within
    the k nearest, and in which order, differs from k to k. It makes no difference where the tied rows have one value;
    else the row is asked about again, with k alone. A tree's bound on a distance is rounded: it may pass over a row
    that is nearer by less than its error, so that distances within it count as tied.
    """

    most: int
    values: Array
    found: Searched | None = None
    again: Again | None = field(default=None)

    def search(self, estimator: Any, rows: Any, ask: Ask) -> Searched:
        """Return what is known of rows, asking once for as long as these very rows are asked about."""
        if self.found is None or self.found.rows is not rows:
            distances, indices = ask(rows, self.most)
            closed = self.most == estimator.n_samples_fit_
            hinges, mixed = ties(distances, self.values[indices], error_of(estimator, rows, distances), closed=closed)
            whole = not np.isnan(distances).any()
            self.found, self.again = Searched(rows, distances, indices, hinges, mixed, whole), None
        return self.found

    def open_rows(self, k: int, *, in_order: bool) -> Array:
        """Return (n,) whether the k nearest of a row, or with `in_order` also their order, are not certain."""
        if self.found is None:
            raise LookupError("nothing was searched for")
        count = len(self.found.distances)
        hinged = self.found.hinges[:, k - 1] if k < self.most else np.zeros(count, dtype=np.bool_)
        return hinged | self.found.mixed[:, k - 2] if in_order and k > 1 else hinged

    def nearest(self, estimator: Any, k: int, ask: Ask, wanted: Array, *, in_order: bool) -> tuple[Array, Array]:
        """Return (n, k) distances and training rows; of the `wanted` rows as a search for k alone finds them."""
        if self.found is None:
            raise LookupError("nothing was searched for")
        distances = np.ascontiguousarray(self.found.distances[:, :k])
        indices = np.ascontiguousarray(self.found.indices[:, :k])
        if not wanted.any():
            return distances, indices
        again = self.again
        if again is None or again.k != k or again.in_order < in_order or (again.place[wanted] < 0).any():
            again = self.again = ask_again(estimator, self.found.rows, k, ask, wanted, in_order=in_order)
        place = again.place[wanted]
        distances, indices = distances.copy(), indices.copy()
        distances[wanted], indices[wanted] = again.distances[place], again.indices[place]
        return distances, indices


def ties(distances: Array, values: Array, error: Array | float, *, closed: bool) -> tuple[Array, Array]:
    """Return (n, most - 1) what hangs on ties: the k nearest, and their order; `closed`: no training row is left out.

    error: distances that differ by no more count as tied, and as unlike.
    """
    with np.errstate(invalid="ignore"):  # two infinite distances: not a number, so tied and unlike
        gaps = np.diff(distances, axis=1)
    tied = ~(gaps > error)
    unlike = tied & ((values[:, 1:] != values[:, :-1]) | (gaps != 0))
    mixed = np.logical_or.accumulate(unlike, axis=1)
    hinges = unlike.copy()
    last = tied.shape[1] - 1
    if tied.any():
        for pair in range(1, last + 1):
            hinges[:, pair] |= tied[:, pair] & hinges[:, pair - 1]
        if not closed and last >= 0:
            hinges[:, last] |= tied[:, last]  # tied rows beyond the last may be unlike
        for pair in range(last - 1, -1, -1):
            hinges[:, pair] |= tied[:, pair] & hinges[:, pair + 1]
    return hinges, mixed


def error_of(estimator: Any, rows: Any, distances: Array) -> Array | float:
    """Return how far a tree's bound on a distance may lie above the distance; 0 for brute force, which has none.

    The bound of a box is a sum of the same terms as the distance; that of a ball is a difference of distances as large
    as the data's extent. Each operation is off by half a unit in the last place.
    """
    if estimator._fit_method == "brute":
        return 0.0
    columns = rows.shape[1]
    rounding = 4 * float(np.finfo(np.float64).eps) * (columns + 2)
    if estimator._fit_method == "kd_tree":
        return np.asarray(rounding * distances[:, 1:])
    fitted = np.asarray(estimator._fit_X)
    extent = columns * (1.0 + float(np.abs(fitted).max(initial=0)) + float(np.abs(rows).max(initial=0)))
    return float(rounding * extent)


def ask_again(estimator: Any, rows: Any, k: int, ask: Ask, wanted: Array, *, in_order: bool) -> Again:
    """Search for k alone, of as few rows as give what the search of all rows would have given of the wanted ones."""
    chosen = rows_to_ask(estimator, rows, wanted, in_order=in_order)
    whole = len(chosen) == rows.shape[0]
    distances, indices = ask(rows if whole else rows[chosen], k)
    place = np.full(rows.shape[0], -1, dtype=np.intp)
    place[chosen] = np.arange(len(chosen))
    return Again(k, in_order or whole, place, distances, indices)


def rows_to_ask(estimator: Any, rows: Any, wanted: Array, *, in_order: bool) -> Array:
    """Return the positions of the wanted rows, and of those beside which their distances are computed.

    A tree answers for each row alone, and so do products of sparse rows. Brute force multiplies dense matrices, by
    blocks of rows where scikit-learn has its own loop, which for fewer rows may go the other way round, and then puts
    tied rows in another order; else all at once.
    """
    everything, positions = np.arange(rows.shape[0]), np.flatnonzero(wanted)
    metric = estimator.effective_metric_
    if estimator._fit_method != "brute" or (sparse.issparse(rows) and metric in {"euclidean", "cosine"}):
        return positions
    config = get_config()
    if in_order or metric not in BY_PAIR or not config["enable_cython_pairwise_dist"]:
        return everything
    block = config["pairwise_dist_chunk_size"]
    return everything[np.isin(everything // block, positions // block)]
