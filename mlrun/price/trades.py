"""From what models cost and what they score to those that another one beats in everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SAME_WITHIN = 1.25  # times of one machine scatter: a smaller ratio is no difference


@dataclass(frozen=True, slots=True)
class Offer:
    """What a model scores (turned so that more is better) and what it costs; None = not known.

    Times are in milliseconds and seconds, the size in bytes.
    """

    name: str
    score: float | None
    p95_ms_1_row: float | None = None
    p95_ms_1000_rows: float | None = None
    size_bytes: float | None = None
    fit_seconds: float | None = None


def dominators(offers: Sequence[Offer]) -> dict[str, tuple[str, ...]]:
    """Return for each offer the names of those that are no worse in everything and better in something (Pareto).

    What one of the two does not state is left out; a score and one price must be there on both sides.
    """
    return {one.name: tuple(other.name for other in offers if dominates(other, one)) for one in offers}


def dominates(first: Offer, second: Offer) -> bool:
    if first.score is None or second.score is None or first.score < second.score:
        return False
    pairs = [
        (first.p95_ms_1_row, second.p95_ms_1_row, SAME_WITHIN),
        (first.p95_ms_1000_rows, second.p95_ms_1000_rows, SAME_WITHIN),
        (first.size_bytes, second.size_bytes, 1.0),
        (first.fit_seconds, second.fit_seconds, SAME_WITHIN),
    ]
    known = [(one, other, ratio) for one, other, ratio in pairs if one is not None and other is not None]
    if not known or any(one > other * ratio for one, other, ratio in known):
        return False
    return first.score > second.score or any(one * ratio < other for one, other, ratio in known)
