"""From this process and all that it started to what they cost together: CPU, memory, bytes from and to the disk."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil


@dataclass(frozen=True, slots=True)
class Load:
    """What a tree of processes uses now (memory, processes), and has used so far (the rest).

    What a process that is gone has used stays counted in its parent, where the system keeps that: on Linux it does,
    elsewhere the sums may fall. read_bytes, write_bytes: None where the system does not tell.
    """

    cpu_seconds: float
    memory_bytes: int
    read_bytes: int | None
    write_bytes: int | None
    processes: int


class ProcessTree:
    """The own process with its descendants, whichever there are when it is measured."""

    def __init__(self) -> None:
        self._known: dict[int, psutil.Process] = {}
        self._tells_disk = True

    def measure(self) -> Load:
        """Return the load of the tree; processes that vanish meanwhile are left out."""
        import psutil

        own = os.getpid()
        pids = [own, *descendants(own)]
        self._known = {pid: known for pid, known in self._known.items() if pid in pids}
        cpu, memory, count, disk = 0.0, 0, 0, [0, 0]
        for pid in pids:
            with suppress(psutil.Error, OSError):
                process = self._known[pid] if pid in self._known else self._known.setdefault(pid, psutil.Process(pid))
                cpu += sum(process.cpu_times()[:4])  # user and system, its own and those of children that have ended
                memory += process.memory_info().rss
                count += 1
                self._add_disk(process, disk)
        read, written = disk if self._tells_disk else (None, None)
        return Load(cpu, memory, read, written, max(1, count))

    def _add_disk(self, process: psutil.Process, disk: list[int]) -> None:
        """Add what a process has read and written; some containers, and macOS, do not tell even about one's own."""
        import psutil

        if not self._tells_disk:
            return
        try:
            counters = process.io_counters()
        except psutil.NoSuchProcess:
            return
        except (psutil.Error, OSError, AttributeError, NotImplementedError, ValueError):
            self._tells_disk = process.pid != os.getpid()
            return
        disk[0] += counters.read_bytes
        disk[1] += counters.write_bytes


def descendants(pid: int) -> list[int]:
    """Return the processes that a process started, those that they started, and so on.

    Linux lists the children of each thread, which costs the same however many processes the machine has.
    """
    try:
        found, layer = [], listed_children(pid)
    except OSError:
        return asked_children(pid)
    while layer:
        found += layer
        below: list[int] = []
        for child in layer:
            with suppress(OSError):  # gone meanwhile
                below += listed_children(child)
        layer = [each for each in below if each not in found]
    return found


def listed_children(pid: int) -> list[int]:
    """Return the children of a process as /proc lists them; raise OSError where it does not, or the process is gone."""
    found: list[int] = []
    for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - once a second: names are enough
        found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_bytes().split())
    return found


def asked_children(pid: int) -> list[int]:
    """Return the descendants of a process by asking for the parent of every process there is."""
    import psutil

    with suppress(psutil.Error):
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    return []
