"""A search of a folder of runs that shares nothing with mlrun's own: every file decoded, every text looked at."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl


def holders(root: Path, *values: str) -> list[str]:
    """Return the files below the root in which one of the values stands, anywhere, as a part of a word too."""
    found = []
    for path in sorted(each for each in root.rglob("*") if each.is_file()):
        for text in everything(path.read_bytes(), path.name):
            if any(value in text for value in values):
                found.append(f"{path.relative_to(root)}: {text[:80]}")
                break
    return found


def everything(content: bytes, name: str) -> Iterator[str]:
    """Yield all texts of a file: its raw bytes in three encodings, and what its format says."""
    for encoding in ("utf-8", "utf-16-le", "latin-1"):
        yield content.decode(encoding, "replace")
    if content[:4] == b"PAR1":
        table = pl.read_parquet(io.BytesIO(content))
        yield from texts(table.to_dict(as_series=False))
        yield from texts(pl.read_parquet_metadata(io.BytesIO(content)))
    elif content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield member
                yield from everything(archive.read(member), member)
    elif content[:2] == b"\x1f\x8b":
        yield from everything(gzip.decompress(content), "")
    elif content[:6] == b"\x93NUMPY":
        yield from texts(np.load(io.BytesIO(content), allow_pickle=False).tolist())
    elif content[:15] == b"SQLite format 3":
        yield from of_database(content)
    elif name.endswith((".json", ".jsonl")):
        yield from of_json(content)


def of_json(content: bytes) -> Iterator[str]:
    for line in (content, *content.splitlines()):
        for start in (0, 9):  # of a journal: eight digits and a space in front
            try:
                yield from texts(json.loads(line[start:]))
                break
            except ValueError:
                continue


def of_database(content: bytes) -> Iterator[str]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        connection = sqlite3.connect(file.name)
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall():
            rows = connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - a name of this file
            yield from texts(rows.fetchall())
        connection.close()


def texts(value: Any) -> Iterator[str]:
    """Yield every text, key and number; texts that are JSON themselves are opened too."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from texts(inner)
    else:
        yield str(value)
        if isinstance(value, str) and value[:1] == '"':
            yield from texts(json.loads(value))
