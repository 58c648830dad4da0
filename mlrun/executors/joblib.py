"""Joblib: worker processes started by joblib's loky, brought up only once the work still to do is worth them.

Plain jobs begin in the main process at once. Jobs that must not run there (user code, a timeout) go to a worker from
the start. Where a job runs never changes its value.
"""

from __future__ import annotations

import contextlib
import operator
import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Self

from mlrun.contracts import ExecutorKind
from mlrun.errors import MlrunError
from mlrun.process.isolation import Child, await_events, is_settled, kill, must_leave, run_again
from mlrun.process.jobs import OneThread, run_job
from mlrun.records import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mlrun.contracts import Job, OnStart

WORTH_SECONDS = 3.0  # of wall time saved; a worker takes 1 to 2 s (1.5 CPU s) to start, for it imports scikit-learn
SHORT_SECONDS = 0.2  # of a job; shorter ones go on in the main process while the first workers start
RECENT = 20  # jobs whose mean time is taken for that of those to come


class JoblibExecutor:
    """At most `size` processes at work, one job each."""

    def __init__(self, size: int) -> None:
        self.size = self.cores = max(1, size)
        self._threads = OneThread()
        self._children: list[Child] = []
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._spent_here = 0.0
        self._pays = False

    def __enter__(self) -> Self:
        self._threads.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._drop(self._children)
        finally:
            self._threads.__exit__()

    def run(self, jobs: Iterable[Job], on_start: OnStart) -> Iterator[Outcome]:
        """Yield the outcome of each job as it comes; those that killed their worker or hung come last.

        Each of them is run once more, alone in a fresh process; a second death is its failure.
        """
        waiting = Waiting(jobs)
        suspects: list[Job] = []
        try:
            while waiting.head is not None or self._busy():
                self._feed(waiting)
                stays = waiting.head is not None and self._stays(waiting.head)
                if stays:
                    yield self._run_here(waiting.take(), waiting, on_start)
                yield from self._collect(waiting, suspects, on_start, look_only=stays)
            for job in suspects:
                yield run_again(job, on_start)
        finally:
            self._drop(self._busy())  # the caller left early: nobody waits for these any more

    def _feed(self, waiting: Waiting) -> None:
        """Give a job to each worker that is free, and start workers for those that are worth one."""
        while waiting.head is not None and (child := self._child_for(waiting.head, waiting.left)) is not None:
            child.submit(waiting.take())

    def _child_for(self, job: Job, left: int | None) -> Child | None:
        leaves = must_leave(job)
        if not leaves and self.size == 1:
            return None
        self._drop([child for child in self._children if child.job is None and not child.alive])
        free = next((child for child in self._children if child.job is None), None)
        if free is None and len(self._children) < self.size and (leaves or self._worth_workers(left)):
            free = Child()
            self._children.append(free)
        return free

    def _worth_workers(self, left: int | None) -> bool:
        """Say whether sharing the jobs still to do saves more time than starting workers takes.

        Where their number is not known, as much is taken to lie ahead as lies behind.
        """
        if not self._pays and self._recent:
            ahead = self._spent_here if left is None else left * self._usual_seconds()
            hands = self.size if left is None else min(self.size, max(1, left))
            self._pays = ahead * (1 - 1 / hands) > WORTH_SECONDS
        return self._pays

    def _usual_seconds(self) -> float:
        return sum(self._recent) / len(self._recent) if self._recent else 0.0

    def _stays(self, job: Job) -> bool:
        """Say whether a job that no worker has taken runs here now, rather than wait for a worker."""
        if must_leave(job):
            return False
        if self.size == 1:
            return not self._busy()
        if not self._pays:
            return True
        return self._usual_seconds() < SHORT_SECONDS and not any(child.ready for child in self._children)

    def _run_here(self, job: Job, waiting: Waiting, on_start: OnStart) -> Outcome:
        on_start(job.key, os.getpid(), in_main=True)
        with self._help_if_long(job, waiting):
            outcome = run_job(job, self._threads)
        self._recent.append(outcome.wall_seconds)
        self._spent_here += outcome.wall_seconds
        return outcome

    @contextlib.contextmanager
    def _help_if_long(self, job: Job, waiting: Waiting) -> Iterator[None]:
        """Let workers begin beside the job that runs here once it has taken so long that the others are worth them.

        Else a first long fit would leave the other cores idle to its end. Meanwhile this thread does not look at what
        is waiting.
        """
        left = waiting.left or 0
        hands = min(self.size, left)
        if self._children or hands < 2 or 0 < self._usual_seconds() < SHORT_SECONDS:  # a thread costs as much as a job
            yield
            return
        calling = [hands, type(job).__module__, waiting]
        timer = threading.Timer(WORTH_SECONDS / (left * (1 - 1 / hands)), self._call_workers, calling)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def _call_workers(self, count: int, module: str, waiting: Waiting) -> None:
        with contextlib.suppress(MlrunError):  # told when the next job needs one
            for _ in range(count):
                self._children.append(Child(module))
            self._pays = True
            self._feed(waiting)

    def _collect(
        self, waiting: Waiting, suspects: list[Job], on_start: OnStart, *, look_only: bool
    ) -> Iterator[Outcome]:
        """Yield what the workers have finished; with look_only, without waiting for it."""
        busy = self._busy()
        if not busy:
            return
        jobs = {id(child): child.job for child in busy}
        for child, event in await_events(busy, *([0.0] if look_only else [])):
            if not isinstance(event, Outcome):
                on_start(event.key, event.pid, in_main=False)
                continue
            settled, job = is_settled(event, child), jobs[id(child)]
            self._feed(waiting)  # before the caller takes its time over the outcome
            if settled:
                yield event
            elif job is not None:
                suspects.append(job)

    def _busy(self) -> list[Child]:
        return [child for child in self._children if child.job is not None]

    def _drop(self, children: Iterable[Child]) -> None:
        gone = list(children)
        if gone:
            kill(gone)
            self._children = [child for child in self._children if child not in gone]


class Waiting:
    """The jobs still to do: the next one, and how many they are, itself included, where that is known.

    A job is made when it is looked at, not while a worker waits for the one before it.
    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        known = operator.length_hint(jobs, -1)
        self.left = None if known < 0 else known
        self._rest = iter(jobs)
        self._ahead: list[Job | None] = []

    @property
    def head(self) -> Job | None:
        """Return the next job, None when there is none."""
        if not self._ahead:
            self._ahead.append(next(self._rest, None))
        return self._ahead[0]

    def take(self) -> Job:
        """Return the next job, which there must be."""
        job = self.head
        if job is None:
            raise LookupError
        self._ahead.clear()
        self.left = None if self.left is None else self.left - 1
        return job


ENTRY = ExecutorKind(make=JoblibExecutor, isolates=True)
