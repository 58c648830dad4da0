"""Serial: every job in this process, in order, without isolation.

A plain job that crashes takes the run with it. Jobs that must not run here (user code, a timeout) run one after
another in a child process of their own.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from mlrun.contracts import ExecutorKind
from mlrun.process.isolation import Child, is_settled, kill, must_leave, run_again, run_alone
from mlrun.process.jobs import OneThread, run_job

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mlrun.contracts import Job, OnStart
    from mlrun.records import Outcome


class SerialExecutor:
    """One process, and a child for the jobs that need one."""

    cores = 1

    def __init__(self) -> None:
        self._threads = OneThread()
        self._child: Child | None = None

    def __enter__(self) -> Self:
        self._threads.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._drop_child()
        finally:
            self._threads.__exit__()

    def run(self, jobs: Iterable[Job], on_start: OnStart) -> Iterator[Outcome]:
        """Yield the outcome of each job, in order."""
        for job in jobs:
            yield self._run_apart(job, on_start) if must_leave(job) else self._run_here(job, on_start)

    def _run_here(self, job: Job, on_start: OnStart) -> Outcome:
        on_start(job.key, os.getpid(), in_main=True)
        return run_job(job, self._threads)

    def _run_apart(self, job: Job, on_start: OnStart) -> Outcome:
        if self._child is None or not self._child.alive:
            self._drop_child()
            self._child = Child()
        try:
            outcome = run_alone(job, self._child, on_start)
        except BaseException:
            self._drop_child()
            raise
        if is_settled(outcome, self._child):
            return outcome
        self._drop_child()
        return run_again(job, on_start)

    def _drop_child(self) -> None:
        if self._child is not None:
            kill([self._child])
        self._child = None


ENTRY = ExecutorKind(make=lambda jobs: SerialExecutor(), isolates=False)
