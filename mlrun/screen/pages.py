"""From sections (a title, a table, sentences) to a page: on a terminal, as Markdown, as HTML that runs nothing."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlrun.picture import characters, svg
from mlrun.picture.shapes import Picture
from mlrun.screen.tables import Table, markdown_text, print_for_people, print_table, to_json, to_markdown, write
from mlrun.terminal import open_console, printable

if TYPE_CHECKING:
    from rich.console import Console

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
MARKS = {"fail": "bold red", "error": "bold red", "warn": "yellow", "pass": "green", "info": "cyan"}
STYLES = {"": "", "dim": "dim", "bad": "red", "1": "cyan", "2": "yellow", "3": "green", "4": "magenta", "5": "blue"}
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
  color: var(--ink); background: var(--page) }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .8rem; border-bottom: 1px solid var(--grid); text-align: left; vertical-align: top }
th.right, td.right { text-align: right; white-space: nowrap }
tr.bold { font-weight: 600 } tr.dim { color: var(--faint) } tr.red { color: var(--bad) }
.wide { overflow-x: auto } ul.points { list-style: none; padding: 0 }
ul.points li { margin: .2rem 0; display: flex; gap: .6rem }
.wide + .wide { margin-top: 1.2rem } table:has(th:nth-child(6)) td:first-child { min-width: 9rem }
.mark { flex: 0 0 4.5rem } .fail, .error { color: var(--bad) } .warn { color: var(--s2) }
.pass { color: var(--s3) } .info { color: var(--s1) }
details { margin: .6rem 0 } summary { font-weight: 600; cursor: pointer }
"""


@dataclass(frozen=True, slots=True)
class Point:
    """A sentence behind a mark: pass, fail, warn ..."""

    text: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page; an empty title continues what stands above. Its parts are shown in the order of the fields.

    folded: an HTML page shows its title alone until it is asked for.
    """

    title: str = ""
    table: Table | None = None
    lines: tuple[str, ...] = ()
    points: tuple[Point, ...] = ()
    pictures: tuple[Picture, ...] = ()
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """What a command shows: sections for people; one object and the rows of a table for machines."""

    title: str
    sections: Sequence[Section]
    content: object
    rows: Table


def show_page(page: Page, form: str) -> None:
    """Write a page to standard output: for people as table and markdown, for machines as json and csv."""
    console = open_console()
    if form == "json":
        write(console, to_json(page.content))
    elif form == "csv":
        print_table(console, page.rows, form)
    elif form == "markdown":
        write(console, page_as_markdown(page.title, page.sections))
    else:
        print_page(console, [Section(page.title), *page.sections])


def print_page(console: Console, sections: Sequence[Section]) -> None:
    """Write the sections to a terminal or a pipe; lines may be folded, never cut."""
    from rich.text import Text

    for number, section in enumerate(sections):
        if number:
            console.print()
        if section.title:
            console.print(Text(printable(section.title), style="bold"), soft_wrap=not console.is_terminal)
        if section.table is not None:
            print_for_people(console, section.table)
        for line in section.lines:
            console.print(Text(printable(line)), soft_wrap=not console.is_terminal)
        print_points(console, section.points)
        for drawn in section.pictures:
            print_picture(console, drawn)


def print_points(console: Console, points: Sequence[Point]) -> None:
    """Write sentences behind their marks: folded below themselves on a terminal, each on one line elsewhere."""
    from rich.table import Table as Grid
    from rich.text import Text

    wide = max((len(point.mark) for point in points), default=0)
    if points and not console.is_terminal:
        write(console, "".join(f"{point.mark:<{wide}}  {printable(point.text)}".strip() + "\n" for point in points))
        return
    for point in points:
        grid = Grid.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=wide, no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(Text(point.mark, style=MARKS.get(point.mark, "dim")), Text(printable(point.text)))
        console.print(grid)


def print_picture(console: Console, picture: Picture) -> None:
    """Draw a picture below its title and its caption."""
    from rich.text import Text

    console.print()
    console.print(Text(printable(picture.title), style="bold"), soft_wrap=not console.is_terminal)
    console.print(Text(printable(picture.caption)), soft_wrap=not console.is_terminal)
    for line in characters.draw(picture, console.width, console.encoding):
        drawn = Text.assemble(*((text, STYLES[style]) for text, style in line))
        drawn.rstrip()
        console.print(drawn, soft_wrap=True)


def page_as_markdown(title: str, sections: Sequence[Section]) -> str:
    """Return the page as GitHub-flavoured Markdown."""
    parts = [f"# {markdown_text(title)}\n"]
    for section in sections:
        if section.title:
            parts.append(f"## {markdown_text(section.title)}\n")
        if section.table is not None:
            parts.append(to_markdown(section.table))
        lines = [markdown_text(line) for line in section.lines]
        lines += [
            f"{f'**{point.mark}** ' if point.mark else ''}{markdown_text(point.text)}" for point in section.points
        ]
        if lines:
            parts.append("\n".join(f"- {line}" for line in lines) + "\n")
        parts += [picture_as_markdown(picture) for picture in section.pictures]
    return "\n".join(parts)


def picture_as_markdown(picture: Picture) -> str:
    """Return a picture as a block of characters below its title and its caption."""
    drawn = characters.plain(characters.draw(picture))
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", drawn)), default=0))
    return f"**{markdown_text(picture.title)}.** {markdown_text(picture.caption)}\n\n{fence}text\n{drawn}\n{fence}\n"


def page_as_html(title: str, sections: Sequence[Section]) -> str:
    """Return the page as one HTML file: works offline, runs no script, all text escaped."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{text(title)}</title><style>{svg.STYLE}{STYLE}</style></head><body>",
        f"<h1>{text(title)}</h1>",
    ]
    drawn = 0
    for section in sections:
        if section.folded:
            parts.append(f"<details><summary>{text(section.title)}</summary>")
        elif section.title:
            parts.append(f"<h2>{text(section.title)}</h2>")
        if section.table is not None:
            parts.append(table_as_html(section.table))
        parts += [f"<p>{text(line)}</p>" for line in section.lines]
        parts += points_as_html(section.points)
        for picture in section.pictures:
            drawn += 1
            parts.append(svg.figure(picture, f"picture-{drawn}"))
        if section.folded:
            parts.append("</details>")
    return "\n".join([*parts, "</body></html>"]) + "\n"


def points_as_html(points: Sequence[Point]) -> Iterator[str]:
    """Yield a list; the mark is a word, so colour is never alone."""
    if points:
        yield '<ul class="points">'
        for point in points:
            css = point.mark.replace(" ", "-") if point.mark in MARKS else "other"
            mark = f'<b class="mark {css}">{text(point.mark)}</b> ' if point.mark else ""
            yield f"<li>{mark}<bdi>{text(point.text)}</bdi></li>"
        yield "</ul>"


def table_as_html(table: Table) -> str:
    """Return a table with all its columns, notes below."""
    if not table.rows:
        return f"<p>{text(table.empty)}</p>"
    classes = [' class="right"' if heading.right else "" for heading in table.headings]
    head = "".join(
        f'<th scope="col"{css}>{text(heading.title)}</th>' for heading, css in zip(table.headings, classes, strict=True)
    )
    lines = [f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>']
    for row in table.rows:
        cells = "".join(
            f"<td{css}>{text(heading.show(row))}</td>" for heading, css in zip(table.headings, classes, strict=True)
        )
        lines.append(f'<tr class="{text(table.style(row))}">{cells}</tr>')
    return "\n".join([*lines, "</tbody></table></div>", *(f"<p>{text(note)}</p>" for note in table.notes)])


def text(value: str) -> str:
    """Return text that HTML shows as it is, control and bidi characters as escapes."""
    return html.escape(printable(value), quote=True)
