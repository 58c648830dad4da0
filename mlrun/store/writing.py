"""Writing that lasts: whole or not at all, durable, and one sentence with the way out when the disk refuses."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlrun.errors import StorageError

TEMPORARY = ".tmp-"
temporary_numbers = itertools.count()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut.

    Raises StorageError when the disk is full, or the place cannot be written.
    """
    temporary = path.parent / f"{TEMPORARY}{os.getpid()}-{next(temporary_numbers)}-{path.name}"[:255]
    with storing(path):
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the file system can."""
    with suppress(OSError):  # some network file systems refuse it
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_all(handle: int, content: bytes, offset: int) -> None:
    """Write all bytes at an offset, however few the system takes at once."""
    rest = memoryview(content)
    while rest:
        written = os.pwrite(handle, rest, offset)
        if written == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rest, offset = rest[written:], offset + written


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn what the operating system says of a failed write into a sentence with the way out."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path}: {what_helps(error)}") from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what the operating system says of a file of a run that cannot be read into a sentence with the way out."""
    try:
        yield
    except FileNotFoundError as error:
        raise StorageError(f"{path} is missing: the run is not whole. Restore it, or run the spec again") from error
    except OSError as error:
        told = error.strerror or str(error)
        raise StorageError(f"{path} cannot be read: {told}. Look at its rights and at the disk") from error


def what_helps(error: OSError) -> str:
    """Return what went wrong on the disk, and the way out; what was written before stays."""
    if error.errno in (errno.ENOSPC, errno.EFBIG):
        return "the disk is full. Free some space, then run the same command again"
    if error.errno == errno.EDQUOT:
        return "the quota is used up. Free some space, then run the same command again"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "no permission. Change the folder's rights, or write elsewhere (runs: --runs DIR)"
    if error.errno == errno.EROFS:
        return "the file system is read-only. Write elsewhere (runs: --runs DIR)"
    return f"{error.strerror or error}. Look at the disk, or write elsewhere (runs: --runs DIR)"
