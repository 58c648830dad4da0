"""One process at a time: a lock on a folder itself, without any file of its own."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlrun.store.writing import storing


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, once nobody else does; a run's own lock is another, and says that its process lives.

    Where a network file system locks no folders the last writer wins. Raises StorageError.
    """
    with storing(folder):
        handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
