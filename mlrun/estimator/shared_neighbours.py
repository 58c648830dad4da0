"""K nearest neighbours that share one search: what each trial of a group says of rows, as if it had searched alone."""

# ruff: noqa: SLF001 - what scikit-learn keeps of a fit has no public name; held by tests of equality with separate fits

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from scipy import sparse
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.utils.extmath import weighted_mode

from mlrun.estimator.hyperparameters import given
from mlrun.estimator.shared_search import SharedSearch

if TYPE_CHECKING:
    from mlrun.contracts import Estimator
    from mlrun.records import Array, Params

CLOSE = 1e-9  # of the winner's votes: more than what the order of a sum can change
EXACT = 2.0**53  # sums of whole numbers below are exact in any order

# The search of each group, for as long as the estimator lives that was fitted for all: it is never stored with one.
SEARCHES: WeakKeyDictionary[Any, SharedSearch] = WeakKeyDictionary()


def restrict(estimator: Estimator, params: Params) -> Estimator:
    """Return what a fit with these params would have given, of an estimator that was fitted for the most neighbours."""
    k, weights = given(params, "n_neighbors", 5), given(params, "weights", "uniform")
    said = {**estimator.get_params(deep=False), "n_neighbors": k, "weights": weights}
    count = estimator.n_samples_fit_
    is_classifier = isinstance(estimator, KNeighborsClassifier)
    if estimator.algorithm == "auto" and (k >= count // 2) != (estimator.n_neighbors >= count // 2):
        truth = estimator.classes_[estimator._y] if is_classifier else estimator._y
        return type(estimator)(**said).fit(estimator._fit_X, truth)
    narrow: Any = (SharedClassifier if is_classifier else SharedRegressor)(**said)
    vars(narrow).update({name: value for name, value in vars(estimator).items() if name not in said})
    if estimator not in SEARCHES:
        SEARCHES[estimator] = SharedSearch(min(estimator.n_neighbors + 1, count), estimator._y)
    narrow.shared = SEARCHES[estimator]
    return narrow


class _Sharing:
    """What both kinds have in common; the search that is shared never travels with them."""

    shared: SharedSearch | None = None

    def __getstate__(self) -> Any:
        state: Any = super().__getstate__()
        return {name: value for name, value in state.items() if name != "shared"}

    def _search(self, rows: Any) -> SharedSearch | None:
        """Return the group's search, which holds the neighbours of these rows; None where it cannot say of them."""
        if self.shared is None or not (isinstance(rows, np.ndarray) or sparse.issparse(rows)):
            return None
        if self.n_neighbors > self.n_samples_fit_:  # type: ignore[attr-defined]  # scikit-learn says why not
            return None
        return self.shared if self.shared.search(self, rows, self._ask).whole else None

    def _ask(self, rows: Any, k: int) -> tuple[Array, Array]:
        distances, indices = super().kneighbors(rows, n_neighbors=k)  # type: ignore[misc]  # scikit-learn's
        return distances, indices


class SharedClassifier(_Sharing, KNeighborsClassifier):
    """scikit-learn's own, whose neighbours come from the search of its group."""

    def predict_proba(self, X: Any) -> Array:
        """Return the share of each class in the votes."""
        search = self._search(X)
        if search is not None:
            votes, _ = self._votes(search)
            totals = votes.sum(axis=1)
            if totals.all():
                return np.asarray(votes / totals[:, np.newaxis])
        return np.asarray(super().predict_proba(X))

    def predict(self, X: Any) -> Array:
        """Return the class of the most votes; of equally many the first, as scikit-learn does."""
        search = self._search(X)
        if search is not None:
            votes, distances = self._votes(search)
            if votes.any(axis=1).all():
                return np.asarray(self.classes_.take(self._winners(search, votes, distances)))
        return np.asarray(super().predict(X))  # where all neighbours are infinitely far, it says so

    def _votes(self, search: SharedSearch) -> tuple[Array, Array]:
        """Return (n, classes) sums of weights, added up in the order of distance, and (n, k) distances."""
        k = self.n_neighbors
        # Tied rows have one weight: their order changes no class's sum.
        distances, indices = search.nearest(self, k, self._ask, search.open_rows(k, in_order=False), in_order=False)
        count, classes = len(indices), len(self.classes_)
        cells = (self._y[indices] + classes * np.arange(count)[:, np.newaxis]).ravel()
        weights = None if self.weights in (None, "uniform") else weights_of(distances).ravel()
        votes = np.bincount(cells, weights, minlength=count * classes).reshape(count, classes)
        return votes.astype(np.float64), distances

    def _winners(self, search: SharedSearch, votes: Array, distances: Array) -> Array:
        """Return (n,) class codes; close votes are counted again, in the order in which scikit-learn predicts.

        It adds up the votes for its prediction in another order than those for its probabilities; where a neighbour is
        no distance away, weights are 0 or 1, and the order is no matter.
        """
        winners: Array = votes.argmax(axis=1)
        if self.weights != "distance" or votes.shape[1] == 1:
            return winners
        second, first = np.partition(votes, -2, axis=1)[:, -2:].T
        close = (first - second <= CLOSE * first) & (distances[:, 0] > 0)
        if close.any():
            k = self.n_neighbors
            wanted = search.open_rows(k, in_order=True) & close
            found = search.nearest(self, k, self._ask, wanted, in_order=True)
            near, indices = (part[close] for part in found)
            winners[close] = weighted_mode(self._y[indices], weights_of(near), axis=1)[0].ravel().astype(np.intp)
        return winners


class SharedRegressor(_Sharing, KNeighborsRegressor):
    """scikit-learn's own, whose neighbours come from the search of its group."""

    def kneighbors(self, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True) -> Any:
        """Return the distances and positions of the nearest training rows, as `predict` asks for them."""
        search = self._search(X) if n_neighbors is None else None
        if search is None:
            return super().kneighbors(X, n_neighbors, return_distance)
        k, in_order = self.n_neighbors, not self._adds_exactly()
        wanted = search.open_rows(k, in_order=in_order)
        distances, indices = search.nearest(self, k, self._ask, wanted, in_order=in_order)
        return (distances, indices) if return_distance else indices

    def _adds_exactly(self) -> bool:
        """Say whether sums of the neighbours' values are the same in any order: means of whole numbers."""
        truth = self._y
        whole = bool((truth == np.rint(truth)).all()) and float(np.abs(truth).max()) * self.n_neighbors < EXACT
        return whole and self.weights in (None, "uniform")


def weights_of(distances: Array) -> Array:
    """Return scikit-learn's weights by distance: the inverse; neighbours no distance away count alone."""
    with np.errstate(divide="ignore"):
        weights = 1.0 / distances
    infinite = np.isinf(weights)
    alone = infinite.any(axis=1)
    weights[alone] = infinite[alone]
    return weights
