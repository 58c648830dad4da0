"""From a run's data to snapshots of it, before anything is fitted: kept whole, once, and read back to be sure."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from mlrun.author_files import files_of_baselines
from mlrun.comparison.origins import read_object
from mlrun.dataset import test_source
from mlrun.errors import DataError
from mlrun.events import Event, Noted
from mlrun.json_records import encode
from mlrun.provenance import data_digests, file_fingerprint
from mlrun.recorded_data import check_files
from mlrun.run_rows import kept_tables, load_kept, stands_in_files
from mlrun.runs import write_atomically
from mlrun.store.snapshots import guarded, keep, keep_bytes, snapshot_path
from mlrun.table.loading import source_files
from mlrun.wording import count, nearest, size

if TYPE_CHECKING:
    from mlrun.ready import Ready

DATA = "data.json"
KEPT = ("files", "tables", "baseline_files")  # keys of data.json that say what was read and kept
Entry = dict[str, Any]


def keep_data(ready: Ready, sample: int | None, folder: Path) -> Iterator[Event]:
    """Keep the data of a run that is about to start, where its spec asks for that; say so.

    data.json in the run folder refers to it from then on, so that tidying up leaves it. Raises DataError when the data
    is no longer what was loaded, StorageError when it cannot be kept: the same command goes on later.
    """
    if not ready.spec.data.snapshot:
        return
    root = folder.parent.parent
    with guarded(root):
        facts = kept_facts(ready, root)
        write_atomically(folder / DATA, as_json(facts))
    check(ready, sample, folder, root)
    kept = {entry["sha256"]: entry["size_bytes"] for key in KEPT for entry in facts[key] if entry["snapshot"]}
    where = nearest(snapshot_path(root, next(iter(kept))).parent.parent)
    yield Noted(f"snapshot: {count(len(kept), 'file')} of data, {size(sum(kept.values()))}, in {where}")


def kept_facts(ready: Ready, root: Path) -> dict[str, list[Entry]]:
    """Keep files, and tables of sources without any; return what data.json says of them."""
    spec = ready.spec
    parts = [(spec.data.source, spec.data.params)]
    parts += [] if spec.split.test_params is None else [test_source(spec)]
    facts: dict[str, list[Entry]] = {key: [] for key in KEPT}
    tables = iter(ready.tables)
    for at, (source, params) in enumerate(parts):
        copied = stands_in_files(source, params, spec.folder)
        for name in source_files(source, params, spec.folder):
            entry = kept_file(root, name) if copied else {**asdict(file_fingerprint(name)), "snapshot": False}
            facts["files"].append({**entry, "test": at == 1})
        if not copied:
            facts["tables"].append({**kept_table(root, next(tables)), "test": at == 1})
    facts["baseline_files"] = [kept_file(root, name) for name in dict.fromkeys(files_of_baselines(spec))]
    return facts


def kept_file(root: Path, name: str) -> Entry:
    """Keep a file; return its fingerprint, that of the very bytes that are kept."""
    for _ in range(2):  # it may be written just now
        found = file_fingerprint(name)
        if keep(root, Path(name), found.sha256):
            return {**asdict(found), "snapshot": True}
    raise DataError(f"{name} is being written: wait until it is complete, then run the same command again")


def kept_table(root: Path, table: pl.DataFrame) -> Entry:
    """Keep a table as one Parquet file."""
    buffer = io.BytesIO()
    try:
        table.write_parquet(buffer, compression="zstd")
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        odd = [f"{name} ({dtype})" for name, dtype in table.schema.items() if dtype.is_nested() or dtype == pl.Object]
        told = f"a snapshot of these rows cannot be written as Parquet: {', '.join(odd)}"
        raise DataError(f"{told}. Give these columns another type in the source, or leave 'snapshot' out") from error
    content = buffer.getvalue()
    return {"sha256": keep_bytes(root, content), "size_bytes": len(content), "rows": table.height, "snapshot": True}


def check(ready: Ready, sample: int | None, folder: Path, root: Path) -> None:
    """Read the rows back from what was kept; raise DataError when they are not those that were loaded."""
    files = check_files(folder, ready.spec, (root,))
    again = load_kept(ready.spec, sample, files, kept_tables(ready.spec, folder, (root,)))
    if data_digests(again.table).rows_id == ready.identity.digests.rows_id:
        return
    if ready.tables:
        told = f"the rows of source '{ready.spec.data.source}' are not the same when they are read back from Parquet"
        raise DataError(f"{told}, so no snapshot of them can be kept. Leave 'snapshot' out")
    told = f"{files[0].record.path} has changed since its rows were loaded, so the snapshot is not of them"
    raise DataError(f"{told}: run the same command again")


def facts_of_snapshot(folder: Path) -> dict[str, Any]:
    """Return what data.json said when the run's data was kept; {} when it was not."""
    known = read_object(folder / DATA) or {}
    return {key: encode(known[key]) for key in KEPT if key in known}


def as_json(content: Any) -> bytes:
    return json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"
