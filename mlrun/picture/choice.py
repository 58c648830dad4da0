"""Which findings, curves and points a picture takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlrun.picture.shapes import Point
from mlrun.records import Finding

MOST_CURVES = 4  # more cannot be told apart
MOST_ROWS = 12  # of dots; the tables have all


def in_order(findings: Iterable[Finding], names: Sequence[str]) -> list[Finding]:
    """Return the findings of these models in the order of the names."""
    place = {name: at for at, name in enumerate(names)}
    return sorted((finding for finding in findings if finding.model in place), key=lambda each: place[each.model])


def pairs(curve: Sequence[Sequence[float | None]]) -> tuple[Point, ...]:
    """Return the points of a curve of which both numbers are known."""
    return tuple(
        (point[0], point[1]) for point in curve if len(point) == 2 and point[0] is not None and point[1] is not None
    )
