"""From a series of scores to the points where its level changed, with a p-value each; noise alone seldom gives one.

The series is cut in two where that explains most of its variance; by chance alone, how often would a cut explain as
much? That is asked of the same scores in other orders (the permutation test of Antoch & Hušková 2001, Statistics &
Probability Letters 53), which is exact where the scores are exchangeable. What is found is cut further (binary
segmentation, Vostrikova 1981, Soviet Mathematics Doklady 24). Neighbours that resemble each other, as nightly runs on
growing data do, are not exchangeable: then all is asked again of what each score has beyond its predecessor's part
(Robbins et al. 2011, Journal of Time Series Analysis 32). That makes false alarms fewer there, and not rare.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import sqrt
from operator import mul

LEVEL = 0.05
PERMUTATIONS = 999
ENOUGH = 50  # other orders that explain as much: then no more are asked (Besag & Clifford 1991, Biometrika 78)
FEWEST = 8  # of seven values in two levels, even the clearest order has p = 2 / 35
SHORTEST = 2  # one value alone is an outlier, no level


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """From the value at this position on the level is another; before, after: means, as far as the next such point."""

    position: int
    before: float
    after: float
    p_value: float


@dataclass(frozen=True, slots=True)
class ChangePoints:
    """Where the level changed, ascending; alike: how much neighbours resemble each other around the levels, 0 to 1."""

    points: tuple[ChangePoint, ...] = ()
    alike: float = 0.0


def find_change_points(values: Sequence[float], level: float = LEVEL) -> ChangePoints:
    """Return where the level of a series changed; the same series gives the same answer.

    values: finite, in the order of time. level: of the test that each cut must pass.
    """
    draw = random.Random(len(values))  # noqa: S311 - orders of scores are no secret
    found = sorted(cuts(values, 0, 0.0, level, draw))
    if not found:
        return ChangePoints()
    alike = resemblance(values, [position for position, _ in found])
    if alike > 0:
        found = sorted(cuts(values, 0, alike, level, draw))
    edges = [0, *(position for position, _ in found), len(values)]
    means = [statistics.fmean(values[begin:end]) for begin, end in pairwise(edges)]
    points = tuple(
        ChangePoint(position, before, after, p_value)
        for (position, p_value), (before, after) in zip(found, pairwise(means), strict=True)
    )
    return ChangePoints(points, alike)


def cuts(
    values: Sequence[float], offset: int, alike: float, level: float, draw: random.Random
) -> list[tuple[int, float]]:
    """Return (position, p-value) of the cuts of a part of a series, and of its parts; offset: where the part begins."""
    if len(values) < FEWEST:
        return []
    at = best_cut(values)[1]
    p_value = p_value_of([value - alike * previous for previous, value in pairwise(values)] if alike else values, draw)
    if p_value > level:
        return []
    left, right = values[:at], values[at:]
    return [
        (offset + at, p_value),
        *cuts(left, offset, alike, level, draw),
        *cuts(right, offset + at, alike, level, draw),
    ]


def resemblance(values: Sequence[float], positions: Sequence[int]) -> float:
    """Return the correlation of neighbours around the levels between the positions, 0 to 0.99.

    It comes out too small by about (1 + 3 r) / n a level whose mean is taken away (Kendall 1954, Biometrika 41), and by
    more as the levels were chosen to leave little: one more 1 / n a level keeps false alarms down, by simulation.
    """
    parts = [values[begin:end] for begin, end in pairwise([0, *positions, len(values)])]
    rest = [value for part in parts for value in centred(part)]
    whole = sum(value * value for value in rest)
    if whole <= 1e-24 * sum(value * value for value in values):  # levels and nothing else
        return 0.0
    found: float = sum(map(mul, rest, rest[1:])) / whole
    return min(0.99, max(0.0, found + (2 + 3 * found) * len(parts) / len(values)))


def best_cut(values: Sequence[float]) -> tuple[float, int]:
    """Return the root of the sum of squares that the best cut in two explains, and its place."""
    weights = weights_of(len(values))
    heights = heights_of(centred(values), weights)
    highest = max(heights)
    return highest, heights.index(highest) + 1


def weights_of(count: int) -> list[float]:
    """Return what a sum of the first k centred values is multiplied with: √(n / (k (n − k))); 0 near the ends."""
    inside = range(SHORTEST, count - SHORTEST + 1)
    return [sqrt(count / (k * (count - k))) if k in inside else 0.0 for k in range(1, count)]


def heights_of(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    return list(map(abs, map(mul, accumulate(values), weights)))


def centred(values: Sequence[float]) -> list[float]:
    mean = statistics.fmean(values)
    return [value - mean for value in values]


def p_value_of(values: Sequence[float], draw: random.Random) -> float:
    """Return how often the values in another order explain as much by one cut, the given order among them."""
    given, weights = centred(values), weights_of(len(values))
    highest = max(heights_of(given, weights)) * (1 - 1e-9)  # sums in another order end otherwise
    if highest <= 0:
        return 1.0
    as_high = 0
    for tried in range(1, PERMUTATIONS + 1):
        order = sorted(given, key=lambda _: draw.random())
        as_high += max(heights_of(order, weights)) >= highest
        if as_high == ENOUGH:
            return as_high / tried
    return (as_high + 1) / (PERMUTATIONS + 1)
