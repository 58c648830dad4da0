"""From a finished run to its rows as they were loaded: from snapshots, else from their source, if it is the same."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mlrun import runs
from mlrun.comparison.origins import read_as
from mlrun.dataset import Read, load, test_source
from mlrun.errors import DataError, MlrunError, StorageError
from mlrun.origin.digests import data_digests
from mlrun.recorded_data import RecordedFile, check_files, with_snapshots
from mlrun.run_spec import spec_of
from mlrun.store.snapshots import is_whole, snapshot_path
from mlrun.table.loading import load_table, source_files

if TYPE_CHECKING:
    import polars as pl

    from mlrun.records import Dataset, Params
    from mlrun.spec import Spec
    from mlrun.store.run_record import RunRecord

Origin = Literal["snapshot", "source"]
NOT_COPIED = ("sql",)  # a database holds more than the answer to one query, and may be written while it is copied


@dataclass(frozen=True, slots=True)
class TableRecord:
    """A table in data.json that was kept because no file could be; test: of the test rows."""

    sha256: str = ""
    test: bool = False


@dataclass(frozen=True, slots=True)
class TableRecords:
    """What data.json says of such tables."""

    tables: tuple[TableRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class RunRows:
    """A run's rows, and where they were read; None, and why, where they cannot be had any more."""

    dataset: Dataset | None
    origin: Origin = "source"
    why: str = ""


def table_of_run(run: Path, root: Path) -> tuple[pl.DataFrame | None, str]:
    """Return the table of a run as it was loaded, test rows last; None, and why, where it cannot be had any more."""
    found = rows_of_run(run, root)
    return (None if found.dataset is None else found.dataset.table), found.why


def rows_of_run(run: Path, root: Path, trust: Sequence[str] = ()) -> RunRows:
    """Return the rows of a run, typed and selected as they were, with the digest that its record has; else why not.

    root: the folder of all runs, where a run that was copied elsewhere may have its snapshots. Never raises MlrunError.
    """
    try:
        record, roots = runs.read_run(run), tuple(dict.fromkeys((run.parent.parent, root)))
        spec = spec_of(run, trust)
        files = check_files(run, spec, roots)
        read = kept_tables(spec, run, roots)
        if why := lost(files, spec, read):
            return RunRows(None, why=why)
        dataset = load_kept(spec, record.sampled, files, read)
    except MlrunError as error:
        return RunRows(None, why=str(error))
    if why := other_rows(record, dataset):
        return RunRows(None, why=why)
    return RunRows(dataset, "source" if read is load_table and all(each.same for each in files) else "snapshot")


def load_kept(spec: Spec, sample: int | None, files: Sequence[RecordedFile], read: Read) -> Dataset:
    """Load a spec's rows with its files as they were, wherever they stand now; read: as `kept_tables` gives it."""
    try:
        with tempfile.TemporaryDirectory(prefix="mlrun-rows-") as place:
            return load(with_snapshots(spec, files, Path(place)), sample, read)
    except OSError as error:
        raise StorageError(f"there is no place for links to the data: {error.strerror or error}") from error


def lost(files: Sequence[RecordedFile], spec: Spec, read: Read) -> str:
    """Return which file is no more what it was, and nowhere kept; '' when there is none."""
    if (
        read is not load_table or spec.data.source in NOT_COPIED
    ):  # a database may have changed where the query does not look
        return ""
    gone = next((each for each in files if each.usable is None), None)
    if gone is None:
        return ""
    told = "has changed since" if gone.now else "is gone"
    return f"{gone.record.path} {told}, and no whole snapshot of it is kept"


def other_rows(record: RunRecord, dataset: Dataset) -> str:
    """Return why rows that were read again are not those of a run; '' when they are."""
    if data_digests(dataset.table).rows_id == record.rows_id:
        return ""
    if record.erasures:
        return f"rows were erased from its data after {record.name} was made"
    return "what its source gives now are other rows, and no snapshot of them is kept"


def stands_in_files(source: str, params: Params, folder: str) -> bool:
    """Say whether copies of the files that a source reads are all that is needed to read its rows again."""
    return source not in NOT_COPIED and bool(source_files(source, params, folder))


# -- tables that stood in no file --------------------------------------------------------------------------------------


def kept_tables(spec: Spec, run: Path, roots: Sequence[Path]) -> Read:
    """Return what reads a run's tables: from their snapshots where data.json names some, else from their sources.

    Raises DataError when a snapshot is gone or damaged.
    """
    records = read_as(TableRecords, run / "data.json")
    places = {each.test: find_table(each.sha256, roots) for each in (records.tables if records else ())}
    if not places:
        return load_table
    wanted = None if spec.split.test_params is None else test_source(spec)

    def read(source: str, params: Params, folder: str, as_text: tuple[str, ...] = ()) -> pl.DataFrame:
        place = places.get((source, dict(params)) == wanted)
        if place is None:
            return load_table(source, params, folder, as_text)
        return load_table("parquet", {"path": str(place)}, folder)

    return read


def find_table(sha256: str, roots: Sequence[Path]) -> Path:
    """Return where a table is kept, whole."""
    for root in roots:
        try:
            place = snapshot_path(root, sha256)
        except ValueError:
            continue
        if is_whole(place, sha256):
            return place
    raise DataError(f"the snapshot {sha256[:12]} of its rows is gone or damaged; restore it from a backup")
