"""Delimited text, plain, .gz or .zip: column types are inferred from the whole file."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mlrun.contracts import Source
from mlrun.errors import DataError
from mlrun.records import Params
from mlrun.table.csv_header import Layout, dialect_of, hint_separator, split_header
from mlrun.table.files import read_bytes, resolve_file
from mlrun.table.text_encoding import to_utf8

if TYPE_CHECKING:
    import polars as pl


def load(params: Params, folder: str) -> pl.DataFrame:
    """Read a delimited text file into a typed table.

    Raises DataError in one sentence when the file is missing, empty, ragged, or not in the encoding that was said.
    """
    from mlrun.table.text_values import Reading, type_columns

    reading = Reading(
        null_values=_texts(params, "null_values"),
        decimal=_one_of(params, "decimal", (".", ",")),
        dtypes=_dtypes(params),
        as_text=frozenset(_texts(params, "as_text")),
    )
    table = read_strings(params, folder)
    return type_columns(table, reading, str(resolve_file(params["path"], folder)))


def read_strings(params: Params, folder: str) -> pl.DataFrame:
    """Read the file with every value as the string that stands there; an empty field is null."""
    path = resolve_file(params["path"], folder)
    content = to_utf8(read_bytes(path), str(params.get("encoding") or "utf-8"), str(path))
    layout = layout_of(params, str(path), content)
    if layout.line_end == "\r":
        content = content.replace(b"\r", b"\n")
    names, body, first_line = split_header(content, layout)
    if not body:
        raise DataError(f"{path} has a header and no rows.")
    return _read_body(body, names, layout, first_line)


def layout_of(params: Params, path: str, content: bytes) -> Layout:
    """Return how a file says where its fields are; raise DataError for parameters that cannot be."""
    separator = params.get("separator", ",")
    if separator == "\\t":
        separator = "\t"
    quote = params.get("quote", '"')
    for name, value in (("separator", separator), ("quote", quote)):
        if value is not None and not (isinstance(value, str) and len(value) == 1 and value.isascii()):
            raise DataError(f"`{name}` must be a single ASCII character, not {value!r}.")
    if separator is None or separator in ("\n", "\r", quote):
        raise DataError(f"`separator` cannot be {separator!r}.")
    header = params.get("header", True)
    skip_rows = params.get("skip_rows", 0)
    if not isinstance(header, bool):
        raise DataError(f"`header` must be true or false, not {header!r}.")
    if isinstance(skip_rows, bool) or not isinstance(skip_rows, int) or skip_rows < 0:
        raise DataError(f"`skip_rows` must be a whole number of lines, not {skip_rows!r}.")
    line_end = "\r" if b"\r" in content and b"\n" not in content else "\n"
    return Layout(path, separator, quote, header, _texts(params, "columns"), skip_rows, line_end)


def _texts(params: Params, name: str) -> tuple[str, ...]:
    """Return a parameter that is a string or a list of them; numbers are taken as written."""
    given = params.get(name, ())
    if isinstance(given, (str, int, float)):
        given = (given,)
    if given is None:
        return ()
    if not isinstance(given, Sequence | frozenset) or not all(isinstance(text, str | int | float) for text in given):
        raise DataError(f"`{name}` must be a list of strings, not {given!r}.")
    return tuple(str(text) for text in given)


def _one_of(params: Params, name: str, allowed: tuple[str, ...]) -> str:
    given = params.get(name, allowed[0])
    if given not in allowed:
        raise DataError(f"`{name}` must be {' or '.join(map(repr, allowed))}, not {given!r}.")
    return str(given)


def _dtypes(params: Params) -> dict[str, str]:
    given = params.get("dtypes") or {}
    known = ("string", "integer", "float", "boolean")
    for column, dtype in given.items():
        if dtype not in known:
            raise DataError(f"`dtypes` says {dtype!r} for column '{column}'; known: {', '.join(known)}.")
    return dict(given)


# -- the rows ---------------------------------------------------------------------------------------------------------


def _read_body(body: bytes, names: Sequence[str], layout: Layout, first_line: int) -> pl.DataFrame:
    """Read with the fast parser what has a clear shape; it fills up short rows in silence, so those are looked for."""
    from mlrun.table.csv_shape import measure, rows_at

    shape = measure(body, layout.separator, layout.quote)
    if not shape.tidy:
        return _read_slowly(body, names, layout, first_line)
    table, blank = None, None
    if shape.separators == (len(names) - 1) * shape.rows:
        table = _read_fast(body, names, layout, first_line, shape.rows)
    if table is None or _has_gaps(table[:, -1]):  # where no row ends in an empty field, none is short, so none long
        counts, blank, lines = rows_at(body, layout.separator, layout.quote)
        wrong = (counts != len(names) - 1) & ~blank
        if wrong.any():
            row = int(wrong.argmax())
            raise _ragged(layout, first_line + int(lines[row]), int(counts[row]) + 1, names)
    table = _read_fast(body, names, layout, first_line, shape.rows) if table is None else table
    if blank is not None and blank.any() and table.height == len(blank):
        table = table.filter(~blank)
    return _refuse_second_header(table, layout)


def _has_gaps(column: pl.Series) -> bool:
    return column.null_count() > 0 or bool((column == "").any())


def _read_fast(body: bytes, names: Sequence[str], layout: Layout, first_line: int, rows: int) -> pl.DataFrame:
    import polars as pl

    try:
        table = pl.read_csv(
            body,
            has_header=False,
            schema=dict.fromkeys(names, pl.String),
            separator=layout.separator,
            quote_char=layout.quote,
            infer_schema=False,
            glob=False,
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, OSError):
        # its message holds rows of the data; the slow reader finds the line and says it without them
        return _read_slowly(body, names, layout, first_line)
    return table if table.height == rows else _read_slowly(body, names, layout, first_line)


def _read_slowly(body: bytes, names: Sequence[str], layout: Layout, first_line: int) -> pl.DataFrame:
    """Read what the fast parser may split wrongly: quotes inside fields; refuse what has no clear meaning."""
    import polars as pl

    rows = _records(body, layout, first_line)
    columns: list[list[str]] = [[] for _ in names]
    for line, fields in rows:
        if not fields:
            continue
        if len(fields) != len(names):
            raise _ragged(layout, line, len(fields), names)
        for column, field in zip(columns, fields, strict=True):
            column.append(field)
    table = pl.DataFrame(dict(zip(names, columns, strict=True)), schema=dict.fromkeys(names, pl.String))
    return _refuse_second_header(table, layout)


def _records(body: bytes, layout: Layout, first_line: int) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(sys.maxsize)
    text = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8", newline="\n")
    reader = csv.reader(text, dialect_of(layout), strict=True)
    line = first_line
    try:
        for fields in reader:
            yield line, fields
            line = first_line + reader.line_num
    except csv.Error as error:
        raise DataError(
            f"{layout.path}:{line}: a quote ({layout.quote}) in the row that begins on this line is never closed, "
            f"or text follows it; double a quote that belongs to a value, or say `quote: null` if quotes mean nothing."
        ) from error


def _ragged(layout: Layout, line: int, fields: int, names: Sequence[str]) -> DataError:
    cure = hint_separator(names) or "correct the row, or say what the file is like (`separator`, `quote`, `skip_rows`)."
    plural = "s" * (fields != 1)
    return DataError(
        f"{layout.path}:{line}: this row has {fields} field{plural} where {len(names)} are expected; {cure}"
    )


def _refuse_second_header(table: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    import polars as pl

    if not layout.header or layout.columns or table.width == 1:
        return table
    same = table.select(pl.all_horizontal(pl.col(name) == name for name in table.columns)).to_series()
    if not same.any():
        return table
    raise DataError(
        f"{layout.path}: row {int(same.arg_true()[0]) + 1} repeats the header; remove it, "
        f"or skip the lines above it with `skip_rows`."
    )


def _files(params: Params, folder: str) -> tuple[str, ...]:
    return (str(resolve_file(params["path"], folder)),)


ENTRY = Source(
    load=load,
    files=_files,
    required=("path",),
    parameters={
        "path": "the file, relative to the spec; .gz, and .zip with one member, are unpacked",
        "header": "whether the first line names the columns (default true)",
        "columns": "the columns' names, in order; they replace the header where there is one",
        "separator": "one character between fields (default ',')",
        "quote": "the character around fields that hold separators (default '\"'; null = none)",
        "encoding": "utf-8 (default), latin-1, utf-16 ...; a byte order mark decides by itself",
        "decimal": "'.' (default) or ','",
        "null_values": "values that mean 'missing', besides the empty field",
        "skip_rows": "how many lines stand above the header",
        "dtypes": "column: string, integer, float or boolean, where the inference should not decide",
    },
    reads_text=True,
)
