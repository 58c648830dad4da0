"""A grid of characters to draw on: lines of Braille dots, marks above them, shades below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil

Span = tuple[str, str]  # text, style: "", "dim", "bold", "bad", or the number of a series
Line = tuple[Span, ...]

BRAILLE = 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a cell: four rows of two


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters of a drawing; marks: one a series; braille: whether lines are made of Braille dots."""

    marks: str
    hollow: str
    braille: bool
    path: str
    dashed: str
    shade: str
    diagonal: str
    upright: str
    level: str
    side: str
    tick: str
    floor: str
    corner: str
    reach: str
    beside: str


UNICODE = Glyphs("●▲■◆▼★", "○△□◇▽☆", True, "⠂", "⠉⠒", "░", "·", "┊", "┄", "│", "┤", "─", "└", "─", "┃")
ASCII = Glyphs("ox#*%@", "ox#*%@", False, ".", "..", ":", "'", ":", "-", "|", "+", "-", "+", "-", "|")


@dataclass(slots=True)
class Canvas:
    """Columns × rows of characters; places are shares of the width from the left and of the height from below."""

    columns: int
    rows: int
    glyphs: Glyphs
    cells: dict[tuple[int, int], Span] = field(default_factory=dict)
    dots: dict[tuple[int, int], int] = field(default_factory=dict)

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """Return the column and the row, counted from above, of a place."""
        return round(x * (self.columns - 1)), round((1 - y) * (self.rows - 1))

    def put(self, cell: tuple[int, int], character: str, style: str, *, over: bool = True) -> None:
        """Write a character; not `over` others: only where nothing is yet."""
        if over or cell not in self.cells:
            self.cells[cell] = (character, style)
            self.dots.pop(cell, None)

    def line(self, start: tuple[float, float], end: tuple[float, float], style: str, *, dashed: bool = False) -> None:
        """Draw a straight line between two places."""
        wide, high = self.columns * 2, self.rows * 4
        (x0, y0), (x1, y1) = ((x * (wide - 1), (1 - y) * (high - 1)) for x, y in (start, end))
        steps = max(1, ceil(max(abs(x1 - x0), abs(y1 - y0))))
        for step in range(steps + 1):
            if dashed and step % 6 >= 3:
                continue
            self.dot(int(x0 + (x1 - x0) * step / steps + 0.5), int(y0 + (y1 - y0) * step / steps + 0.5), style)

    def dot(self, x: int, y: int, style: str) -> None:
        """Set one of a cell's eight dots; where there is no Braille, the cell has one character for all."""
        cell = (x // 2, y // 4)
        if cell in self.cells and cell not in self.dots and self.cells[cell][1] != "dim":
            return  # a mark stands there
        self.dots[cell] = self.dots.get(cell, 0) | DOTS[y % 4][x % 2]
        self.cells[cell] = (chr(BRAILLE + self.dots[cell]) if self.glyphs.braille else self.glyphs.path, style)

    def lines(self) -> Iterator[Line]:
        """Yield the rows from above, neighbours of one style joined."""
        for row in range(self.rows):
            yield joined([self.cells.get((column, row), (" ", "")) for column in range(self.columns)])


def joined(spans: Sequence[Span]) -> Line:
    """Return the spans, neighbours of one style as one."""
    found: list[Span] = []
    for text, style in spans:
        if found and found[-1][1] == style:
            found[-1] = (found[-1][0] + text, style)
        else:
            found.append((text, style))
    return tuple(found)
