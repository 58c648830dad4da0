"""From runs to whether each is whole: its bytes, its tables, its models, the data that it kept; and whose it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mlrun import runs
from mlrun.errors import MlrunError, NothingConcluded, StorageError, UsageError
from mlrun.store import stale_models
from mlrun.store.file_names import JOURNAL, MANIFEST, RUN
from mlrun.store.snapshots import DATA
from mlrun.verification.bytes_written import check_bytes, said
from mlrun.verification.contents import check_contents, check_journal, check_labels, check_snapshots
from mlrun.verification.stored_models import Loaded, check_models
from mlrun.verification.trouble import Trouble
from mlrun.wording import count

if TYPE_CHECKING:
    from mlrun.foreign import Room
    from mlrun.store.run_record import RunRecord

State = Literal["whole", "damaged", "interrupted", "running", "not checked"]
Made = Literal["here", "elsewhere", ""]
FORGOTTEN = "its folder holds neither run.json nor a journal"


@dataclass(frozen=True, slots=True)
class Verified:
    """A run and what was found: files that are as they were written, models that could be loaded (None = not tried)."""

    run: str
    folder: str
    state: State
    made: Made = ""
    files: int = 0
    models: int | None = None
    troubles: tuple[Trouble, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Search:
    """What runs that are looked at one after the other share; room: the child that loads models, None = not tried."""

    room: Room | None
    trust: tuple[str, ...] = ()
    snapshots: dict[str, str] = field(default_factory=dict)


def verify(
    root: Path, names: Sequence[str], *, everything: bool, models: bool, trust: Sequence[str] = ()
) -> Iterator[Verified]:
    """Yield what is found of each run, named or every one below the root.

    Raises UsageError for a name that means no run, or when none is named.
    """
    if not names and not everything:
        raise UsageError("name one or more runs (mlrun verify RUN), or all of them with --all")
    folders = [runs.resolve(root, name) for name in names]
    search = Search(make_room() if models else None, tuple(trust))
    for folder in dict.fromkeys([*folders, *(every_folder(root) if everything else ())]):
        yield verify_run(folder, search)


def make_room() -> Room:
    """Return a room, whose child is started with the first model."""
    from mlrun.foreign import Room

    return Room()


def every_folder(root: Path) -> Iterator[Path]:
    """Yield the folder of every run below the root."""
    for experiment in runs.list_experiments(root):
        for version in runs.list_versions(root, experiment):
            yield runs.run_path(root, experiment, version)


def verify_run(folder: Path, search: Search) -> Verified:
    """Return what is found of one run."""
    name = f"{folder.parent.name}@{int(folder.name)}" if folder.name.isdigit() else folder.name
    if runs.is_locked(folder):
        return Verified(name, str(folder), "running", notes=("it is being run: look again when it has ended",))
    if not (folder / RUN).is_file():
        return verify_unfinished(name, folder)
    try:
        record = runs.read_run(folder)
    except StorageError as error:
        return damaged_record(name, folder, error)
    except UsageError as error:  # a newer format
        return Verified(name, str(folder), "not checked", notes=(said(folder / RUN, error),))
    return verify_finished(name, folder, record, search)


def verify_unfinished(name: str, folder: Path) -> Verified:
    """Return what is found of a run without run.json: there is its journal, or nothing."""
    if not (folder / JOURNAL).is_file():
        left = [path.name for path in folder.iterdir() if path.name != "lock"]
        if not left:
            return Verified(name, str(folder), "interrupted", notes=("it was cut off before it began",))
        return Verified(name, str(folder), "damaged", troubles=(Trouble(RUN, FORGOTTEN),))
    troubles, notes = check_journal(folder)
    if (folder / MANIFEST).is_file():
        notes = (*notes, f"{MANIFEST} is there, and {RUN} is not: it was cut off at its very end, or {RUN} was deleted")
    return Verified(name, str(folder), "damaged" if troubles else "interrupted", troubles=troubles, notes=notes)


def damaged_record(name: str, folder: Path, error: MlrunError) -> Verified:
    """Return what can still be said of a run whose run.json cannot be read."""
    found = check_bytes(folder, None)
    others = tuple(trouble for trouble in found.troubles if trouble.file != RUN)
    good = sum(found.is_good(file) for file in found.vouched)
    troubles = (Trouble(RUN, said(folder / RUN, error)), *others)
    return Verified(name, str(folder), "damaged", files=good, troubles=troubles, notes=found.notes)


def verify_finished(name: str, folder: Path, record: RunRecord, search: Search) -> Verified:
    """Return what is found of a finished run."""
    own, found = runs.is_own(folder), check_bytes(folder, record)
    loaded = Loaded() if search.room is None else check_models(folder, record, found, search.room, search.trust)
    told = (*found.troubles, *check_contents(folder, found, own), *check_labels(folder), *loaded.troubles)
    kept = () if DATA in {trouble.file for trouble in told} else check_snapshots(folder, search.snapshots)
    troubles = (*told, *kept)
    return Verified(
        run=name,
        folder=str(folder),
        state="damaged" if troubles else "whole",
        made="here" if own else "elsewhere",
        files=sum(found.is_good(file) for file in found.vouched),
        models=None if search.room is None else loaded.count,
        troubles=troubles,
        notes=(*of_record(record, own), *found.notes, *loaded.notes),
    )


def of_record(record: RunRecord, own: bool) -> Iterator[str]:
    """Yield what a run's record says that whoever relies on the run should know."""
    if not own and not record.digest:
        yield "an older mlrun wrote it: it bears no seal, and is used as a run from elsewhere is"
    elif not own:
        yield "made elsewhere, or changed after it was written: its models are used in a process of their own"
    if record.erasures:
        yield f"{count(len(record.erasures), 'erasure')} changed it: {', '.join(record.erasures)}"
    for model in record.models:
        if told := stale_models.warning(record, model.name):
            yield told


def exit_code(found: Sequence[Verified]) -> int:
    """Return 1 when a run is damaged, 3 when one could not be checked or there is none, else 0."""
    states = {each.state for each in found}
    if "damaged" in states:
        return 1
    return NothingConcluded.exit_code if not states or states & {"not checked", "running"} else 0
