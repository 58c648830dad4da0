"""From a file of data and positions of its rows to the same file without them; all other bytes of a CSV stay."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import sys
import zipfile
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from mlrun.erasure.subject import Subject
from mlrun.records import Params
from mlrun.table.csv_header import Layout, dialect_of, split_header
from mlrun.table.text_encoding import MARKS, to_utf8

if TYPE_CHECKING:
    import polars as pl

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"


def without_rows(
    content: bytes, source: str, params: Params, rows: Collection[int], count: int, subject: Subject
) -> bytes | None:
    """Return a data file without the rows at these positions, values in the cells of other rows replaced.

    count: how many rows the file has as it was loaded. None where no row is left, or where the file is of a kind from
    which rows cannot be taken (a database), or not read as it was: then it goes whole.
    """
    if len(rows) >= count:
        return None
    if source == "parquet":
        return parquet_without(content, rows, subject)
    if source != "csv":
        return None
    if content.startswith(GZIP):
        inside = text_without(gzip.decompress(content), params, rows, count, subject)
        return None if inside is None else gzip.compress(inside, mtime=0)
    if content.startswith(ZIP):
        return zip_without(content, params, rows, count, subject)
    return text_without(content, params, rows, count, subject)


def zip_without(content: bytes, params: Params, rows: Collection[int], count: int, subject: Subject) -> bytes | None:
    """Return an archive of one member without these rows."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (member,) = [member for member in archive.infolist() if not member.is_dir()]
        inside = text_without(archive.read(member), params, rows, count, subject)
    if inside is None:
        return None
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(subject.replaced(member.filename), inside)
    return packed.getvalue()


# -- delimited text ----------------------------------------------------------------------------------------------------


def text_without(content: bytes, params: Params, rows: Collection[int], count: int, subject: Subject) -> bytes | None:
    """Return delimited text without these rows, in its own encoding; None when it does not have `count` rows."""
    from mlrun.sources.csv import layout_of

    encoding, mark = encoding_of(content, str(params.get("encoding") or "utf-8"))
    plain = to_utf8(content, encoding, "")
    layout = layout_of(params, "", plain)
    if layout.line_end == "\r":
        plain = plain.replace(b"\r", b"\n")
    names, body, _ = split_header(plain, layout)
    found = list(records(body, layout))
    known = [at for at, (_, fields) in enumerate(found) if fields]
    if len(known) != count:
        return None
    gone = {known[row] for row in rows}
    kept = [
        line if not fields else changed(line, fields, names, layout, subject)
        for at, (line, fields) in enumerate(found)
        if at not in gone
    ]
    whole = cleaned_head(plain[: len(plain) - len(body)], subject) + b"".join(kept)
    if layout.line_end == "\r":
        whole = whole.replace(b"\n", b"\r")
    return whole if encoding == "utf-8" and not mark else mark + whole.decode().encode(plain_codec(encoding, mark))


def encoding_of(content: bytes, said: str) -> tuple[str, bytes]:
    """Return the codec of a text and its byte order mark, which decides where there is one."""
    for mark, codec in MARKS:
        if content.startswith(mark):
            return codec, mark
    return codecs.lookup(said).name, b""


def plain_codec(encoding: str, mark: bytes) -> str:
    """Return the codec that writes no mark of its own."""
    if not mark or encoding == "utf-8":
        return encoding
    return f"{encoding}-{'le' if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF32_LE) else 'be'}"


def records(body: bytes, layout: Layout) -> Iterator[tuple[bytes, list[str]]]:
    """Yield each record's bytes with its fields, [] for a blank line."""
    csv.field_size_limit(sys.maxsize)
    taken: list[bytes] = []

    def lines() -> Iterator[str]:
        for line in io.BytesIO(body):
            taken.append(line)
            yield line.decode()

    for fields in csv.reader(lines(), dialect_of(layout), strict=True):
        yield b"".join(taken), fields
        taken.clear()


def changed(line: bytes, fields: list[str], names: Sequence[str], layout: Layout, subject: Subject) -> bytes:
    """Return a record that stays, with a word in place of the values that its cells hold."""
    new = [cleaned_cell(cell, name, subject) for cell, name in zip(fields, names, strict=False)]
    if new == fields:
        return line
    written = io.StringIO(newline="")
    csv.writer(written, dialect_of(layout), lineterminator="").writerow(new)
    return written.getvalue().encode() + line[len(line.rstrip(b"\r\n")) :]


def cleaned_cell(cell: str, name: str, subject: Subject) -> str:
    """Return a cell of a row that stays: in the column itself another person's value is never touched."""
    return cell if name == subject.column else subject.replaced(cell)


def cleaned_head(head: bytes, subject: Subject) -> bytes:
    return subject.replaced(head.decode()).encode()


# -- Parquet -----------------------------------------------------------------------------------------------------------


def parquet_without(content: bytes, rows: Collection[int], subject: Subject) -> bytes:
    """Return a Parquet file without these rows, written anew: nothing stays in old pages, statistics or remarks."""
    import polars as pl

    table = pl.read_parquet(io.BytesIO(content)).with_row_index("(position)")
    kept = table.filter(~pl.col("(position)").is_in(list(rows))).drop("(position)")
    buffer = io.BytesIO()
    clean_table(kept, subject, leave=(subject.column,)).write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def clean_table(table: pl.DataFrame, subject: Subject, leave: Collection[str] = ()) -> pl.DataFrame:
    """Return a table with a word in place of values in its texts; columns in `leave` stay as they are."""
    import polars as pl

    for name, dtype in table.schema.items():
        if name in leave or dtype not in (pl.String, pl.Categorical, pl.Enum):
            continue
        known = [text for text in table[name].cast(pl.String).unique().to_list() if text is not None]
        new = {text: subject.replaced(text) for text in known}
        new = {text: word for text, word in new.items() if word != text}
        if new:
            table = table.with_columns(pl.col(name).cast(pl.String).replace(new))
    return table
