"""What `list` shows of every run, from a cache that follows the run folders and is never the truth."""

from __future__ import annotations

import gc
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import starmap
from operator import itemgetter
from pathlib import Path
from typing import Any

from mlrun.store.file_names import RUN
from mlrun.store.run_names import experiment_folder, is_version, list_experiments, version_name
from mlrun.store.run_row import BRIEF, IndexRow

CACHE = ".index.sqlite"
CACHE_VERSION = 3  # goes up when what is cached changes: an older cache is made anew
BUSY_SECONDS = 5.0
CANNOT_WRITE = (
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM,
)  # fmt: skip

UNFINISHED = ("running", "interrupted")

Stamp = tuple[int, int]  # of run.json: modification time in nanoseconds, size in bytes
Key = tuple[str, int]  # experiment, version


def rows(root: Path, experiment: str | None = None, *, brief: bool = False) -> tuple[IndexRow, ...]:
    """Return all runs below the root, or those of one experiment, newest first.

    Within an experiment the version orders, whatever the clock said; across experiments the start. Costs a look at
    each run.json's size and time; only what changed is read. A cache that is broken or cannot be written is no error.
    brief: only the fields of BRIEF are wanted, which is twice as quick; `whole` has the others of a few.
    """
    stamps: dict[Key, Stamp] = {}
    unfinished: list[Key] = []
    with uncollected():
        for name, folder in folders(root, experiment):
            for version, stamp in scan(folder):
                if stamp is None:
                    unfinished.append((name, version))
                else:
                    stamps[name, version] = stamp
        columns = BRIEF if brief else IndexRow._fields
        known = cached(root, Question(stamps, experiment, ", ".join(columns)))
        found = [*known, *unfinished_rows(root, unfinished)] if unfinished else known
        return tuple(newest_first(found))


def unfinished_rows(root: Path, keys: Sequence[Key]) -> Iterator[IndexRow]:
    from mlrun.store.row_reading import unfinished_row  # what reads run folders loads slowly: only where one is read

    return filter(None, (unfinished_row(root, *key) for key in keys))


def whole(root: Path, found: Sequence[IndexRow]) -> list[IndexRow]:
    """Return rows whose beginning is known with all their fields, as the cache has them, else as their folders do."""
    try:
        with closing(sqlite3.connect(f"{(root / CACHE).absolute().as_uri()}?mode=ro", uri=True)) as cache:
            lines = {(row.experiment, row.version): line_of(cache, row) for row in found}
    except sqlite3.Error:
        lines = {}
    return [filled(root, row, lines.get((row.experiment, row.version))) for row in found]


def line_of(cache: sqlite3.Connection, row: IndexRow) -> tuple[Any, ...] | None:
    """Return what the cache has of a run: its stamp, then its fields."""
    asked = f"SELECT mtime_ns, size, {', '.join(IndexRow._fields)} FROM run WHERE experiment = ? AND version = ?"  # noqa: S608 - constants
    line: tuple[Any, ...] | None = cache.execute(asked, (row.experiment, row.version)).fetchone()
    return line


def filled(root: Path, row: IndexRow, line: tuple[Any, ...] | None) -> IndexRow:
    """Return a run's row from its line, when that is of the run.json that is there; of an unfinished run, itself."""
    if row.status in UNFINISHED:
        return row
    with suppress(OSError):
        state = (root / row.experiment / version_name(row.version) / RUN).stat()
        if line is not None and line[:2] == (state.st_mtime_ns, state.st_size):
            return IndexRow._make(line[2:])
    (found,) = read_rows(root, [(row.experiment, row.version)])
    return found


def read_rows(root: Path, keys: Sequence[Key]) -> list[IndexRow]:
    """Return rows of finished runs from their folders."""
    if not keys:
        return []
    from mlrun.store.row_reading import read_row  # as in unfinished_rows

    return [read_row(root, *key) for key in keys]


@contextmanager
def uncollected() -> Iterator[None]:
    """Let the search for garbage rest: ten thousand rows would start it again and again, to find none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def folders(root: Path, experiment: str | None) -> Iterator[tuple[str, Path]]:
    """Yield (experiment, its folder); only a link can lead out of the root, and is refused then."""
    for name in list_experiments(root) if experiment is None else (experiment,):
        folder = root / name
        yield name, folder if experiment is None and not folder.is_symlink() else experiment_folder(root, name)


def scan(folder: Path) -> Iterator[tuple[int, Stamp | None]]:
    """Yield (version, stamp of run.json, None when it is not there) of an experiment's runs."""
    base = f"{folder}{os.sep}"
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names are all that is needed of ten thousand folders
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        if not is_version(name):
            continue
        try:
            state = os.stat(f"{base}{name}{os.sep}{RUN}")  # noqa: PTH116 - twice as quick as a Path
        except OSError:
            yield int(name), None
        else:
            yield int(name), (state.st_mtime_ns, state.st_size)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the cache: the runs that there are with their stamps, of one experiment or all; SQL columns."""

    stamps: Mapping[Key, Stamp]
    experiment: str | None
    columns: str


def cached(root: Path, question: Question) -> list[IndexRow]:
    """Return the rows of finished runs; those whose stamp is not the cached one are read and cached."""
    path = root / CACHE
    for _ in range(2):
        try:
            with closing(connect(path)) as cache:
                return refreshed(prepared(cache), root, question)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in CANNOT_WRITE:  # not every error has a code
                break
        except (TypeError, ValueError):  # rows that another version or a broken disk left
            pass
        with suppress(OSError):  # broken: all that it held can be read again
            path.unlink()
    return without_file(path, root, question)


def connect(path: Path) -> sqlite3.Connection:
    """Open the cache; where there is no folder of runs, one in memory."""
    return sqlite3.connect(path if path.parent.is_dir() else ":memory:", timeout=BUSY_SECONDS)


def without_file(path: Path, root: Path, question: Question) -> list[IndexRow]:
    """Return the same from a cache in memory, filled with what the file can still tell."""
    with closing(sqlite3.connect(":memory:")) as memory:
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", timeout=0, uri=True)) as file:
                file.backup(memory, progress=give_up_when_busy)
            return refreshed(prepared(memory), root, question)
        except (sqlite3.Error, TypeError, ValueError):
            pass
    with closing(sqlite3.connect(":memory:")) as empty:
        return refreshed(prepared(empty), root, question)


def give_up_when_busy(status: int, remaining: int, total: int) -> None:  # noqa: ARG001 - called by sqlite3
    """Stop a copy that would wait for a lock for ever."""
    if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise sqlite3.OperationalError("the cache is locked")


def prepared(cache: sqlite3.Connection) -> sqlite3.Connection:
    """Give a cache its table, unless it has it."""
    (version,) = cache.execute("PRAGMA user_version").fetchone()
    if version != CACHE_VERSION:
        with cache:
            cache.execute("BEGIN IMMEDIATE")
            cache.execute("DROP TABLE IF EXISTS run")
            cache.execute(
                f"CREATE TABLE run (mtime_ns, size, {', '.join(IndexRow._fields)}, PRIMARY KEY (experiment, version)) "
                "WITHOUT ROWID"
            )
            cache.execute(f"PRAGMA user_version = {CACHE_VERSION}")
    return cache


def refreshed(cache: sqlite3.Connection, root: Path, question: Question) -> list[IndexRow]:
    """Bring the cache up to date, for one experiment or all, and return its rows."""
    stamps, experiment = question.stamps, question.experiment
    where, values = ("WHERE experiment = ?", (experiment,)) if experiment is not None else ("", ())
    lines = cache.execute(f"SELECT experiment, version, mtime_ns, size FROM run {where}", values)  # noqa: S608 - constants
    held = {line[:2]: line[2:] for line in lines}
    if held != stamps:
        fresh = [key for key, stamp in stamps.items() if held.get(key) != stamp]
        with cache:
            cache.executemany("DELETE FROM run WHERE experiment = ? AND version = ?", held.keys() - stamps.keys())
            places = ", ".join("?" * (2 + len(IndexRow._fields)))
            filling = [(*stamps[key], *row) for key, row in zip(fresh, read_rows(root, fresh), strict=True)]
            cache.executemany(f"INSERT OR REPLACE INTO run VALUES ({places})", filling)  # noqa: S608 - question marks
    return list(starmap(IndexRow, cache.execute(f"SELECT {question.columns} FROM run {where}", values)))  # noqa: S608 - constants


def newest_first(found: Sequence[IndexRow]) -> list[IndexRow]:
    """Return rows by their start, a version never before a later one of its experiment, whatever the clock said."""
    ascending = sorted(found, key=itemgetter(1))  # by version
    latest: dict[str, str] = {}
    keyed: list[tuple[str, int, str, IndexRow]] = []
    for row in ascending:
        experiment, version, started = row.experiment, row.version, row.started
        if experiment not in latest or latest[experiment] < started:
            latest[experiment] = started
        keyed.append((latest[experiment], version, experiment, row))
    if len(latest) < 2:
        return ascending[::-1]
    return [row for _, _, _, row in sorted(keyed, reverse=True)]
