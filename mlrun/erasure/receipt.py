"""What an erasure leaves behind to show that it was made: a receipt below the runs, which never holds the value."""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlrun.errors import UsageError
from mlrun.json_records import decode, encode
from mlrun.store.own_key import seal_of
from mlrun.store.writing import TEMPORARY, storing, write_atomically

FOLDER, LOCK, PURPOSE, FORMAT = ".erasures", "lock", "erasure", 1
OUT_OF_REACH = (
    "files of data, labels and predictions that runs were made from: they are never changed",
    "backups and file-system snapshots; blocks of deleted files that the disk has not used again",
    "the history of git and what was pushed; copies of runs, exports, reports and predictions written elsewhere",
    "scores, counts, digests of whole tables stay as they were: with all other rows, a guess of the row can be checked",
)


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that was rewritten or removed, relative to the run folder; sha256 before and after, "" = it is gone."""

    file: str
    before: str
    after: str = ""


@dataclass(frozen=True, slots=True)
class ErasedRun:
    """What was done to a run. rows: how many of the person's rows its data had; models: name → stale.

    deleted: models whose files went. replaced: texts of code or spec in which a word stands now for a value.
    """

    run: str
    rows: int
    files: tuple[ChangedFile, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    deleted: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ErasedSnapshot:
    """A kept file of data: its sha256 before, and the one of what is kept in its place, "" = nothing; rows dropped."""

    before: str
    after: str
    rows: int


@dataclass(frozen=True, slots=True)
class Left:
    """What still holds the person, or of what that cannot be told: a file relative to the runs, or a run, and why."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """An erasure. subjects: an HMAC of each value under the user's key, () without a key; finished "" = cut off.

    searched: files that were decoded and searched afterwards. sources: files outside that still hold the person → rows.
    """

    name: str
    column: str
    values: int
    subjects: tuple[str, ...]
    started: str
    finished: str = ""
    runs: tuple[ErasedRun, ...] = ()
    snapshots: tuple[ErasedSnapshot, ...] = ()
    caches: tuple[str, ...] = ()
    searched: int = 0
    left: tuple[Left, ...] = ()
    sources: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    out_of_reach: tuple[str, ...] = OUT_OF_REACH
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was done, or would be: the receipt, and where it is; "" = none was written."""

    receipt: Receipt
    path: str
    dry_run: bool

    @property
    def has_found(self) -> bool:
        """Say whether anything of the person was in the runs."""
        return bool(self.receipt.runs or self.receipt.snapshots or self.receipt.caches)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def new_name() -> str:
    """Return a name for a receipt that says nothing of the value."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def sealed_subjects(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the HMAC of each value under the user's key; () where there is none."""
    return tuple(sorted(filter(None, (seal_of(text, PURPOSE) for text in texts))))


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold the lock of erasures; raise UsageError when another one is at work."""
    place = root / FOLDER / LOCK
    with storing(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(place, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError("another `mlrun data erase` is at work on these runs: wait for its end") from error
        with storing(place):
            for leftover in place.parent.glob(f"{TEMPORARY}*"):  # of one that was killed while it wrote
                leftover.unlink()
        yield
    finally:
        os.close(handle)


def write(root: Path, receipt: Receipt) -> Path:
    """Write a receipt; return its path. Raises StorageError."""
    path = root / FOLDER / f"{receipt.name}.json"
    write_atomically(path, as_bytes(receipt))
    return path


def as_bytes(receipt: Receipt) -> bytes:
    content = encode(receipt)
    return json.dumps({"format": content.pop("format"), **content}, indent=1, ensure_ascii=False).encode() + b"\n"


def of_subjects(root: Path, column: str, subjects: tuple[str, ...]) -> tuple[Receipt, ...]:
    """Return the receipts of erasures of exactly these values, the newest first; () without a key that tells."""
    found = []
    for path in sorted((root / FOLDER).glob("*.json"), reverse=True):
        with suppress(UsageError):  # no receipt, or one of a newer mlrun
            found.append(read(path))
    return tuple(each for each in found if subjects and each.subjects == subjects and each.column == column)


def read(path: Path) -> Receipt:
    """Return a receipt; raise UsageError when the file is none, or of a newer format."""
    try:
        content: Any = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no receipt: it is no JSON") from error
    try:
        found = decode(Receipt, content)
    except ValueError as error:
        raise UsageError(f"{path} is no receipt of an erasure: {error}") from error
    if found.format > FORMAT:
        raise UsageError(f"{path} has format {found.format}; this mlrun reads up to {FORMAT}: install a newer mlrun")
    return found


def is_about(receipt: Receipt, texts: tuple[str, ...]) -> bool | None:
    """Say whether a receipt is about all of these values; None where that cannot be told, for want of the key."""
    ours = sealed_subjects(texts)
    if not ours or not receipt.subjects:
        return None
    return all(any(hmac.compare_digest(one, other) for other in receipt.subjects) for one in ours)
