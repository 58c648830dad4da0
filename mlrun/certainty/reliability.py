"""Whether probabilities mean what they say: calibration error, its floor, and what recalibration would save."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlrun.distributions import normal_sf

if TYPE_CHECKING:
    from mlrun.records import Array

DRAWS = 500
FEW = 10
DRAWN_AT_ONCE = 2_000_000  # numbers held at a time
CELLS = 8192  # of the grid on which the smooth calibration error is found
NEAR = 1e-15  # how near to 0 and 1 a probability may come before its log-odds are taken


# -- bins --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bins:
    """Rows sorted by probability and cut into bins; equal probabilities always share one.

    p, y: (n,) sorted together. starts: (b,) first row of each bin. counts: (b,) rows in each.
    """

    p: Array
    y: Array
    starts: Array
    counts: Array

    @property
    def confidence(self) -> Array:
        """The mean probability of each bin, (b,)."""
        found: Array = np.add.reduceat(self.p, self.starts) / self.counts
        return found

    @property
    def observed(self) -> Array:
        """The share of ones in each bin, (b,)."""
        found: Array = np.add.reduceat(self.y, self.starts) / self.counts
        return found


def quantile_bins(p: Array, y: Array, bins: int) -> Bins:
    """Cut (n,) probabilities with their outcomes, 0 or 1, into at most so many bins of about equal size.

    A cut that falls inside a run of equal probabilities moves to its end; bins that this empties are gone.
    """
    order = np.argsort(p, kind="stable")
    p, y = p[order].astype(np.float64), y[order].astype(np.float64)
    cuts = np.ceil(np.arange(1, bins) * len(p) / bins).astype(np.int64) - 1  # the last row of each bin
    starts = np.unique(np.concatenate([[0], np.searchsorted(p, p[cuts], "right")]))
    starts = starts[starts < len(p)]
    return Bins(p, y, starts, np.diff(np.append(starts, len(p))))


def calibration_error(binned: Bins) -> float:
    """Return Σ (n_b / n) · |mean y_b − mean p_b|, the expected calibration error (Naeini et al. 2015)."""
    return float((binned.counts * np.abs(binned.observed - binned.confidence)).sum()) / len(binned.p)


# -- the floor: what a calibrated model would show ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Floor:
    """What calibration error a calibrated model with these probabilities shows by chance alone.

    mean: of its error over the draws. p_value: of an error as large as the one found. low, high: (b,) the band of
    each bin's share of ones.
    """

    mean: float
    p_value: float
    low: Array
    high: Array


def floor_of(binned: Bins, seed: int, draws: int = DRAWS, confidence: float = 0.95) -> Floor:
    """Draw outcomes y* ~ Bernoulli(p) so many times and measure each (consistency resampling, Bröcker & Smith 2007).

    p_value: (1 + draws at least as far off) / (1 + draws) (Davison & Hinkley 1997, section 4.2), or by the tail of the
    draws where FEW reach it.
    """
    shares = np.concatenate(list(_drawn_shares(binned, seed, draws)))
    errors = (binned.counts * np.abs(shares - binned.confidence)).sum(axis=1) / len(binned.p)
    low, high = np.quantile(shares, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return Floor(float(errors.mean()), _chance(errors, calibration_error(binned)), low, high)


def _chance(errors: Array, found: float) -> float:
    """Return the chance of an error as large as the one found.

    Draws alone cannot show less than 1 in their number, which would be lost among many tests; beyond FEW of them the
    tail is that of a normal distribution of cube roots (Wilson & Hilferty 1931), as the errors are nearly gamma.
    """
    reached = int(np.count_nonzero(errors >= found - 1e-12))
    counted = (1 + reached) / (1 + len(errors))
    roots = np.cbrt(errors)
    if reached >= FEW or np.ptp(roots) == 0:
        return counted
    return min(counted, normal_sf(float((math.cbrt(found) - roots.mean()) / roots.std(ddof=1))))


def _drawn_shares(binned: Bins, seed: int, draws: int) -> Iterator[Array]:
    """Yield the shares of ones in each bin, (some draws, b)."""
    generator, rows = np.random.default_rng(seed), len(binned.p)
    at_once = max(1, DRAWN_AT_ONCE // rows)
    chances = binned.p.astype(np.float32)
    for begun in range(0, draws, at_once):
        drawn = generator.random((min(at_once, draws - begun), rows), dtype=np.float32) < chances
        yield np.add.reduceat(drawn, binned.starts, axis=1, dtype=np.int64) / binned.counts


# -- without bins ------------------------------------------------------------------------------------------------------


def smooth_error(p: Array, y: Array) -> float:
    """Return the smooth calibration error of (n,) probabilities with outcomes 0 or 1 (Błasiok & Nakkiran 2023).

    The residuals y − p, smoothed over p by a Gaussian kernel that is reflected at 0 and 1, in absolute value; the
    bandwidth is the one that equals the error itself (section 3.2: a fixed point, and there is only one, as the error
    falls with the bandwidth). Found in the cosine basis, in which a reflected Gaussian is a factor a frequency.
    """
    if not len(p):
        return math.nan
    waves = _residual_waves(p, y)
    frequencies = math.pi * np.arange(len(waves))

    def error(bandwidth: float) -> float:
        smoothed = np.fft.irfft(waves * np.exp(-np.square(frequencies * bandwidth) / 2), 2 * CELLS)[:CELLS]
        return float(np.abs(smoothed).sum())

    low, high = 0.0, 1.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if error(middle) > middle else (low, middle)
    return (low + high) / 2


def _residual_waves(p: Array, y: Array) -> Array:
    """Return the spectrum of the residuals' mass on a grid of [0, 1] and its mirror image, (CELLS + 1,)."""
    at = np.clip(p * CELLS - 0.5, 0, CELLS - 1)  # in cells; each row's mass goes to its two nearest middles
    left = np.minimum(at.astype(np.int64), CELLS - 2)
    share, residuals = at - left, (y - p) / len(p)
    mass = np.bincount(left, residuals * (1 - share), CELLS) + np.bincount(left + 1, residuals * share, CELLS)
    found: Array = np.fft.rfft(np.concatenate([mass, mass[::-1]]))
    return found


@dataclass(frozen=True, slots=True)
class Decomposition:
    """brier = mcb − dsc + unc: what recalibration would save, what the ranking is worth, what is in the outcome."""

    brier: float
    mcb: float
    dsc: float
    unc: float


def decompose(p: Array, y: Array) -> Decomposition:
    """Divide the Brier score of (n,) probabilities by isotonic regression (CORP; Dimitriadis et al. 2021, PNAS 118)."""
    y = y.astype(np.float64)
    brier = float(np.square(p - y).mean())
    recalibrated = float(np.square(recalibrate(p, y) - y).mean())
    uncertainty = float(np.square(y.mean() - y).mean())
    return Decomposition(brier, brier - recalibrated, uncertainty - recalibrated, uncertainty)


def recalibrate(p: Array, y: Array) -> Array:
    """Return the isotonic regression of the outcomes on the probabilities, (n,); equal ones get one value."""
    from scipy.optimize import isotonic_regression

    values, place, counts = np.unique(p, return_inverse=True, return_counts=True)
    means = np.bincount(place, y, len(values)) / counts
    found: Array = isotonic_regression(means, weights=counts.astype(np.float64)).x[place]
    return found


def log_odds(p: Array) -> Array:
    """Return ln(p / (1 − p)), (n,), of probabilities kept NEAR 0 and 1."""
    p = np.clip(p, NEAR, 1 - NEAR)
    found: Array = np.log(p) - np.log1p(-p)
    return found


def calibration_slope(p: Array, y: Array) -> tuple[float, float] | None:
    """Return slope and intercept of the logistic regression of outcomes on log-odds (Cox 1958).

    A slope below 1: the probabilities are too extreme. None where they do not exist: all probabilities or all outcomes
    are equal, or the log-odds divide the outcomes perfectly.
    """
    x, y = log_odds(p), y.astype(np.float64)
    if np.ptp(x) < 1e-9 or np.ptp(y) == 0 or _divides(x, y == 1):
        return None
    return logistic_line(x, y)


def _divides(x: Array, positive: Array) -> bool:
    above, below = x[positive], x[~positive]
    return bool(above.min() >= below.max() or above.max() <= below.min())


def logistic_line(x: Array, y: Array) -> tuple[float, float] | None:
    """Return slope and intercept of the logistic regression of (n,) targets in [0, 1] on x, by maximum likelihood.

    None where x is constant, or there is no optimum.
    """
    centre, spread = float(x.mean()), float(x.std())
    if spread <= 1e-12 * max(1.0, abs(centre)):
        return None
    found = _newton((x - centre) / spread, y)
    return None if found is None else (found[0] / spread, found[1] - found[0] * centre / spread)


def _newton(x: Array, y: Array) -> tuple[float, float] | None:
    """Return slope and intercept by Newton's method; a step that goes too far is halved."""
    slope = intercept = 0.0
    loss = _log_loss(x, y, slope, intercept)
    for _ in range(100):
        expected = (1 + np.tanh((slope * x + intercept) / 2)) / 2
        weights, residuals = expected * (1 - expected), y - expected
        a, b, c = float((weights * x * x).sum()), float((weights * x).sum()), float(weights.sum())
        first, second, det = float((residuals * x).sum()), float(residuals.sum()), a * c - b * b
        if det <= 0:
            return None
        step = (c * first - b * second) / det, (a * second - b * first) / det
        if max(map(abs, step)) < 1e-12:
            return slope, intercept
        size = 1.0
        while (new := _log_loss(x, y, slope + size * step[0], intercept + size * step[1])) > loss + 1e-12 * abs(loss):
            size /= 2
            if size < 1e-9:
                return slope, intercept
        slope, intercept, loss = slope + size * step[0], intercept + size * step[1], new
    return None


def _log_loss(x: Array, y: Array, slope: float, intercept: float) -> float:
    z = slope * x + intercept
    return float((np.logaddexp(0, z) - y * z).sum())
