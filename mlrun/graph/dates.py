"""From microseconds since 1970 to the numbers that a model gets of a date: days, month, day, weekday, hour."""

from __future__ import annotations

import numpy as np

from mlrun.graph.writing import Graph

DAY = 86_400_000_000  # microseconds


def date_parts(graph: Graph, value: str, hours: bool, missing: int) -> list[str]:
    """Return (n, 1) float64 columns of (n, 1) int64 microseconds, NaN for a missing one, as mlrun.prepare has them.

    The calendar is Hinnant's (2014), chrono-compatible low-level date algorithms, civil_from_days: the year begins in
    March, so that the day that comes and goes is its last.
    """
    absent = graph.node("Equal", value, np.array(missing))
    value = graph.node("Where", absent, np.array(0), value)
    day = floor(graph, value, DAY)
    shifted = graph.node("Add", day, np.array(719_468))
    era = floor(graph, shifted, 146_097)
    of_era = less(graph, shifted, times(graph, era, 146_097))
    leap = less(graph, floor(graph, of_era, 1_460), floor(graph, of_era, 36_524))
    leap = graph.node("Add", leap, floor(graph, of_era, 146_096))
    year = floor(graph, graph.node("Sub", of_era, leap), 365)
    before = less(graph, graph.node("Add", times(graph, year, 365), floor(graph, year, 4)), floor(graph, year, 100))
    of_year = graph.node("Sub", of_era, before)
    from_march = floor(graph, graph.node("Add", times(graph, of_year, 5), np.array(2)), 153)
    begins = floor(graph, graph.node("Add", times(graph, from_march, 153), np.array(2)), 5)
    day_of_month = graph.node("Add", graph.node("Sub", of_year, begins), np.array(1))
    early = graph.node("Less", from_march, np.array(10))
    month = graph.node("Add", from_march, graph.node("Where", early, np.array(3), np.array(-9)))
    weekday = graph.node("Add", graph.node("Mod", graph.node("Add", day, np.array(3)), np.array(7)), np.array(1))
    days = graph.node("Mul", graph.cast(value, np.float64), np.array(1 / DAY))  # as polars divides by a constant
    parts = [days, *(graph.cast(part, np.float64) for part in (month, day_of_month, weekday))]
    if hours:
        of_day = less(graph, value, times(graph, day, DAY))
        parts.append(graph.cast(floor(graph, of_day, DAY // 24), np.float64))
    return [graph.node("Where", absent, np.array(np.nan), part) for part in parts]


def floor(graph: Graph, value: str, by: int) -> str:
    """Return whole numbers divided and rounded down; ONNX rounds towards zero."""
    rest = graph.node("Mod", value, np.array(by))  # has the sign of its divisor
    return graph.node("Div", graph.node("Sub", value, rest), np.array(by))


def times(graph: Graph, value: str, by: int) -> str:
    return graph.node("Mul", value, np.array(by))


def less(graph: Graph, value: str, other: str) -> str:
    return graph.node("Sub", value, other)
