"""Runs on disk, by name and in order: the door to tracking.md's run folder. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlrun import index
from mlrun.catalog import suggestion
from mlrun.errors import MlrunError, StorageError, UsageError
from mlrun.store.file_names import JOURNAL, MANIFEST, RUN
from mlrun.store.run_findings import read_findings, write_findings
from mlrun.store.run_folder import RunFolder, claim, finish, is_locked, reopen
from mlrun.store.run_names import (
    EXPERIMENT,
    RunName,
    check_known,
    experiment_folder,
    list_experiments,
    list_versions,
    nearest_versions,
    parse_run_name,
    runs_root,
    version_name,
)
from mlrun.store.run_reading import is_own, read_manifest, read_run
from mlrun.store.run_record import RunRecord
from mlrun.store.run_row import best_of
from mlrun.store.run_seal import to_json
from mlrun.store.run_trials import read_trials, write_trials
from mlrun.store.stale_models import refusal
from mlrun.store.writing import storing, write_atomically

__all__ = [  # what the steps above use; the parts live in store/
    "RunFolder",
    "RunRecord",
    "claim",
    "find_model",
    "finish",
    "interrupted",
    "is_locked",
    "is_own",
    "iter_runs",
    "latest_complete",
    "list_experiments",
    "list_versions",
    "load_model",
    "read_findings",
    "read_manifest",
    "read_run",
    "read_trials",
    "reopen",
    "resolve",
    "run_path",
    "runs_root",
    "storing",
    "to_json",
    "write_atomically",
    "write_findings",
    "write_trials",
]


def resolve(root: Path, name: str) -> Path:
    """Return the folder of the run that `name` means: income@3, @latest, @latest~1, @best, @TAG, income, or a folder.

    latest and best look at complete runs only; best is by the mean over folds of the first metric, among runs on
    the same data as the latest, samples left out. A tag means the newest run that has it. Raises UsageError with the
    nearest names.
    """
    if "/" in name:
        return resolve_folder(Path(name).expanduser())
    wanted = parse_run_name(name)
    if "@" not in name and is_run_folder(Path(name)):
        if EXPERIMENT.fullmatch(name) and list_versions(root, name):
            raise UsageError(f"'{name}' is an experiment and a run folder: write {name}@latest or ./{name}")
        return resolve_folder(Path(name))
    check_known(root, wanted.experiment)
    if wanted.version is not None:
        return resolve_version(root, wanted.experiment, wanted.version)
    if wanted.tag:
        return resolve_tag(root, wanted)
    return resolve_best(root, wanted.experiment) if wanted.word == "best" else resolve_latest(root, wanted)


def resolve_folder(folder: Path) -> Path:
    """Return the folder, when a run is in it."""
    if not is_run_folder(folder):
        raise UsageError(f"{folder.absolute()} is no run folder: neither {RUN} nor {JOURNAL} is in it")
    return folder.resolve()


def is_run_folder(folder: Path) -> bool:
    """Say whether a run, finished or not, is in this folder."""
    return any((folder / file).is_file() for file in (RUN, JOURNAL))


def resolve_version(root: Path, experiment: str, version: int) -> Path:
    """Return the folder of one version."""
    versions = list_versions(root, experiment)
    if version not in versions:
        raise UsageError(
            f"there is no run {experiment}@{version} in {root}; "
            f"the nearest: {nearest_versions(experiment, versions, version)}"
        )
    return run_path(root, experiment, version)


def resolve_latest(root: Path, wanted: RunName) -> Path:
    """Return the folder of the newest complete run, or of one so many before it."""
    back = -1
    for record in iter_runs(root, wanted.experiment):
        back += record.status == "complete"
        if record.status == "complete" and back == wanted.back:
            return run_path(root, record.experiment, record.version)
    if back < 0:
        raise UsageError(none_complete(root, wanted.experiment))
    raise UsageError(
        f"'{wanted.experiment}@latest~{wanted.back}' goes too far back: {back + 1} complete "
        f"run{'s are' if back else ' is'} there, so @latest~{back} is the oldest"
    )


def resolve_best(root: Path, experiment: str) -> Path:
    """Return the folder of the best complete run on the latest one's data; of equal ones the newest."""
    rows = index.rows(root, experiment, brief=True)
    best = best_of(rows)
    if best is not None:
        return run_path(root, experiment, best.version)
    latest = next((row for row in rows if row.status == "complete" and row.sampled is None), None)
    if latest is None:
        raise UsageError(none_complete(root, experiment))
    raise UsageError(
        f"'{experiment}@best': no complete run on the data of {latest.name} has a score; "
        f"name a version, for example {latest.name}"
    )


def resolve_tag(root: Path, wanted: RunName) -> Path:
    """Return the folder of the newest run with a tag."""
    rows = index.rows(root, wanted.experiment, brief=True)
    found = next((row for row in rows if wanted.tag in row.tags.split()), None)
    if found is None:
        known = {"latest", "best", *(tag for row in rows for tag in row.tags.split())}
        raise UsageError(
            f"no run of '{wanted.experiment}' in {root} has the tag '{wanted.tag}'{suggestion(wanted.tag, known)}"
        )
    return run_path(root, found.experiment, found.version)


def none_complete(root: Path, experiment: str) -> str:
    """Say that moving names have nothing to mean, and which runs are there."""
    versions = list_versions(root, experiment)
    shown = nearest_versions(experiment, versions, versions[-1])
    return f"no run of '{experiment}' in {root} is complete on all rows yet; there are: {shown}"


def run_path(root: Path, experiment: str, version: int) -> Path:
    """Return where a run stands."""
    return experiment_folder(root, experiment) / version_name(version)


def iter_runs(root: Path, experiment: str) -> Iterator[RunRecord]:
    """Yield the finished runs of an experiment, newest first; those that cannot be read are left out."""
    for version in reversed(list_versions(root, experiment)):
        path = run_path(root, experiment, version)
        if (path / RUN).is_file():
            with suppress(MlrunError):  # one damaged run must not keep the others from being used; `list` shows it
                yield read_run(path)


def latest_complete(root: Path, experiment: str) -> RunRecord | None:
    """Return the newest complete run of an experiment, one on a sample too; None when there is none."""
    return next((run for run in iter_runs(root, experiment) if run.status == "complete"), None)


def interrupted(root: Path, experiment: str) -> tuple[Path, ...]:
    """Return the folders of runs that were cut off and can be gone on with, newest first."""
    paths = (run_path(root, experiment, version) for version in reversed(list_versions(root, experiment)))
    return tuple(path for path in paths if is_interrupted(path))


def is_interrupted(path: Path) -> bool:
    """Say whether a run has a journal, no run.json and no live process."""
    return (path / JOURNAL).is_file() and not is_locked(path) and not (path / RUN).is_file()


def load_model(
    run: str | Path,
    model: str | None = None,
    trust: Sequence[str] = (),
    root: Path | None = None,
    folder: str = "",
    *,
    stale: bool = False,
) -> Mapping[str, Any]:
    """Load a stored champion, the run's best when no model is named, for use from Python.

    Returns its payload: estimator, preparation, task, schema. The file's sha256 is checked before it is read; types
    beyond mlrun's own list need their module in `trust`, looked for in `folder`, else in the working directory. A model
    that was not stored here is loaded by a child process first; one that holds a person who was erased, only when
    `stale` says so. Raises UsageError, DataError, StorageError.
    """
    from mlrun.store import model_files

    path = run if isinstance(run, Path) else resolve(root or runs_root(), run)
    file, sha256 = find_model(path, model, stale=stale)
    return model_files.load(file, sha256, foreign=not is_own(path), trust=trust, folder=folder or str(Path.cwd()))


def find_model(path: Path, model: str | None = None, *, stale: bool = False) -> tuple[Path, str]:
    """Return the file of a run's champion, its best when none is named, with the sha256 that the manifest has.

    stale: also one that holds a person who was erased. Raises UsageError with the names that there are, StorageError
    when the run is not whole.
    """
    record = read_run(path)
    wanted = model or record.best
    if (why := refusal(record, str(wanted), stale=stale)) and wanted is not None:
        raise UsageError(why)
    found = next((entry for entry in record.models if entry.name == wanted and entry.file), None)
    if found is None:
        stored = [entry.name for entry in record.models if entry.file]
        if wanted is None:
            way_out = f"name one with --model: {', '.join(stored)}" if stored else "none of its models could be fitted"
            raise UsageError(f"{record.name} has no best model; {way_out}")
        raise UsageError(f"{record.name} has no stored model '{wanted}'{suggestion(str(wanted), stored)}")
    manifest = read_manifest(path)
    if found.file not in manifest:
        raise StorageError(f"{path / found.file} is not in the run's {MANIFEST}: the run is damaged or was changed")
    return path / found.file, manifest[found.file]
