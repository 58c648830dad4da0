"""From rows to a table for people, Markdown, JSON or CSV: nothing is ever cut, no digit is lost."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlrun.catalog import suggestion
from mlrun.errors import UsageError
from mlrun.terminal import escape_character, is_plain, printable

if TYPE_CHECKING:
    from rich.console import Console

Row = Mapping[str, Any]
FORMATS = ("table", "markdown", "json", "csv")
GAP = 2  # columns between two columns
NARROWEST = 16  # a column that may be folded keeps at least this width
PARTS = r"(?<=[_/])|(?<=[a-z]-)(?=[a-z])"  # where a long name may be broken
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # what a spreadsheet would execute


@dataclass(frozen=True, slots=True)
class Heading:
    """A column for people: its title, and what it shows of a row.

    rank: 0 is always there; of the others the highest goes first when the width is short.
    fold: the text may go on in a second line; narrowest: then the title may too, where the width is short.
    """

    title: str
    show: Callable[[Row], str]
    rank: int = 0
    right: bool = False
    fold: bool = False
    narrowest: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as machines get them, headings that show them to people, sentences below.

    style: how a terminal shows a row: '', 'bold', 'dim', 'red'.
    """

    headings: tuple[Heading, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    style: Callable[[Row], str] = lambda row: ""
    empty: str = "nothing to show"


def check_format(name: str) -> str:
    """Return the format's name; raise UsageError with the nearest when it is none."""
    if name not in FORMATS:
        raise UsageError(f"there is no format '{printable(name)}'{suggestion(name, FORMATS)}")
    return name


def print_table(console: Console, table: Table, form: str = "table") -> None:
    """Write the table as `form` says: rows for machines as json and csv, for people as table and markdown."""
    if form == "json":
        write(console, to_json([dict(row) for row in table.rows]))
    elif form == "csv":
        write(console, to_csv(table.rows))
    elif form == "markdown":
        write(console, to_markdown(table))
    else:
        print_for_people(console, table)


def write(console: Console, text: str) -> None:
    """Write text as it is: no wrapping, no styles."""
    console.file.write(text if text.endswith("\n") else text + "\n")


def to_json(value: object) -> str:
    """Return JSON with exact numbers; what a terminal would act on is written as an escape."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    return re.sub(r"[^\n -~]", json_character, text) + "\n"


def json_character(found: re.Match[str]) -> str:
    """Return a character of a JSON string, escaped (as one or two UTF-16 units) when it cannot be shown."""
    character = found[0]
    return character if escape_character(character) == character else json.dumps(character)[1:-1]


def to_csv(rows: Sequence[Row]) -> str:
    """Return CSV with a header; numbers stay numbers, text that a spreadsheet would execute is quoted by a '."""
    fields = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([csv_cell(name) for name in fields])
    writer.writerows([csv_cell(row[name]) if name in row else "" for name in fields] for row in rows)
    return out.getvalue()


def csv_cell(value: object) -> str:
    """Return one cell: shortest exact numbers, JSON for what is nested."""
    if value is None:
        return ""
    if isinstance(value, (bool, list, tuple, dict)):
        return csv_cell(json.dumps(value, ensure_ascii=False))
    if isinstance(value, (int, float)):
        return repr(value)
    text = str(value)
    return printable(f"'{text}" if text.startswith(FORMULA) else text)


def to_markdown(table: Table) -> str:
    """Return a GitHub-flavoured table with all columns, notes below."""
    if not table.rows:
        return markdown_text(table.empty) + "\n"
    lines = [
        markdown_line(heading.title for heading in table.headings),
        "|" + "|".join("---:" if heading.right else "---" for heading in table.headings) + "|",
        *(markdown_line(heading.show(row) for heading in table.headings) for row in table.rows),
    ]
    notes = [f"- {markdown_text(note)}" for note in table.notes]
    return "\n".join([*lines, *(["", *notes] if notes else [])]) + "\n"


def markdown_line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(markdown_text(cell) for cell in cells) + " |"


def markdown_text(text: str) -> str:
    """Return text that Markdown shows as it is: no table bars, tags, links, emphasis from a name."""
    safe = re.sub(r"[\\|`*]", r"\\\g<0>", printable(text))
    safe = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", safe)
    return safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("](", "]\\(")


def print_for_people(console: Console, table: Table) -> None:
    """Draw the table within the console's width: columns go by rank, and that is said; else rows are stacked."""
    if not table.rows:
        console.print(printable(table.empty), style="dim", soft_wrap=not console.is_terminal)
        return
    cells = [[printable(heading.show(row)) for heading in table.headings] for row in table.rows]
    shown, widths = fit(table.headings, cells, console.width)
    if shown:
        draw(console, table, cells, shown, widths)
    else:
        stack(console, table, cells)
    dropped = [printable(heading.title) for at, heading in enumerate(table.headings) if shown and at not in shown]
    if dropped:
        told = f"not shown at {console.width} columns: {', '.join(dropped)}"
        console.print(f"({told}; --format json has all)", style="dim")
    for note in table.notes:
        console.print(printable(note), soft_wrap=not console.is_terminal)


def fit(headings: Sequence[Heading], cells: Sequence[Sequence[str]], width: int) -> tuple[list[int], list[int]]:
    """Return which columns are shown and how wide; none when even those of rank 0 do not fit."""
    from rich.cells import cell_len

    natural = [
        max(cell_len(text) for text in (printable(heading.title), *(row[at] for row in cells)))
        for at, heading in enumerate(headings)
    ]
    shown = list(range(len(headings)))
    while True:
        widths = narrowed(headings, natural, shown, width - GAP * (len(shown) - 1))
        if widths:
            return shown, widths
        last = max(shown, key=lambda at: (headings[at].rank, at))
        if headings[last].rank == 0:
            return [], []
        shown.remove(last)


def narrowed(headings: Sequence[Heading], natural: Sequence[int], shown: Sequence[int], width: int) -> list[int]:
    """Return widths that fit: columns that may be folded are made narrower, the widest first; [] = too wide."""
    from rich.cells import cell_len

    widths = {at: natural[at] for at in shown}
    least = {
        at: headings[at].narrowest or max(NARROWEST, cell_len(headings[at].title)) for at in shown if headings[at].fold
    }
    while sum(widths.values()) > width:
        open_ones = [at for at in least if widths[at] > least[at]]
        if not open_ones:
            return []
        widths[max(open_ones, key=lambda at: widths[at])] -= 1
    return [widths[at] for at in shown]


def draw(
    console: Console, table: Table, cells: Sequence[Sequence[str]], shown: Sequence[int], widths: Sequence[int]
) -> None:
    """Draw the columns shown, each as wide as given."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for at, width in zip(shown, widths, strict=True):
        heading = table.headings[at]
        title = printable(heading.title)
        drawn.add_column(
            Text(folded(title, width) if heading.fold else title), width=width,
            justify="right" if heading.right else "left", no_wrap=not heading.fold, overflow="fold",
        )  # fmt: skip
    for row, texts in zip(table.rows, cells, strict=True):
        drawn.add_row(
            *(
                Text(folded(texts[at], width) if table.headings[at].fold else texts[at])
                for at, width in zip(shown, widths, strict=True)
            ),
            style=table.style(row),
        )
    if not is_plain(console.file):
        console.print(drawn)
        return
    with console.capture() as captured:
        console.print(drawn)
    write(console, "\n".join(line.rstrip() for line in captured.get().splitlines()))


def folded(text: str, width: int) -> str:
    """Return text in lines of at most so many columns, where a word of it ends; a long name where a part of it does."""
    from rich.cells import cell_len

    if cell_len(text) <= width:
        return text
    words = re.split(r"(?<= )", text)
    parts = [re.split(PARTS, word) if cell_len(word.rstrip()) > width else [word] for word in words]
    lines = [""]
    for part in itertools.chain.from_iterable(parts):
        if lines[-1] and cell_len(lines[-1] + part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


def stack(console: Console, table: Table, cells: Sequence[Sequence[str]]) -> None:
    """Write each row as lines of 'title  value', for a screen on which the columns do not fit."""
    from rich.cells import cell_len
    from rich.text import Text

    titles = [printable(heading.title) for heading in table.headings]
    wide = min(NARROWEST, max(map(cell_len, titles)))
    for number, (row, texts) in enumerate(zip(table.rows, cells, strict=True)):
        if number:
            console.print()
        for title, text in zip(titles, texts, strict=True):
            air = " " * max(0, wide - cell_len(title))
            console.print(Text(f"{title}{air}  {text}", style=table.style(row)), overflow="fold")
