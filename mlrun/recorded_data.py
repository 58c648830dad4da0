"""From the files that a run's record names to what is there of them today, and snapshots in place of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun.comparison.origins import read_as
from mlrun.errors import DataError
from mlrun.provenance import file_fingerprint
from mlrun.store.snapshots import snapshot_path
from mlrun.store.writing import storing
from mlrun.table.loading import source_files

if TYPE_CHECKING:
    from mlrun.spec import Spec


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file in data.json; test: of the test rows, where they have files of their own."""

    path: str
    sha256: str = ""
    test: bool = False


@dataclass(frozen=True, slots=True)
class FileRecords:
    """What data.json says of files."""

    files: tuple[FileRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """A file that a run read. now: where it stands today, None = gone; same: with the bytes that it had.

    snapshot: where these bytes are kept, of a file that is not the same; None = nowhere.
    """

    record: FileRecord
    now: Path | None
    same: bool
    snapshot: Path | None = None

    @property
    def usable(self) -> Path | None:
        """Return where the bytes of then can be read."""
        return self.now if self.same else self.snapshot


def check_files(run: Path, spec: Spec, roots: Sequence[Path]) -> tuple[RecordedFile, ...]:
    """Look at each file of a run's data.json as it is now; roots: folders of runs, where its snapshot may be."""
    records = read_as(FileRecords, run / "data.json")
    found: list[RecordedFile] = []
    for test in (False, True):
        of_part = [each for each in (records.files if records else ()) if each.test == test]
        here = {Path(path).name: Path(path) for path in files_now(spec, test)} if of_part else {}
        found += [check_file(each, here.get(Path(each.path).name), roots) for each in of_part]
    return tuple(found)


def files_now(spec: Spec, test: bool) -> tuple[str, ...]:
    """Return the files that the spec's source, or that of its test rows, would read; () where they are gone."""
    params = {**spec.data.params, **(spec.split.test_params or {})} if test else dict(spec.data.params)
    source = str(params.pop("source", spec.data.source))
    try:
        return source_files(source, params, spec.folder)
    except DataError:
        return ()


def check_file(record: FileRecord, now: Path | None, roots: Sequence[Path]) -> RecordedFile:
    """Compare a file with its fingerprint, if it has one; find its snapshot where it is another."""
    try:
        same = now is not None and (not record.sha256 or file_fingerprint(now).sha256 == record.sha256)
    except DataError:
        same = False
    if same:
        return RecordedFile(record, now, same)
    return RecordedFile(record, now, same, find_snapshot(record.sha256, roots))


def find_snapshot(sha256: str, roots: Sequence[Path]) -> Path | None:
    """Return where a content is kept, whole; None when it is nowhere."""
    for root in roots:
        try:
            place = snapshot_path(root, sha256)
            if place.is_file() and file_fingerprint(place).sha256 == sha256:
                return place
        except (ValueError, DataError):
            continue
    return None


def with_snapshots(spec: Spec, files: Sequence[RecordedFile], place: Path) -> Spec:
    """Return the spec with its files read from snapshots where they are not the same; links to them are made in place.

    Nothing is done for rows of which some file's bytes are neither there nor kept. Raises StorageError.
    """
    for test in (False, True):
        part = [each for each in files if each.record.test == test]
        usable = [(Path(each.record.path).name, each.usable) for each in part]
        names = {name for name, path in usable if path is not None}
        if all(each.same for each in part) or len(names) < len(part):
            continue
        folder = place / ("test" if test else "train")
        with storing(folder):
            folder.mkdir(parents=True)
            for name, kept in usable:
                (folder / name).symlink_to(kept or "")
        here = {"path": str(folder if len(part) > 1 else folder / usable[0][0])}
        if test:
            spec = replace(spec, split=replace(spec.split, test_params={**(spec.split.test_params or {}), **here}))
        else:
            spec = replace(spec, data=replace(spec.data, params={**spec.data.params, **here}))
    return spec
