"""The journal of a run: events go in, each whole on its own; what is whole comes back after any kill.

One line an event: the crc32 of the JSON in eight hex digits, a space, the JSON (compact, keys sorted, ASCII), LF.
The first line says the format.
"""

from __future__ import annotations

import errno
import json
import os
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from mlrun.errors import StorageError
from mlrun.store.writing import storing, sync_folder, write_all

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT = 1
CRC_DIGITS = 8
SYNC_SECONDS = 0.1  # of work that a loss of power may cost: to wait for the disk after each short fit costs more
sync_data = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


@dataclass(frozen=True, slots=True)
class JournalContent:
    """What a journal's file holds.

    events: the whole ones, in order, without the line that says the format.
    damaged: lines whose checksum is wrong; the others stand for themselves.
    length: bytes up to the end of the last line that was ended.
    torn: bytes after it, of a line whose writing was cut off.
    """

    events: tuple[dict[str, Any], ...]
    damaged: int
    length: int
    torn: int


class Journal:
    """An open journal; only the process that owns the run folder may have it.

    events, damaged and torn tell what was there when it was opened.
    """

    def __init__(self, path: Path, handle: int, content: JournalContent) -> None:
        self.path = path
        self.events = content.events
        self.damaged = content.damaged
        self.torn = content.torn
        self._handle: int | None = handle
        self._length = content.length
        self._synced = float("-inf")  # when, on the monotonic clock
        self._synced_length = 0

    @property
    def is_due(self) -> bool:
        """Say whether the disk was waited for so long ago that it is worth it again.

        What is written is safe from the death of this process at once; syncing guards against that of the machine.
        """
        return time.monotonic() - self._synced >= SYNC_SECONDS

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a journal, or begin one; a torn last line is cut off.

        Raises StorageError when a newer mlrun wrote it, or it cannot be read or written.
        """
        with storing(path):
            is_new = not path.exists()
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            journal = cls(path, handle, read_journal(path))
            journal._cut()
            if journal._length == 0:
                journal.append({"format": FORMAT}, sync=True)
            if is_new:
                sync_folder(path.parent)
        except BaseException:
            os.close(handle)
            raise
        return journal

    def append(self, event: Mapping[str, Any], *, sync: bool) -> None:
        """Write an event; with sync, it is on the disk when this returns, and so is every one before it.

        Raises StorageError when it cannot be written: nothing of it is left then, and the journal can be used again
        once there is room. Raises ValueError for NaN or an infinity, TypeError for what JSON cannot hold.
        """
        if self._handle is None:
            raise ValueError(f"{self.path} is closed")
        line = to_line(event)
        self._cut()  # what a failed write left, when even cutting it off failed
        with storing(self.path):
            try:
                write_all(self._handle, line, self._length)
                if sync:
                    self._sync()
            except BaseException:  # a full disk, or Ctrl-C in the middle of a line
                self._undo()
                raise
        self._length += len(line)
        self._synced_length = self._length if sync else self._synced_length

    def close(self) -> None:
        """Close the file, all of it on the disk as far as it takes it; safe to call twice."""
        if self._handle is not None:
            with suppress(OSError):  # what could not be written was told when it was
                if self._synced_length < self._length:
                    self._sync()
            os.close(self._handle)
            self._handle = None

    def _sync(self) -> None:
        if self._handle is not None:
            sync_data(self._handle)
            self._synced = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _cut(self) -> None:
        """Cut the file back to the end of its last good line."""
        if self._handle is not None and os.fstat(self._handle).st_size > self._length:
            with storing(self.path):
                os.ftruncate(self._handle, self._length)

    def _undo(self) -> None:
        with suppress(StorageError):  # what could not be written is told; the torn line is cut before the next one
            self._cut()


def read_journal(path: Path) -> JournalContent:
    """Return what a journal holds, without changing it; a missing file holds nothing.

    Raises StorageError when a newer mlrun wrote it or it cannot be read.
    """
    with storing(path):
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "this is not a file")
        content = path.read_bytes() if path.exists() else b""
    length = content.rfind(b"\n") + 1
    lines = content[:length].split(b"\n")[:-1]
    read = [from_line(line) for line in lines]
    events = [event for event in read if event is not None]
    if events and "format" in events[0] and len(events[0]) == 1:
        check_format(path, events.pop(0)["format"])
    return JournalContent(tuple(events), read.count(None), length, len(content) - length)


def to_line(event: Mapping[str, Any]) -> bytes:
    """Return an event as a line; floats are written so that they read back exactly."""
    text = json.dumps(event, separators=(",", ":"), sort_keys=True, allow_nan=False).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(text), text)


def from_line(line: bytes) -> dict[str, Any] | None:
    """Return the event of a line without its LF, or None when the line is not what was written."""
    crc, space, text = line[:CRC_DIGITS], line[CRC_DIGITS : CRC_DIGITS + 1], line[CRC_DIGITS + 1 :]
    if space != b" " or crc != b"%08x" % zlib.crc32(text):
        return None
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def check_format(path: Path, found: object) -> None:
    """Refuse a journal of a format that this version does not know."""
    if found != FORMAT:
        raise StorageError(
            f"{path}: its format is {found!r}, and this mlrun knows {FORMAT}. A newer mlrun wrote it: upgrade mlrun, "
            "or start the run anew with --fresh."
        )
