"""From a picture to lines of characters: Braille dots and marks, or plain ASCII; never wider than asked."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from mlrun.picture.canvas import ASCII, UNICODE, Canvas, Glyphs, Line
from mlrun.picture.shapes import Axis, Chart, Curve, Dot, DotRows, Picture, told_tick
from mlrun.terminal import printable
from mlrun.wording import number

ROWS = 9
MARKED_POINTS = 12  # a curve of more points is a line without marks, where it is alone
LABEL_WIDTH = 26
SERIES = 5


def draw(picture: Picture, width: int = 80, encoding: str = "utf-8") -> tuple[Line, ...]:
    """Return the picture as lines of (text, style), at most `width` columns; ASCII where the encoding is not UTF.

    The caption is not among them: it is text, and stands where text stands.
    """
    glyphs = UNICODE if encoding.lower().startswith("utf") else ASCII
    if isinstance(picture, DotRows):
        return tuple(rows_of_dots(picture, min(width, 80), glyphs))
    return tuple(chart(picture, min(width, 80), glyphs))


def plain(lines: Sequence[Line]) -> str:
    """Return drawn lines without their styles."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)


def chart(picture: Chart, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Yield a chart: the y axis with its label above, the drawing, the x axis with its label, the legend."""
    ticks = {tick: told_tick(tick) for tick in picture.y.ticks(4)}
    side = max((len(told) for told in ticks.values()), default=1) + 1
    canvas = Canvas(max(10, width - side - 2), picture.rows or ROWS, glyphs)
    paint(canvas, picture)
    told_rows = {canvas.cell(0, picture.y.place(tick))[1]: told for tick, told in ticks.items()}
    for part in in_cells(printable(picture.y.label), canvas.columns):
        yield ((" " * (side + 1) + part, "dim"),)
    for row, line in enumerate(canvas.lines()):
        told = told_rows.get(row, "")
        yield ((f"{told:>{side}}{glyphs.tick if told else glyphs.side}", "dim"), *line)
    yield from floor(picture.x, side, canvas.columns, glyphs)
    yield from legend(picture, width, glyphs)


def floor(scale: Axis, side: int, columns: int, glyphs: Glyphs) -> Iterator[Line]:
    """Yield the x axis: a line, its numbers, its label."""
    from rich.cells import cell_len

    yield ((" " * side + glyphs.corner + glyphs.floor * columns, "dim"),)
    told = [" "] * (columns + side + 1)
    free = 0
    for tick in scale.ticks(6):
        text = told_tick(tick)
        at = side + 1 + round(scale.place(tick) * (columns - 1))
        begin = min(max(0, at - len(text) // 2), len(told) - len(text))
        if begin >= free:
            told[begin : begin + len(text)] = text
            free = begin + len(text) + 2
    yield (("".join(told).rstrip(), "dim"),)
    for part in in_cells(printable(scale.label), side + 1 + columns):
        yield ((" " * max(0, side + 1 + columns - cell_len(part)) + part, "dim"),)


def paint(canvas: Canvas, picture: Chart) -> None:
    """Draw all that a chart holds: shades first, curves, marks last."""
    shade(canvas, picture)
    if picture.diagonal:
        diagonal(canvas, picture.x, picture.y)
    for rule in picture.rules:
        if rule.x is not None:
            column = canvas.cell(picture.x.place(rule.x), 0)[0]
            for row in range(canvas.rows):
                canvas.put((column, row), canvas.glyphs.upright, "dim")
        if rule.y is not None:
            row = canvas.cell(0, picture.y.place(rule.y))[1]
            for column in range(canvas.columns):
                canvas.put((column, row), canvas.glyphs.level, "dim")
    series = list(enumerate(picture.curves))
    for at, curve in reversed(series):  # the first curve is the one that matters: nothing is drawn over it
        line_of(canvas, picture, curve, style_of(curve, at))
    for at, curve in reversed(series):
        marks_of(canvas, picture, curve, at)


def diagonal(canvas: Canvas, x: Axis, y: Axis) -> None:
    """Draw where y equals x."""
    for column in range(0, canvas.columns, 2):
        value = x.low + (x.high - x.low) * column / (canvas.columns - 1)
        if y.low <= value <= y.high:
            canvas.put((column, canvas.cell(0, y.place(value))[1]), canvas.glyphs.diagonal, "dim")


def shade(canvas: Canvas, picture: Chart) -> None:
    """Shade the band in which points may lie, between its known places too."""
    for (x0, low0, high0), (x1, low1, high1) in zip(picture.band, picture.band[1:] or picture.band, strict=False):
        first, last = (canvas.cell(picture.x.place(value), 0)[0] for value in (x0, x1))
        for column in range(first, last + 1):
            share = (column - first) / max(1, last - first)
            top = canvas.cell(0, picture.y.place(high0 + (high1 - high0) * share))[1]
            bottom = canvas.cell(0, picture.y.place(low0 + (low1 - low0) * share))[1]
            for row in range(top, bottom + 1):
                canvas.put((column, row), canvas.glyphs.shade, "dim")


def line_of(canvas: Canvas, picture: Chart, curve: Curve, style: str) -> None:
    """Draw the line of a curve, and the spread of its points."""
    places = [(picture.x.place(x), picture.y.place(y)) for x, y in curve.points]
    if curve.joined:
        for start, end in itertools.pairwise(places):
            canvas.line(start, end, style, dashed=curve.dashed or curve.faint)
    for (x, _), (low, high) in zip(places, curve.spread, strict=False):
        canvas.line((x, picture.y.place(low)), (x, picture.y.place(high)), style)


def marks_of(canvas: Canvas, picture: Chart, curve: Curve, at: int) -> None:
    """Put the marks of a curve: on each point, or where it has many on some, so that two can be told apart."""
    if curve.dashed or curve.faint:
        return
    many = curve.joined and len(curve.points) > MARKED_POINTS
    if many and named(picture) < 2:
        return
    points = curve.points
    if many:
        every = max(1, len(points) // 6)
        points = points[min(at * 2, len(points) - 1) :: every]
    for x, y in points:
        place = canvas.cell(picture.x.place(x), picture.y.place(y))
        canvas.put(place, mark(curve, at, canvas.glyphs), style_of(curve, at))


def named(picture: Chart) -> int:
    """Return how many curves stand for themselves."""
    return sum(not curve.faint for curve in picture.curves)


def style_of(curve: Curve, at: int) -> str:
    """Return the style of a curve: the number of its series, from 1 on; a letter tells more than a colour."""
    if curve.letter or curve.faint:
        return "dim" if curve.hollow or curve.faint else "1"
    return str(at % SERIES + 1)


def mark(curve: Curve, at: int, glyphs: Glyphs) -> str:
    """Return the character that stands for a curve's points."""
    if curve.letter:
        return curve.letter
    return (glyphs.hollow if curve.hollow else glyphs.marks)[at % len(glyphs.marks)]


def legend(picture: Chart, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Yield what each mark is, a line each; nothing where there is one curve alone and no more."""
    if named(picture) > 1 or picture.rules or picture.band_name:
        for at, curve in enumerate(picture.curves):
            if curve.faint:
                continue
            path = glyphs.dashed if curve.dashed else mark(curve, at, glyphs)
            yield from entry(path, style_of(curve, at), curve.name, width)
    for rule in picture.rules:
        yield from entry(glyphs.upright if rule.x is not None else glyphs.level, "dim", rule.name, width)
    if picture.band_name:
        yield from entry(glyphs.shade, "dim", picture.band_name, width)


def entry(sign: str, style: str, name: str, width: int) -> Iterator[Line]:
    """Yield an entry of a legend, a long name in several lines."""
    lines = in_cells(printable(name), max(10, width - 8))
    for number_of_line, line in enumerate(lines):
        yield ((f"    {sign if not number_of_line else '':<2}  ", style), (line, ""))


def in_cells(text: str, width: int) -> list[str]:
    """Return text in lines of at most so many columns."""
    from rich.cells import chop_cells

    return chop_cells(text, width) or [""]


def rows_of_dots(picture: DotRows, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Yield a row a dot: label, interval, value; a label too long for its place has a line of its own."""
    from rich.cells import cell_len

    labels = [printable(dot.label) for dot in picture.dots]
    side = min(LABEL_WIDTH, width // 3, max(map(cell_len, labels), default=1))
    numbers = [number(dot.value) for dot in picture.dots]
    wide = max(map(len, numbers), default=1)
    columns = max(10, width - side - wide - 3)
    for dot, label, told in zip(picture.dots, labels, numbers, strict=True):
        style = "bad" if dot.marked else "1"
        if cell_len(label) > side:
            yield from (((part, ""),) for part in in_cells(label, width))
            label = ""  # noqa: PLW2901 - it has been told
        line = next(row_of(picture.x, dot, columns, glyphs).lines())
        yield (
            (label + " " * (side - cell_len(label) + 1), ""),
            (glyphs.side, "dim"),
            *line,
            (f" {told:>{wide}}", style),
        )
    yield from floor(picture.x, side + 1, columns, glyphs)
    if picture.reach_name:
        yield from entry(glyphs.reach * 2, "1", picture.reach_name, width)
    if picture.beside_name:
        yield from entry(glyphs.beside, "dim", picture.beside_name, width)
    if picture.marked_name and any(dot.marked for dot in picture.dots):
        yield from entry(glyphs.marks[2], "bad", picture.marked_name, width)


def row_of(scale: Axis, dot: Dot, columns: int, glyphs: Glyphs) -> Canvas:
    """Return one row: the interval, what it is laid against, the value above both."""
    canvas = Canvas(columns, 1, glyphs)
    style = "bad" if dot.marked else "1"
    if dot.low is not None and dot.high is not None:
        first, last = (canvas.cell(scale.place(end), 0)[0] for end in (dot.low, dot.high))
        for column in range(first, last + 1):
            canvas.put((column, 0), glyphs.reach, style)
    if dot.beside is not None:
        canvas.put(canvas.cell(scale.place(dot.beside), 0), glyphs.beside, "dim")
    canvas.put(canvas.cell(scale.place(dot.value), 0), glyphs.marks[2 if dot.marked else 0], style)
    return canvas
