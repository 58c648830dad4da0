"""Conformal coverage against scipy's beta-binomial and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import betabinom

from mlrun.certainty import conformal


@pytest.mark.parametrize(("n", "a", "b"), [(1, 1, 1), (50, 91, 10), (1000, 180, 21), (20_000, 18_001, 2000)])
def test_the_beta_binomial_is_scipys(n: int, a: float, b: float) -> None:
    assert conformal.beta_binomial(n, a, b) == pytest.approx(betabinom.pmf(np.arange(n + 1), n, a, b), abs=1e-11)


def test_the_band_and_the_p_value_are_exact() -> None:
    covered = np.arange(200) < 170
    found = conformal.judge_coverage(covered, 199, 0.9)
    exact = betabinom(200, 180, 20)
    assert (found.low * 200, found.high * 200) == (exact.ppf(0.025), exact.ppf(0.975))
    assert found.p_value == pytest.approx(exact.cdf(170), abs=1e-12)
    assert found.share == 0.85


def test_the_quantile_is_the_rank_that_the_theorem_asks_for() -> None:
    scores = np.random.default_rng(0).permutation(np.arange(1, 20))  # 19 of them: (19 + 1) · 0.9 = 18
    assert conformal.quantile_of(scores, 0.9) == 18
    assert conformal.quantile_of(scores[:5], 0.9) == math.inf


def test_where_calibration_rows_are_too_few_every_row_must_be_covered() -> None:
    found = conformal.judge_coverage(np.array([True, True]), 5, 0.9)
    assert (found.low, found.high, found.p_value) == (1, 1, 1)


def test_the_score_of_a_set_is_what_the_class_lacks() -> None:
    assert conformal.set_scores(np.array([[0.25, 0.75]])).tolist() == [[0.75, 0.25]]


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_coverage_falls_into_its_band_in_95_percent_of_cases(coverage: float) -> None:
    generator, inside, low_p = np.random.default_rng(1), 0, 0
    for _ in range(1000):
        calibration, new = np.abs(generator.normal(size=150)), np.abs(generator.normal(size=250))
        covered = new <= conformal.quantile_of(calibration, coverage)
        found = conformal.judge_coverage(covered, 150, coverage)
        inside += found.low <= found.share <= found.high
        low_p += found.p_value < 0.05
    assert 0.94 <= inside / 1000 <= 0.975  # counts are whole, so a little above 0.95
    assert low_p / 1000 <= 0.06


def test_sets_of_calibrated_probabilities_cover_what_they_promise() -> None:
    generator, inside = np.random.default_rng(2), 0
    for _ in range(200):
        probabilities = generator.dirichlet([1, 1, 1], 600)
        truth = (generator.random((600, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
        scores = conformal.set_scores(probabilities)
        own = scores[np.arange(600), truth]
        sets = scores[300:] <= conformal.quantile_of(own[:300], 0.9)
        found = conformal.judge_coverage(sets[np.arange(300), truth[300:]], 300, 0.9)
        inside += found.low <= found.share <= found.high
    assert 0.91 <= inside / 200 <= 0.99
