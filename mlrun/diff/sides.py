"""From the name of a run or a file to one side of a comparison: its table, or what its record still says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from mlrun import runs
from mlrun.catalog import suggestion
from mlrun.comparison.origins import read_as, read_object
from mlrun.errors import DataError, NothingConcluded, UsageError
from mlrun.run_rows import RunRows, rows_of_run
from mlrun.shift.profile import PROFILE
from mlrun.store.file_names import JOURNAL, RUN
from mlrun.store.run_names import EXPERIMENT, list_experiments, list_versions
from mlrun.table.column_types import settle_table
from mlrun.table.loading import find_source, load_table
from mlrun.table.row_conditions import select_rows
from mlrun.table.schema_cast import text_columns
from mlrun.table.sniffing import Origin, find_origin

Reread = Callable[[tuple[str, ...]], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a run's data.json says of its table."""

    data_id: str = ""
    rows_id: str = ""
    rows: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    table_schema: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DataSection:
    """What a run's spec said of its data."""

    source: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    where: str | None = None
    limit: int | None = None
    id: str | None = None
    sensitive: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResolvedSpec:
    """What matters here of spec.resolved.json."""

    data: DataSection = field(default_factory=DataSection)


@dataclass(frozen=True, slots=True)
class Side:
    """One of two tables. table: None when it cannot be had any more, for the reason `why`; then `recorded` is there.

    typed: its types are known, not guessed from text. reread: reads a text file again with some columns as written.
    section: what the run's spec says of its data. notes: how it was read, where that is not plain.
    """

    name: str
    kind: Literal["run", "file"]
    table: pl.DataFrame | None
    recorded: Recorded = field(default_factory=Recorded)
    origin: str = "file"
    why: str = ""
    typed: bool = True
    reread: Reread | None = None
    section: DataSection = field(default_factory=DataSection)
    folder: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> pl.DataFrame:
        """The table; raises NothingConcluded with the reason where it cannot be had any more."""
        if self.table is None:
            raise NothingConcluded(f"{self.name}: {self.why}")
        return self.table

    @property
    def profile(self) -> Mapping[str, Any]:
        """What the training rows of a run looked like, column by column; {} when its folder does not say so."""
        content = None if self.folder is None else read_object(self.folder / PROFILE)
        return content["features"] if content is not None and isinstance(content.get("features"), dict) else {}


def find_run(name: str, root: Path) -> Path | None:
    """Return the folder of the run that a name means; None when it is the name of data.

    What is a file or a folder of data is data, unless it has an @. Raises UsageError for a run that is not there.
    """
    path = Path(name).expanduser()
    if path.is_dir() and ((path / RUN).is_file() or (path / JOURNAL).is_file()):
        return path
    if path.exists() or "/" in name or name.endswith((".csv", ".parquet")):
        return None
    if "@" in name or (EXPERIMENT.fullmatch(name) and list_versions(root, name)):
        return runs.resolve(root, name)
    if EXPERIMENT.fullmatch(name):
        beside = [entry.name for entry in Path.cwd().iterdir() if not entry.name.startswith(".")]
        near = suggestion(name, [*list_experiments(root), *beside])
        raise UsageError(f"'{name}' is neither a file here nor an experiment in {root}{near}")
    return None


def side_of_run(folder: Path, root: Path) -> Side:
    """Return a run's side: its rows as they were loaded, where they can still be had."""
    record = runs.read_run(folder)
    found, known = rows_of_run(folder, root), read_as(Recorded, folder / "data.json") or Recorded()
    told = () if record.sampled is None else (f"{record.name} was a try-out on {record.sampled:,} rows",)
    spec = read_as(ResolvedSpec, folder / "spec.resolved.json") or ResolvedSpec()
    return Side(
        record.name,
        "run",
        None if found.dataset is None else found.dataset.table,
        known,
        origin_of(found),
        found.why,
        section=spec.data,
        folder=folder,
        notes=told,
    )


def origin_of(found: RunRows) -> str:
    return "" if found.dataset is None else found.origin


def side_of_data(name: str, beside: Side | None) -> Side:
    """Return the side of a file, or of what else `mlrun init` can read.

    beside: a run that it is compared with; then it is read as that run reads: separators, types, `where`, `limit`.
    """
    origin = find_origin(name, str(Path.cwd()))
    params, folder = dict(origin.params), str(Path.cwd())
    section = DataSection() if beside is None else beside.section
    if section.source == origin.source and "path" in params:
        params = {**params, **section.params, "path": params["path"]}
    reads_text = find_source(origin.source, folder).reads_text

    def settled(as_text: tuple[str, ...]) -> tuple[pl.DataFrame, list[str]]:
        raw = load_table(origin.source, params, folder, as_text)
        table, _, notes = settle_table(raw, dict.fromkeys(set(as_text) & set(raw.columns), "text"), None, name)
        return table, [f"{name}: {note}" for note in notes if "taken as missing" in note]

    try:
        table, missing = settled(text_columns(schema_of_side(beside)))
    except DataError as error:
        raise DataError(f"{error}{told_reading(beside, origin)}") from error
    table, notes = selected(table, section, name)
    again = (lambda as_text: settled(as_text)[0]) if reads_text and beside is None else None
    return Side(name, "file", table, typed=not reads_text, reread=again, notes=(*missing, *notes))


def schema_of_side(side: Side | None) -> Mapping[str, str]:
    return {} if side is None else side.recorded.table_schema


def told_reading(beside: Side | None, origin: Origin) -> str:
    return f" (it was read as {beside.name} reads its {origin.source} data)" if beside is not None else ""


def selected(table: pl.DataFrame, section: DataSection, name: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the rows that the run would have taken of a file, and what was left out."""
    notes = []
    where, limit = section.where, section.limit
    if where is not None:
        try:
            keep = select_rows(table, where)
        except UsageError as error:
            raise DataError(f"{name}: the run's `where` cannot be asked of it: {error}") from error
        if not keep.all():
            left = int(np.count_nonzero(~keep))
            notes.append(f"{left:,} rows of {name} are left out: the run's condition does not hold for them ({where})")
        table = table.filter(keep)
    if limit is not None and table.height > limit:
        notes.append(f"only the first {limit:,} rows of {name} count, as in the run")
        table = table.head(limit)
    return table, tuple(notes)
