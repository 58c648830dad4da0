"""From a finished run to the same run once more, from its own folder, and whether every score is equal."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun import provenance, runs
from mlrun import train as step
from mlrun.author_files import files_of_baselines, files_of_tests
from mlrun.comparison.origins import Code, Data, Environment, Origins, read_origins
from mlrun.comparison.repetition import compare_folders
from mlrun.comparison.reproduction import Reproduction, verdict
from mlrun.comparison.restoring import Departure, find_departures
from mlrun.course import Hear
from mlrun.errors import DataError, Interrupted, NothingConcluded, StorageError, UsageError
from mlrun.events import Event, Noted, RunFinished
from mlrun.json_records import decode
from mlrun.ready import Ready, join_to_data
from mlrun.recorded_data import RecordedFile, check_files, with_snapshots
from mlrun.recording import files_of_rows
from mlrun.run_options import TrainOptions
from mlrun.run_rows import kept_tables
from mlrun.run_spec import spec_of
from mlrun.store.file_names import JOURNAL, SCRATCH
from mlrun.store.run_folder import sha256_of
from mlrun.store.run_record import RunRecord

if TYPE_CHECKING:
    from mlrun.spec import BaselineSpec, Spec

PREFIX = "mlrun-reproduce-"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: a run, and how to run it. keep: where the repetition stays; folder: where its paths begin."""

    run: str
    jobs: int | None = None
    executor: str = "joblib"
    runs: str | None = None
    trust: tuple[str, ...] = ()
    keep: str = ""
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Repetition:
    """A run that can be run again; refusal: why it is no use, for nothing can be equal, '' = it is."""

    path: Path
    record: RunRecord
    ready: Ready
    departures: tuple[Departure, ...]
    notes: tuple[str, ...]
    scratch: Path
    refusal: str = ""


@contextmanager
def prepared(wish: Wish) -> Iterator[Repetition]:
    """Check data, code and packages against a run's record; yield what can be run again, in a folder that goes after.

    Raises UsageError for a run that is not finished, or whose code nobody vouches for; DataError where its data is
    gone; StorageError.
    """
    root = runs.runs_root(None, wish.runs)
    path = runs.resolve(root, wish.run)
    with scratch_folder(wish.keep) as scratch:
        yield prepare(path, root, wish, scratch)


@contextmanager
def told_when_stopped() -> Iterator[None]:
    """Say of an interruption that nothing of the repetition stays."""
    try:
        yield
    except Interrupted as stop:
        raise Interrupted("the run is as it was; what was repeated so far is gone", stop.signal_number) from stop


@contextmanager
def scratch_folder(keep: str) -> Iterator[Path]:
    """Yield the folder for the repetition: the one that is to be kept, else a new one that is removed at the end."""
    if keep:
        place = Path(keep).expanduser().absolute()
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"--keep {place}: {error.strerror or error}; name another folder") from error
        yield place
        return
    try:
        folder = tempfile.mkdtemp(prefix=PREFIX)
    except OSError as error:
        told = f"there is no place for the repetition ({error.strerror or error})"
        raise StorageError(f"{told}: name a folder with --keep DIR, or set TMPDIR") from error
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prepare(path: Path, root: Path, wish: Wish, scratch: Path) -> Repetition:
    """Return a run joined to the data that it had, with all that is not as it was."""
    record, then = runs.read_run(path), read_origins(path)
    roots = tuple(dict.fromkeys((path.parent.parent, root)))  # a run may have been named by its folder
    spec = as_recorded(spec_of(path, wish.trust, spec_folder(wish.folder)), record, roots)
    files = check_files(path, spec, roots)
    try:
        links = scratch / f".files-{os.getpid()}"
        read = kept_tables(spec, path, roots)
        ready = join_to_data(with_snapshots(spec, files, links), record.sampled, read)
    except DataError as error:
        raise DataError(f"{str(error).rstrip('.')}. {way_out(record, files, spec.folder)}") from error
    why = refusal(record, ready)
    departures = (
        *damaged_record(path),
        *(of_file(each, matters=bool(why)) for each in files if not each.same),
        *files_beside(then),
        *find_departures(path, spec.folder, then, origins_now(ready)),
    )
    notes = [] if Path(spec.folder).is_dir() else [f"the folder in which its spec stood is gone: {spec.folder}"]
    if record.erasures:
        notes.append(f"a person was erased from {record.name} since: predictions of their rows are not compared")
    return Repetition(path, record, ready, departures, tuple(notes), scratch, why)


def as_recorded(spec: Spec, record: RunRecord, roots: Sequence[Path]) -> Spec:
    """Return the spec with the runs that its moving names meant then.

    Gates go, for they say nothing of scores, and so do baselines for which there was no run yet; no snapshot is made.
    """
    baselines: list[BaselineSpec] = []
    for each in spec.baselines:
        name = each.params.get("run")
        if name is None:
            baselines.append(each)
        elif str(name) in record.references:
            folder = folder_of(record.references[str(name)], roots)
            baselines.append(replace(each, params={**each.params, "run": folder}))
    return replace(spec, data=replace(spec.data, snapshot=False), baselines=tuple(baselines), gates=())


def folder_of(name: str, roots: Sequence[Path]) -> str:
    """Return the folder of a run that was meant; its name where it is gone, so that this is told."""
    for place in roots:
        try:
            return str(runs.resolve(place, name))
        except UsageError:
            continue
    return name


def spec_folder(name: str) -> str:
    """Return the folder that --folder names, absolute; '' = none. Raises UsageError when it is not there."""
    if not name:
        return ""
    place = Path(name).expanduser().absolute()
    if not place.is_dir():
        raise UsageError(f"--folder {place}: there is no such folder")
    return str(place)


def way_out(record: RunRecord, files: Sequence[RecordedFile], folder: str) -> str:
    """Return what helps where the data cannot be read any more."""
    lost = next((each.record for each in files if each.usable is None), None)
    told = f"{record.name} cannot be run again without its data"
    if lost is not None and lost.sha256:
        told += f": put {lost.path} back (sha256 {lost.sha256})"
    told += ". With `data: {snapshot: true}` in its spec, the next run keeps a copy"
    if not Path(folder).is_dir():
        told += f". Its spec stood in {folder}, which is gone: --folder DIR says where its paths begin now"
    return told


def of_file(file: RecordedFile, *, matters: bool) -> Departure:
    """Return that a file of data has other bytes than then; matters: its rows are others too."""
    instead = "; its snapshot is read instead" if file.snapshot else ""
    return Departure("data", f"{file.record.path} has {'changed' if file.now else 'gone'}{instead}", matters=matters)


def files_beside(then: Origins) -> Iterator[Departure]:
    """Yield each file of baselines and tests that is not what it was."""
    for file in () if then.data is None else (*then.data.baseline_files, *then.data.author_files):
        try:
            same = not file.sha256 or provenance.file_fingerprint(file.path).sha256 == file.sha256
        except DataError:
            yield Departure("data", f"{file.path}, which baselines or tests read, has gone")
            continue
        if not same:
            yield Departure("data", f"{file.path}, which baselines or tests read, has changed")


def damaged_record(path: Path) -> Iterator[Departure]:
    """Yield each file of the record that is not the one that the run wrote; models are not asked anything here."""
    try:
        manifest = runs.read_manifest(path)
    except StorageError as error:
        yield Departure("record", str(error))
        return
    for name, sha256 in manifest.items():
        file = path / name
        if name == JOURNAL or name.startswith(("models/", f"{SCRATCH}/")):  # older runs vouch for their scratch
            continue
        if not file.is_file():
            yield Departure("record", f"{name} is gone from the run's folder")
        elif sha256_of(file) != sha256:
            yield Departure("record", f"{name} was changed after the run")


def refusal(record: RunRecord, ready: Ready) -> str:
    """Return why no score can be equal; '' when they can."""
    digests = ready.identity.digests
    if not record.rows_id or digests.rows_id == record.rows_id:
        return ""
    if record.erasures:
        return f"rows were erased from its data after {record.name} was made"
    if digests.data_id == record.data_id:
        return "the rows are in another order than they were, so the folds are others"
    return "the data is not what it was"


def origins_now(ready: Ready) -> Origins:
    """Return code, packages and data as they are now, in the form in which a run folder has them."""
    identity, dataset = ready.identity, ready.dataset
    data_files = [*files_of_rows(dataset), *files_of_baselines(ready.spec), *files_of_tests(ready.spec)]
    code = provenance.code_state(ready.spec.folder, identity.modules, data_files)
    data = Data(
        data_id=identity.digests.data_id,
        rows_id=identity.digests.rows_id,
        rows=dataset.table.height,
        columns=identity.digests.columns,
        schema=dataset.schema,
    )
    environment = Environment(dict(identity.versions), provenance.machine(), provenance.RESULT_VERSION)
    return Origins(decode(Code, code.summary), environment, data, {}, ())


# -- the run again -----------------------------------------------------------------------------------------------------


def run_again(again: Repetition, wish: Wish, hear: Hear) -> Iterator[Event]:
    """Run it with nothing reused; yield what happens, as `train` does."""
    yield step.told(again.ready)
    yield from (Noted(note, warning=True) for note in again.notes)
    yield from (Noted(f"{each.what}: {each}", warning=True) for each in again.departures if each.matters)
    options = TrainOptions(
        jobs=wish.jobs,
        executor=wish.executor,
        runs=str(again.scratch),
        fresh=True,
        no_cache=True,
        sample=again.record.sampled,
    )
    yield from step.run(again.ready, options, hear)


def refused(again: Repetition) -> Reproduction:
    """Return the outcome of a run that was not run again, for nothing can be equal."""
    sentence = f"not reproduced: {again.refusal}"
    return Reproduction(again.record.name, False, sentence, again.departures, again.notes)


def judge(again: Repetition, finished: RunFinished | None, kept: bool) -> Reproduction:
    """Compare a run with its repetition, and say whether it was reproduced; kept: it stays after that."""
    if finished is None:  # every run ends with it, unless `--if-changed` finds nothing to do, which is not asked here
        raise NothingConcluded(f"the repetition of {again.record.name} did not come to its end")
    folder = Path(finished.folder)
    parts = {model.name: model.parts for model in again.ready.spec.models if model.parts}
    compared = tuple(each for each in compare_folders(again.path, folder, parts) if each.total)
    reproduced, sentence = verdict(compared)
    place = str(folder) if kept else ""
    return Reproduction(again.record.name, reproduced, sentence, again.departures, again.notes, compared, place)
