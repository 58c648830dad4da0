"""The distributions: equal to scipy's to 1e-10, tails included."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlrun import distributions as ours

SHARES = (1e-12, 1e-6, 0.001, 0.025, 0.3, 0.5, 0.7, 0.975, 0.999, 1 - 1e-9)


def near(value: float) -> Any:
    """Within 1e-10 of its own size, however small it is."""
    return pytest.approx(value, rel=1e-10, abs=1e-300)


@pytest.mark.parametrize("x", [-37.0, -10.0, -3.0, -0.1, 0.0, 0.5, 4.0, 30.0])
def test_normal_equals_scipy(x: float) -> None:
    assert ours.normal_cdf(x) == near(stats.norm.cdf(x))
    assert ours.normal_sf(x) == near(stats.norm.sf(x))


@pytest.mark.parametrize("p", [*SHARES, 1e-300])
def test_normal_quantiles_equal_scipy(p: float) -> None:
    assert ours.normal_ppf(p) == pytest.approx(stats.norm.ppf(p), rel=1e-10, abs=1e-15)


@pytest.mark.parametrize(("a", "b"), list(itertools.product([0.5, 1, 3.7, 30, 8140.5, 3e6], repeat=2)))
def test_beta_equals_scipy(a: float, b: float) -> None:
    for p in SHARES:
        x = float(stats.beta.ppf(p, a, b))
        assert ours.beta_cdf(x, a, b) == near(stats.beta.cdf(x, a, b))
        assert ours.beta_sf(x, a, b) == near(stats.beta.sf(x, a, b))
        assert ours.beta_ppf(p, a, b) == pytest.approx(x, rel=1e-10, abs=1e-16)


@pytest.mark.parametrize("df", [0.5, 1, 2, 4.5, 10, 99, 16280, 1e6, 1e8])
def test_students_t_equals_scipy(df: float) -> None:
    for p in SHARES:
        x = float(stats.t.ppf(p, df))
        assert ours.t_cdf(x, df) == near(stats.t.cdf(x, df))
        assert ours.t_sf(x, df) == near(stats.t.sf(x, df))
        assert ours.t_ppf(p, df) == pytest.approx(x, rel=1e-10, abs=1e-10)


def test_students_t_of_endless_freedom_is_normal() -> None:
    assert ours.t_sf(1.5, math.inf) == ours.normal_sf(1.5)
    assert ours.t_ppf(0.975, math.inf) == ours.normal_ppf(0.975)


@pytest.mark.parametrize(("n", "p"), list(itertools.product([1, 2, 5, 40, 1000, 100_000], [1e-4, 0.05, 0.5, 0.9])))
def test_binomial_equals_scipy(n: int, p: float) -> None:
    for k in range(-1, n + 2, max(1, n // 12)):
        assert ours.binomial_cdf(k, n, p) == near(stats.binom.cdf(k, n, p))
        assert ours.binomial_sf(k, n, p) == near(stats.binom.sf(k, n, p))
    for share in (0.001, 0.0251, 0.51, 0.973):
        assert ours.binomial_ppf(share, n, p) == stats.binom.ppf(share, n, p)


@settings(deadline=None, max_examples=60)
@given(p=st.floats(1e-9, 1 - 1e-9), df=st.floats(0.5, 1e5))
def test_quantiles_undo_the_cdf(p: float, df: float) -> None:
    assert ours.t_cdf(ours.t_ppf(p, df), df) == pytest.approx(p, rel=1e-9)
    assert ours.beta_cdf(ours.beta_ppf(p, df, 3.0), df, 3.0) == pytest.approx(p, rel=1e-7)


def test_edges_are_the_ends_of_the_support() -> None:
    assert (ours.normal_ppf(0), ours.normal_ppf(1)) == (-math.inf, math.inf)
    assert (ours.t_ppf(0, 5), ours.t_ppf(1, 5), ours.t_ppf(0.5, 5)) == (-math.inf, math.inf, 0.0)
    assert (ours.beta_ppf(0, 2, 3), ours.beta_ppf(1, 2, 3)) == (0.0, 1.0)
    assert (ours.beta_cdf(-1, 2, 3), ours.beta_cdf(2, 2, 3), ours.beta_sf(0, 2, 3)) == (0.0, 1.0, 1.0)
    assert (ours.t_sf(math.inf, 3), ours.t_cdf(math.inf, 3), ours.t_sf(0, 3)) == (0.0, 1.0, 0.5)
    assert math.isnan(ours.normal_ppf(1.5))
    assert math.isnan(ours.beta_cdf(0.5, -1, 1))
