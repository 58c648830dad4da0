"""From the bytes of a CSV file to where its rows are: quotes in order, blank lines, rows that are too short or long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mlrun.records import Array

CHUNK = 1 << 24  # bytes looked at in one go
LINE_FEED = 10
CARRIAGE_RETURN = 13


@dataclass(frozen=True, slots=True)
class Shape:
    """Rows of a CSV body, as its separators and quotes say.

    rows: how many, the blank ones counted.
    separators: how many outside quotes.
    tidy: every quote opens or closes a whole field, or is doubled inside one.
    """

    rows: int
    separators: int
    tidy: bool


def measure(body: bytes, separator: str, quote: str | None, line_end: int = LINE_FEED) -> Shape:
    """Count rows and separators outside quotes; one pass over the bytes, in chunks."""
    mark = ord(separator)
    ends_open = body[-1:] != bytes([line_end])
    if quote is None or quote.encode() not in body:
        return Shape(body.count(line_end) + ends_open, body.count(mark), tidy=True)
    rows = separators = 0
    for _, chunk, outside in _outside_quotes(body, quote):
        rows += int(np.count_nonzero((chunk == line_end) & outside))
        separators += int(np.count_nonzero((chunk == mark) & outside))
    return Shape(rows + ends_open, separators, _is_tidy(body, mark, ord(quote), line_end))


def rows_at(body: bytes, separator: str, quote: str | None, line_end: int = LINE_FEED) -> tuple[Array, Array, Array]:
    """Return, for each row, how many separators it has, whether it is blank, and the line it begins on (from 0)."""
    ends, marks, lines = [], [], []
    for start, chunk, outside in _outside_quotes(body, quote):
        breaks = chunk == line_end
        ends.append(np.flatnonzero(breaks & outside) + start)
        marks.append(np.flatnonzero((chunk == ord(separator)) & outside) + start)
        lines.append(np.flatnonzero(breaks) + start)
    stops = np.concatenate(ends)
    if body[-1:] != bytes([line_end]):
        stops = np.append(stops, len(body))
    starts = np.concatenate([[0], stops[:-1] + 1])
    counts = np.diff(np.searchsorted(np.concatenate(marks), stops), prepend=0)
    buffer = np.frombuffer(body, np.uint8)
    lone_return = (stops - starts == 1) & (buffer[np.minimum(starts, len(body) - 1)] == CARRIAGE_RETURN)
    return counts, (stops == starts) | lone_return, np.searchsorted(np.concatenate(lines), starts)


def _outside_quotes(body: bytes, quote: str | None) -> Iterator[tuple[int, Array, Array]]:
    """Yield chunks of the body with, for each byte, whether it stands outside quotes (by the parity of quotes)."""
    buffer = np.frombuffer(body, np.uint8)
    inside = np.uint8(0)
    for start in range(0, len(buffer), CHUNK):
        chunk = buffer[start : start + CHUNK]
        if quote is None:
            yield start, chunk, np.ones(len(chunk), bool)
            continue
        flips = (chunk == ord(quote)).view(np.uint8)
        parity = np.bitwise_xor.accumulate(flips) ^ inside
        inside = parity[-1]
        yield start, chunk, parity == 0


def _is_tidy(body: bytes, mark: int, quote: int, line_end: int) -> bool:
    """Whether quotes open after a separator or a line's start, close before one or a line's end, and all are closed."""
    buffer = np.frombuffer(body, np.uint8)
    before = np.array([mark, line_end, quote], np.uint8)
    after = np.array([mark, line_end, quote, CARRIAGE_RETURN], np.uint8)
    seen = 0
    for start in range(0, len(buffer), CHUNK):
        at = np.flatnonzero(buffer[start : start + CHUNK] == quote) + start
        opening, closing = at[seen % 2 :: 2], at[1 - seen % 2 :: 2]
        opening, closing = opening[opening > 0], closing[closing < len(buffer) - 1]
        if not (np.isin(buffer[opening - 1], before).all() and np.isin(buffer[closing + 1], after).all()):
            return False
        seen += len(at)
    return seen % 2 == 0
