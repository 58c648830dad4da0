"""Models over data sets: Demšar's worked example, and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlrun.rankings import critical_difference, rank_models, studentized_range_cdf, studentized_range_ppf

# Demšar 2006, JMLR 7, table 6: AUC of C4.5, C4.5+m, C4.5+cf and C4.5+m+cf on 14 data sets.
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],  # .975 twice in print, of which the third column is ranked before the fourth
        [0.957, 0.978, 0.946, 0.970],
    ]
)


def test_the_worked_example_of_demsar_is_met() -> None:
    """Mean ranks 3.143, 2.000, 2.893, 1.964; the paper rounds ranks and leaves ties uncorrected: 9.28, F 3.69."""
    found = rank_models(DEMSAR)
    assert found.ranks == pytest.approx((3.143, 2.000, 2.893, 1.964), abs=5e-4)
    ranks = np.array(found.ranks)
    uncorrected = 12 * 14 / (4 * 5) * (float(np.square(ranks).sum()) - 4 * 25 / 4)
    assert uncorrected == pytest.approx(9.28, abs=0.01)
    assert 13 * uncorrected / (14 * 3 - uncorrected) == pytest.approx(3.69, abs=0.01)
    assert found.p_value < 0.05
    assert found.critical_difference == pytest.approx(1.25, abs=0.005)  # section 3.2.2, Nemenyi at .05
    assert critical_difference(4, 14, 0.90) == pytest.approx(1.12, abs=0.005)


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(2, 12),
    k=st.integers(3, 6),
    seed=st.integers(0, 1000),
    digits=st.sampled_from([1, 6]),  # with one digit there are ties
)
def test_friedman_equals_scipy(n: int, k: int, seed: int, digits: int) -> None:
    scores = np.random.default_rng(seed).random((n, k)).round(digits)
    found = rank_models(scores)
    if np.isclose(found.statistic, 0) or not np.isfinite(found.f_statistic):
        return
    assert found.statistic == pytest.approx(stats.friedmanchisquare(*scores.T).statistic, rel=1e-9)
    assert found.p_value == pytest.approx(stats.f.sf(found.f_statistic, k - 1, (k - 1) * (n - 1)), rel=1e-8)


@pytest.mark.parametrize(
    ("models", "quantile"),
    [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (7, 2.949), (8, 3.031), (9, 3.102), (10, 3.164)],
)
def test_nemenyis_quantiles_are_those_of_demsars_table_5(models: int, quantile: float) -> None:
    assert studentized_range_ppf(0.95, models) / np.sqrt(2) == pytest.approx(quantile, abs=1e-3)


def test_the_studentized_range_equals_scipy() -> None:
    for width, groups in ((1.0, 2), (3.3, 4), (4.5, 10)):
        assert studentized_range_cdf(width, groups) == pytest.approx(
            float(stats.studentized_range.cdf(width, groups, np.inf)), abs=1e-8
        )


def test_equal_models_do_not_differ() -> None:
    found = rank_models(np.ones((5, 3)))
    assert (found.statistic, found.p_value) == (0.0, 1.0)
    assert found.ranks == (2.0, 2.0, 2.0)
