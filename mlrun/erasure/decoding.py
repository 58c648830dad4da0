"""From the bytes of any file that a run may hold to the texts in it: unpacked, decoded, with where they stand."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import sqlite3
import zipfile
import zlib
from base64 import b85decode
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from mlrun.erasure.subject import Piece
from mlrun.erasure.texts_in import flat, in_csv, in_json_text, in_lines, in_yaml, is_json, of_column, without_escapes

DEEPEST = 8  # archives in archives
MOST_BYTES, MOST_RATIO = 8 * 2**30, 1100  # unpacked; deflate can reach 1,032
UNREAD = "(not decoded)"  # the place of a piece that stands for what could not be read
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
BLOCK = re.compile(rb"^(?:literal|delta) [0-9]+\n((?:[A-Za-z].+\n)+)", re.MULTILINE)  # of git's binary patches


def pieces(content: bytes, name: str, column: str = "", depth: int = 0) -> Iterator[Piece]:
    """Yield every text in a file's bytes, whatever its format; numbers of the named column as texts.

    Tables are read by column, archives by member, JSON by key; what cannot be decoded is yielded as raw bytes.
    """
    if not content:
        return
    if depth > DEEPEST:
        yield Piece(UNREAD, "", raw=True)
        return
    for magic, read in BY_MAGIC:
        if content.startswith(magic):
            yield from raw(content)
            yield from whole(read, content, column, depth)
            return
    text = as_text(content)
    if text is None:
        yield from raw(content)
        return
    yield from texts(text, content, name, column)


def whole(read: Any, content: bytes, column: str, depth: int) -> Iterator[Piece]:
    """Yield what a reader finds; where it fails, that is told: nobody knows what else is in there."""
    try:
        yield from read(content, column, depth)
    except Exception:  # noqa: BLE001 - damaged files make libraries raise anything, and their words may hold values
        yield Piece(UNREAD, "", raw=True)


def raw(content: bytes) -> Iterator[Piece]:
    """Yield bytes as text in the encodings that a value may stand in, for a search that needs no format."""
    yield Piece("its bytes", content.decode("utf-8", "replace"), raw=True)
    if b"\0" in content:
        yield Piece("its bytes", content.decode("utf-16-le", "replace"), raw=True)
        yield Piece("its bytes", content[1:].decode("utf-16-le", "replace"), raw=True)


def as_text(content: bytes) -> str | None:
    """Return bytes as the text that they are; None where they are none."""
    for mark, codec in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            return content.decode(codec, "replace")
    if b"\0" in content[:4096]:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


# -- tables and archives -----------------------------------------------------------------------------------------------


def in_parquet(content: bytes, column: str, depth: int) -> Iterator[Piece]:  # noqa: ARG001 - as the others
    """Yield a Parquet file's cells, each different one once, and its own remarks."""
    import polars as pl

    yield from in_table(pl.read_parquet(io.BytesIO(content)), column)
    for key, value in pl.read_parquet_metadata(io.BytesIO(content)).items():
        yield Piece("metadata", key)
        yield Piece("metadata", value)
        if key != "ARROW:schema":
            yield from in_json_text(value, ("metadata",))


def in_arrow(content: bytes, column: str, depth: int) -> Iterator[Piece]:  # noqa: ARG001 - as the others
    import polars as pl

    yield from in_table(pl.read_ipc(io.BytesIO(content)), column)


def in_table(table: Any, column: str) -> Iterator[Piece]:
    """Yield names and cells of a polars table."""
    import polars as pl

    for values in table:
        name = values.name
        yield Piece("names of columns", name)
        if values.dtype in (pl.String, pl.Categorical, pl.Enum):
            cells: Any = values.cast(pl.String).unique().to_list()
        elif values.dtype.is_nested() or values.dtype in (pl.Binary, pl.Object):
            cells = flat(values.to_list())
        elif name == column:
            cells = values.unique().to_list()
        else:
            continue
        yield from of_column(name, [str(cell) for cell in cells if cell is not None], column)


def in_zip(content: bytes, column: str, depth: int) -> Iterator[Piece]:
    """Yield the members of an archive, decoded in turn: a model, a set of arrays, zipped data."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        yield Piece("comment", archive.comment.decode("utf-8", "replace"))
        if sum(member.file_size for member in archive.infolist()) > min(MOST_BYTES, MOST_RATIO * len(content)):
            raise ValueError("an archive that unpacks to more than it can hold")
        for member in archive.infolist():
            yield Piece("names of members", member.filename)
            for piece in pieces(archive.read(member), member.filename, column, depth + 1):
                yield Piece(f"{member.filename}: {piece.place}", piece.text, piece.names, piece.raw)


def in_gzip(content: bytes, column: str, depth: int) -> Iterator[Piece]:
    yield from pieces(gzip.decompress(content), "", column, depth + 1)


def in_sqlite(content: bytes, column: str, depth: int) -> Iterator[Piece]:
    """Yield every cell of every table; what deleted rows left in free pages is among the bytes."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(content)
        database.text_factory = lambda found: found.decode("utf-8", "replace")
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            quoted = table.replace('"', '""')
            cursor = database.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608 - a name of this file, quoted
            names = [description[0] for description in cursor.description]
            for row in cursor:
                for title, cell in zip(names, row, strict=True):
                    if isinstance(cell, bytes):
                        yield from pieces(cell, "", column, depth + 1)
                    elif isinstance(cell, str) or title == column:
                        yield Piece(f"table {table}, column {title}", str(cell), (title,))


def in_array(content: bytes, column: str, depth: int) -> Iterator[Piece]:  # noqa: ARG001 - as the others
    """Yield the texts of a numpy array; numbers say nothing of whom they are of."""
    import numpy as np

    array = np.load(io.BytesIO(content), allow_pickle=False)
    if array.dtype.kind in "US" or array.dtype.names:
        yield from (Piece("array", text) for text in flat(np.unique(array).tolist()))


BY_MAGIC = (
    (b"PAR1", in_parquet),
    (b"PK\x03\x04", in_zip),
    (b"\x1f\x8b", in_gzip),
    (b"SQLite format 3\0", in_sqlite),
    (b"\x93NUMPY", in_array),
    (b"ARROW1", in_arrow),
)


# -- texts -------------------------------------------------------------------------------------------------------------


def texts(text: str, content: bytes, name: str, column: str) -> Iterator[Piece]:
    """Yield a text file: as JSON, lines of JSON or of a journal, a table, YAML; else as it is, and without escapes."""
    if name.endswith((".jsonl", ".json")) or text[:1] in "{[":
        yield from in_lines(text) if not is_json(text) else in_json_text(text, ())
        return
    cells = in_csv(text, column)
    if cells is not None:
        yield from cells
        return
    yield Piece("text", text)
    yield Piece("text", without_escapes(text))
    if name.endswith((".yaml", ".yml")):
        yield from in_yaml(content)
    if b"GIT binary patch" in content:
        yield from in_binary_patch(content)


def in_binary_patch(content: bytes) -> Iterator[Piece]:
    """Yield what stands in the binary parts of a git patch: base 85 of deflated bytes, a line 52 of them at most."""
    for match in BLOCK.finditer(content.replace(b"\r\n", b"\n")):
        try:
            packed = b"".join(b85decode(line[1:])[: length_of(line[0])] for line in match[1].splitlines())
            yield from pieces(zlib.decompress(packed), "", depth=1)
        except (ValueError, zlib.error):
            continue


def length_of(mark: int) -> int:
    """Return how many bytes a line of a binary patch holds: A is 1, Z 26, a 27, z 52."""
    return mark - ord("A") + 1 if mark <= ord("Z") else mark - ord("a") + 27
