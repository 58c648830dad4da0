"""From a job to its outcome: the value or the failure, and what it cost, on one inner thread."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from mlrun.errors import Interrupted
from mlrun.records import Failure, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlrun.contracts import Job

ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR", "VECLIB")} | {
    "VECLIB_MAXIMUM_THREADS": "1"
}
LONGEST_MESSAGE = 2_000  # characters; some libraries put a whole array into theirs
KIBIBYTES_PER_MARK = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there, in KiB elsewhere


class InvalidOutput(ValueError):
    """A model answered, but with something that is no answer: the wrong number of rows, a number that is not finite."""


@runtime_checkable
class Loads(Protocol):
    """A job that can make ready what it needs (imports, arrays) before its time is taken."""

    def load(self) -> None: ...


def run_job(job: Job, threads: OneThread, begun: Callable[[], None] = lambda: None) -> Outcome:
    """Run a job in this process and measure it; what it prints goes to the error stream.

    begun is called once the job is loaded, just before it runs. wall_seconds and cpu_seconds (all threads of the
    process, and children that have ended) are those of run(), not of load(). peak_bytes is the high-water mark of
    resident memory of the whole process up to now, not the job's own share.

    A job that raises or leaves through sys.exit becomes a Failure. KeyboardInterrupt and Interrupted pass through.
    """
    value: Any = None
    failure: Failure | None = None
    wall, cpu = time.perf_counter(), spent_cpu_seconds()
    try:
        if isinstance(job, Loads):
            job.load()
        threads.hold()
        begun()
        wall, cpu = time.perf_counter(), spent_cpu_seconds()
        with contextlib.redirect_stdout(sys.stderr):
            value = job.run()
    except Interrupted:
        raise
    except SystemExit as error:
        failure = exited(exit_status(error))
    except Exception as error:  # noqa: BLE001 - whatever a fit raises is its result, and the run goes on
        failure = raised(error)
    return Outcome(
        key=job.key,
        value=value,
        failure=failure,
        wall_seconds=time.perf_counter() - wall,
        cpu_seconds=spent_cpu_seconds() - cpu,
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTES_PER_MARK,
    )


def raised(error: BaseException) -> Failure:
    """Return the failure of a job that raised; an error that cannot even say what it is has an empty message."""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - a user's own error class may fail to print; that is no reason to stop
        message = ""
    if isinstance(error, InvalidOutput):
        return Failure("invalid_output", message=message[:LONGEST_MESSAGE])
    return Failure("raised", type(error).__name__, message[:LONGEST_MESSAGE])


def exited(status: int) -> Failure:
    """Return the failure of a job that ended its process, or tried to, with a status."""
    return Failure("exited", f"status {status}", f"the fit ended its process with exit status {status}")


def exit_status(error: SystemExit) -> int:
    """Return the status that the interpreter would exit with: none is 0, a message is 1."""
    if error.code is None:
        return 0
    return error.code & 0xFF if isinstance(error.code, int) else 1


def spent_cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


class OneThread:
    """Holds every numeric library of this process to one thread, those loaded later too, until released.

    Setting the limits takes milliseconds, so they are set again only when modules have been imported since, or when
    another thread asks (OpenMP keeps its number of threads for each calling thread apart).
    """

    def __init__(self) -> None:
        self._seen = (0, 0)
        self._restore = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._restore.callback(restore_environment, {name: os.environ.get(name) for name in ONE_THREAD})
        os.environ.update(ONE_THREAD)  # read by a library when it is loaded
        return self

    def __exit__(self, *_: object) -> None:
        self._restore.close()
        self._seen = (0, 0)

    def hold(self) -> None:
        """Limit what is loaded by now to one thread."""
        seen = (len(sys.modules), threading.get_ident())
        if seen == self._seen:
            return
        from threadpoolctl import threadpool_limits

        self._restore.callback(threadpool_limits(limits=1).restore_original_limits)
        self._seen = (len(sys.modules), threading.get_ident())


def restore_environment(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
