"""A run's folder while it is made: claimed by an exclusive mkdir, locked while its process lives, sealed at the end."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from mlrun.errors import UsageError
from mlrun.store.file_names import LOCK, MANIFEST, RUN, SCRATCH, UNSEALED
from mlrun.store.run_names import experiment_folder, list_versions, version_name
from mlrun.store.run_record import RunRecord
from mlrun.store.run_seal import sealed, to_json
from mlrun.store.writing import TEMPORARY, storing, sync_folder, write_atomically

PROBE_SECONDS = 0.5  # another process that only asks whether a lock is held has it for an instant


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


def finish(folder: Path, record: RunRecord, *, own: bool = True) -> RunRecord:
    """Seal a run: manifest.json with the sha256 of every file, then run.json, whose presence means finished.

    own: of this user, whose seal it then gets; False when a run from elsewhere is written again. Returns the record as
    written, with the manifest's own sha256. Raises StorageError.
    """
    with storing(folder):
        for leftover in folder.rglob(f"{TEMPORARY}*"):  # of a process that was killed while it wrote
            leftover.unlink()
        files = {name: sha256_of(folder / name) for name in sealed_files(folder)}
    manifest = json.dumps({"format": 1, "files": files}, indent=1).encode() + b"\n"
    write_atomically(folder / MANIFEST, manifest)
    record = sealed(replace(record, manifest=hashlib.sha256(manifest).hexdigest()), own=own)
    write_atomically(folder / RUN, to_json(record))
    return record


def sealed_files(folder: Path) -> list[str]:
    """Return the files that the manifest vouches for, relative to the folder, in alphabetical order."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if name not in UNSEALED and not name.startswith(f"{SCRATCH}/"))


def sha256_of(path: Path) -> str:
    """Return the hexadecimal sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
