"""From a file of data to its snapshot: kept whole, once, under its sha256, read-only; and which runs still need it."""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from mlrun.errors import DataError, StorageError
from mlrun.json_records import decode
from mlrun.store.run_folder import sha256_of
from mlrun.store.run_names import list_experiments, list_versions, version_name
from mlrun.store.writing import TEMPORARY, storing, sync_folder

FOLDER = ".data"  # hidden, so that no experiment can be called so
LOCK = "lock"
DATA = "data.json"
SHA256 = re.compile(r"[0-9a-f]{64}")
FICLONE = 0x40049409  # linux/fs.h: both files share their blocks until one of them is written
CHUNK = 1 << 20
READ_ONLY = 0o444
numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Unreferenced:
    """Snapshots that no run needs any more: sha256 → bytes; reason: why that cannot be told, so that all stay."""

    snapshots: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""

    @property
    def size_bytes(self) -> int:
        return sum(self.snapshots.values())


@dataclass(frozen=True, slots=True)
class KeptFile:
    """What matters here of something that data.json says is kept."""

    sha256: str = ""
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class KeptFiles:
    """What matters here of data.json."""

    files: tuple[KeptFile, ...] = ()
    tables: tuple[KeptFile, ...] = ()
    baseline_files: tuple[KeptFile, ...] = ()


def snapshot_path(root: Path, sha256: str) -> Path:
    """Return where a file of this content is kept below the folder of all runs; raise ValueError for no sha256."""
    if not SHA256.fullmatch(sha256):
        raise ValueError("not a sha256 in hexadecimal")
    return root / FOLDER / sha256[:2] / sha256


@contextmanager
def guarded(root: Path, alone: bool = False) -> Iterator[None]:
    """Hold the lock of the snapshots: shared from `keep` until a run refers to what was kept; alone to remove any.

    Raises StorageError. A process that holds it and asks for it again, alone, waits for itself.
    """
    place = root / FOLDER / LOCK
    with storing(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(place, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def keep(root: Path, path: Path, sha256: str) -> bool:
    """Keep the file whole, unless its content is there already; False when it has no longer this content.

    Call it within `guarded`. What is there is read and compared; a damaged copy is replaced. Raises DataError when
    the file cannot be read, StorageError when it cannot be kept: nothing half-written stays.
    """
    place = snapshot_path(root, sha256)
    if is_whole(place, sha256):
        return True
    try:
        source = path.open("rb")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    with source, new_file(place) as file:
        if not shares_blocks(source, file):
            copy(source, file, place)
        return finish(file, place, sha256)


def keep_bytes(root: Path, content: bytes) -> str:
    """Keep what stands in no file of its own; return its sha256. Call it within `guarded`; raises StorageError."""
    sha256 = hashlib.sha256(content).hexdigest()
    place = snapshot_path(root, sha256)
    if not is_whole(place, sha256):
        with new_file(place) as file, storing(place):
            file.write(content)
            finish(file, place, sha256)
    return sha256


def is_whole(place: Path, sha256: str) -> bool:
    """Say whether a snapshot is there and its bytes are those that were kept."""
    try:
        return sha256_of(place) == sha256
    except OSError:
        return False


@contextmanager
def new_file(place: Path) -> Iterator[IO[bytes]]:
    """Yield a new file beside the place; what `finish` has not put there is gone afterwards."""
    temporary = place.parent / f"{TEMPORARY}{os.getpid()}-{next(numbers)}"
    with storing(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        file = temporary.open("x+b")
    try:
        yield file
    finally:
        with suppress(OSError):  # of a full disk: what could not be written is not wanted
            file.close()
        temporary.unlink(missing_ok=True)


def shares_blocks(source: IO[bytes], file: IO[bytes]) -> bool:
    """Let the new file share the source's blocks, where the file system can; costs neither time nor space."""
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(file.fileno(), FICLONE, source.fileno())
    except OSError:  # another file system, or one that cannot: copy
        return False
    return True


def copy(source: IO[bytes], file: IO[bytes], place: Path) -> None:
    with storing(place):
        while chunk := source.read(CHUNK):
            file.write(chunk)


def finish(file: IO[bytes], place: Path, sha256: str) -> bool:
    """Put a new file into its place, durable and read-only, if it has the content that it is called by."""
    with storing(place):
        file.flush()
        file.seek(0)
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:  # type: ignore[arg-type]  # a file is readable
            return False
        os.fchmod(file.fileno(), READ_ONLY)
        os.fsync(file.fileno())
        Path(file.name).replace(place)
        sync_folder(place.parent)
        sync_folder(place.parent.parent)
    return True


# -- who needs it -----------------------------------------------------------------------------------------------------


def references(root: Path) -> dict[str, list[str]]:
    """Return sha256 → the runs whose data.json refers to its snapshot, finished or not.

    Counted anew each time: no counter can drift. Raises StorageError when the data.json of a run is damaged.
    """
    found: dict[str, list[str]] = {}
    for experiment in list_experiments(root):
        for version in list_versions(root, experiment):
            for sha256 in referred(root / experiment / version_name(version) / DATA):
                found.setdefault(sha256, []).append(f"{experiment}@{version}")
    return found


def referred(file: Path) -> set[str]:
    """Return the snapshots that a data.json refers to."""
    try:
        content = decode(KeptFiles, json.loads(file.read_bytes()))
    except FileNotFoundError:  # of an older version, or not written yet
        return set()
    except (OSError, ValueError, RecursionError) as error:
        told = "so nobody can tell which snapshots its run needs. Restore it, or delete the run's folder"
        raise StorageError(f"{file} is damaged, {told}") from error
    return {entry.sha256 for entry in (*content.files, *content.tables, *content.baseline_files) if entry.snapshot}


def drop_unreferenced(root: Path, delete: bool) -> Unreferenced:
    """Return the snapshots that no run refers to; remove them, and leftovers of killed processes, where `delete`.

    Waits for runs that are keeping their data. Where the data.json of a run is damaged all of them stay, and the reason
    says so. Raises StorageError when one cannot be removed.
    """
    if not (root / FOLDER).is_dir():
        return Unreferenced()
    with guarded(root, alone=True), storing(root / FOLDER):
        try:
            needed = references(root)
        except StorageError as error:
            return Unreferenced(reason=str(error))
        unneeded = {path: path.stat().st_size for path in snapshots(root) if path.name not in needed}
        if delete:
            leftovers = (root / FOLDER).glob(f"*/{TEMPORARY}*")  # whoever made them holds the lock no more
            for path in (*unneeded, *leftovers):
                path.unlink(missing_ok=True)
            for path in {path.parent for path in unneeded}:
                with suppress(OSError):  # others are in it
                    path.rmdir()
    return Unreferenced({path.name: size for path, size in sorted(unneeded.items())})


def snapshots(root: Path) -> Iterator[Path]:
    """Yield every snapshot below the folder of all runs."""
    for path in (root / FOLDER).glob("??/*"):
        if SHA256.fullmatch(path.name) and path.parent.name == path.name[:2]:
            yield path
