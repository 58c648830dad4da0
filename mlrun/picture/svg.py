"""From a picture to an SVG figure of an HTML page: plain shapes, title and description, colours by the page's CSS."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from mlrun.picture.shapes import Axis, Chart, Curve, Dot, DotRows, Picture, told_tick
from mlrun.terminal import printable
from mlrun.wording import number

WIDTH, HEIGHT = 640, 330
LEFT, RIGHT, TOP, BOTTOM = 66, 16, 30, 48
ROW_HEIGHT, ROW_LEFT, ROW_TOP = 36, 16, 4
SERIES = 6  # styles of curves; a seventh has the first's again
MANY_POINTS = 30  # of a line without marks
SHAPES: tuple[tuple[tuple[float, float], ...], ...] = (
    (),  # a circle
    ((0, -6), (6, 5), (-6, 5)),
    ((-5, -5), (5, -5), (5, 5), (-5, 5)),
    ((0, -7), (6, 0), (0, 7), (-6, 0)),
    ((0, 6), (6, -5), (-6, -5)),
    ((-6, -2), (-2, -2), (-2, -6), (2, -6), (2, -2), (6, -2), (6, 2), (2, 2), (2, 6), (-2, 6), (-2, 2), (-6, 2)),
)
LABEL_LETTERS = 76  # of a row's label; the tables have it whole

STYLE = """
:root { color-scheme: light dark;
  --ink: #1a1a1a; --faint: #6b7280; --grid: #d9dce1; --shade: #dfe8f3; --bad: #b00020; --page: #fff;
  --s1: #0b5cad; --s2: #b34700; --s3: #0a7a4f; --s4: #8a2f86; --s5: #6b6200; --s6: #4a4f57 }
@media (prefers-color-scheme: dark) { :root {
  --ink: #ddd; --faint: #9aa3af; --grid: #353a42; --shade: #243447; --bad: #ff8a80; --page: #16181c;
  --s1: #6cb6ff; --s2: #ffa657; --s3: #56d4a0; --s4: #e09bdc; --s5: #d8cc5a; --s6: #b8bec7 } }
figure { margin: 1.5rem 0; max-width: 44rem } figcaption { margin-top: .3rem }
figure svg.picture { width: 100%; height: auto; font: 13px system-ui, sans-serif }
figure ul { list-style: none; margin: .3rem 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: .1rem 1.2rem }
figure ul svg { width: 34px; height: 14px; vertical-align: -2px; margin-right: .3rem }
svg text { fill: var(--ink) } svg .tick { fill: var(--faint) } svg .grid { stroke: var(--grid); fill: none }
svg .axis, svg .diagonal { stroke: var(--faint); fill: none } svg .band { fill: var(--shade) }
svg .rule { stroke: var(--ink); stroke-dasharray: 2 4; fill: none }
svg .curve { fill: none; stroke-width: 2 } svg .s1 { stroke: var(--s1) }
svg .s2 { stroke: var(--s2); stroke-dasharray: 9 3 } svg .s3 { stroke: var(--s3); stroke-dasharray: 2 3 }
svg .s4 { stroke: var(--s4); stroke-dasharray: 10 3 2 3 } svg .s5 { stroke: var(--s5); stroke-dasharray: 5 3 }
svg .s6 { stroke: var(--s6); stroke-dasharray: 1 5 } svg .dashed { stroke-dasharray: 3 5; stroke-width: 1.5 }
svg .behind { stroke: var(--faint); stroke-width: 1; opacity: .45 }
svg .spread { fill: none; stroke-width: 2; stroke-dasharray: none }
svg .m1, svg .m2, svg .m3, svg .m4, svg .m5, svg .m6 { stroke: var(--page); stroke-width: 1 }
svg .m1 { fill: var(--s1) } svg .m2 { fill: var(--s2) } svg .m3 { fill: var(--s3) }
svg .m4 { fill: var(--s4) } svg .m5 { fill: var(--s5) } svg .m6 { fill: var(--s6) }
svg .reach { stroke: var(--s1); stroke-width: 2 } svg .bad { fill: var(--bad) } svg .reach.bad { stroke: var(--bad) }
svg .hollow { fill: var(--page); stroke: var(--faint); stroke-width: 1.5 }
svg .letter { fill: var(--page); font-weight: 600 } svg .hollow + .letter { fill: var(--ink) }
svg .beside { stroke: var(--faint); stroke-width: 3 }
"""


def figure(picture: Picture, name: str) -> str:
    """Return a <figure>: the picture, its legend, its caption; name: an id that the page has only once."""
    if isinstance(picture, DotRows):
        height, shapes, entries = (
            ROW_TOP + ROW_HEIGHT * len(picture.dots) + BOTTOM,
            rows_of_dots(picture),
            of_rows(picture),
        )
    else:
        height, shapes, entries = HEIGHT, chart(picture), of_chart(picture)
    lines = [
        "<figure>",
        f'<svg class="picture" role="img" aria-labelledby="{name}-title {name}-desc" viewBox="0 0 {WIDTH} {height}">',
        f'<title id="{name}-title">{text(picture.title)}</title>',
        f'<desc id="{name}-desc">{text(picture.caption)}</desc>',
        *shapes,
        "</svg>",
        *legend(entries),
        f"<figcaption><b>{text(picture.title)}.</b> {text(picture.caption)}</figcaption>",
        "</figure>",
    ]
    return "\n".join(lines)


def chart(picture: Chart) -> Iterator[str]:
    """Yield the shapes of a chart, from the ground to the marks."""
    yield from ground(picture.x, HEIGHT - BOTTOM)
    for tick in picture.y.ticks(6):
        at = up(picture.y, tick)
        yield f'<path class="grid" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>'
        yield f'<text class="tick" x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{told_tick(tick)}</text>'
    yield f'<text x="{LEFT - 50}" y="18">{text(picture.y.label)}</text>'
    if picture.band:
        over = [f"{along(picture.x, x):.1f} {up(picture.y, high):.1f}" for x, _, high in picture.band]
        under = [f"{along(picture.x, x):.1f} {up(picture.y, low):.1f}" for x, low, _ in reversed(picture.band)]
        yield f'<path class="band" d="M{"L".join([*over, *under])}Z"/>'
    if picture.diagonal:
        least, most = max(picture.x.low, picture.y.low), min(picture.x.high, picture.y.high)
        ends = (f"{along(picture.x, value):.1f} {up(picture.y, value):.1f}" for value in (least, most))
        yield f'<path class="diagonal" d="M{"L".join(ends)}"/>'
    for rule in picture.rules:
        if rule.x is not None:
            yield f'<path class="rule" d="M{along(picture.x, rule.x):.1f} {TOP}V{HEIGHT - BOTTOM}"/>'
        if rule.y is not None:
            yield f'<path class="rule" d="M{LEFT} {up(picture.y, rule.y):.1f}H{WIDTH - RIGHT}"/>'
    for at, curve in reversed(list(enumerate(picture.curves))):  # the first matters most: nothing is drawn over it
        yield from curve_shapes(picture, curve, at)


def ground(scale: Axis, floor: float, left: float = LEFT, top: float = TOP) -> Iterator[str]:
    """Yield the x axis with its numbers and its label."""
    for tick in scale.ticks(8):
        at = along(scale, tick, left)
        yield f'<path class="grid" d="M{at:.1f} {top}V{floor}"/>'
        yield f'<text class="tick" x="{at:.1f}" y="{floor + 18}" text-anchor="middle">{told_tick(tick)}</text>'
    yield f'<path class="axis" d="M{left} {floor}H{WIDTH - RIGHT}"/>'
    yield f'<text x="{WIDTH - RIGHT}" y="{floor + 38}" text-anchor="end">{text(scale.label)}</text>'


def along(scale: Axis, value: float, left: float = LEFT) -> float:
    return left + scale.place(value) * (WIDTH - RIGHT - left)


def up(scale: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - scale.place(value) * (HEIGHT - BOTTOM - TOP)


def curve_shapes(picture: Chart, curve: Curve, at: int) -> Iterator[str]:
    """Yield a curve: its line, the spread of its points, its marks; what it says of a point stands in a tooltip."""
    series = at % SERIES + 1
    places = [(along(picture.x, x), up(picture.y, y)) for x, y in curve.points]
    if curve.joined and len(places) > 1:
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        yield f'<path class="{line_css(curve, at)}" d="M{path}"/>'
    for (x, _), (low, high) in zip(places, curve.spread, strict=False):
        yield f'<path class="s{series} spread" d="M{x:.1f} {up(picture.y, low):.1f}V{up(picture.y, high):.1f}"/>'
    if curve.dashed or curve.faint or marks_nothing(curve):
        return
    for (x, y), point in zip(places, curve.points, strict=True):
        told = f"{curve.name}: {told_tick(point[0])}, {number(point[1])}"
        yield f"<g><title>{text(told)}</title>{mark(x, y, at, curve)}</g>"


def line_css(curve: Curve, at: int) -> str:
    """Return the classes of a curve's line."""
    if curve.faint:
        return "curve behind"
    return f"curve s{at % SERIES + 1}" + (" dashed" if curve.dashed else "")


def marks_nothing(curve: Curve) -> bool:
    return curve.joined and len(curve.points) > MANY_POINTS


def mark(x: float, y: float, at: int, curve: Curve) -> str:
    """Return the mark of a series: its shape tells it apart, its colour too."""
    if curve.letter:
        css = "hollow" if curve.hollow else "m1"
        letter = f'<text class="letter" x="{x:.1f}" y="{y + 4.5:.1f}" text-anchor="middle">{text(curve.letter)}</text>'
        return f'<circle class="{css}" cx="{x:.1f}" cy="{y:.1f}" r="10"/>{letter}'
    css = f"m{at % SERIES + 1}"
    corners = SHAPES[at % len(SHAPES)]
    if not corners:
        return f'<circle class="{css}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
    path = "L".join(f"{x + dx:.1f} {y + dy:.1f}" for dx, dy in corners)
    return f'<path class="{css}" d="M{path}Z"/>'


def of_chart(picture: Chart) -> list[tuple[str, str]]:
    """Return the entries of a chart's legend: a sample of the mark, what it means."""
    found: list[tuple[str, str]] = []
    named = [(at, curve) for at, curve in enumerate(picture.curves) if not curve.faint]
    if len(named) > 1 or picture.rules or picture.band_name:
        for at, curve in named:
            line = f'<path class="{line_css(curve, at)}" d="M0 7H34"/>'
            point = "" if curve.dashed or marks_nothing(curve) else mark(17, 7, at, curve)
            found.append(((line if curve.joined else "") + point, curve.name))
    found += [
        (f'<path class="rule" d="{"M17 0V14" if rule.x is not None else "M0 7H34"}"/>', rule.name)
        for rule in picture.rules
    ]
    if picture.band_name:
        found.append(('<rect class="band" width="34" height="14"/>', picture.band_name))
    return found


def of_rows(picture: DotRows) -> list[tuple[str, str]]:
    """Return the entries of the legend of rows of dots."""
    reach = ('<path class="reach" d="M0 7H34"/>', picture.reach_name)
    beside = ('<path class="beside" d="M17 0V14"/>', picture.beside_name)
    marked = ('<rect class="bad" x="12" y="2" width="10" height="10"/>', picture.marked_name)
    return [entry for entry in (reach, beside, marked) if entry[1]]


def legend(entries: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield a list outside the drawing, so that long names can be folded."""
    if entries:
        yield "<ul>"
        for sample, name in entries:
            drawn = f'<svg viewBox="-2 -2 38 18" aria-hidden="true">{sample}</svg>'
            yield f"<li>{drawn}<bdi>{text(name)}</bdi></li>"
        yield "</ul>"


def rows_of_dots(picture: DotRows) -> Iterator[str]:
    """Yield a row a dot: the label above its interval."""
    floor = ROW_TOP + ROW_HEIGHT * len(picture.dots)
    yield from ground(picture.x, floor, ROW_LEFT, ROW_TOP)
    for place, dot in enumerate(picture.dots):
        yield from row_shapes(picture.x, dot, ROW_TOP + ROW_HEIGHT * place + 26)


def row_shapes(scale: Axis, dot: Dot, y: float) -> Iterator[str]:
    """Yield one row: label, interval, what it is laid against, the value."""
    css = " bad" if dot.marked else ""
    at = along(scale, dot.value, ROW_LEFT)
    label = printable(dot.label)
    shown = label if len(label) <= LABEL_LETTERS else label[: LABEL_LETTERS - 1] + "…"
    told = f"{dot.label}: {number(dot.value)} ({number(dot.low)} to {number(dot.high)})"
    yield f"<g><title>{text(told)}</title>"
    yield f'<text x="{ROW_LEFT}" y="{y - 9}" style="unicode-bidi: isolate">{text(shown)}</text>'
    if dot.low is not None and dot.high is not None:
        low, high = (along(scale, end, ROW_LEFT) for end in (dot.low, dot.high))
        yield f'<path class="reach{css}" d="M{low:.1f} {y}H{high:.1f}"/>'
    if dot.beside is not None:
        yield f'<path class="beside" d="M{along(scale, dot.beside, ROW_LEFT):.1f} {y - 7}v14"/>'
    if dot.marked:
        yield f'<rect class="bad" x="{at - 5:.1f}" y="{y - 5}" width="10" height="10"/></g>'
    else:
        yield f'<circle class="m1" cx="{at:.1f}" cy="{y}" r="5"/></g>'


def text(value: str) -> str:
    """Return text that SVG and HTML show as it is, control and bidi characters as escapes."""
    return html.escape(printable(value), quote=True)
