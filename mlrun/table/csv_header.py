"""From the start of a delimited file to its columns' names, and where its rows begin."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlrun.errors import DataError
from mlrun.table.column_names import refuse_names

NAMELESS = "(index)"  # what a table library writes in front of a saved index: a first column without a name
SEPARATORS = {",": ",", ";": ";", "\t": "\\t", "|": "|"}


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file says where its fields are."""

    path: str
    separator: str = ","
    quote: str | None = '"'
    header: bool = True
    columns: tuple[str, ...] = ()
    skip_rows: int = 0
    line_end: str = "\n"


def dialect_of(layout: Layout) -> type[csv.Dialect]:
    """Return the layout in the terms of the standard library."""

    class Said(csv.excel):
        delimiter = layout.separator
        quotechar = layout.quote
        quoting = csv.QUOTE_MINIMAL if layout.quote else csv.QUOTE_NONE

    return Said


def split_header(content: bytes, layout: Layout) -> tuple[tuple[str, ...], bytes, int]:
    """Return the columns' names, the bytes of the rows, and the line (from 1) on which they begin.

    Raises DataError for names that are missing or doubled, and for what looks like another separator.
    """
    start, line = _first_line(content, layout)
    fields, used, lines = _first_record(content, start, line, layout)
    if layout.columns and len(layout.columns) != len(fields):
        told = f"`columns` gives {len(layout.columns)} names, but the line has {len(fields)} fields"
        raise DataError(f"{layout.path}:{line + 1}: {told}; give one name for each.")
    _refuse_wrong_separator(fields, layout)
    if not layout.header:
        names = layout.columns or tuple(f"column_{number}" for number in range(1, len(fields) + 1))
        refuse_names(names, layout.path)
        return names, content[start:], line + 1
    names = layout.columns or _names(fields, line, layout)
    refuse_names(names, layout.path)
    return names, content[start + used :], line + lines + 1


def _first_line(content: bytes, layout: Layout) -> tuple[int, int]:
    """Return where the first line that counts begins, and how many lines stand above it."""
    start = line = 0
    while start < len(content):
        stop = content.find(b"\n", start)
        stop = len(content) if stop < 0 else stop
        if line >= layout.skip_rows and content[start:stop].strip(b"\r"):
            return start, line
        start, line = stop + 1, line + 1
    raise DataError(f"{layout.path} has no line to read" + (" below those skipped." if layout.skip_rows else "."))


def _first_record(content: bytes, start: int, line: int, layout: Layout) -> tuple[list[str], int, int]:
    """Return the first record's fields, the bytes that it takes, and its lines (a quoted name may hold line ends)."""
    taken: list[bytes] = []

    def lines() -> Iterator[str]:
        stream = io.BytesIO(content)  # shares the bytes until written to
        stream.seek(start)
        for raw in stream:
            taken.append(raw)
            yield raw.decode("utf-8")

    try:
        fields = next(csv.reader(lines(), dialect_of(layout), strict=True))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{layout.path}:{line + len(taken)}: the header is not UTF-8; say the file's `encoding` (often latin-1)."
        ) from error
    except csv.Error as error:
        raise DataError(
            f"{layout.path}:{line + 1}: a quote in the first record is never closed, or text follows it; "
            f"correct it, or say `quote: null` when quotes mean nothing."
        ) from error
    return fields, sum(map(len, taken)), len(taken)


def _refuse_wrong_separator(fields: list[str], layout: Layout) -> None:
    telling = layout.header or "\t" in fields[0]  # a text without a header may well hold other marks
    if len(fields) == 1 and telling and not layout.columns and (hint := hint_separator(fields)):
        raise DataError(f"{layout.path} has one column; {hint}")


def hint_separator(names: Sequence[str]) -> str:
    """Return what to say when the names hold what separates fields elsewhere; '' when they do not."""
    found = [mark for mark in SEPARATORS if any(mark in name for name in names)]
    if not found:
        return ""
    mark = SEPARATORS[max(found, key=lambda mark: sum(name.count(mark) for name in names))]
    return f"its first line holds '{mark}': if that stands between the fields, say `separator: \"{mark}\"`."


def _names(fields: list[str], line: int, layout: Layout) -> tuple[str, ...]:
    if not fields[0].strip() and len(fields) > 1:
        fields = [NAMELESS, *fields[1:]]
    empty = [str(number) for number, name in enumerate(fields, 1) if not name.strip()]
    if not empty:
        return tuple(fields)
    which = ", ".join(empty[:5]) + (", ..." if len(empty) > 5 else "")
    raise DataError(
        f"{layout.path}:{line + 1}: the header has no name for column {which}; name all with `columns: [...]`, "
        f"or say `header: false` or `skip_rows` when this line is not the header."
    )
