"""From the runs of an experiment that are alive to one's own turn: with `--wait` one run goes after the other."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun import runs
from mlrun.errors import NothingConcluded
from mlrun.events import Event, Noted
from mlrun.store.run_names import experiment_folder
from mlrun.wording import count

if TYPE_CHECKING:
    from mlrun.run_options import TrainOptions
    from mlrun.spec import Spec

QUEUE = ".queue"  # in the experiment's folder; locked by the one whose turn it is
WAIT_SECONDS = 0.5


@contextmanager
def in_turn(spec: Spec, options: TrainOptions) -> Iterator[Iterator[Event]]:
    """Yield what happens until it is one's turn; with --wait nobody else who waits begins before the end of `with`.

    A run that does not wait is waited for, and is not kept from beginning. Raises NothingConcluded when the time that
    one is ready to wait is over, StorageError when nothing can be written there.
    """
    if not options.wait:
        yield iter(())
        return
    root = runs.runs_root(spec.folder, options.runs)
    folder = experiment_folder(root, spec.experiment)
    with runs.storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / QUEUE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        yield waiting(lock, root, spec.experiment, options.wait_at_most)
    finally:
        os.close(lock)


def waiting(lock: int, root: Path, experiment: str, at_most: int | None) -> Iterator[Event]:
    """Wait until the queue is ours and no run is alive; tell once for what."""
    began, told = time.monotonic(), False
    while True:
        mine, alive = took(lock), running(root, experiment)
        if mine and not alive:
            return
        name = f"{experiment}@{int(alive[0].name)}, which is running" if alive else f"another train of {experiment}"
        if at_most is not None and time.monotonic() - began >= at_most:
            waited = count(at_most, "second")
            raise NothingConcluded(f"waited {waited} for {name}: nothing was run; try later, or with more time")
        if not told:
            yield Noted(f"waiting for {name}")
            told = True
        time.sleep(WAIT_SECONDS)


def took(lock: int) -> bool:
    """Say whether the lock is ours, now or already."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def running(root: Path, experiment: str) -> list[Path]:
    """Return the folders of the experiment's runs that are alive, oldest first."""
    paths = (runs.run_path(root, experiment, version) for version in runs.list_versions(root, experiment))
    return [path for path in paths if runs.is_locked(path)]
