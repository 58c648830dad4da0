"""What `list` shows of every run, from a cache that follows the run folders and is never the truth."""

from __future__ import annotations

import gc
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from mlrun.store.run_folder import RUN
from mlrun.store.run_names import experiment_folder, is_version, list_experiments
from mlrun.store.run_row import IndexRow, read_row, unfinished_row

CACHE = ".index.sqlite"
CACHE_VERSION = 2  # goes up when what is cached changes: an older cache is made anew
BUSY_SECONDS = 5.0
CANNOT_WRITE = (
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM,
)  # fmt: skip

LITERALS = {str: "''", int: "0", type(None): "NULL"}

Stamp = tuple[int, int]  # of run.json: modification time in nanoseconds, size in bytes
Key = tuple[str, int]  # experiment, version


def rows(root: Path, experiment: str | None = None, only: Sequence[str] = ()) -> tuple[IndexRow, ...]:
    """Return all runs below the root, or those of one experiment, newest first.

    Within an experiment the version orders, whatever the clock said; across experiments the start. Costs a look at
    each run.json's size and time; only what changed is read. A cache that is broken or cannot be written is no error.
    only: the fields that matter, beside the name, where others may be left out; that is quicker, () = all.
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
        known = cached(root, Question(stamps, experiment, columns_of(only)))
        found = [*known, *filter(None, (unfinished_row(root, *key) for key in unfinished))]
        return tuple(newest_first(found))


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


def columns_of(only: Sequence[str]) -> str:
    """Return the columns of a row for SQL, in its own order; what is left out is its default."""
    if not only:
        return "*"
    left_out = {name: LITERALS[type(value)] for name, value in IndexRow._field_defaults.items() if name not in only}
    return ", ".join(["mtime_ns", "size", *(left_out.get(name, name) for name in IndexRow._fields)])


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
    known: dict[Key, IndexRow] = {}
    gone: list[Key] = []
    for line in cache.execute(f"SELECT {question.columns} FROM run {where}", values):  # noqa: S608 - constants
        key = line[2:4]
        if key not in stamps:
            gone.append(key)
        elif stamps[key] == line[:2]:
            known[key] = IndexRow._make(line[2:])
    fresh = {key: read_row(root, *key) for key in stamps if key not in known}
    if fresh or gone:
        with cache:
            cache.executemany("DELETE FROM run WHERE experiment = ? AND version = ?", gone)
            places = ", ".join("?" * (2 + len(IndexRow._fields)))
            lines = [(*stamps[key], *row) for key, row in fresh.items()]
            cache.executemany(f"INSERT OR REPLACE INTO run VALUES ({places})", lines)  # noqa: S608 - question marks
    return [*known.values(), *fresh.values()]


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
