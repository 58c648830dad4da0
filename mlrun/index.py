"""What `list` shows of every run, from a cache that follows the run folders and is never the truth."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from mlrun.errors import MlrunError, UsageError
from mlrun.store.run_folder import JOURNAL, LOCK, RUN, is_locked
from mlrun.store.run_names import experiment_folder, is_version, list_experiments, version_name
from mlrun.store.run_reading import read_run
from mlrun.store.run_record import RunRecord

CACHE = ".index.sqlite"
CACHE_VERSION = 1  # goes up when what is cached changes: an older cache is made anew
BUSY_SECONDS = 5.0
CANNOT_WRITE = (
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM,
)  # fmt: skip

State = Literal["complete", "failed", "interrupted", "running", "damaged", "newer"]


class IndexRow(NamedTuple):
    """A line of `list`; a tuple, as ten thousand of them must be made in an instant.

    metric: the first one's label; cv, sd: the best model's mean and standard deviation over folds; test, low, high:
    its value on test rows with its interval. Texts are "" and numbers None where a run has nothing to say.
    """

    experiment: str
    version: int
    status: State
    started: str = ""
    finished: str = ""
    best: str = ""
    family: str = ""
    metric: str = ""
    direction: str = ""
    cv: float | None = None
    sd: float | None = None
    test: float | None = None
    low: float | None = None
    high: float | None = None
    verdict: str = ""
    reason: str = ""
    models: int = 0
    failed_trials: int = 0
    sampled: int | None = None
    spec_id: str = ""
    data_id: str = ""
    exit_code: int | None = None

    @property
    def name(self) -> str:
        return f"{self.experiment}@{self.version}"


Stamp = tuple[int, int]  # of run.json: modification time in nanoseconds, size in bytes
Key = tuple[str, int]  # experiment, version


def rows(root: Path, experiment: str | None = None) -> tuple[IndexRow, ...]:
    """Return all runs below the root, or those of one experiment, newest first.

    Within an experiment the version orders, whatever the clock said; across experiments the start. Costs a look at
    each run.json's size and time; only what changed is read. A cache that is broken or cannot be written is no error.
    """
    wanted = list_experiments(root) if experiment is None else (experiment,)
    stamps: dict[Key, Stamp] = {}
    unfinished: list[Key] = []
    for name in wanted:
        for version, stamp in scan(experiment_folder(root, name)):
            if stamp is None:
                unfinished.append((name, version))
            else:
                stamps[name, version] = stamp
    found = [*cached(root, stamps, experiment), *live(root, unfinished)]
    return tuple(newest_first(found))


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


def cached(root: Path, stamps: Mapping[Key, Stamp], experiment: str | None) -> list[IndexRow]:
    """Return the rows of finished runs; those whose stamp is not the cached one are read and cached."""
    path = root / CACHE
    for _ in range(2):
        try:
            with closing(connect(path)) as cache:
                return refreshed(prepared(cache), root, stamps, experiment)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in CANNOT_WRITE:  # not every error has a code
                break
        except (TypeError, ValueError):  # rows that another version or a broken disk left
            pass
        with suppress(OSError):  # broken: all that it held can be read again
            path.unlink()
    return without_file(path, root, stamps, experiment)


def connect(path: Path) -> sqlite3.Connection:
    """Open the cache; where there is no folder of runs, one in memory."""
    return sqlite3.connect(path if path.parent.is_dir() else ":memory:", timeout=BUSY_SECONDS)


def without_file(path: Path, root: Path, stamps: Mapping[Key, Stamp], experiment: str | None) -> list[IndexRow]:
    """Return the same from a cache in memory, filled with what the file can still tell."""
    with closing(sqlite3.connect(":memory:")) as memory:
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", timeout=0, uri=True)) as file:
                file.backup(memory, progress=give_up_when_busy)
            return refreshed(prepared(memory), root, stamps, experiment)
        except (sqlite3.Error, TypeError, ValueError):
            pass
    with closing(sqlite3.connect(":memory:")) as empty:
        return refreshed(prepared(empty), root, stamps, experiment)


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


def refreshed(
    cache: sqlite3.Connection, root: Path, stamps: Mapping[Key, Stamp], experiment: str | None
) -> list[IndexRow]:
    """Bring the cache up to date, for one experiment or all, and return its rows."""
    where, values = ("WHERE experiment = ?", (experiment,)) if experiment is not None else ("", ())
    known: dict[Key, IndexRow] = {}
    gone: list[Key] = []
    for mtime_ns, size, *columns in cache.execute(f"SELECT * FROM run {where}", values):  # noqa: S608 - a constant
        row = IndexRow._make(columns)
        key = (row.experiment, row.version)
        if key not in stamps:
            gone.append(key)
        elif stamps[key] == (mtime_ns, size):
            known[key] = row
    fresh = {key: read_row(root, key) for key in stamps if key not in known}
    if fresh or gone:
        with cache:
            cache.executemany("DELETE FROM run WHERE experiment = ? AND version = ?", gone)
            places = ", ".join("?" * (2 + len(IndexRow._fields)))
            lines = [(*stamps[key], *row) for key, row in fresh.items()]
            cache.executemany(f"INSERT OR REPLACE INTO run VALUES ({places})", lines)  # noqa: S608 - question marks
    return [*known.values(), *fresh.values()]


def read_row(root: Path, key: Key) -> IndexRow:
    """Return the row of a finished run, also when its run.json cannot be read."""
    experiment, version = key
    try:
        record = read_run(experiment_folder(root, experiment) / version_name(version))
    except MlrunError as error:
        return IndexRow(experiment, version, "newer" if isinstance(error, UsageError) else "damaged", reason=str(error))
    return make_row(experiment, version, record)


def make_row(experiment: str, version: int, record: RunRecord) -> IndexRow:
    """Return what `list` shows of a record; the folder's name counts where the record has another."""
    best, metric = record.champion, record.metrics[0] if record.metrics else None
    cv = best.cv[metric.label] if best and metric and metric.label in best.cv else None
    test = best.test[metric.label] if best and metric and metric.label in best.test else None
    return IndexRow(
        experiment=experiment,
        version=version,
        status=record.status,
        started=record.started,
        finished=record.finished,
        best=best.name if best else "",
        family=best.family if best else "",
        metric=metric.label if metric else "",
        direction=metric.direction if metric else "",
        cv=cv.mean if cv else None,
        sd=cv.sd if cv else None,
        test=test.value if test else None,
        low=test.low if test else None,
        high=test.high if test else None,
        verdict=record.verdict.word,
        reason=record.verdict.reason,
        models=sum(model.kind == "model" for model in record.models),
        failed_trials=record.failed_trials,
        sampled=record.sampled,
        spec_id=record.spec_id,
        data_id=record.data_id,
        exit_code=record.exit_code,
    )


def live(root: Path, unfinished: Iterable[Key]) -> Iterator[IndexRow]:
    """Yield the rows of runs without run.json: running, or interrupted; folders without a journal are passed over."""
    for experiment, version in unfinished:
        path = experiment_folder(root, experiment) / version_name(version)
        running = is_locked(path)
        if (path / RUN).is_file():  # it has finished since we looked
            yield read_row(root, (experiment, version))
        elif running or (path / JOURNAL).is_file():
            yield IndexRow(experiment, version, "running" if running else "interrupted", started=claimed_at(path))


def claimed_at(path: Path) -> str:
    """Return when a run's folder was claimed, in UTC; "" when that cannot be told."""
    try:
        return datetime.fromtimestamp((path / LOCK).stat().st_mtime, UTC).isoformat(timespec="seconds")
    except OSError:
        return ""


def newest_first(found: Sequence[IndexRow]) -> list[IndexRow]:
    """Return rows by their start, a version never before a later one of its experiment, whatever the clock said."""
    starts: dict[Key, str] = {}
    latest: dict[str, str] = {}
    for row in sorted(found, key=lambda row: row.version):
        latest[row.experiment] = max(latest.setdefault(row.experiment, ""), row.started)
        starts[row.experiment, row.version] = latest[row.experiment]
    return sorted(found, key=lambda row: (starts[row.experiment, row.version], row.version, row.name), reverse=True)
