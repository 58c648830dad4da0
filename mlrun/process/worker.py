"""The inside of a worker process: jobs come in through a pipe, one at a time, what became of them goes out."""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import resource
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlrun.process.jobs import OneThread, raised, run_job
from mlrun.records import Failure, Outcome

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from mlrun.contracts import Job

PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has started and can be given a job."""


@dataclass(frozen=True, slots=True)
class Started:
    """The job is loaded and begins to run now, in this process."""

    key: str
    pid: int


def serve(pipe: Connection, parent: int, parent_thread_stays: bool, module: str = "") -> None:
    """Run the jobs that come through the pipe until it is closed; die with the parent."""
    keep_to_itself()
    die_with(parent, parent_thread_stays)
    with OneThread() as threads:
        with contextlib.suppress(Exception):  # what cannot be imported is told by the first job
            if module:
                importlib.import_module(module)
        pipe.send(Ready())
        while True:
            try:
                key, payload = pipe.recv()
            except (EOFError, OSError):
                os._exit(0)  # the parent closed the pipe; libraries' exit handlers have nothing to save here
            send(pipe, answer(pipe, key, payload, threads))


def answer(pipe: Connection, key: str, payload: bytes, threads: OneThread) -> Outcome:
    """Return what became of a pickled job; whatever it raises on the way is its failure."""
    try:
        job: Job | Failure = pickle.loads(payload)  # noqa: S301 - made by our own parent process, a moment ago
        if isinstance(job, Failure):  # it could not be pickled over there
            return Outcome(key, failure=job)
        return run_job(job, threads, lambda: pipe.send(Started(key, os.getpid())))
    except BaseException as error:  # noqa: BLE001 - here even KeyboardInterrupt can only come from the job itself
        return Outcome(key, failure=raised(error))


def send(pipe: Connection, outcome: Outcome) -> None:
    try:
        message = pickle.dumps(outcome, protocol=5)
    except Exception as error:  # noqa: BLE001 - a value that cannot travel is the fit's failure
        message = pickle.dumps(Outcome(outcome.key, failure=raised(error), wall_seconds=outcome.wall_seconds))
    pipe.send_bytes(message)


def keep_to_itself() -> None:
    """Leave Ctrl-C to the parent, the terminal's input and the standard output to those whose they are."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # blocked by the parent while this process started
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a fit that crashes leaves no core file in the user's folder
    with contextlib.suppress(OSError):  # a stream may be closed, under cron
        os.dup2(2, 1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)


def die_with(parent: int, parent_thread_stays: bool) -> None:
    """End this process when its parent is gone, even by kill -9.

    The kernel does it on Linux, in the middle of a fit too, but when the thread that started us ends; so where that
    thread may end before its process, and on other systems, a thread looks each second.
    """
    if sys.platform == "linux" and parent_thread_stays:
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(0)


def watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)
