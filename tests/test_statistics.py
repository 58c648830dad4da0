"""Closed-form intervals and tests, against scipy, textbooks and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlrun import statistics


@settings(deadline=None, max_examples=60)
@given(n=st.integers(1, 5000), share=st.floats(0, 1), confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_equals_scipy(n: int, share: float, confidence: float) -> None:
    successes = round(share * n)
    theirs = stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")
    assert statistics.wilson(successes, n, confidence) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_of_no_rows_knows_nothing() -> None:
    assert statistics.wilson(0, 0) == (0.0, 1.0)


def test_the_mean_of_rows_equals_scipys_t_test() -> None:
    rows = np.random.default_rng(0).normal(0.2, 1, 37)
    theirs = stats.ttest_1samp(rows, 0)
    low, high, p_value = statistics.mean_interval(rows)
    assert (low, high) == pytest.approx(tuple(theirs.confidence_interval()), rel=1e-10)
    assert p_value == pytest.approx(theirs.pvalue, rel=1e-10)


def test_the_mean_of_one_row_has_no_interval() -> None:
    assert all(math.isnan(number) for number in statistics.mean_interval(np.array([1.0])))


@settings(deadline=None, max_examples=60)
@given(first=st.integers(0, 60), second=st.integers(0, 60), agreed=st.integers(0, 500))
def test_mcnemar_equals_scipys_binomial_test(first: int, second: int, agreed: int) -> None:
    rows = first + second + agreed + 1
    low, high, p_value = statistics.mcnemar(first, second, rows)
    theirs = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert p_value == pytest.approx(theirs, rel=1e-9)
    assert -1 <= low <= high <= 1
    assert low < (first - second) / (rows + 2) < high


def test_the_interval_of_paired_proportions_covers_what_it_says() -> None:
    # 4,000 samples of 50 rows, difference −.08; binomial noise of the coverage itself is .0034.
    generator, cells = np.random.default_rng(3), (0.62, 0.11, 0.19, 0.08)
    covered = 0
    for _, first, second, _ in generator.multinomial(50, cells, size=4000):
        low, high, _ = statistics.mcnemar(int(first), int(second), 50)
        covered += low <= cells[1] - cells[2] <= high
    assert 0.935 < covered / 4000 < 0.97


def test_nadeau_bengio_widens_the_variance_by_the_shared_training_rows() -> None:
    differences = np.array([0.02, 0.01, -0.005, 0.03, 0.015])
    low, high, p_value = statistics.nadeau_bengio(differences, train_rows=80, test_rows=20)
    error = math.sqrt(differences.var(ddof=1) * (1 / 5 + 1 / 4))
    mean = differences.mean()
    assert (low, high) == pytest.approx((mean - 2.7764451052 * error, mean + 2.7764451052 * error), rel=1e-9)
    assert p_value == pytest.approx(2 * stats.t.sf(mean / error, 4), rel=1e-10)


def test_a_naive_t_over_repeated_folds_rejects_a_true_null_often_and_nadeau_bengio_seldom() -> None:
    # evaluation.md section 6: 38.5 % against 2.0 % over 4 × 5 folds. Here two models that are pure chance, on folds.
    generator, rejected = np.random.default_rng(5), [0, 0]
    for _ in range(300):
        wins = generator.normal(size=100)  # one model's loss less the other's, a row; its mean is 0
        means = []
        for _ in range(4):
            folds = generator.permutation(100).reshape(5, 20)
            means += [wins[fold].mean() for fold in folds]
        scores = np.array(means)
        rejected[0] += statistics.mean_interval(scores)[2] < 0.05
        rejected[1] += statistics.nadeau_bengio(scores, 80, 20)[2] < 0.05
    assert rejected[0] / 300 > 0.2
    assert rejected[1] / 300 < 0.08


def test_one_fold_says_nothing() -> None:
    assert all(math.isnan(number) for number in statistics.nadeau_bengio(np.array([0.1]), 80, 20))


def test_holm_equals_the_worked_example() -> None:
    # Holm (1979): multiply the sorted p-values by m, m − 1, ..., and never let one fall below an earlier one.
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert statistics.holm([]) == ()


@settings(deadline=None)
@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_lies_between_no_correction_and_bonferroni(p_values: list[float]) -> None:
    for raw, adjusted in zip(p_values, statistics.holm(p_values), strict=True):
        assert raw <= adjusted <= min(1.0, raw * len(p_values)) + 1e-15


def test_no_spread_is_certain_of_its_value() -> None:
    assert statistics.t_interval(0.0, 0.0, 10) == (0.0, 0.0, 1.0)
    assert statistics.t_interval(0.5, 0.0, 10) == (0.5, 0.5, 0.0)


def test_a_perfect_auc_has_an_interval_that_narrows_with_the_rows() -> None:
    lows = [statistics.separated_auc(rows, rows) for rows in (2, 10, 50, 1000)]
    assert lows == sorted(lows)
    # By hand for 10 and 10: 1 − a = z² a (1 + 9 (1 − a) / (2 − a) + 9 a / (1 + a)) / 100.
    area = lows[1]
    z = 1.959963984540054
    right = z * z * area * (1 + 9 * (1 - area) / (2 - area) + 9 * area / (1 + area)) / 100
    assert 1 - area == pytest.approx(right, abs=1e-9)
