"""Child processes that run one job at a time, so that it is certain which job a death or a hang belongs to."""

from __future__ import annotations

import contextlib
import multiprocessing.connection
import multiprocessing.resource_tracker
import os
import pickle
import signal
import threading
import time
from typing import TYPE_CHECKING

from mlrun.errors import MlrunError, StorageError
from mlrun.process.jobs import ONE_THREAD, exited, raised
from mlrun.process.worker import Ready, Started, serve
from mlrun.records import Failure, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mlrun.contracts import Job, OnStart

LOAD_SECONDS = 60.0  # what a job under a timeout may take to be loaded, imports included, before its time is taken
LOOK_SECONDS = 1.0  # how long a death can go unnoticed when a grandchild keeps the pipe open
DEATH_SECONDS = 5.0  # how long a process may take from closing its pipe to its end


class Child:
    """A worker process started by joblib's loky (fork and exec, no copy of this process's threads), with its pipe.

    The pool of loky is not used: when one of its workers dies, every job in flight is lost and none is named.
    module: that of the jobs to come, imported before there is one.
    """

    def __init__(self, module: str = "") -> None:
        from joblib.externals.loky.backend import get_context, resource_tracker

        self.job: Job | None = None
        self.ready = False
        self._since = 0.0
        self._started: float | None = None
        self.pipe, theirs = multiprocessing.connection.Pipe()
        lasting = threading.current_thread() is threading.main_thread()
        self.process = get_context("loky").Process(
            target=serve, args=(theirs, os.getpid(), lasting, module), env=ONE_THREAD
        )
        # A Ctrl-C at the terminal reaches the child before it can ignore it, unless it is born with the signal blocked.
        # The trackers that loky needs are started first, since starting them unblocks the signal.
        multiprocessing.resource_tracker.ensure_running()
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self.process.start()
        except OSError as error:
            self.pipe.close()
            raise MlrunError(f"a worker process could not be started: {error}; use fewer --jobs") from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()

    @property
    def alive(self) -> bool:
        return bool(self.process.is_alive())

    @property
    def deadline(self) -> float | None:
        """When the job's time is over, on the monotonic clock."""
        if self.job is None or self.job.timeout is None:
            return None
        return (self._since + LOAD_SECONDS if self._started is None else self._started) + self.job.timeout

    def submit(self, job: Job) -> None:
        """Send a job to the worker, which must have none."""
        self.job, self._since, self._started = job, time.monotonic(), None
        try:
            payload = pickle.dumps(job, protocol=5)
        except StorageError:  # its data could not be written for the worker: that is no fault of the fit
            self.job = None
            raise
        except Exception as error:  # noqa: BLE001 - a job that cannot travel is a failed fit; the worker hands it back
            payload = pickle.dumps(raised(error))
        with contextlib.suppress(OSError):  # a worker that died while idle: seen, and told, by the next look
            self.pipe.send((job.key, payload))

    def receive(self) -> Ready | Started | Outcome:
        """Read one message; a closed pipe is the outcome of the job that the child had."""
        try:
            message = self.pipe.recv_bytes()
        except (EOFError, OSError):
            return self.lost(self.how_it_ended())
        try:
            event: Ready | Started | Outcome = pickle.loads(message)  # noqa: S301 - from our own worker
        except Exception as error:  # noqa: BLE001 - a value that cannot be read back is the fit's failure
            return self.lost(raised(error))
        if isinstance(event, Ready):
            self.ready = True
        elif isinstance(event, Started):
            self._started = time.monotonic()
        elif self.job is not None and self.job.timeout is not None and event.wall_seconds > self.job.timeout:
            return self.lost(timed_out(self.job.timeout))
        return event

    def look(self) -> Outcome | None:
        """Return the outcome of a job whose time is over (the child is killed then) or whose child is gone."""
        if self.deadline is not None and self.job is not None and time.monotonic() >= self.deadline:
            kill([self])
            return self.lost(timed_out(self.job.timeout or 0))
        return None if self.alive else self.lost(self.how_it_ended())

    def lost(self, failure: Failure) -> Outcome:
        wall_seconds = time.monotonic() - (self._started or self._since)
        return Outcome(self.job.key if self.job else "", failure=failure, wall_seconds=wall_seconds)

    def how_it_ended(self) -> Failure:
        """Name the signal or the status that ended the process."""
        code = await_end(self, DEATH_SECONDS)
        kill([self])
        if code is None:
            return Failure("crashed", "EOFError", "the worker process closed its pipe and did not end")
        if code >= 0:
            return exited(code)
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        if name == "SIGKILL":
            return Failure("killed", name, "the fit was killed from outside, probably because memory ran out")
        return Failure("crashed", name, f"the fit crashed its process with signal {name}")


def timed_out(seconds: float) -> Failure:
    return Failure("timeout", message=f"the fit ran past its timeout of {seconds:g} s")


def await_events(children: Sequence[Child], patience: float = LOOK_SECONDS) -> list[tuple[Child, Started | Outcome]]:
    """Wait until a child has news, a job's time is over or patience ends; return the news.

    An outcome frees its child of the job; whether the child still lives, `alive` says.
    """
    now = time.monotonic()
    waits = [max(0.0, child.deadline - now) for child in children if child.deadline is not None]
    readable = multiprocessing.connection.wait([child.pipe for child in children], min([patience, *waits]))
    events: list[tuple[Child, Started | Outcome]] = []
    for child in children:
        event = child.receive() if child.pipe in readable else child.look()
        if event is None or isinstance(event, Ready):
            continue
        events.append((child, event))
        if isinstance(event, Outcome):
            child.job = None
    return events


def must_leave(job: Job) -> bool:
    """Say whether a job must not run in the main process."""
    return job.isolated or job.timeout is not None


def is_settled(outcome: Outcome, child: Child) -> bool:
    """Say whether an outcome stands; a death or a hang is looked at once more, in a fresh process."""
    return outcome.failure is None or (child.alive and outcome.failure.reason != "timeout")


def run_alone(job: Job, child: Child, on_start: OnStart) -> Outcome:
    """Run one job in a child that has none, and wait for it; a death or a hang is the job's failure."""
    child.submit(job)
    while True:
        for _, event in await_events([child]):
            if isinstance(event, Outcome):
                return event
            on_start(event.key, event.pid, in_main=False)


def run_again(job: Job, on_start: OnStart) -> Outcome:
    """Run a job whose child died or hung once more, in a fresh child; what happens now is the job's own doing.

    Raises MlrunError when the child does not even start.
    """
    child = Child()
    try:
        outcome = run_alone(job, child, on_start)
        if not child.ready:
            told = outcome.failure.message if outcome.failure else ""
            raise MlrunError(f"worker processes do not start on this machine: {told}; try --executor serial")
        return outcome
    finally:
        kill([child])


def kill(children: Iterable[Child]) -> None:
    """End the children and everything that they started, and reap them; safe to call twice."""
    ours = [child for child in children if not child.pipe.closed]
    living = [child.process.pid for child in ours if child.alive]
    for pid in living:
        send_signal(pid, signal.SIGSTOP)  # so that they start nothing more while their children are looked for
    below = descendants(living)
    for pid in [*living, *below]:
        send_signal(pid, signal.SIGKILL)
    for child in ours:
        await_end(child, DEATH_SECONDS)
        child.pipe.close()


def descendants(pids: Sequence[int]) -> list[int]:
    """Return the processes that these started, and those that they started, and so on."""
    if not pids:
        return []
    import psutil

    parents: dict[int, int] = {}
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            parents[process.pid] = process.ppid()
    found: list[int] = []
    layer = set(pids)
    while layer:
        layer = {pid for pid, parent in parents.items() if parent in layer}
        found += layer
    return found


def send_signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def await_end(child: Child, seconds: float) -> int | None:
    """Return the child's exit code, negative for a signal, or None when it has not ended in time.

    Polls, because the process's sentinel stays open while a grandchild holds it.
    """
    limit = time.monotonic() + seconds
    while child.alive and time.monotonic() < limit:
        time.sleep(0.002)
    code: int | None = child.process.exitcode
    return code
