"""From the identity of a run to its folder: gone on with where a run of it was cut off, claimed anew otherwise."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mlrun import runs
from mlrun.comparison.origins import Environment, read_as
from mlrun.errors import MlrunError, UsageError
from mlrun.events import Event, Noted
from mlrun.origin.identity import PACKAGES_THAT_MATTER
from mlrun.records import TrialResult
from mlrun.run_log import RunLog
from mlrun.store.run_folder import JOURNAL, TRIALS, RunFolder, sha256_of
from mlrun.store.run_record import ModelRecord, RunRecord

if TYPE_CHECKING:
    from mlrun.run_identity import RunIdentity
    from mlrun.run_options import TrainOptions
    from mlrun.spec import Spec

EARLIER_RUNS = 30  # complete runs whose trials can be reused
WAIT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Opened:
    """A run's folder with its log; known: identity → a finished trial of an earlier run on these rows.

    foreign: earlier runs on these rows that were made elsewhere, and are not reused.
    """

    folder: RunFolder
    log: RunLog
    resumed: bool
    started: str
    known: Mapping[str, TrialResult] = field(default_factory=dict)
    champions: Mapping[str, tuple[Path, ModelRecord]] = field(default_factory=dict)
    foreign: tuple[str, ...] = ()


class Earlier(NamedTuple):
    """What can be taken over: identity → trial, identity → run folder and champion; foreign: runs passed over."""

    trials: Mapping[str, TrialResult]
    champions: Mapping[str, tuple[Path, ModelRecord]]
    foreign: tuple[str, ...] = ()


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


def wait_for_running(spec: Spec, options: TrainOptions) -> Iterator[Event]:
    """With --wait: let runs of this experiment that are alive end first."""
    root, told = runs.runs_root(spec.folder, options.runs), False
    while options.wait:
        running = [
            path
            for version in runs.list_versions(root, spec.experiment)
            if runs.is_locked(path := runs.run_path(root, spec.experiment, version))
        ]
        if not running:
            return
        if not told:
            yield Noted(f"waiting for {spec.experiment}@{int(running[0].name)}, which is running")
            told = True
        time.sleep(WAIT_SECONDS)


def same_as_latest(spec: Spec, identity: RunIdentity, options: TrainOptions) -> str | None:
    """Return the name of the latest complete run when it had this spec, these rows, code and packages; else None."""
    root = runs.runs_root(spec.folder, options.runs)
    latest = runs.latest_complete(root, spec.experiment)
    if latest is None or latest.failed_trials:
        return None
    same = (
        latest.spec_id == identity.spec_id
        and latest.rows_id == identity.digests.rows_id
        and latest.code_id == identity.code
        and latest.sampled == options.sample
        and has_packages(runs.run_path(root, latest.experiment, latest.version), identity.versions)
    )
    return latest.name if same else None


def has_packages(path: Path, versions: Mapping[str, str]) -> bool:
    """Say whether a run was made with these versions of the packages that can change a score."""
    environment = read_as(Environment, path / "env.json")
    if environment is None:  # not whole any more: run again
        return False
    packages = environment.packages
    return all(name in packages and packages[name] == versions[name] for name in PACKAGES_THAT_MATTER)


def earlier_results(root: Path, spec: Spec, identity: RunIdentity) -> Earlier:
    """Return finished trials of earlier runs on the same rows by identity, and champions by theirs; the newest wins.

    Only of runs that are whole and this user's own: one from elsewhere could claim any score.
    """
    trials: dict[str, TrialResult] = {}
    champions: dict[str, tuple[Path, ModelRecord]] = {}
    foreign: list[str] = []
    looked_at = 0
    for run in runs.iter_runs(root, spec.experiment):
        if run.rows_id != identity.digests.rows_id:
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
    return Earlier(trials, champions, tuple(foreign))


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
        if model.identity and model.file and model.status == "done":
            yield model.identity, model


def told_foreign(names: Sequence[str]) -> str:
    """Say why earlier runs on the same rows spare nothing."""
    return (
        f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''} on the same rows cannot be reused: made "
        "elsewhere, by an older mlrun, or changed since. Machines that share runs need one MLRUN_KEY"
    )


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
