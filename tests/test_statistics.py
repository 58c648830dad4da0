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


# -- two groups of different rows --------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(n=st.integers(2, 60), m=st.integers(2, 60), seed=st.integers(0, 100))
def test_welch_equals_scipy(n: int, m: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    first, second = generator.normal(0.3, 1, n), generator.normal(0, 3, m)
    theirs = stats.ttest_ind(first, second, equal_var=False)
    low, high, p_value = statistics.welch(first, second)
    assert (low, high) == pytest.approx(tuple(theirs.confidence_interval()), rel=1e-8)
    assert p_value == pytest.approx(theirs.pvalue, rel=1e-8)


def test_welch_of_a_single_row_knows_nothing() -> None:
    assert all(math.isnan(number) for number in statistics.welch(np.ones(1), np.ones(5)))


@settings(deadline=None, max_examples=100)
@given(n=st.integers(1, 80), m=st.integers(1, 80), first=st.floats(0, 1), second=st.floats(0, 1))
def test_fisher_equals_scipy(n: int, m: int, first: float, second: float) -> None:
    one, other = round(first * n), round(second * m)
    theirs = stats.fisher_exact([[one, n - one], [other, m - other]]).pvalue
    assert statistics.fisher(one, n, other, m) == pytest.approx(theirs, rel=1e-8)


def test_fisher_of_many_rows_equals_scipy() -> None:
    for table in ((805, 1795, 349, 1488), (2, 3000, 40, 60_000), (0, 40_000, 30, 50_000), (900, 1000, 10, 40_000)):
        one, n, other, m = table
        theirs = stats.fisher_exact([[one, n - one], [other, m - other]]).pvalue
        assert statistics.fisher(*table) == pytest.approx(theirs, rel=1e-6, abs=1e-20)


def test_newcombes_interval_is_that_of_his_paper() -> None:
    # Newcombe 1998, Statistics in Medicine 17, 873: table II, method 10: 56/70 − 48/80, 9/10 − 3/10, 10/10 − 0/20.
    assert statistics.newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert statistics.newcombe(9, 10, 3, 10) == pytest.approx((0.1705, 0.8090), abs=5e-5)
    assert statistics.newcombe(10, 10, 0, 20) == pytest.approx((0.6791, 1.0000), abs=5e-5)


@settings(deadline=None, max_examples=40)
@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_benjamini_hochberg_equals_scipy(p_values: list[float]) -> None:
    theirs = stats.false_discovery_control(p_values)
    assert statistics.benjamini_hochberg(p_values) == pytest.approx(tuple(theirs), rel=1e-12)


def test_no_p_values_have_no_q_values() -> None:
    assert statistics.benjamini_hochberg([]) == ()


# -- folds, rope, rows needed ------------------------------------------------------------------------------------------


def test_the_bayesian_correlated_t_is_the_posterior_of_benavoli() -> None:
    # Benavoli, Corani, Demšar, Zaffalon 2017, JMLR 18, section 4.1.1, computed with scipy's Student distribution.
    differences = np.array([0.02, 0.01, -0.005, 0.03, 0.015, 0.001, 0.012, 0.02, -0.01, 0.018])
    scale = math.sqrt(differences.var(ddof=1) * (1 / 10 + (1 / 10) / (9 / 10)))
    posterior = stats.t(9, loc=differences.mean(), scale=scale)
    worse, same, better = statistics.bayesian_correlated_t(differences, 90, 10, 0.01)
    assert worse == pytest.approx(posterior.cdf(-0.01), rel=1e-8)
    assert better == pytest.approx(posterior.sf(0.01), rel=1e-8)
    assert worse + same + better == pytest.approx(1)


def test_differences_without_spread_are_certain_and_one_fold_says_nothing() -> None:
    assert statistics.bayesian_correlated_t(np.full(5, 0.02), 80, 20, 0.01) == (0.0, 0.0, 1.0)
    assert statistics.bayesian_correlated_t(np.full(5, 0.002), 80, 20, 0.01) == (0.0, 1.0, 0.0)
    assert all(math.isnan(number) for number in statistics.bayesian_correlated_t(np.ones(1), 80, 20, 0.01))


@pytest.mark.parametrize("test", ["welch", "fisher", "paired t", "mcnemar", "nadeau_bengio"])
def test_a_true_null_is_rejected_as_often_as_said(test: str) -> None:
    # The bar: 5 % ± 2; an exact test of counts stays below. 1,500 samples: noise of the share is .0056.
    generator, samples, rejected = np.random.default_rng(8), 1500, 0
    for _ in range(samples):
        if test == "welch":
            p_value = statistics.welch(generator.normal(0, 1, 40), generator.normal(0, 4, 25))[2]
        elif test == "fisher":
            p_value = statistics.fisher(generator.binomial(200, 0.4), 200, generator.binomial(900, 0.4), 900)
        elif test == "paired t":
            p_value = statistics.mean_interval(generator.exponential(1, 200) - 1)[2]
        elif test == "mcnemar":
            only_first = generator.binomial(120, 0.5)
            p_value = statistics.mcnemar(only_first, 120 - only_first, 1000)[2]
        else:  # folds of one data set: a shared part in training, a part of each test fold's own
            shared = generator.normal(0, math.sqrt(1 / 5 / 4))
            p_value = statistics.nadeau_bengio(generator.normal(0, 1, 5) + shared * math.sqrt(5), 80, 20)[2]
        rejected += p_value < 0.05
    most = 0.07
    assert rejected / samples <= most
    assert rejected / samples >= (0.03 if test not in ("fisher", "mcnemar") else 0.01)


@pytest.mark.parametrize("shift", [-0.4, 0.0, 0.4])
def test_one_side_of_a_t_test_is_scipys(shift: float) -> None:
    rows = np.random.default_rng(3).normal(shift, 1, 60)
    found = statistics.one_sided(statistics.mean_interval(rows)[2], float(rows.mean()))
    assert found == pytest.approx(stats.ttest_1samp(rows, 0, alternative="greater").pvalue, abs=1e-10)
