"""What is tracked of a run, in its folder: the load is appended while the run lives; all of it is read back after."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mlrun.json_records import decode, encode
from mlrun.store.writing import write_all
from mlrun.tracked import LossCurves, SystemSample, Timing

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMINGS, CURVES, SYSTEM = "timings.jsonl", "curves.jsonl", "system.jsonl"
Line = TypeVar("Line", Timing, LossCurves, SystemSample)


class SystemLog:
    """system.jsonl, open to be appended to; `last` is the last sample of an earlier process, None when there is none.

    A torn last line is cut off when it is opened. Raises OSError when it cannot be opened or written; nothing of a
    line that could not be written is left then.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / SYSTEM
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        content = path.read_bytes()
        self._length = content.rfind(b"\n") + 1
        os.ftruncate(self._handle, self._length)
        samples = list(lines(content[: self._length], SystemSample))
        self.last = samples[-1] if samples else None

    def append(self, sample: SystemSample) -> None:
        """Write a line, all or nothing; it outlives this process, but not a power cut."""
        line = json.dumps(encode(sample)).encode() + b"\n"
        try:
            write_all(self._handle, line, self._length)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._handle, self._length)
            raise
        self._length += len(line)

    def close(self) -> None:
        os.close(self._handle)


def read_timings(folder: Path) -> tuple[Timing, ...]:
    """Return what each fit of a run cost; () where the run has no such file."""
    return read(folder / TIMINGS, Timing)


def read_curves(folder: Path) -> tuple[LossCurves, ...]:
    """Return the loss curves of a run; () where the run has no such file."""
    return read(folder / CURVES, LossCurves)


def read_system(folder: Path) -> tuple[SystemSample, ...]:
    """Return the samples of the system's load in the order of their time; () where the run has no such file."""
    return tuple(sorted(read(folder / SYSTEM, SystemSample), key=lambda sample: sample.seconds))


def read(file: Path, kind: type[Line]) -> tuple[Line, ...]:
    """Return the lines of a file as records; what is missing or damaged is left out: nothing rests on it."""
    try:
        content = file.read_bytes()
    except OSError:
        return ()
    return tuple(lines(content, kind))


def lines(content: bytes, kind: type[Line]) -> Iterator[Line]:
    """Yield the lines that are whole."""
    for line in content.splitlines():
        with suppress(ValueError, RecursionError):
            yield decode(kind, json.loads(line))
