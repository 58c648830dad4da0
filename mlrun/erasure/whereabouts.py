"""From a run's record of its data to the person's rows in it: read again from its snapshot, or from the file itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlrun.comparison.origins import read_as
from mlrun.erasure.subject import Subject
from mlrun.errors import DataError, MlrunError
from mlrun.provenance import file_fingerprint
from mlrun.store.run_folder import sha256_of
from mlrun.store.snapshots import SHA256, snapshot_path
from mlrun.table.column_types import as_words
from mlrun.table.loading import fill_in, load_table
from mlrun.table.schema_cast import TYPES, apply_schema, text_columns

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """A file or a kept table in data.json; test: of the test rows, where they have files of their own.

    source_sha256: of the file outside, where what is kept is no longer the same.
    """

    path: str = ""
    sha256: str = ""
    snapshot: bool = False
    test: bool = False
    source_sha256: str = ""


@dataclass(frozen=True, slots=True)
class RecordedColumn:
    """A feature in data.json."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class RecordedData:
    """What data.json says of where rows came from; erased: positions in the files as they were, own rows and test."""

    source: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[RecordedFile, ...] = ()
    tables: tuple[RecordedFile, ...] = ()
    withheld: tuple[tuple[str, str], ...] = ()
    table_schema: Mapping[str, str] = field(default_factory=dict)
    schema: Mapping[str, str] = field(default_factory=dict)
    features: tuple[RecordedColumn, ...] = ()
    target: str | None = None
    erased: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def id_column(self) -> str | None:
        return next((name for name, reason in self.withheld if reason == "id"), None)

    @property
    def kinds(self) -> tuple[tuple[str, str], ...]:
        return tuple((column.name, column.kind) for column in self.features)

    @property
    def columns(self) -> Mapping[str, str]:
        return {**self.schema, **self.table_schema}


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The person's rows in the files of one part of a run's data ("own", "test").

    table: all rows that the files hold now; rows: where the person is in it, (n,) booleans; ids: what a run calls these
    rows, as text. positions: of the person's rows in the files as they are now; original: as the run read
    them. alike: rows that are only like it. stored: the snapshots that were read, in order. of_today: a
    file has changed. table_kept: a table was kept, not the files.
    """

    part: str
    table: pl.DataFrame
    rows: pl.Series
    ids: frozenset[str]
    positions: tuple[int, ...]
    original: tuple[int, ...]
    alike: int = 0
    stored: tuple[str, ...] = ()
    table_kept: bool = False
    of_today: bool = False


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a person is in a run's data; unknown: why that cannot be told, "" = it can. sources: files that hold it.

    named: ids of the person's rows that are known otherwise than from the run's own data.
    """

    data: RecordedData | None = None
    found: tuple[Found, ...] = ()
    unknown: str = ""
    sources: Mapping[str, int] = field(default_factory=dict)
    named: frozenset[str] = frozenset()

    @property
    def ids(self) -> frozenset[str]:
        return self.named.union(*(each.ids for each in self.found))

    @property
    def parts(self) -> Mapping[str, frozenset[str]]:
        """Ids by part: "own", and "test" where the test rows have a file of their own."""
        return {"own": self.named, **{each.part: each.ids | self.named for each in self.found}}

    @property
    def count(self) -> int:
        return sum(len(each.positions) for each in self.found)

    @property
    def alike(self) -> int:
        return sum(each.alike for each in self.found)


def find(root: Path, run: Path, folder: str, subject: Subject) -> Whereabouts:
    """Return the person's rows in a run's data.

    folder: the spec's, which relative paths start from. Snapshots come first; a file of today counts when its bytes are
    those that the run read, or when its rows have ids. Nothing that is read here is ever in a message.
    """
    data = read_as(RecordedData, run / "data.json")
    if data is None:
        return Whereabouts(unknown="it has no readable data.json")
    known = data.columns
    if known and subject.column not in known:
        return Whereabouts(data)
    found: list[Found] = []
    sources: dict[str, int] = {}
    unknown = ""
    for part in ("own", "test"):
        try:
            one = find_part(root, data, part, folder, subject)
        except MlrunError as error:
            unknown = str(error)
            continue
        if one is None:
            continue
        found.append(one)
        if one.positions:
            sources |= {file.path: len(one.positions) for file in files_of(data, part) if still_holds(file, one)}
        if one.of_today and data.id_column is None:
            unknown = "its data has changed since, no snapshot was kept, and its rows have no ids"
    usable = tuple(each for each in found if not each.of_today or data.id_column is not None)
    return Whereabouts(data, usable, unknown, sources)


def still_holds(file: RecordedFile, found: Found) -> bool:
    """Say whether a file outside holds the person's rows: it was read itself, or has the bytes that were kept."""
    if not file.path or not Path(file.path).is_file():
        return False
    return not found.stored or file_fingerprint(file.path).sha256 in (file.sha256, file.source_sha256)


def files_of(data: RecordedData, part: str) -> tuple[RecordedFile, ...]:
    """Return the files of the run's own rows, or of its test rows; a table that was kept in their place, alone."""
    tables = tuple(table for table in data.tables if table.snapshot and table.test == (part == "test"))
    if tables:
        return tables
    files = tuple(file for file in data.files if file.test == (part == "test"))
    if part == "test" and not files and "test_files" in data.source:
        return tuple(RecordedFile(str(path)) for path in data.source["test_files"])
    return files


def is_table(files: Sequence[RecordedFile]) -> bool:
    """Say whether rows were kept as a table, since their source has no files that are copied."""
    return bool(files) and not files[0].path


def find_part(root: Path, data: RecordedData, part: str, folder: str, subject: Subject) -> Found | None:
    """Return the person's rows in the own or the test files; None where there are none. Raises DataError."""
    files = files_of(data, part)
    if part == "test" and not files:
        return None
    source, params = source_of(data, part) if not is_table(files) else ("parquet", {})
    if not files:
        if source == "sklearn":
            return None  # comes with the library: nobody's rows
        raise DataError(f"its rows come from {source}, which is not read again, and no snapshot was kept")
    if ":" in source:  # an author's own function is not called for this, least of all one that another's run names
        raise DataError(f"its rows come from {source}, which is not called again, and no snapshot was kept")
    places = [place_of(root, file) for file in files]
    with reachable(files, [place for place, _ in places], params) as reached:
        raw = load_table(source, reached, folder, text_columns(data.columns))
    table = typed(raw, data)
    if subject.column not in table.columns:
        raise DataError(f"its data has no column '{subject.column}' any more")
    rows, alike = subject.rows_of(table[subject.column])
    positions = tuple(rows.arg_true().to_list())
    kept = all(state == "snapshot" for _, state in places)
    original = originally(positions, data.erased[part] if kept and part in data.erased else ())
    return Found(
        part=part,
        table=table,
        rows=rows,
        ids=ids_of(table, rows, original, data.id_column),
        positions=positions,
        original=original,
        alike=alike,
        table_kept=is_table(files),
        stored=tuple(file.sha256 for file in files) if kept else (),
        of_today=any(state == "changed" for _, state in places),
    )


def source_of(data: RecordedData, part: str) -> tuple[str, dict[str, Any]]:
    """Return the source that reads a part, with its parameters; what the test's do not say is as in `data`."""
    source = str(data.source["source"]) if "source" in data.source else "csv"
    params = dict(data.source["params"]) if "params" in data.source else {}
    if part == "own":
        return source, params
    test = dict(data.source["test_params"]) if "test_params" in data.source else {}
    other = str(test.pop("source", source))
    return other, {**params, **test} if other == source else test


def place_of(root: Path, file: RecordedFile) -> tuple[Path, str]:
    """Return where a file's rows can be read, and what it is: snapshot, same, changed. Raises DataError."""
    if file.snapshot and SHA256.fullmatch(file.sha256):
        kept = snapshot_path(root, file.sha256)
        if kept.is_file() and sha256_of(kept) == file.sha256:
            return kept, "snapshot"
    path = Path(file.path)
    if not file.path or not path.is_file():
        raise DataError("its data is gone, and no snapshot was kept")
    same = bool(file.sha256) and file_fingerprint(path).sha256 == file.sha256
    return path, "same" if same else "changed"


@contextmanager
def reachable(
    files: Sequence[RecordedFile], places: Sequence[Path], params: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield a source's parameters with a path that leads to these files, under the endings that they had."""
    with tempfile.TemporaryDirectory(prefix="mlrun-") as folder:
        links = [Path(folder) / f"{at:06d}{''.join(Path(file.path).suffixes[-2:])}" for at, file in enumerate(files)]
        for link, place in zip(links, places, strict=True):
            link.symlink_to(place.absolute())
        yield {**fill_in(params), "path": str(links[0]) if len(links) == 1 else folder}


def typed(raw: pl.DataFrame, data: RecordedData) -> pl.DataFrame:
    """Return the table with the columns of the run, in its types as far as they are known and fit."""
    import polars as pl

    columns = []
    for values in raw:
        dtype = data.columns.get(values.name, "")
        columns.append(cast(values, dtype) if dtype in TYPES else values)
    return pl.DataFrame(columns)


def cast(values: pl.Series, dtype: str) -> pl.Series:
    """Return a column in the type that the run read; as it is where a file of today holds other things."""
    try:
        return apply_schema(values.to_frame(), {values.name: dtype}, "").to_series()
    except DataError:
        return values


def originally(positions: Sequence[int], erased: Sequence[int]) -> tuple[int, ...]:
    """Return which positions rows had before others were erased from their file; `erased` in ascending order."""
    found = []
    for position in positions:
        at = position
        for gone in erased:
            if gone > at:
                break
            at += 1
        found.append(at)
    return tuple(found)


def ids_of(table: pl.DataFrame, rows: pl.Series, original: Sequence[int], id_column: str | None) -> frozenset[str]:
    """Return what a run calls these rows, as text: their ids, or else their positions in the file."""
    if id_column is None or id_column not in table.columns:
        return frozenset(map(str, original))
    return frozenset(str(value) for value in as_words(table[id_column]).filter(rows).to_list())
