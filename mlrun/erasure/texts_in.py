"""From text to the texts in it: JSON by its keys, lines of it, tables by their columns, YAML; escapes undone."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from mlrun.erasure.subject import A_NUMBER, Piece
from mlrun.journal import CRC_DIGITS, from_line

OWN_KEYS = ("__class__", "__module__", "__loader__", "__id__")  # of skops: names of types, no data
SEPARATORS = ",;\t|"
ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[\\`*_|\[\]\"'#<>])")


def flat(value: Any) -> Iterator[str]:
    """Yield every text in nested values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from flat(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from flat(inner)


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def in_lines(text: str) -> Iterator[Piece]:
    """Yield lines of JSON, those of a journal without their checksum; a line that is none, as text."""
    for number, line in enumerate(text.split("\n"), 1):
        event = from_line(line.encode())
        rest = line[CRC_DIGITS + 1 :] if event is not None else line
        found = list(in_json_text(rest, ()))
        yield from (Piece(f"line {number}, {piece.place}", piece.text, piece.names) for piece in found)
        if not found and line:
            yield Piece(f"line {number}", line)
            yield Piece(f"line {number}", without_escapes(line))


def in_json_text(text: str, names: tuple[str, ...]) -> Iterator[Piece]:
    """Yield every key and text of a JSON value; nothing where it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    yield from in_json(value, names)


def in_json(value: Any, names: tuple[str, ...]) -> Iterator[Piece]:
    place = "/".join([name for name in names if name != "content"][-3:]) or "text"  # skops wraps all in `content`
    if isinstance(value, str):
        yield Piece(place, value, names)
        if value[:1] == '"':  # skops writes texts as JSON in JSON
            yield from in_json_text(value, names)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, (int, float)):
        if names:
            yield Piece(place, repr(value), (*names, A_NUMBER))
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in OWN_KEYS:
                continue
            yield Piece(f"a key of {place}", key, names)
            yield from in_json(inner, (*names, key))
    else:
        for inner in value:
            yield from in_json(inner, names)


def in_yaml(content: bytes) -> Iterator[Piece]:
    from mlrun.errors import SpecError
    from mlrun.language.yaml_reader import read

    try:
        yield from in_json(read(content, "").plain, ())
    except SpecError:
        return


def in_csv(text: str, column: str) -> list[Piece] | None:
    """Return the cells of delimited text whose first line has the column's name; None where it is no such table."""
    first = text.partition("\n")[0]
    if not column or column not in first:
        return None
    csv.field_size_limit(sys.maxsize)
    for separator in SEPARATORS:
        header = next(csv.reader([first], delimiter=separator), [])
        if column not in header:
            continue
        try:
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
            columns = list(zip(*(row for row in reader if row), strict=True))
        except (csv.Error, ValueError):  # rows of other lengths: it is read as text
            return None
        found = [Piece("names of columns", name) for name in header]
        for name, cells in zip(header, columns, strict=False):
            found += of_column(name, list(dict.fromkeys(cells)), column)
        return found
    return None


def of_column(name: str, cells: list[str], column: str) -> list[Piece]:
    """Return a column's cells: each for itself in the person's own column, elsewhere a line each in one text."""
    if name == column:
        return [Piece(f"column {name}", cell, (name,)) for cell in cells if cell]
    return [Piece(f"column {name}", "\n".join(cells), (name,))] if cells else []


def without_escapes(text: str) -> str:
    """Return text without what CSV, Markdown, HTML, JSON or YAML put in front of characters."""
    plain = ESCAPED.sub(unescaped, html.unescape(text)) if "\\" in text or "&" in text else text
    return plain.replace('""', '"').replace("''", "'")


def unescaped(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if len(code) > 1 and int(code[1:], 16) < 0x110000 else code
