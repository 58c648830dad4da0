"""From the runs below a root to those that nothing keeps, and away with them when that is asked for."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mlrun import index
from mlrun.errors import MlrunError, StorageError
from mlrun.retention import Wish, reasons
from mlrun.store.alone import alone
from mlrun.store.file_names import LOCK
from mlrun.store.removal import leftovers, remove_run, size_of, sweep
from mlrun.store.run_labels import read_labels
from mlrun.store.run_names import check_known, list_experiments, list_versions, version_name
from mlrun.store.run_row import IndexRow
from mlrun.store.snapshots import drop_unreferenced, references, snapshot_path

CLAIMED_SECONDS = 3_600  # a folder without a journal that is younger may be that of a run which just begins


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a run: kept says why it stays, () = it goes; size_bytes: what that frees."""

    name: str
    path: Path
    status: str
    started: str = ""
    kept: tuple[str, ...] = ()
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Tidied:
    """What goes and what stays, newest first; deleted: it has gone.

    snapshots, snapshot_bytes: of data, that no run needs then. leftovers: of a removal that was cut off.
    """

    fates: tuple[Fate, ...] = ()
    deleted: bool = False
    snapshots: int = 0
    snapshot_bytes: int = 0
    leftovers: int = 0
    notes: tuple[str, ...] = ()

    @property
    def going(self) -> tuple[Fate, ...]:
        return tuple(fate for fate in self.fates if not fate.kept)

    @property
    def size_bytes(self) -> int:
        return sum(fate.size_bytes for fate in self.going) + self.snapshot_bytes


def tidy(root: Path, wish: Wish, *, delete: bool) -> Tidied:
    """Say which runs would go and why the others stay; remove them where `delete`.

    Raises UsageError for an unknown experiment, StorageError when something cannot be removed.
    """
    if wish.experiment:
        check_known(root, wish.experiment)
    if not root.is_dir():
        return Tidied()
    with alone(root):
        experiments = [wish.experiment] if wish.experiment else list_experiments(root)
        folders = [root / name for name in experiments if not (root / name).is_symlink()]
        fates = tuple(judged(root, folders, wish))
        hidden = sum(len(list(leftovers(folder))) for folder in folders)
        if not delete:
            return with_snapshots(root, Tidied(fates, leftovers=hidden))
        for folder in folders:
            sweep(folder)
        done = tuple(fate if fate.kept else removed(fate) for fate in fates)
        dropped = drop_unreferenced(root, delete=True)
        notes = (f"all snapshots of data stay: {dropped.reason}",) if dropped.reason else ()
        return Tidied(done, True, len(dropped.snapshots), dropped.size_bytes, hidden, notes)


def judged(root: Path, folders: Sequence[Path], wish: Wish) -> Iterator[Fate]:
    """Yield what becomes of each run that is looked at, then of folders in which no run ever began."""
    rows = index.rows(root)
    kept = reasons(rows, wish, time.time())
    seen = {row.name for row in rows}
    for row in rows:
        if row.name in kept:
            yield judged_run(root, row, kept[row.name])
    for folder in folders:
        versions = list_versions(root, folder.name)
        for version in versions[:-1]:  # the newest number must not be given again
            path = folder / version_name(version)
            if f"{folder.name}@{version}" not in seen and is_blank(path):
                yield Fate(f"{folder.name}@{version}", path, "never begun", size_bytes=size_of(path))


def judged_run(root: Path, row: IndexRow, kept: tuple[str, ...]) -> Fate:
    path = root / row.experiment / version_name(row.version)
    fate = Fate(row.name, path, row.status, row.started, kept)
    if not kept and (reason := why_not(path)):
        fate = replace(fate, kept=(reason,))
    return fate if fate.kept else replace(fate, size_bytes=size_of(path))


def why_not(path: Path) -> str:
    """Return what in a run's folder itself forbids to remove it; '' = nothing."""
    if path.is_symlink():
        return "a link: it is not followed"
    try:
        labels = read_labels(path)
    except MlrunError as error:
        return f"its tags are not known: {error}"
    return f"tagged {', '.join(labels.tags)}" if labels.tags else ""


def is_blank(path: Path) -> bool:
    """Say whether a folder was claimed for a run that then never began: nothing is in it but a lock, for an hour."""
    with suppress(OSError):
        old = time.time() - path.stat().st_mtime > CLAIMED_SECONDS
        return old and not path.is_symlink() and {entry.name for entry in path.iterdir()} <= {LOCK}
    return False


def removed(fate: Fate) -> Fate:
    """Remove a run and return what became of it: it stays when somebody has taken it up or tagged it meanwhile."""
    if remove_run(fate.path, lambda path: not why_not(path)):
        return fate
    return replace(fate, kept=(why_not(fate.path) or "in use since a moment ago",), size_bytes=0)


def with_snapshots(root: Path, tidied: Tidied) -> Tidied:
    """Add the snapshots that no run would need, once the others have gone."""
    going = {fate.name for fate in tidied.going}
    try:
        needed = references(root)
    except StorageError as error:
        return replace(tidied, notes=(f"all snapshots of data stay: {error}",))
    sizes = dict(drop_unreferenced(root, delete=False).snapshots)
    for sha256, names in needed.items():
        if going.issuperset(names):
            with suppress(OSError):
                sizes[sha256] = snapshot_path(root, sha256).stat().st_size
    return replace(tidied, snapshots=len(sizes), snapshot_bytes=sum(sizes.values()))
