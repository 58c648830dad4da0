"""From a difference with its interval to a word: better, worse, same within rope, undecided."""

from __future__ import annotations

import math
from typing import Literal

from mlrun.records import Difference
from mlrun.weighing import rows_more

Word = Literal["better", "worse", "same within rope", "undecided"]
Direction = Literal["maximize", "minimize"]


def word_for(found: Difference, direction: Direction, rope: float = 0.0) -> Word | Literal[""]:
    """Return what an interval says: all of it within ± rope, or on one side of zero; '' where there is no difference.

    rope: in the metric's unit, from where on a difference matters. No difference on any row is the same.
    """
    if found.difference is None:
        return ""
    if found.low is None or found.high is None:
        return "same within rope" if found.difference == 0 else "undecided"
    if -rope <= found.low and found.high <= rope:
        return "same within rope"
    if found.low <= 0 <= found.high:
        return "undecided"
    return "better" if (found.difference > 0) == (direction == "maximize") else "worse"


def rows_to_decide(found: Difference, rows: int, confidence: float, rope: float) -> int | None:
    """Return about how many rows more would decide: until the interval leaves zero out, or fits into the rope."""
    if found.difference is None:
        return None
    ways = [rows_more(found, rows, confidence)]
    if abs(found.difference) < rope:
        ways.append(rows_more(found, rows, confidence, math.copysign(rope, found.difference)))
    known = [more for more in ways if more is not None]
    return min(known, default=None)
