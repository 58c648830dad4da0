"""From a difference with its interval to how sure it is, in which words, and how many rows would settle it."""

from __future__ import annotations

import math

from mlrun.distributions import normal_cdf, normal_ppf
from mlrun.records import Difference

MOST_ROWS = 10_000_000  # beyond it, "more rows" is no advice


def tolerance(bound: float, highest: float, score: float | None) -> float:
    """Return a bound on differences in a metric's unit: of one without a highest value it is a share of a score."""
    return bound if math.isfinite(highest) else bound * abs(score or 0.0)


def standard_error(found: Difference, confidence: float) -> float | None:
    """Return the standard error behind a difference's interval (normal); None where it has none."""
    if found.low is None or found.high is None:
        return None
    return (found.high - found.low) / (2 * normal_ppf(0.5 + confidence / 2))


def chance_above(found: Difference, bound: float, confidence: float) -> float | None:
    """Return P(the true difference exceeds the bound), under a flat prior and a normal error; None without interval."""
    error = standard_error(found, confidence)
    if found.difference is None or error is None:
        return None
    if error == 0:
        return float(found.difference > bound)
    return normal_cdf((found.difference - bound) / error)


def rows_more(found: Difference, rows: int, confidence: float, bound: float = 0.0, sides: int = 2) -> int | None:
    """Return about how many more rows would let the interval clear the bound, if the estimate stayed as it is.

    The standard error falls with √rows. Rounded to two digits; None where the estimate is at the bound, or beyond hope.
    """
    error = standard_error(found, confidence)
    if found.difference is None or not error or found.difference == bound:
        return None
    reach = normal_ppf(1 - (1 - confidence) / sides) * error / abs(found.difference - bound)
    more = rows * (reach * reach - 1)
    if more <= 0 or more > MOST_ROWS:
        return None
    digits = max(0, math.floor(math.log10(more)) - 1)
    step = int(10**digits)
    return max(1, math.ceil(more / step) * step)


def rows_needed(found: Difference, rows: int, confidence: float, bound: float = 0.0, sides: int = 2) -> str:
    """Return 'about N rows more', or that more of them would hardly settle it."""
    more = rows_more(found, rows, confidence, bound, sides)
    return "more rows would hardly settle it" if more is None else f"about {more:,} rows more"
