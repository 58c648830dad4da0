"""While a run lives, once a second: from the load of its processes to a line of system.jsonl."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from mlrun.process.load import Load, ProcessTree
from mlrun.store.run_tracking import SystemLog
from mlrun.tracked import SystemSample
from mlrun.wording import told_error

EVERY_SECONDS = 1.0
LAST_SECONDS = 2.0  # how long the end of a run may wait for its last sample


class Sampling:
    """A thread that samples until it is stopped; trouble: why it stopped before, '' = it did not."""

    def __init__(self, folder: Path, since: str) -> None:
        self.trouble = ""
        self._folder = folder
        self._since = since
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mlrun-sampling", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread, which writes a last line; a disk that does not answer is not waited for."""
        self._over.set()
        self._thread.join(LAST_SECONDS)

    def _run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # they are the main thread's
        try:
            log = SystemLog(self._folder)
            try:
                sample(log, self._since, self._over)
            finally:
                log.close()
        except OSError as error:
            self.trouble = f"the system's load is not recorded from here on: {error.strerror or error}"
        except Exception as error:  # noqa: BLE001 - a run must never fail for want of a sample
            self.trouble = f"the system's load is not recorded from here on: {told_error(error)}"


@contextmanager
def sampled(folder: Path, since: str = "") -> Iterator[Sampling]:
    """Sample the load of this process and its workers into a run's folder.

    since: when the run began, in ISO 8601, of one that was cut off and goes on; '' = it begins now.
    """
    sampling = Sampling(folder, since)
    sampling.start()
    try:
        yield sampling
    finally:
        sampling.stop()


def sample(log: SystemLog, since: str, over: threading.Event) -> None:
    """Append a line at once, one a second, and one at the end."""
    begun, past = time.monotonic(), seconds_so_far(since, log.last)
    tree = ProcessTree()
    before, at = tree.measure(), begun
    line = first_line(log.last, before, past)
    log.append(line)
    due = begun + EVERY_SECONDS
    while True:
        ended = over.wait(max(0.0, due - time.monotonic()))
        load, now = tree.measure(), time.monotonic()
        if now > at:
            line = next_line(line, before, load, now - at, past + now - begun)
            log.append(line)
        if ended:
            return
        before, at = load, now
        due = due + EVERY_SECONDS if due + EVERY_SECONDS > now else now + EVERY_SECONDS  # what was missed stays so


def seconds_so_far(since: str, last: SystemSample | None) -> float:
    """Return how long ago the run began, on a clock that never goes behind its last sample."""
    elapsed = (datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds() if since else 0.0
    return max(0.0, elapsed, 0.0 if last is None else last.seconds)


def first_line(last: SystemSample | None, load: Load, seconds: float) -> SystemSample:
    """Return the first line of this process; what earlier ones read and wrote is kept."""
    read, written = (0, 0) if last is None else (last.read_bytes or 0, last.write_bytes or 0)
    tells = load.read_bytes is not None
    return SystemSample(
        round(seconds, 3), None, load.memory_bytes, read if tells else None, written if tells else None, load.processes
    )


def next_line(last: SystemSample, before: Load, load: Load, passed: float, seconds: float) -> SystemSample:
    """Return the line after `last`: what was used since the load before."""
    return SystemSample(
        seconds=round(seconds, 3),
        cpu_percent=round(100 * max(0.0, load.cpu_seconds - before.cpu_seconds) / passed, 1),
        memory_bytes=load.memory_bytes,
        read_bytes=grown(last.read_bytes, before.read_bytes, load.read_bytes),
        write_bytes=grown(last.write_bytes, before.write_bytes, load.write_bytes),
        processes=load.processes,
    )


def grown(total: int | None, before: int | None, now: int | None) -> int | None:
    """Return a total with what came to it; a sum that fell, since a process took its count with it, adds nothing."""
    if before is None or now is None:
        return total
    return (total or 0) + max(0, now - before)
