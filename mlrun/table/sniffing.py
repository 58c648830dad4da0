"""From the name of a table to its source and what must be said to read it: separator, header, quotes, encoding."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from mlrun.errors import DataError
from mlrun.table.csv_shape import measure
from mlrun.table.files import read_bytes, resolve_file
from mlrun.table.loading import load_table
from mlrun.table.text_encoding import to_utf8
from mlrun.table.text_values import MISSING_WORDS

LOOKED_AT = 1 << 18  # bytes of a file that are looked at
RECORDS = 300
STEADY = 0.9  # so large a share of the records has as many fields as most
MARKS = (",", "\t", ";", "|", " ")
MOST_SKIPPED = 20
OTHER_FORMATS = {
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "a spreadsheet; save its sheet as CSV"),
    **dict.fromkeys((".json", ".jsonl", ".feather", ".arrow", ".orc", ".avro"), "no CSV; write it as CSV or Parquet"),
    **dict.fromkeys((".pkl", ".pickle", ".joblib", ".npy", ".npz"), "no table file; write it as CSV or Parquet"),
}
TELLS_NOTHING = {"data", "dataset", "table", "train", "training", "test", "all", "full", "input"}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+")
QUOTES_ARE_TEXT = "quotes belong to the text"
SQLITE_NAMES = (
    "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
)
DUCKDB_NAMES = "SELECT table_name AS name FROM information_schema.tables"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a table comes from, as `data:` says it; `remarks`: parameter → why; `others`: tables of the database."""

    source: str
    params: Mapping[str, Any]
    title: str
    remarks: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()


def find_origin(data: str, folder: str) -> Origin:
    """Return how to read `data`: a file, `sklearn:NAME`, or the `module:function` of a source; `folder`: the spec's.

    Raises DataError for what is no table.
    """
    if not Path(data).exists() and ":" in data:
        return _by_reference(data)
    path = resolve_file(data, str(Path.cwd())) if not _is_parquet_folder(data) else Path(data).absolute()
    given, title = os.path.relpath(path, folder), _title(path)
    if path.is_dir():
        return Origin("parquet", {"path": given}, title)
    if path.suffix.lower() in OTHER_FORMATS:
        raise DataError(f"{path} is {OTHER_FORMATS[path.suffix.lower()]} first.")
    with path.open("rb") as file:
        start = file.read(16)
    if start[:4] == b"PAR1":
        return Origin("parquet", {"path": given}, title)
    if start == b"SQLite format 3\0" or start[8:12] == b"DUCK":
        return _of_database(path, given, title, SQLITE_NAMES if start[8:12] != b"DUCK" else DUCKDB_NAMES)
    return _of_text(path, given, title)


def _by_reference(data: str) -> Origin:
    name, _, rest = data.partition(":")
    if rest.startswith("//"):
        raise DataError(f"{data} is an address; download the file, and name that.")
    if name == "sklearn":
        return Origin("sklearn", {"name": rest}, rest)
    return Origin(data, {}, rest)


def _is_parquet_folder(data: str) -> bool:
    return Path(data).is_dir() and any(Path(data).glob("*.parquet"))


def _title(path: Path) -> str:
    """Return a file's name without what it ends in, its folder's name where it says nothing of the data."""
    stem = Path(path.name)
    for _ in range(2):
        if re.fullmatch(r"\.(gz|zip|csv|tsv|txt|data|dat|parquet|db|sqlite3?|duckdb)", stem.suffix.lower()):
            stem = stem.with_suffix("")
    return path.parent.name if stem.name.lower() in TELLS_NOTHING and path.parent.name else stem.name


# -- databases --------------------------------------------------------------------------------------------------------


def _of_database(path: Path, given: str, title: str, query: str) -> Origin:
    """Ask for the table with the most rows; the others are named."""
    here = {"path": str(path)}
    try:
        names = load_table("sql", {**here, "query": query}, "")["name"].to_list()
    except DataError as error:
        if "has 0 rows" in str(error):
            raise DataError(f"{path} holds no table.") from error
        raise
    rows = {name: _count_rows(here, name) for name in names[:MOST_SKIPPED]}
    first = max(rows, key=lambda name: rows[name])
    if not rows[first]:
        raise DataError(f"{path}: its tables have no rows.")
    others = tuple(name for name in names if name != first)
    why = "the only table" if not others else f"the largest table ({rows[first]:,} rows)"
    return Origin("sql", {"path": given, "query": _select("*", first)}, title, {"query": why}, others)


def _count_rows(here: Mapping[str, str], name: str) -> int:
    return int(load_table("sql", {**here, "query": _select("COUNT(*) AS many", name)}, "")["many"][0])


def _select(what: str, table: str) -> str:
    named = table if re.fullmatch(r"[A-Za-z_]\w*", table) else '"' + table.replace('"', '""') + '"'
    return f"SELECT {what} FROM {named}"  # noqa: S608 - the name is quoted, and the source only reads


# -- delimited text ---------------------------------------------------------------------------------------------------


def _of_text(path: Path, given: str, title: str) -> Origin:
    """Sniff; where the quotes of the whole file are not what the first records promise, take them as text."""
    content = read_bytes(path)
    params, remarks = sniff(content, str(path))
    if "quote" not in params and b'"' in content:
        try:
            load_table("csv", {"path": str(path), **params}, "")
        except DataError as error:
            try:
                load_table("csv", {"path": str(path), **params, "quote": None}, "")
            except DataError:
                raise error from None
            params["quote"], remarks["quote"] = None, QUOTES_ARE_TEXT
    return Origin("csv", {"path": given, **params}, title, remarks)


def sniff(content: bytes, path: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what `data:` must say of a delimited text where it is not as usual, and why.

    Looks at the first records only; what the whole file turns out to be is for the one who loads it.
    """
    params: dict[str, Any] = {}
    remarks: dict[str, str] = {}
    try:
        text = to_utf8(content, "utf-8", path)
    except DataError as error:
        if "NUL" in str(error) or "UTF-16" in str(error):
            raise
        text, params["encoding"] = to_utf8(content, "latin-1", path), "latin-1"
        remarks["encoding"] = "it is not UTF-8; cp1252 is the other usual one"
    lines = _first_lines(text)
    mark, quote = _separator(lines)
    if mark != ",":
        params["separator"] = mark
    if quote != '"':
        params["quote"] = quote
        remarks["quote"] = QUOTES_ARE_TEXT if quote is None else "they stand around whole fields"
    skipped, records = _body(lines, mark, quote)
    if skipped:
        params["skip_rows"] = skipped
        remarks["skip_rows"] = "lines above the table"
    why = _why_no_header(records)
    if why:
        params["header"] = False
        remarks["header"] = why
    if mark != "," and _has_comma_numbers(records[1:]):
        params["decimal"] = ","
    return params, remarks


def _first_lines(text: bytes) -> list[str]:
    """Return the first lines, whole ones, in any of the three ways of ending a line."""
    start = text[:LOOKED_AT].decode("utf-8", "ignore").replace("\r\n", "\n").replace("\r", "\n")
    lines = start.split("\n")
    return lines[:-1] if len(lines) > 1 and (len(text) > LOOKED_AT or not lines[-1]) else lines


def _separator(lines: Sequence[str]) -> tuple[str, str | None]:
    """Return the mark that divides most records into as many fields, and the quote with which it does so best."""
    found: list[tuple[float, int, int, str, str | None]] = []
    for rank, mark in enumerate(MARKS):
        for quote in _quotes(lines, mark):
            counts = Counter(len(fields) for _, fields in _records(lines, mark, quote))
            fields, often = max(counts.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
            share = often / max(1, sum(counts.values()))
            if fields > 1 and share >= (1.0 if mark == " " else STEADY):
                found.append((share, fields if mark != " " else 0, -rank, mark, quote))
    if not found:
        return ",", '"'
    best = max(found, key=lambda item: item[:3])
    return best[3], best[4]


def _quotes(lines: Sequence[str], mark: str) -> list[str | None]:
    """Return the quotes to try: the usual one first, which wins a tie."""
    body = "\n".join(lines).encode()
    if b'"' in body:
        return ['"', None] if not measure(body, mark, '"').tidy else ['"']
    if b"'" in body and body.count(b"'") >= len(lines) and measure(body, mark, "'").tidy:
        return ["'"]
    return ['"']


def _records(lines: Sequence[str], mark: str, quote: str | None) -> list[tuple[int, list[str]]]:
    """Return the first records, each with the line (from 0) after which it ends; blank lines are none."""
    text = (line + "\n" for line in lines)
    if quote is None:
        reader = csv.reader(text, delimiter=mark, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(text, delimiter=mark, quotechar=quote)
    try:
        return [(reader.line_num, fields) for fields in islice(reader, RECORDS) if fields]
    except csv.Error:  # a field of more than 128 KiB: what a forgotten quote swallows
        return []


def _body(lines: Sequence[str], mark: str, quote: str | None) -> tuple[int, list[list[str]]]:
    """Return how many lines stand above the table, and its records: titles have fewer fields than what follows."""
    records = _records(lines, mark, quote)
    counts = Counter(len(fields) for _, fields in records)
    usual = max(counts, key=lambda count: (counts[count], count), default=1)
    above = next((place for place, (_, fields) in enumerate(records) if len(fields) == usual), 0)
    if not 0 < above <= MOST_SKIPPED or any(len(fields) > usual for _, fields in records[:above]):
        above = 0
    return (records[above - 1][0] if above else 0), [fields for _, fields in records[above:] if len(fields) == usual]


def _why_no_header(records: Sequence[Sequence[str]]) -> str:
    """Return why the first record is no header; '' when it is one."""
    if len(records) < 2:
        return ""
    first, below = records[0], [[record[place] for record in records[1:]] for place in range(len(records[0]))]
    numbers = [_all_numbers(column) for column in below]
    if any(holds and name.strip() and not _all_numbers([name]) for holds, name in zip(numbers, first, strict=True)):
        return ""
    if any(holds and _all_numbers([name]) for holds, name in zip(numbers, first, strict=True)):
        return "the first line holds numbers, as the others do"
    again = [name for name, column in zip(first, below, strict=True) if name.strip() and name in column]
    if again and len(set(first)) == len(first):
        return "the first line has values that other lines have too"
    return ""


def _all_numbers(values: Sequence[str]) -> bool:
    known = [value.strip() for value in values if value.strip() and value.strip() not in MISSING_WORDS]
    return bool(known) and all(NUMBER.fullmatch(value) or COMMA_NUMBER.fullmatch(value) for value in known)


def _has_comma_numbers(records: Sequence[Sequence[str]]) -> bool:
    """Whether a column holds numbers with a decimal comma, and none has them with a point."""
    columns = [[value.strip() for value in column if value.strip()] for column in zip(*records, strict=True)]
    numeric = [column for column in columns if _all_numbers(column)]
    with_comma = any(COMMA_NUMBER.fullmatch(value) for column in numeric for value in column)
    return with_comma and not any("." in value for column in numeric for value in column)
