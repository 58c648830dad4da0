"""From a path in a spec to the bytes of a data file, unpacked when it is .gz or .zip."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
import zlib
from itertools import islice
from pathlib import Path
from typing import Protocol

from mlrun.catalog import suggestion
from mlrun.errors import DataError

CHUNK = 1 << 20
UNPACKED_AT_MOST = 64 << 30  # bytes; a small archive can hold more than any disk
NAMES_LOOKED_AT = 2000


def resolve_file(path: object, folder: str) -> Path:
    """Return the absolute path of an existing file; relative paths are relative to `folder`.

    Raises DataError that shows the absolute path that was tried, and the nearest name in its folder.
    """
    if not isinstance(path, str) or not path or "\0" in path:
        raise DataError(f"`path` must be the name of a file, not {path!r}.")
    tried = Path(os.path.abspath(Path(folder) / Path(path).expanduser()))  # noqa: PTH100 - keeps links, unlike resolve
    try:
        if tried.is_dir():
            raise DataError(f"{tried} is a folder; name a file in it.")
        if not tried.is_file():
            raise DataError(f"{tried}: there is no such file{_near(tried)}")
        if not os.access(tried, os.R_OK):
            raise DataError(f"{tried} cannot be read: permission denied.")
    except OSError as error:
        raise DataError(f"{tried} cannot be read: {error.strerror}.") from error
    return tried


def _near(tried: Path) -> str:
    if not tried.parent.is_dir():
        return f", nor a folder {tried.parent}"
    beside = [entry.name for entry in islice(tried.parent.iterdir(), NAMES_LOOKED_AT) if entry.name[0] != "."]
    return suggestion(tried.name, beside).replace("; known:", "; the folder holds")


def read_bytes(path: Path) -> bytes:
    """Return what a file holds; .gz is unpacked, and .zip when it has exactly one member.

    Raises DataError when the file is empty, cannot be read, or is a damaged archive.
    """
    try:
        content = _unpack(path)
    except OSError as error:  # gzip.BadGzipFile is one too
        raise DataError(f"{path} cannot be read: {error.strerror or 'it is a damaged archive'}.") from error
    except (EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
        raise DataError(f"{path} is a damaged, encrypted or unknown archive; unpack it by hand to see why.") from error
    if not content:
        raise DataError(f"{path} is empty; it needs a header line and rows.")
    return content


def _unpack(path: Path) -> bytes:
    with path.open("rb") as file:
        start = file.read(4)
    if start[:2] == b"\x1f\x8b":
        with gzip.open(path) as stream:
            return _read_whole(stream, path)
    if start == b"PK\x03\x04" and path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) != 1:
                raise DataError(f"{path} holds {len(members)} files; it must hold exactly one.")
            with archive.open(members[0]) as stream:
                return _read_whole(stream, path)
    return path.read_bytes()


class Stream(Protocol):
    """What unpacked bytes are read from."""

    def read(self, size: int, /) -> bytes: ...


def _read_whole(stream: Stream, path: Path) -> bytes:
    whole = io.BytesIO()
    while chunk := stream.read(CHUNK):
        if whole.tell() > UNPACKED_AT_MOST:
            raise DataError(f"{path} unpacks to more than {UNPACKED_AT_MOST >> 30} GiB.")
        whole.write(chunk)
    return whole.getvalue()
