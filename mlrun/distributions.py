"""Distributions: cdf, sf (its complement) and ppf (its inverse) of the normal, beta, Student's t and binomial.

From the standard library alone, since importing scipy costs more than a whole `mlrun compare`; to 1e-10 of scipy's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

NAN = float("nan")
ROOT_TWO = math.sqrt(2)
STANDARD = NormalDist()


# -- normal ------------------------------------------------------------------------------------------------------------


def normal_cdf(x: float) -> float:
    """Return P(Z ≤ x)."""
    return 0.5 * math.erfc(-x / ROOT_TWO)


def normal_sf(x: float) -> float:
    """Return P(Z > x), exact in its tail too."""
    return 0.5 * math.erfc(x / ROOT_TWO)


def normal_ppf(p: float) -> float:
    """Return the x below which a share p of the normal distribution lies (Wichura's AS 241)."""
    if not 0 < p < 1:
        return _edge(p, -math.inf, math.inf)
    return STANDARD.inv_cdf(p)


def _edge(p: float, low: float, high: float) -> float:
    return low if p == 0 else high if p == 1 else NAN


# -- beta --------------------------------------------------------------------------------------------------------------


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return P(X ≤ x) of Beta(a, b): the regularised incomplete beta function I_x(a, b)."""
    return _beta_tails(x, 1 - x, a, b)[0]


def beta_sf(x: float, a: float, b: float) -> float:
    """Return P(X > x) of Beta(a, b)."""
    return _beta_tails(x, 1 - x, a, b)[1]


def beta_ppf(p: float, a: float, b: float) -> float:
    """Return the x with P(X ≤ x) = p of Beta(a, b)."""
    if not 0 < p < 1:
        return _edge(p, 0.0, 1.0)

    def above(x: float) -> float:
        lower, upper = _beta_tails(x, 1 - x, a, b)
        return lower - p if p <= 0.5 else (1 - p) - upper  # the smaller tail keeps its digits

    def slope(x: float) -> float:
        return _beta_mass(x, 1 - x, a, b) / (x * (1 - x))

    return _root(above, slope, (0.0, 1.0), a / (a + b))


def _beta_tails(x: float, y: float, a: float, b: float) -> tuple[float, float]:
    """Return (I_x(a, b), 1 − I_x(a, b)); y is 1 − x, given apart so that neither loses digits."""
    if math.isnan(x) or not (a > 0 and b > 0):
        return NAN, NAN
    if x <= 0 or y <= 0:
        return (0.0, 1.0) if x <= 0 else (1.0, 0.0)
    mass = _beta_mass(x, y, a, b)
    if x <= (a + 1) / (a + b + 2):  # where the fraction converges fast
        lower = mass * _beta_fraction(x, y, a, b)
        return lower, 1 - lower
    upper = mass * _beta_fraction(y, x, b, a)
    return 1 - upper, upper


def _beta_fraction(x: float, y: float, a: float, b: float) -> float:
    """Return I_x(a, b) over its mass, by the fraction of Didonato & Morris (1992, equation 9), modified Lentz.

    It takes about √(a + b) steps; using y beside x it keeps its digits where x is nearly 1.
    """
    tiny, level = 1e-300, a * y - b * x + 1
    fraction = c = _off_zero(a * level / (a + 1), tiny)
    d = 0.0
    for m in range(1, 200_000):
        odd = a + 2 * m - 1
        numerator = (a + m - 1) * (a + b + m - 1) * m * (b - m) * (x / odd) ** 2
        denominator = m + m * (b - m) * x / odd + (a + m) * (level + m * (1 + y)) / (odd + 2)
        d = 1 / _off_zero(denominator + numerator * d, tiny)
        c = _off_zero(denominator + numerator / c, tiny)
        fraction *= c * d
        if abs(c * d - 1) < 2e-16:
            break
    return 1 / fraction


def _off_zero(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny


def _beta_mass(x: float, y: float, a: float, b: float) -> float:
    """Return x^a y^b / B(a, b) by Loader's saddle-point form (2000), which keeps its digits where a, b are large."""
    n = a + b
    deviance = _deviance(a, n * x) + _deviance(b, n * y)
    stirling = _stirling_error(n) - _stirling_error(a) - _stirling_error(b)
    return math.exp(stirling - deviance) * math.sqrt(a * b / (2 * math.pi * n))


def _stirling_error(n: float) -> float:
    """Return ln Γ(n + 1) less Stirling's approximation of it."""
    if n < 16:
        return math.lgamma(n + 1) - (n + 0.5) * math.log(n) + n - 0.5 * math.log(2 * math.pi)
    square = n * n
    inner = 1 / 1260 - (1 / 1680 - (1 / 1188 - 691 / 360360 / square) / square) / square
    return (1 / 12 - (1 / 360 - inner / square) / square) / n


def _deviance(x: float, mean: float) -> float:
    """Return x ln(x / mean) + mean − x, by its series where the two are close."""
    if abs(x - mean) >= 0.1 * (x + mean):
        return x * math.log(x / mean) + mean - x if mean > 0 else math.inf
    ratio = (x - mean) / (x + mean)
    total, term, order = (x - mean) * ratio, 2 * x * ratio, 1
    while True:
        term *= ratio * ratio
        order += 2
        grown = total + term / order
        if grown == total:
            return total
        total = grown


def _root(
    above: Callable[[float], float], slope: Callable[[float], float], bracket: tuple[float, float], start: float
) -> float:
    """Return the zero of an increasing function inside the bracket: Newton's steps, halving where they leave it."""
    (low, high), x = bracket, start
    for _ in range(400):
        height = above(x)
        low, high = (x, high) if height < 0 else (low, x)
        steepness = slope(x)
        step = height / steepness if steepness > 0 else math.inf
        following = x - step if low < x - step < high else 0.5 * (low + high)
        if height == 0 or abs(following - x) <= 2e-16 * abs(x):
            break
        x = following
    return x


# -- Student's t -------------------------------------------------------------------------------------------------------


def t_cdf(x: float, df: float) -> float:
    """Return P(T ≤ x) of Student's t with df degrees of freedom."""
    return t_sf(-x, df)


def t_sf(x: float, df: float) -> float:
    """Return P(T > x) of Student's t with df degrees of freedom."""
    if math.isinf(df):
        return normal_sf(x)
    half = 0.5 * _t_tail(x, df)
    return half if x >= 0 else 1 - half


def t_ppf(p: float, df: float) -> float:
    """Return the x with P(T ≤ x) = p of Student's t with df degrees of freedom."""
    if not 0 < p < 1 or math.isinf(df):
        return normal_ppf(p)
    if p == 0.5:
        return 0.0
    tail = min(p, 1 - p)
    start = high = max(-normal_ppf(tail), 1e-300)
    while t_sf(high, df) > tail:
        high *= 2
    x = _root(lambda x: tail - t_sf(x, df), lambda x: _t_density(x, df), (0.0, 2 * high), start)
    return x if p > 0.5 else -x


def _t_tail(x: float, df: float) -> float:
    """Return P(|T| > |x|) = I_{df / (df + x²)}(df / 2, 1/2)."""
    ratio = x * x / df
    rest = ratio / (1 + ratio) if ratio < 1e300 else 1.0
    return _beta_tails(1 / (1 + ratio), rest, df / 2, 0.5)[0]


def _t_density(x: float, df: float) -> float:
    ratio = x * x / df
    return _beta_mass(1 / (1 + ratio), ratio / (1 + ratio), df / 2, 0.5) / x if 0 < ratio < 1e300 else 0.0


# -- binomial ----------------------------------------------------------------------------------------------------------


def binomial_cdf(k: float, n: int, p: float) -> float:
    """Return P(K ≤ k) of n draws that succeed with probability p each."""
    return 1.0 if k >= n else 0.0 if k < 0 else _beta_tails(1 - p, p, n - math.floor(k), math.floor(k) + 1)[0]


def binomial_sf(k: float, n: int, p: float) -> float:
    """Return P(K > k)."""
    return 0.0 if k >= n else 1.0 if k < 0 else _beta_tails(p, 1 - p, math.floor(k) + 1, n - math.floor(k))[0]


def binomial_ppf(q: float, n: int, p: float) -> int:
    """Return the smallest k with P(K ≤ k) ≥ q."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if binomial_cdf(middle, n, p) >= q else (middle + 1, high)
    return low
