"""From a file of data to its fingerprint; one that looks as it did when it was read last is not read again."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlrun.errors import DataError, StorageError
from mlrun.json_records import decode, encode
from mlrun.provenance import FileFingerprint, file_fingerprint
from mlrun.store.writing import write_atomically

CACHE = ".digests.json"  # in the folder of all runs: hidden, so that no experiment can be called so
MOST = 1000  # files that are remembered, the latest first
SETTLED_NS = 2_000_000_000  # a file written in so short a time before may be written again without its mtime showing


@dataclass(frozen=True, slots=True)
class Known:
    """The cache: absolute path → fingerprint."""

    files: Mapping[str, FileFingerprint] = field(default_factory=dict)


def fingerprints(paths: Sequence[str | Path], root: Path) -> dict[str, FileFingerprint | str]:
    """Return each file's fingerprint, or why it has none; root: the folder of all runs, where they are remembered.

    A sha256 is taken from memory while path, size, mtime and inode are the same. The memory is never the truth: without
    it, or where it is broken or cannot be written, files are read.
    """
    known = read_cache(root)
    found: dict[str, FileFingerprint | str] = {}
    read: dict[str, FileFingerprint] = {}
    for path in map(str, paths):
        began = time.time_ns()
        remembered = known.get(str(Path(path).absolute()))
        try:
            made = file_fingerprint(path, remembered)
        except DataError as error:
            found[path] = str(error)
            continue
        found[path] = made
        if made != remembered and made.mtime_ns < began - SETTLED_NS:
            read[made.path] = made
    if read:
        write_cache(root, read)
    return found


def read_cache(root: Path) -> Mapping[str, FileFingerprint]:
    """Return what is remembered; nothing where that is missing or broken."""
    try:
        return decode(Known, json.loads((root / CACHE).read_bytes())).files
    except (OSError, ValueError, RecursionError):
        return {}


def write_cache(root: Path, read: Mapping[str, FileFingerprint]) -> None:
    """Add what was read to what is remembered now; of two writers one may be forgotten: its files are read again."""
    files = {**{path: each for path, each in read_cache(root).items() if path not in read}, **read}
    latest = dict(list(files.items())[-MOST:])
    if not root.is_dir():
        return
    try:
        write_atomically(root / CACHE, json.dumps(encode(replace(Known(), files=latest)), indent=0).encode() + b"\n")
    except StorageError:  # a read-only folder: it is only slower
        return
