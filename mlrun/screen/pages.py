"""From sections (a title, a table, sentences) to a page: on a terminal, as Markdown, as HTML that runs nothing."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlrun.screen.tables import Table, markdown_text, print_for_people, print_table, to_json, to_markdown, write
from mlrun.terminal import open_console, printable

if TYPE_CHECKING:
    from rich.console import Console

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .8rem; border-bottom: 1px solid #ddd; text-align: left }
th.right, td.right { text-align: right; white-space: nowrap }
tr.bold { font-weight: 600 } tr.dim { color: #666 } tr.red { color: #b00020 }
.wide { overflow-x: auto }
@media (prefers-color-scheme: dark) { body { background: #16181c; color: #ddd } th, td { border-color: #333 }
  tr.dim { color: #999 } tr.red { color: #ff8a80 } }
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page; an empty title continues what stands above."""

    title: str = ""
    table: Table | None = None
    lines: tuple[str, ...] = ()


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
            console.print(Text(printable(section.title), style="bold"), soft_wrap=True)
        if section.table is not None:
            print_for_people(console, section.table)
        for line in section.lines:
            console.print(Text(printable(line)), soft_wrap=not console.is_terminal)


def page_as_markdown(title: str, sections: Sequence[Section]) -> str:
    """Return the page as GitHub-flavoured Markdown."""
    parts = [f"# {markdown_text(title)}\n"]
    for section in sections:
        if section.title:
            parts.append(f"## {markdown_text(section.title)}\n")
        if section.table is not None:
            parts.append(to_markdown(section.table))
        if section.lines:
            parts.append("\n".join(f"- {markdown_text(line)}" for line in section.lines) + "\n")
    return "\n".join(parts)


def page_as_html(title: str, sections: Sequence[Section]) -> str:
    """Return the page as one HTML file: works offline, runs no script, all text escaped."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{text(title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{text(title)}</h1>",
    ]
    for section in sections:
        if section.title:
            parts.append(f"<h2>{text(section.title)}</h2>")
        if section.table is not None:
            parts.append(table_as_html(section.table))
        parts += [f"<p>{text(line)}</p>" for line in section.lines]
    return "\n".join([*parts, "</body></html>"]) + "\n"


def table_as_html(table: Table) -> str:
    """Return a table with all its columns, notes below."""
    if not table.rows:
        return f"<p>{text(table.empty)}</p>"
    classes = [' class="right"' if heading.right else "" for heading in table.headings]
    head = "".join(f"<th{css}>{text(heading.title)}</th>" for heading, css in zip(table.headings, classes, strict=True))
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
