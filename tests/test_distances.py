"""Anomaly scores: higher is more anomalous, everywhere, and the numbers are those of the definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist
from sklearn.neighbors import LocalOutlierFactor

from mlrun import catalog
from mlrun.estimator.distances import Autoencoder, KMeansDistance, KnnDistance

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DETECTORS = [name for name in catalog.names("models") if "anomaly" in catalog.find("models", name).tasks]
DRAWN = np.random.default_rng(0)
USUAL = DRAWN.normal(size=(200, 3)) @ np.array([[1.0, 0.9, 0.8], [0.0, 0.3, 0.0], [0.0, 0.0, 0.2]])
ODD = np.array([[3.0, -3.0, 3.0], [-4.0, 4.0, 0.0], [2.5, 2.0, -4.0]])


@pytest.mark.parametrize("name", DETECTORS)
def test_rows_unlike_the_rest_score_higher(name: str) -> None:
    entry = catalog.find("models", name)
    params = {"hidden_layer_sizes": (1,), "max_iter": 500, "activation": "identity"} if name == "autoencoder" else {}
    detector = entry.build(params, 0, (), "anomaly").fit(USUAL)
    assert entry.anomaly_score(detector, ODD).min() > np.quantile(entry.anomaly_score(detector, USUAL), 0.95)


@pytest.mark.parametrize("distance", ["largest", "mean", "median"])
def test_knn_distance_is_that_of_all_pairs(distance: str) -> None:
    summaries: dict[str, Any] = {"largest": np.max, "mean": np.mean, "median": np.median}
    of_row = summaries[distance]
    detector = KnnDistance(n_neighbors=4, distance=distance).fit(USUAL)  # type: ignore[arg-type]
    near = np.sort(cdist(ODD, USUAL), axis=1)[:, :4]
    among = np.sort(cdist(USUAL, USUAL), axis=1)[:, 1:5]  # the first is the row itself
    assert_allclose(detector.score_samples(ODD), of_row(near, axis=1), rtol=1e-12)
    assert_allclose(detector.training_scores(), of_row(among, axis=1), rtol=1e-12)


def test_training_scores_leave_the_row_itself_out() -> None:
    for name in ("knn_distance", "local_outlier_factor"):
        entry = catalog.find("models", name)
        detector = entry.build({"n_neighbors": 1}, 0, (), "anomaly").fit(USUAL)
        assert entry.training_scores(detector).shape == (200,)
        assert entry.training_scores(detector).mean() > entry.anomaly_score(detector, USUAL).mean()
    own = LocalOutlierFactor(n_neighbors=1).fit(USUAL)
    assert_array_equal(entry.training_scores(detector), -own.negative_outlier_factor_)


def test_kmeans_distance_is_that_to_the_nearest_centre() -> None:
    detector = KMeansDistance(n_clusters=3, random_state=0).fit(USUAL)
    expected = cdist(ODD, detector.kmeans_.cluster_centers_).min(axis=1)
    assert_allclose(detector.score_samples(ODD), expected, rtol=1e-12)


def test_an_autoencoder_scores_by_how_wrong_its_rows_come_back() -> None:
    detector = Autoencoder(hidden_layer_sizes=(2,), random_state=0, max_iter=50).fit(USUAL)
    assert_allclose(detector.score_samples(ODD), ((detector.predict(ODD) - ODD) ** 2).mean(axis=1), rtol=1e-12)


def test_an_autoencoder_of_one_column_works() -> None:
    detector = Autoencoder(hidden_layer_sizes=(2,), random_state=0, max_iter=20).fit(USUAL[:, :1])
    assert detector.score_samples(USUAL[:, :1]).shape == (200,)
