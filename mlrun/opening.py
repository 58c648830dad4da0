"""From the identity of a run to its folder: gone on with where a run of it was cut off, claimed anew otherwise."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mlrun import runs
from mlrun.errors import MlrunError, UsageError
from mlrun.records import TrialResult
from mlrun.run_log import RunLog
from mlrun.store.file_names import JOURNAL, TRIALS
from mlrun.store.run_folder import RunFolder, sha256_of
from mlrun.store.run_record import ModelRecord, RunRecord

if TYPE_CHECKING:
    from mlrun.run_identity import RunIdentity
    from mlrun.run_options import TrainOptions
    from mlrun.spec import Spec

EARLIER_RUNS = 30  # complete runs whose trials can be reused


@dataclass(frozen=True, slots=True)
class Opened:
    """A run's folder with its log; known: identity → a finished trial of an earlier run on these rows.

    foreign: earlier runs on these rows that were made elsewhere, and are not reused. erased: the newest one on these
    very rows that a person was erased from since, "" = none.
    """

    folder: RunFolder
    log: RunLog
    resumed: bool
    started: str
    known: Mapping[str, TrialResult] = field(default_factory=dict)
    champions: Mapping[str, tuple[Path, ModelRecord]] = field(default_factory=dict)
    foreign: tuple[str, ...] = ()
    erased: str = ""


class Earlier(NamedTuple):
    """What can be taken over: identity → trial, identity → run folder and champion; foreign, erased: as in Opened."""

    trials: Mapping[str, TrialResult]
    champions: Mapping[str, tuple[Path, ModelRecord]]
    foreign: tuple[str, ...] = ()
    erased: str = ""


@contextmanager
def open_run(spec: Spec, identity: RunIdentity, options: TrainOptions) -> Iterator[Opened]:
    """Yield the newest interrupted run of equal spec and data, or a new one; it is locked until the end."""
    root = runs.runs_root(spec.folder, options.runs)
    folder = resumable(root, spec, identity, options) or runs.claim(root, spec.experiment)
    log: RunLog | None = None
    try:
        shutil.rmtree(folder.path / "scratch", ignore_errors=True)
        log = RunLog(folder.path / JOURNAL)
        resumed = log.first is not None
        if not resumed:
            begin(log, spec, identity)
        first = log.first
        started = str(first["started"]) if first is not None else now()
        earlier = Earlier({}, {}) if options.no_cache else earlier_results(root, spec, identity)
        yield Opened(folder, log, resumed, started, *earlier)
    finally:
        shutil.rmtree(folder.path / "scratch", ignore_errors=True)
        if log is not None:
            log.close()
        folder.close()


def begin(log: RunLog, spec: Spec, identity: RunIdentity) -> None:
    """Write the journal's first line: which spec on which data."""
    log.begin(
        format=1,
        experiment=spec.experiment,
        spec_id=identity.spec_id,
        rows_id=identity.digests.rows_id,
        code=identity.code,
        versions=dict(identity.versions),
        started=now(),
    )


def resumable(root: Path, spec: Spec, identity: RunIdentity, options: TrainOptions) -> RunFolder | None:
    """Return the newest interrupted run that this one may go on with; None for a fresh start."""
    if options.fresh or options.no_cache:
        return None
    for path in runs.interrupted(root, spec.experiment):
        try:
            folder = runs.reopen(path)
        except UsageError:  # another process was quicker
            continue
        log = RunLog(path / JOURNAL)
        first = log.first
        log.close()
        if log.is_blank or (first is not None and is_same(first, identity)):
            return folder
        folder.close()
    return None


def is_same(first: Mapping[str, object], identity: RunIdentity) -> bool:
    """Say whether a journal's first line is of this spec, these rows, this code and these packages."""
    return (
        first["spec_id"] == identity.spec_id
        and first["rows_id"] == identity.digests.rows_id
        and first["code"] == identity.code
        and first["versions"] == dict(identity.versions)
    )


def earlier_results(root: Path, spec: Spec, identity: RunIdentity) -> Earlier:
    """Return finished trials of earlier runs on the same rows by identity, and champions by theirs; the newest wins.

    Only of runs that are whole and this user's own: one from elsewhere could claim any score.
    """
    trials: dict[str, TrialResult] = {}
    champions: dict[str, tuple[Path, ModelRecord]] = {}
    foreign: list[str] = []
    erased = ""
    looked_at = 0
    for run in runs.iter_runs(root, spec.experiment):
        if run.rows_id != identity.digests.rows_id:
            continue
        if run.erasures:  # what a person was erased from gives nothing on
            erased = erased or run.name
            continue
        looked_at += 1
        if looked_at > EARLIER_RUNS:
            break
        path = runs.run_path(root, run.experiment, run.version)
        if not runs.is_own(path):
            foreign.append(run.name)
            continue
        for name, champion in champions_of(run):
            champions.setdefault(name, (path, champion))
        for result in whole_trials(path):
            if result.status == "done" and result.identity:
                trials.setdefault(result.identity, result)
    return Earlier(trials, champions, tuple(foreign), erased)


def whole_trials(path: Path) -> tuple[TrialResult, ...]:
    """Return a run's trials; none where they are not as the run wrote them, which is no reason to stop."""
    try:
        whole = sha256_of(path / TRIALS) == runs.read_manifest(path)[TRIALS]
        return runs.read_trials(path) if whole else ()
    except (MlrunError, OSError, KeyError):
        return ()


def champions_of(run: RunRecord) -> Iterator[tuple[str, ModelRecord]]:
    """Yield (identity, record) of a run's stored champions."""
    for model in run.models:
        if model.identity and model.file and model.status == "done" and not model.stale:
            yield model.identity, model


def told_foreign(names: Sequence[str]) -> str:
    """Say why earlier runs on the same rows spare nothing."""
    return (
        f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''} on the same rows cannot be reused: made "
        "elsewhere, by an older mlrun, or changed since. Machines that share runs need one MLRUN_KEY"
    )


def told_erased(name: str) -> str:
    """Say that rows are those from which a person was erased in the runs, so that they hold the person still."""
    return (
        f"a person was erased from {name} since, and these are the rows that it was made from: take theirs out of the "
        "data, or they are in the runs again"
    )


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
