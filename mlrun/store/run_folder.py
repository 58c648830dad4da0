"""A run's folder while it is made: claimed by an exclusive mkdir, locked while its process lives, sealed at the end."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import itertools
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from mlrun.errors import StorageError, UsageError
from mlrun.json_records import encode
from mlrun.store.run_names import experiment_folder, list_versions, version_name
from mlrun.store.run_record import RunRecord

LOCK, JOURNAL, RUN, MANIFEST, TRIALS = "lock", "journal.jsonl", "run.json", "manifest.json", "trials.jsonl"
UNSEALED = (LOCK, RUN, MANIFEST)
TEMPORARY = ".tmp-"
PROBE_SECONDS = 0.5  # another process that only asks whether a lock is held has it for an instant
temporary_numbers = itertools.count()


class RunFolder:
    """A folder that this process owns: the lock is held until close(), the end of `with`, exit or kill."""

    def __init__(self, path: Path, experiment: str, version: int, lock: int) -> None:
        self.path = path
        self.experiment = experiment
        self.version = version
        self._lock: int | None = lock

    @property
    def name(self) -> str:
        return f"{self.experiment}@{self.version}"

    def close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def claim(root: Path, experiment: str) -> RunFolder:
    """Make the next version's folder, which no other process can get, and hold its lock.

    Raises UsageError for a name that cannot be a folder, StorageError when nothing can be written there.
    """
    folder = experiment_folder(root, experiment)
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        version = 0
        while True:
            version = max((version, *list_versions(root, experiment))) + 1
            path = folder / version_name(version)
            try:
                path.mkdir()
            except FileExistsError:  # another run was quicker: the one after it
                continue
            lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(lock, fcntl.LOCK_EX)
            sync_folder(folder)
            return RunFolder(path, experiment, version, lock)


def reopen(path: Path) -> RunFolder:
    """Take the lock of an interrupted run, to go on with it.

    Raises UsageError when a live process holds it or the run is finished, StorageError when it cannot be opened.
    """
    name = f"{path.parent.name}@{int(path.name)}"
    with storing(path):
        lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    if not lock_within(lock, PROBE_SECONDS):
        os.close(lock)
        raise UsageError(f"{name} is being run by another process; wait for it (--wait) or stop it first")
    if (path / RUN).exists():
        os.close(lock)
        raise UsageError(f"{name} is finished already: {path / RUN} is there")
    return RunFolder(path, path.parent.name, int(path.name), lock)


def lock_within(lock: int, seconds: float) -> bool:
    """Try to lock the open file for so long; say whether it worked."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
        else:
            return True


def is_locked(path: Path) -> bool:
    """Say whether a live process owns this run folder."""
    try:
        lock = os.open(path / LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


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
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems refuse it
            os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn what the operating system says of a failed write into a sentence with the way out."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path}: {told(error)}") from error


def told(error: OSError) -> str:
    """Return what went wrong on the disk, and what helps."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full. Free some space, then run the same command again"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "no permission. Change the folder's rights, or put runs elsewhere with --runs DIR"
    if error.errno == errno.EROFS:
        return "the file system is read-only. Put runs elsewhere with --runs DIR"
    return f"{error.strerror or error}. Look at the disk, or put runs elsewhere with --runs DIR"


def finish(folder: Path, record: RunRecord) -> RunRecord:
    """Seal a run: manifest.json with the sha256 of every file, then run.json, whose presence means finished.

    Returns the record as written, with the manifest's own sha256. Raises StorageError.
    """
    with storing(folder):
        for leftover in folder.rglob(f"{TEMPORARY}*"):  # of a process that was killed while it wrote
            leftover.unlink()
        files = {name: sha256_of(folder / name) for name in sealed_files(folder)}
    manifest = json.dumps({"format": 1, "files": files}, indent=1).encode() + b"\n"
    write_atomically(folder / MANIFEST, manifest)
    record = replace(record, manifest=hashlib.sha256(manifest).hexdigest())
    write_atomically(folder / RUN, to_json(record))
    return record


def sealed_files(folder: Path) -> list[str]:
    """Return the files that the manifest vouches for, relative to the folder, in alphabetical order."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if name not in UNSEALED)


def sha256_of(path: Path) -> str:
    """Return the hexadecimal sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def to_json(record: RunRecord) -> bytes:
    """Return run.json's bytes: the format first, then the fields in their order."""
    content = encode(record)
    return json.dumps({"format": content.pop("format"), **content}, indent=1).encode() + b"\n"
