"""What a picture shows, before anything is drawn: axes, curves, bands, rows of dots, a sentence that says it all."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

Point = tuple[float, float]
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0, 20.0, 50.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """What is measured along one side, from low to high; log: equal distances are equal ratios (low > 0)."""

    label: str
    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        """Return where a value stands: 0 at low, 1 at high, cut off at both."""
        low, high, at = self.low, self.high, value
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(max(value, self.low))
        return min(1.0, max(0.0, (at - low) / (high - low)))

    def ticks(self, most: int = 6) -> tuple[float, ...]:
        """Return round numbers between low and high, at most so many."""
        if self.log:
            return log_ticks(self.low, self.high, most)
        magnitude = 10.0 ** math.floor(math.log10((self.high - self.low) / most))
        for step in (size * magnitude for size in STEPS):
            first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
            if last - first < most:
                break
        decimals = 2 - math.floor(math.log10(step))
        return tuple(round(number * step, decimals) for number in range(first, last + 1))


def log_ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """Return 1, 2, 5 of each decade, or its 1 alone where those would be too many."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        found = tuple(digit * 10.0**decade for decade in decades for digit in digits)
        inside = tuple(value for value in found if low * (1 - 1e-9) <= value <= high * (1 + 1e-9))
        if len(inside) <= most:
            return inside
    return inside[:: math.ceil(len(inside) / most)]


def axis(label: str, values: Iterable[float], *, log: bool = False, low: float | None = None) -> Axis:
    """Return an axis on which all values have a place, with some air; low: where it begins."""
    known = [value for value in values if math.isfinite(value) and (value > 0 or not log)] or [1.0]
    least, most = min(known), max(known)
    if log:
        return Axis(label, least / 1.5, most * 1.5, log=True)
    least_air = max(abs(most), abs(least)) * 1e-6  # below that, floating point has no place for ticks
    air = max((most - least) * 0.05, least_air) if most > least else abs(most) * 0.1 or 0.5
    begin = least - air if low is None else low
    return Axis(label, begin, max(most + air, begin + air))


def told_tick(value: float) -> str:
    """Return a number of an axis, as short as it can be."""
    return f"{value:,.6g}"


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of one name, in the order of x; joined: by a line. dashed: what only accompanies another curve.

    spread: (low, high) at each point, or (). letter: the mark of a single point that a legend explains.
    hollow: a mark that is only outlined, where it means less. faint: a line without marks, behind all others, that the
    legend does not name.
    """

    name: str
    points: tuple[Point, ...]
    joined: bool = True
    dashed: bool = False
    spread: tuple[tuple[float, float], ...] = ()
    letter: str = ""
    hollow: bool = False
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line across: where x, or y, has one value."""

    name: str
    x: float | None = None
    y: float | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves over two axes. band: (x, low, high), where points may lie; diagonal: where y equals x.

    rows: how high it is in characters; 0 = as usual.
    """

    title: str
    caption: str
    x: Axis
    y: Axis
    curves: tuple[Curve, ...]
    band: tuple[tuple[float, float, float], ...] = ()
    rules: tuple[Rule, ...] = ()
    diagonal: bool = False
    band_name: str = ""
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Dot:
    """A value with its interval under a label; beside: what it is laid against; marked: it deserves a look."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    beside: float | None = None
    marked: bool = False


@dataclass(frozen=True, slots=True)
class DotRows:
    """Rows of dots with intervals over one axis; the names say what a row's marks are."""

    title: str
    caption: str
    x: Axis
    dots: tuple[Dot, ...]
    reach_name: str = ""
    beside_name: str = ""
    marked_name: str = ""


Picture = Chart | DotRows
