"""Anomaly detectors that scikit-learn has no class for: how far is a row from what is usual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors
from sklearn.neural_network import MLPRegressor

if TYPE_CHECKING:
    from mlrun.records import Array

# ruff: noqa: ARG002 - scikit-learn hands every fit a y


class KnnDistance(BaseEstimator):
    """Distance to the k nearest rows of training: the largest, the mean or the median of them.

    Source: Ramaswamy, Rastogi, Shim (2000), Efficient algorithms for mining outliers from large data sets, section 2;
    Angiulli, Pizzuti (2002), Fast outlier detection in high dimensional spaces, for the mean.
    """

    def __init__(
        self,
        n_neighbors: int = 5,
        distance: Literal["largest", "mean", "median"] = "largest",
        algorithm: str = "auto",
        leaf_size: int = 30,
        metric: str = "minkowski",
        p: float = 2,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.distance = distance
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p

    def fit(self, X: Any, y: None = None) -> Self:
        self.neighbors_ = NearestNeighbors(
            n_neighbors=self.n_neighbors,
            algorithm=self.algorithm,
            leaf_size=self.leaf_size,
            metric=self.metric,
            p=self.p,
            n_jobs=1,
        ).fit(X)
        return self

    def score_samples(self, X: Any) -> Array:
        """Return (n,) distances: higher = more anomalous."""
        return self._summarise(self.neighbors_.kneighbors(X)[0])

    def training_scores(self) -> Array:
        """Return the distances of the rows it was fitted on, none of them its own neighbour."""
        return self._summarise(self.neighbors_.kneighbors()[0])

    def _summarise(self, distances: Array) -> Array:
        if self.distance == "largest":
            return distances[:, -1]  # they come in ascending order
        of_row = np.mean if self.distance == "mean" else np.median
        return np.asarray(of_row(distances, axis=1))


class KMeansDistance(BaseEstimator):
    """Distance to the nearest of k cluster centres."""

    def __init__(
        self,
        n_clusters: int = 8,
        init: str = "k-means++",
        n_init: int | str = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        algorithm: str = "lloyd",
        random_state: int | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.algorithm = algorithm
        self.random_state = random_state

    def fit(self, X: Any, y: None = None, sample_weight: Array | None = None) -> Self:
        self.kmeans_ = KMeans(**self.get_params()).fit(X, sample_weight=sample_weight)
        return self

    def score_samples(self, X: Any) -> Array:
        """Return (n,) distances: higher = more anomalous."""
        distances: Array = self.kmeans_.transform(X).min(axis=1)
        return distances


class Autoencoder(MLPRegressor):
    """A network that gives its rows back through a narrow layer; rows unlike the rest come back wrong.

    Source: Hawkins, He, Williams, Baxter (2002), Outlier detection using replicator neural networks.
    """

    def fit(self, X: Array, y: None = None) -> Self:
        super().fit(X, X.ravel() if X.shape[1] == 1 else X)
        return self

    def score_samples(self, X: Array) -> Array:
        """Return (n,) mean squared errors of reconstruction: higher = more anomalous."""
        errors: Array = ((self.predict(X).reshape(X.shape) - X) ** 2).mean(axis=1)
        return errors
