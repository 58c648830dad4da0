"""From a run's folder to nothing: out of sight at once, then gone; never a live run, never through a link."""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from mlrun.store.file_names import LOCK
from mlrun.store.writing import storing, sync_folder

GONE = ".gone-"  # hidden: neither an experiment nor a version can be called so
numbers = itertools.count()


def remove_run(path: Path, may_go: Callable[[Path], bool]) -> bool:
    """Remove a run's folder, unless a live process owns it or `may_go`, asked when nobody else can take it, says no.

    A kill in the middle leaves a hidden folder, which `sweep` removes. Raises StorageError.
    """
    with storing(path):
        lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not may_go(path):
            return False
        hidden = path.with_name(f"{GONE}{path.name}-{os.getpid()}-{next(numbers)}")
        with storing(path):
            path.rename(hidden)
            sync_folder(path.parent)
            shutil.rmtree(hidden)
    except BlockingIOError:  # somebody runs it, or goes on with it
        return False
    finally:
        os.close(lock)
    return True


def leftovers(experiment: Path) -> Iterator[Path]:
    """Yield the folders that a removal which was cut off has hidden in an experiment's folder."""
    for path in experiment.glob(f"{GONE}*"):
        if stat.S_ISDIR(path.lstat().st_mode):
            yield path


def sweep(experiment: Path) -> None:
    """Remove what a removal that was cut off has hidden. Raises StorageError."""
    for path in leftovers(experiment):
        with storing(path):
            shutil.rmtree(path)


def size_of(path: Path) -> int:
    """Return the bytes of all files below a folder; links are not followed, and what cannot be read counts nothing."""
    total = 0
    waiting = [str(path)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:  # gone meanwhile, or closed to us
            continue
    return total
