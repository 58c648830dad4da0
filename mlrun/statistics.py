"""From counts, rows and folds to intervals and p-values, in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from mlrun.distributions import binomial_cdf, normal_ppf, t_ppf, t_sf

if TYPE_CHECKING:
    from mlrun.records import Array

NAN = float("nan")
NOTHING = -60.0  # the logarithm of a mass that no sum beside 1 can show


def wilson(successes: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the score interval of a proportion (Wilson 1927); (0, 1) for no rows."""
    if n == 0:
        return 0.0, 1.0
    z, share = normal_ppf(0.5 + confidence / 2), successes / n
    centre = share + z * z / (2 * n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = (centre - reach) / (1 + z * z / n), (centre + reach) / (1 + z * z / n)
    return (0.0 if successes == 0 else max(0.0, low)), (1.0 if successes == n else min(1.0, high))


def mean_interval(rows: Array, confidence: float = 0.95) -> tuple[float, float, float]:
    """Return low and high of the mean of rows by Student's t, and the two-sided p-value of a mean of 0.

    rows: (n,) numbers, NaN thrice under two of them.
    """
    n = len(rows)
    if n < 2:
        return NAN, NAN, NAN
    return t_interval(float(rows.mean()), float(rows.std(ddof=1)) / math.sqrt(n), n - 1, confidence)


def one_sided(p_value: float, value: float) -> float:
    """Return the p-value of an estimate that is not above 0, from the two-sided one of 0."""
    return p_value / 2 if value > 0 else 1 - p_value / 2


def t_interval(value: float, error: float, df: float, confidence: float = 0.95) -> tuple[float, float, float]:
    """Return low, high and the two-sided p-value of 0, of an estimate with its standard error; df may be inf."""
    reach = t_ppf(0.5 + confidence / 2, df) * error
    if error == 0:
        return value, value, 1.0 if value == 0 else 0.0
    return value - reach, value + reach, min(1.0, 2 * t_sf(abs(value) / error, df))


def mcnemar(only_first: int, only_second: int, n: int, confidence: float = 0.95) -> tuple[float, float, float]:
    """Return low and high of the difference of two paired proportions, and McNemar's exact p-value (1947).

    only_first, only_second: rows on which only the one is right, of n. The interval is Bonett's and Price's adjusted
    Wald (2012, Statistical Methods in Medical Research 21), which keeps a width where the two agree on every row.
    """
    discordant = only_first + only_second
    p_value = min(1.0, 2 * binomial_cdf(min(only_first, only_second), discordant, 0.5)) if discordant else 1.0
    first, second = (only_first + 1) / (n + 2), (only_second + 1) / (n + 2)
    error = math.sqrt((first + second - (first - second) ** 2) / (n + 2))
    reach = normal_ppf(0.5 + confidence / 2) * error
    return max(-1.0, first - second - reach), min(1.0, first - second + reach), p_value


def separated_auc(positives: int, negatives: int, confidence: float = 0.95) -> float:
    """Return the low end of the interval of an area under the ROC curve of 1, where DeLong's has no width.

    Newcombe's method 5 (2006, Statistics in Medicine 25): the area whose own variance would just allow a 1.
    """
    z, more = normal_ppf(0.5 + confidence / 2), (positives + negatives) / 2 - 1
    low, high = 0.0, 1.0
    while high - low > 1e-12:
        area = (low + high) / 2
        wide = area * (1 + more * (1 - area) / (2 - area) + more * area / (1 + area)) / (positives * negatives)
        reaches = z * z * wide > 1 - area  # both sides over 1 − area, which keeps the trivial solution out
        low, high = (low, area) if reaches else (area, high)
    return low


def nadeau_bengio(
    differences: Array, train_rows: float, test_rows: float, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Return low, high and p-value of the mean difference over folds, by the corrected resampled t-test.

    differences: (J,) one a fold and repeat. The variance is taken × (1/J + test_rows / train_rows), since folds share
    training rows (Nadeau & Bengio 2003, Machine Learning 52).
    """
    folds = len(differences)
    if folds < 2:
        return NAN, NAN, NAN
    error = math.sqrt(float(differences.var(ddof=1)) * (1 / folds + test_rows / train_rows))
    return t_interval(float(differences.mean()), error, folds - 1, confidence)


def bayesian_correlated_t(
    differences: Array, train_rows: float, test_rows: float, rope: float
) -> tuple[float, float, float]:
    """Return the probabilities that the mean difference over folds lies below, within and above ± rope.

    differences: (J,) one a fold and repeat. Its posterior under a flat prior is Student's t with J − 1 degrees and the
    scale of `nadeau_bengio` (Corani & Benavoli 2015, Machine Learning 100; Benavoli et al. 2017, JMLR 18). NaN thrice
    under two folds.
    """
    folds, mean = len(differences), float(differences.mean()) if len(differences) else NAN
    if folds < 2:
        return NAN, NAN, NAN
    scale = math.sqrt(float(differences.var(ddof=1)) * (1 / folds + test_rows / train_rows))
    if scale == 0:
        return float(mean < -rope), float(abs(mean) <= rope), float(mean > rope)
    below, above = t_sf((mean + rope) / scale, folds - 1), t_sf((rope - mean) / scale, folds - 1)
    return below, max(0.0, 1 - below - above), above


# -- two groups of different rows --------------------------------------------------------------------------------------


def welch(first: Array, second: Array, confidence: float = 0.95) -> tuple[float, float, float]:
    """Return low, high and p-value of the difference of the means of two independent groups (Welch 1947).

    first, second: (n,), (m,) numbers; NaN thrice where one has fewer than two.
    """
    if min(len(first), len(second)) < 2:
        return NAN, NAN, NAN
    gap = float(first.mean()) - float(second.mean())
    errors = [float(group.var(ddof=1)) / len(group) for group in (first, second)]
    return welch_interval(gap, errors, (len(first), len(second)), confidence)


def welch_interval(
    gap: float, squared_errors: Sequence[float], sizes: Sequence[int], confidence: float = 0.95
) -> tuple[float, float, float]:
    """Return low, high and p-value of a difference of two estimates with their squared standard errors.

    The degrees of freedom are those of Welch and Satterthwaite (1946).
    """
    whole = math.fsum(squared_errors)
    if whole == 0:
        return t_interval(gap, 0.0, math.inf, confidence)
    df = whole**2 / math.fsum(error**2 / max(1, size - 1) for error, size in zip(squared_errors, sizes, strict=True))
    return t_interval(gap, math.sqrt(whole), df, confidence)


def newcombe(first: int, n: int, second: int, m: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of first/n − second/m by the score method (Newcombe 1998, Statistics in Medicine 17: 10)."""
    one, other = first / n, second / m
    (low, high), (below, above) = wilson(first, n, confidence), wilson(second, m, confidence)
    gap = one - other
    return gap - math.hypot(one - low, above - other), gap + math.hypot(high - one, other - below)


def fisher(first: int, n: int, second: int, m: int) -> float:
    """Return Fisher's exact two-sided p-value of first/n = second/m: of all tables that are no more likely (1922)."""
    drawn = first + second
    least, most = max(0, drawn - m), min(n, drawn)

    def log_mass(k: int) -> float:  # less what all tables share
        return -math.fsum(math.lgamma(part + 1) for part in (k, n - k, drawn - k, m - drawn + k))

    mode = min(most, max(least, (drawn + 1) * (n + 1) // (n + m + 2)))
    top, own = log_mass(mode), log_mass(first)
    masses = [
        *_outwards(range(mode, most + 1), log_mass, top),
        *_outwards(range(mode - 1, least - 1, -1), log_mass, top),
    ]
    alike = own - top + 1e-7  # tables as likely as this one, however their logarithms are rounded
    extreme = math.fsum(math.exp(mass) for mass in masses if mass <= alike)
    return min(1.0, max(extreme, math.exp(own - top)) / math.fsum(math.exp(mass) for mass in masses))


def _outwards(range_of_k: range, log_mass: Callable[[int], float], top: float) -> Iterator[float]:
    """Yield logarithms of masses over that of the mode, away from it, until they are nothing beside it."""
    for k in range_of_k:
        mass = log_mass(k) - top
        if mass < NOTHING:
            return
        yield mass


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return q-values in the given order: the false discovery rate at which each would be found (1995)."""
    adjusted, least, count = [0.0] * len(p_values), 1.0, len(p_values)
    for rank, position in enumerate(sorted(range(count), key=lambda index: -p_values[index])):
        least = min(least, p_values[position] * count / (count - rank))
        adjusted[position] = least
    return tuple(adjusted)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return p-values adjusted for their number, in the given order (Holm 1979)."""
    adjusted, worst = [0.0] * len(p_values), 0.0
    for rank, position in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[position]))
        adjusted[position] = worst
    return tuple(adjusted)


def expected_best(scores: Sequence[float], draws: int) -> float:
    """Return the expected maximum of so many scores drawn with replacement from those found (higher is better).

    The maximum of n draws is at most the i-th smallest of N with probability (i/N)^n (Dodge et al. 2019, Show Your
    Work: Improved Reporting of Experimental Results, equation 5).
    """
    ordered, count = sorted(scores), len(scores)
    return math.fsum(
        score * ((rank / count) ** draws - ((rank - 1) / count) ** draws) for rank, score in enumerate(ordered, 1)
    )
