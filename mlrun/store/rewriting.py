"""From a run's folder to a changed one in its place: all of it at once or nothing, wherever the process is cut off."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from mlrun.errors import StorageError, UsageError
from mlrun.store.file_names import LOCK, MANIFEST, RUN, UNSEALED
from mlrun.store.run_folder import PROBE_SECONDS, lock_within, sha256_of
from mlrun.store.run_record import RunRecord
from mlrun.store.run_seal import has_own_seal, is_whole, sealed, to_json
from mlrun.store.writing import TEMPORARY, storing, sync_folder

STAGED, ASIDE = ".erasing-", ".erased-"  # hidden, and no versions: no command takes them for runs
AT_FDCWD, EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h; RENAME_SWAP of macOS is 2 as well
NO_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)

Changes = Mapping[str, bytes | None]  # a file's name in the run folder → its new content, None = it goes


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a run's lock, and that of its labels; raise UsageError when a live process has it."""
    with storing(path):
        lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not lock_within(lock, PROBE_SECONDS):
            raise UsageError(f"{path.parent.name}@{int(path.name)} is being run by another process; wait for its end")
        with alone(path):
            yield
    finally:
        os.close(lock)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep those who write labels out of a folder that is about to be replaced: they lock the folder itself."""
    handle = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems lock no folders
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def rewrite(path: Path, changes: Changes, record: RunRecord | None) -> None:
    """Put a changed copy of a run folder in its place; call it within `held`.

    record: the new run.json, None for a run that has none. What does not change is linked, not copied. The new folder
    is complete, with its manifest, before the two change places in one step; then the old one goes. Files that were not
    what the manifest says stay so: a damaged run is not made whole. Raises StorageError; the run is then as it was.
    """
    staged = path.with_name(STAGED + path.name)
    with storing(path):
        drop(staged)
        link_all(path, staged, changes)
        for name, content in changes.items():
            if content is not None:
                write(staged / name, content)
        if record is not None:
            seal_again(path, staged, changes, record)
        for folder in (staged, *(each for each in staged.rglob("*") if each.is_dir())):
            sync_folder(folder)
        swap(staged, path)
        sync_folder(path.parent)
        drop(staged)
        drop(path.with_name(ASIDE + path.name))


def link_all(path: Path, staged: Path, changes: Changes) -> None:
    """Make a folder with links to all files that stay as they are; what a killed process left half-written goes."""
    state = path.stat()
    staged.mkdir()
    for place, folders, files in os.walk(path):
        here = Path(place)
        there = staged / here.relative_to(path)
        for name in folders:
            if not (here / name).is_symlink():
                (there / name).mkdir()
        for name in [*files, *(name for name in folders if (here / name).is_symlink())]:
            inside = (here / name).relative_to(path).as_posix()
            if inside not in changes and not name.startswith(TEMPORARY):
                link(here / name, there / name)
    shutil.copymode(path, staged)
    with suppress(PermissionError):  # only the administrator may give a folder away
        os.chown(staged, state.st_uid, state.st_gid)


def link(old: Path, new: Path) -> None:
    """Give a file a second name; where the file system knows no links, copy it."""
    try:
        os.link(old, new, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
            raise
        shutil.copy2(old, new, follow_symlinks=False)


def write(path: Path, content: bytes) -> None:
    """Write a new file, durable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def seal_again(path: Path, staged: Path, changes: Changes, record: RunRecord) -> None:
    """Write manifest.json and run.json of the changed folder: as whole, and as much one's own, as they were."""
    old = (path / RUN).read_bytes()
    known = (path / MANIFEST).read_bytes() if (path / MANIFEST).is_file() else b"{}"
    manifest = changed_manifest(path, known, changes)
    if manifest is not None:
        write(staged / MANIFEST, manifest)
        if hashlib.sha256(known).hexdigest() == record.manifest:
            record = replace(record, manifest=hashlib.sha256(manifest).hexdigest())
    if is_whole(old):
        record = sealed(record, own=has_own_seal(old))
    write(staged / RUN, to_json(record))


def changed_manifest(path: Path, known: bytes, changes: Changes) -> bytes | None:
    """Return the manifest with the changed files' sha256; None when there is none that can be read.

    A file that was not what the manifest says keeps its old sha256 there, so that `verify` still tells.
    """
    try:
        content = json.loads(known)
        files = dict(content["files"])
    except (ValueError, KeyError, TypeError):
        return None
    for name, new in changes.items():
        if name in UNSEALED or name not in files:
            continue
        if new is None:
            del files[name]
        elif (path / name).is_file() and sha256_of(path / name) == files[name]:
            files[name] = hashlib.sha256(new).hexdigest()
    return json.dumps({**content, "files": files}, indent=1).encode() + b"\n"


def swap(staged: Path, path: Path) -> None:
    """Put the staged folder into the run's place; where the system cannot exchange two names, in two steps.

    Cut off between these two, the run's folder is missing until `recover` puts it back.
    """
    if exchange(staged, path):
        return
    aside = path.with_name(ASIDE + path.name)
    drop(aside)
    path.rename(aside)
    staged.rename(path)


def exchange(one: Path, other: Path) -> bool:
    """Let two names change places in one step (renameat2, RENAME_EXCHANGE); False where that is not to be had."""
    library = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(other)
    try:
        if sys.platform == "darwin":
            failed = library.renamex_np(*names, EXCHANGE)
        else:
            failed = library.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], EXCHANGE)
    except AttributeError:  # a C library without it
        return False
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in NO_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(other))


def recover(root: Path) -> tuple[str, ...]:
    """Clear up what a rewriting that was cut off left below the root; return the runs that were put back.

    A staged folder beside its run is either not complete yet or the old one: it goes. Raises StorageError.
    """
    back = []
    with storing(root):
        for aside in sorted(root.glob(f"*/{ASIDE}*")):
            path = aside.with_name(aside.name.removeprefix(ASIDE))
            if not path.exists():
                aside.rename(path)
                sync_folder(path.parent)
                back.append(f"{path.parent.name}@{int(path.name)}")
            elif same_lock(aside, path):
                drop(aside)
            else:
                raise StorageError(f"{aside} is a run whose place another one has taken: give it a number of its own")
        for staged in sorted(root.glob(f"*/{STAGED}*")):
            drop(staged)
    return tuple(back)


def same_lock(one: Path, other: Path) -> bool:
    """Say whether two folders are the same run's: they share the file of its lock."""
    try:
        return (one / LOCK).samefile(other / LOCK)
    except OSError:
        return False


def drop(folder: Path) -> None:
    """Remove a folder and all in it, when it is there."""
    if folder.exists():
        shutil.rmtree(folder)
