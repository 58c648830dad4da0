"""Measures of calibration against brute force, scikit-learn, identities and evaluation.md's figures."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from mlrun.certainty import reliability

Rows = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.8, 1.0]), st.integers(0, 1)), min_size=2)


def calibrated(rows: int, seed: int = 0) -> tuple[Any, Any]:
    """Return probabilities, the logistic of standard normal scores, and outcomes drawn by them."""
    generator = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-generator.normal(size=rows)))
    return p, (generator.random(rows) < p).astype(np.float64)


@given(Rows, st.integers(2, 20))
@settings(max_examples=200)
def test_bins_hold_every_row_once_and_never_divide_equal_probabilities(rows: list[tuple[float, int]], k: int) -> None:
    p, y = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    binned = reliability.quantile_bins(p, y, k)
    assert binned.counts.sum() == len(p)
    assert binned.counts.min() >= 1
    assert len(binned.counts) <= k
    inside = [binned.p[start : start + count] for start, count in zip(binned.starts, binned.counts, strict=True)]
    assert all(before[-1] < after[0] for before, after in itertools.pairwise(inside))


def test_bins_of_distinct_probabilities_are_of_equal_size() -> None:
    p, y = calibrated(150)
    assert reliability.quantile_bins(p, y, 15).counts.tolist() == [10] * 15
    assert set(reliability.quantile_bins(*calibrated(157), 15).counts.tolist()) == {10, 11}


def test_the_calibration_error_is_the_weighted_gap_of_each_bin() -> None:
    p = np.array([0.1, 0.1, 0.1, 0.1, 0.9, 0.9])
    y = np.array([0, 0, 1, 1, 1, 1.0])
    found = reliability.calibration_error(reliability.quantile_bins(p, y, 2))
    assert found == pytest.approx(4 / 6 * 0.4 + 2 / 6 * 0.1, abs=1e-12)


@pytest.mark.parametrize(("rows", "expected"), [(200, 0.098), (1000, 0.044), (5000, 0.020)])  # evaluation.md, section 3
def test_a_calibrated_model_shows_the_documented_floor(rows: int, expected: float) -> None:
    floors = []
    for seed in range(8):
        floor = reliability.floor_of(reliability.quantile_bins(*calibrated(rows, seed), 15), seed, draws=200)
        floors.append(floor.mean)
    assert np.mean(floors) == pytest.approx(expected, rel=0.04)


def test_a_calibrated_model_is_refused_at_five_percent_in_about_five_percent_of_cases() -> None:
    p_values = [
        reliability.floor_of(reliability.quantile_bins(*calibrated(300, seed), 15), seed, draws=100).p_value
        for seed in range(400)
    ]
    assert 0.03 <= np.mean(np.array(p_values) < 0.05) <= 0.07


@pytest.mark.parametrize("rows", [100, 400])
def test_beyond_its_draws_the_p_value_is_the_tail_of_many_more(rows: int) -> None:
    p, y = calibrated(rows, 4)
    binned = reliability.quantile_bins(p, y, 15)
    many = np.random.default_rng(5).random((20_000, rows), dtype=np.float32) < binned.p
    shares = np.add.reduceat(many, binned.starts, axis=1, dtype=np.int64) / binned.counts
    errors = (binned.counts * np.abs(shares - binned.confidence)).sum(axis=1) / rows
    for chance in (0.01, 0.001):
        found = reliability._chance(errors[:500], float(np.quantile(errors, 1 - chance)))
        assert chance / 4 < found < chance * 4


def test_the_bands_hold_the_shares_of_a_calibrated_model() -> None:
    inside = []
    for seed in range(40):
        binned = reliability.quantile_bins(*calibrated(600, seed), 15)
        floor = reliability.floor_of(binned, seed)
        inside.append((binned.observed >= floor.low) & (binned.observed <= floor.high))
    assert np.mean(inside) == pytest.approx(0.96, abs=0.03)  # counts are whole, so a little above 0.95


def test_a_constant_probability_has_one_bin_no_slope_and_no_discrimination() -> None:
    p, y = np.full(100, 0.3), np.repeat([0.0, 1.0], [60, 40])
    binned = reliability.quantile_bins(p, y, 15)
    parts = reliability.decompose(p, y)
    assert reliability.calibration_error(binned) == pytest.approx(0.1)
    chance = binom.cdf(20, 100, 0.3) + binom.sf(39, 100, 0.3)
    assert reliability.floor_of(binned, 0, draws=4000).p_value == pytest.approx(chance, abs=0.01)
    assert reliability.calibration_slope(p, y) is None
    assert parts.dsc == pytest.approx(0, abs=1e-12)
    assert parts.mcb == pytest.approx(0.01)


def kernel_brute_force(p: Any, y: Any, bandwidth: float) -> float:
    """Return ∫ |Σ (y − p) K(t, p)| dt / n with a Gaussian kernel reflected at 0 and 1, image by image."""
    t = (np.arange(4000) + 0.5) / 4000
    density = np.zeros_like(t)
    for shift in range(-6, 7, 2):
        for image in (p, -p):
            gaps = (t[:, None] - image[None, :] - shift) / bandwidth
            density += (np.exp(-np.square(gaps) / 2) * (y - p)).sum(axis=1)
    return float(np.abs(density).mean()) / (len(p) * bandwidth * math.sqrt(2 * math.pi))


@pytest.mark.parametrize("power", [1.0, 0.4, 3.0])
def test_the_smooth_error_is_the_fixed_point_of_the_reflected_kernel(power: float) -> None:
    p, y = calibrated(150, 3)
    p = p**power
    found = reliability.smooth_error(p, y)
    assert kernel_brute_force(p, y, found) == pytest.approx(found, rel=2e-3, abs=1e-5)


def test_the_smooth_error_of_one_side_is_the_bias() -> None:
    p = np.random.default_rng(0).random(500) * 0.4 + 0.3
    assert reliability.smooth_error(p, np.ones(500)) == pytest.approx(float((1 - p).mean()), rel=1e-6)


def test_the_smooth_error_lies_between_the_distance_from_calibration_and_twice_its_root() -> None:
    # Błasiok & Nakkiran 2023, theorem 7: dCE/2 ≤ smECE ≤ 2·√dCE; every p off by 0.1 is at distance 0.1
    generator = np.random.default_rng(1)
    true = generator.random(20_000) * 0.8
    found = reliability.smooth_error(true + 0.1, (generator.random(20_000) < true).astype(np.float64))
    assert found == pytest.approx(0.1, abs=0.02)


@given(Rows)
@settings(max_examples=200)
def test_brier_is_miscalibration_less_discrimination_plus_uncertainty(rows: list[tuple[float, int]]) -> None:
    p, y = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    parts = reliability.decompose(p, y)
    assert parts.brier == pytest.approx(parts.mcb - parts.dsc + parts.unc, abs=1e-12)
    assert parts.mcb >= -1e-12
    assert parts.dsc >= -1e-12
    assert parts.unc == pytest.approx(y.mean() * (1 - y.mean()), abs=1e-12)


def test_recalibration_is_scikit_learns_isotonic_regression() -> None:
    p, y = calibrated(2000, 5)
    p = np.round(p**2, 2)  # with ties
    expected = IsotonicRegression().fit(p, y).predict(p)
    assert reliability.recalibrate(p, y) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("power", [1.0, 0.3, 4.0])
def test_the_slope_is_an_unpenalised_logistic_regression_on_log_odds(power: float) -> None:
    p, y = calibrated(1500, 7)
    p = np.append(p**power, [0.0, 1.0])  # log-odds of the ends are kept finite
    y = np.append(y, [0.0, 1.0])
    x = reliability.log_odds(p).reshape(-1, 1)
    model = LogisticRegression(C=np.inf, tol=1e-12, solver="newton-cholesky", max_iter=1000).fit(x, y)
    found = reliability.calibration_slope(p, y)
    assert found is not None
    assert found[0] == pytest.approx(model.coef_[0, 0], abs=1e-8)
    assert found[1] == pytest.approx(model.intercept_[0], abs=1e-8)


def test_probabilities_pushed_to_the_ends_have_a_slope_below_one() -> None:
    p, y = calibrated(20_000, 9)
    found = reliability.calibration_slope(1 / (1 + np.exp(-2 * reliability.log_odds(p))), y)
    assert found is not None
    assert found[0] == pytest.approx(0.5, abs=0.03)


def test_a_perfect_division_has_no_slope() -> None:
    p = np.linspace(0.05, 0.95, 20)
    assert reliability.calibration_slope(p, (p > 0.5).astype(np.float64)) is None
    assert reliability.calibration_slope(p, np.ones(20)) is None
