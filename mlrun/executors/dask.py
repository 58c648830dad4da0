"""Dask: workers of a cluster, or of this machine where DASK_SCHEDULER_ADDRESS names none.

Each dask worker runs the jobs in a child process of its own, so a fit that crashes or hangs costs that fit alone there
too. With a cluster the folds travel with the jobs, as its machines may not see our files; a family of the user's own
must be importable on them.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import threading
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from mlrun.contracts import ExecutorKind
from mlrun.errors import MlrunError, StorageError, UsageError
from mlrun.process.by_value import by_value
from mlrun.process.isolation import Child, is_settled, kill, run_again, run_alone
from mlrun.process.jobs import Loads, raised
from mlrun.records import Failure, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mlrun.contracts import Job, OnStart

ADDRESS = "DASK_SCHEDULER_ADDRESS"  # dask's own name for it
EXTRA = "dask"
CONNECT_SECONDS = 20
WORKERLESS_SECONDS = 60  # that a cluster may be without any worker
LARGE_BYTES = 1_000_000  # of a job: sent once, not through the scheduler's task graph

_here = threading.local()  # in a dask worker: the child of each of its threads
_starting = threading.Lock()  # threads of a worker must not import and start processes at the same moment


@dataclass(slots=True)
class Parcel:
    """A pickled job; it is opened where it runs, so that the process that hands it on needs no library for it."""

    key: str
    payload: bytes
    timeout: float | None
    isolated: bool = True
    _job: Any = field(default=None, repr=False)

    def load(self) -> None:
        """Open the job and make ready what it needs, before its time is taken."""
        self._job = pickle.loads(self.payload)  # noqa: S301 - packed by the process that runs the experiment
        if isinstance(self._job, Loads):
            self._job.load()

    def run(self) -> Any:
        return self._job.run()


class DaskExecutor:
    """As many jobs at once as the cluster has threads."""

    cores = 1  # of a worker there is one thread a job

    def __init__(self, size: int) -> None:
        self.size = max(1, size)
        self._open = contextlib.ExitStack()
        self._client: Any = None
        self._remote = bool(os.environ.get(ADDRESS))

    def __enter__(self) -> Self:
        import_distributed()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def run(self, jobs: Iterable[Job], on_start: OnStart) -> Iterator[Outcome]:
        """Yield the outcome of each job as it comes; the cluster is connected to when there is a first one."""
        waiting, flying = iter(jobs), dict[Any, str]()
        try:
            while True:
                while len(flying) < self._slots() and (job := next(waiting, None)) is not None:
                    on_start(job.key, 0, in_main=False)
                    payload = packed(job, self._remote)
                    if isinstance(payload, Failure):
                        yield Outcome(job.key, failure=payload)
                    else:
                        flying[self._submit(Parcel(job.key, payload, job.timeout))] = job.key
                if not flying:
                    return
                for future in self._await(flying):
                    yield outcome_of(future, flying.pop(future))
        finally:
            for future in flying:  # the caller left early
                future.cancel()

    def _slots(self) -> int:
        """Return how many jobs can be at work at once."""
        if self._client is None:
            return self.size  # not connected yet: there may be nothing to do
        return sum(self._client.nthreads().values()) or 1

    def _submit(self, parcel: Parcel) -> Any:
        if self._client is None:
            self._client = self._open.enter_context(connected(self.size))
        given: Any = parcel
        if len(parcel.payload) > LARGE_BYTES:
            given = self._client.scatter(parcel, hash=False)
        return self._client.submit(run_there, given, pure=False, key=None)

    def _await(self, flying: Iterable[Any]) -> list[Any]:
        """Return the futures that have ended; raise MlrunError when there is nobody left to work."""
        distributed: Any = import_distributed()
        while True:
            with contextlib.suppress(TimeoutError):
                done: Any = distributed.wait(list(flying), timeout=WORKERLESS_SECONDS, return_when="FIRST_COMPLETED")
                return list(done.done)
            if not self._client.nthreads():
                raise MlrunError(
                    f"the dask cluster has had no worker for {WORKERLESS_SECONDS} s; start some, then run the same "
                    "command again: what is finished is kept"
                )


def import_distributed() -> Any:
    """Return the library; raise UsageError with the way out where it is not installed."""
    try:
        import distributed
    except ImportError as error:
        raise UsageError(f"the executor 'dask' needs dask: pip install 'mlrun-cli[{EXTRA}]'") from error
    return distributed


@contextlib.contextmanager
def connected(size: int) -> Iterator[Any]:
    """Yield a client of the cluster that the environment names, or of `size` processes on this machine."""
    import dask

    distributed: Any = import_distributed()
    address = os.environ.get(ADDRESS)
    quiet = {"distributed.worker.daemon": False, "distributed.admin.log-length": 0}
    with contextlib.ExitStack() as opened, dask.config.set(quiet):
        opened.callback(logging.getLogger("distributed").setLevel, logging.getLogger("distributed").level)
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        where: Any = address
        if not address:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a port that another cluster has
                where = opened.enter_context(
                    distributed.LocalCluster(
                        n_workers=size,
                        threads_per_worker=1,
                        processes=True,
                        dashboard_address=None,
                        silence_logs=logging.CRITICAL,
                    )
                )
        try:
            client = opened.enter_context(distributed.Client(where, timeout=CONNECT_SECONDS))
        except OSError as error:
            raise UsageError(f"{ADDRESS}={address}: there is no dask scheduler that answers") from error
        check_versions(client)
        yield client


def check_versions(client: Any) -> None:
    """Raise UsageError where a worker has other versions of what computes: its scores would not be ours."""
    from mlrun.provenance import packages

    try:
        found: dict[str, Any] = client.run(packages)
    except Exception as error:
        raise UsageError(
            f"the dask workers cannot run mlrun: {type(error).__name__}: {error}; install it there"
        ) from error
    ours = dict(packages())
    for worker, theirs in found.items():
        other = [
            f"{name} {theirs.get(name) or 'none'} (here {ours[name]})"
            for name in ours
            if theirs.get(name) != ours[name]
        ]
        if other:
            raise UsageError(f"the dask worker {worker} has {', '.join(other)}: scores could differ; make them equal")


def packed(job: Job, remote: bool) -> bytes | Failure:
    """Return the job as bytes, with its data where the worker may not see our files, or why it cannot travel."""
    try:
        with by_value() if remote else contextlib.nullcontext():
            return pickle.dumps(job, protocol=5)
    except StorageError:  # its data could not be written for the worker: that is no fault of the fit
        raise
    except Exception as error:  # noqa: BLE001 - a job that cannot travel is a failed fit
        return raised(error)


def run_there(parcel: Parcel) -> bytes:
    """Run a job in this dask worker's child process; return its outcome, pickled."""
    with _starting:
        child = own_child()
    outcome = run_alone(parcel, child, tell_nobody)
    if not is_settled(outcome, child):
        drop_child()
        outcome = run_again(parcel, tell_nobody)
    return pickle.dumps(outcome, protocol=5)


def own_child() -> Child:
    """Return the child process of this thread, a new one where the last has died."""
    import multiprocessing.process

    child: Child | None = getattr(_here, "child", None)
    if child is not None and child.alive:
        return child
    drop_child()
    # a worker under dask's nanny is marked as a daemon, which may have no children; ours end with it all the same
    multiprocessing.process.current_process()._config["daemon"] = False  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public door
    child = _here.child = Child()
    return child


def drop_child() -> None:
    child: Child | None = getattr(_here, "child", None)
    if child is not None:
        kill([child])
    _here.child = None


def tell_nobody(key: str, pid: int, in_main: bool) -> None:
    """Hear that a job has begun; the one who asked was told when it was sent."""


def outcome_of(future: Any, key: str) -> Outcome:
    """Return what became of a job; dask gives up one whose workers have died again and again."""
    if future.status == "finished":
        outcome: Outcome = pickle.loads(future.result())  # noqa: S301 - from a worker of our own cluster
        return outcome
    error = future.exception()
    if type(error).__name__ != "KilledWorker":
        raise MlrunError(f"a dask worker could not run a fit: {type(error).__name__}: {error}")
    return Outcome(key, failure=Failure("killed", "KilledWorker", f"no dask worker survived the fit: {error}"))


ENTRY = ExecutorKind(make=DaskExecutor, isolates=True, extra=EXTRA)
