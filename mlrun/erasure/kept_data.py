"""From the snapshots of a run's data and the person's rows in them to others without these, and its new data.json."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlrun.comparison.origins import read_object
from mlrun.erasure.decoding import pieces
from mlrun.erasure.raw_rows import clean_table, without_rows
from mlrun.erasure.receipt import ErasedSnapshot
from mlrun.erasure.scrubbing import scrubbed_json
from mlrun.erasure.subject import Subject
from mlrun.erasure.whereabouts import Found, Whereabouts, source_of
from mlrun.errors import MlrunError
from mlrun.store.snapshots import keep_bytes, snapshot_path

DATA = "data.json"
TABLES, BASELINES = "tables", "baseline_files"
KEYS = ("files", TABLES, BASELINES)  # of data.json: what was read and kept


@dataclass(slots=True)
class Made:
    """The snapshots that this erasure has made, so that runs on one file share one again."""

    root: Path
    dry_run: bool
    known: dict[tuple[str, tuple[int, ...]], ErasedSnapshot] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)


def kept_again(run: Path, where: Whereabouts, subject: Subject, made: Made) -> bytes | None:
    """Keep what a run's data is without the person; return its new data.json, None where nothing of it changes.

    Call it within `guarded`. The old snapshots stay until no run refers to them.
    """
    old = read_object(run / DATA)
    if old is None:
        return None
    changed: dict[str, ErasedSnapshot] = {}
    for each in where.found:
        changed |= of_part(each, where, subject, made)
    named = names_of_ids(run)
    for entry in entries_of(old, (BASELINES,)):
        known = baseline(entry, where.ids, named, subject, made)
        if known is not None:
            changed[entry["sha256"]] = known
    new = scrubbed_json(
        {**old, **described(old, changed, made), **erased(old, where), **undigested(old, where)}, subject
    )
    if new == old:
        return None
    return json.dumps(new, indent=1, ensure_ascii=False).encode() + b"\n"


def entries_of(content: Mapping[str, Any], keys: Sequence[str]) -> list[dict[str, Any]]:
    """Return what data.json says of kept files."""
    found = [entry for key in keys if key in content for entry in content[key]]
    return [entry for entry in found if entry.get("snapshot")]


def of_part(found: Found, where: Whereabouts, subject: Subject, made: Made) -> dict[str, ErasedSnapshot]:
    """Return sha256 → what is kept in its place, of the snapshots of the own or of the test rows."""
    if where.data is None:
        return {}
    source, params = ("parquet", {}) if found.table_kept else source_of(where.data, found.part)
    changed, start = {}, 0
    for sha256 in found.stored:
        content = snapshot_path(made.root, sha256).read_bytes()
        count = found.table.height if len(found.stored) == 1 else rows_in(content)
        mine = tuple(row - start for row in found.positions if start <= row < start + count)
        start += count
        if mine or holds(content, subject):
            changed[sha256] = replaced(sha256, content, (source, params), (mine, count), subject, made)
    return changed


def rows_in(content: bytes) -> int:
    """Return how many rows one of several Parquet files has."""
    import polars as pl

    return int(pl.scan_parquet(io.BytesIO(content)).select(pl.len()).collect().item())


def holds(content: bytes, subject: Subject) -> bool:
    """Say whether a value stands in a file of data beside its own column, such as in a text of another's row."""
    return any(subject.stands_in(piece) for piece in pieces(content, "", subject.column))


def replaced(
    sha256: str,
    content: bytes,
    source: tuple[str, Mapping[str, Any]],
    rows: tuple[tuple[int, ...], int],
    subject: Subject,
    made: Made,
) -> ErasedSnapshot:
    """Keep a snapshot without these rows; where it cannot be written so, nothing is kept in its place."""
    key = (sha256, rows[0])
    if key not in made.known:
        try:
            new = without_rows(content, source[0], source[1], rows[0], rows[1], subject)
        except (MlrunError, ValueError, OSError):  # not read as it was: then it goes whole
            new = None
        made.known[key] = kept(sha256, new, len(rows[0]), made)
    return made.known[key]


def kept(sha256: str, new: bytes | None, rows: int, made: Made) -> ErasedSnapshot:
    if new is None:
        return ErasedSnapshot(sha256, "", rows)
    after = hashlib.sha256(new).hexdigest() if made.dry_run else keep_bytes(made.root, new)
    made.sizes[after] = len(new)
    return ErasedSnapshot(sha256, after, rows)


def names_of_ids(run: Path) -> frozenset[str]:
    """Return the columns of ids that the spec names in files of people's labels and of predictions."""
    resolved = {"baselines": (), **(read_object(run / "spec.resolved.json") or {})}
    return frozenset(str(each["params"]["id"]) for each in resolved["baselines"] if "id" in each["params"])


def baseline(
    entry: Mapping[str, Any], ids: frozenset[str], named: frozenset[str], subject: Subject, made: Made
) -> ErasedSnapshot | None:
    """Return what is kept of a file with people's labels or predictions of others; None where nothing must change.

    Its ids stand where `predictions.read_predictions` finds them.
    """
    import polars as pl

    path = snapshot_path(made.root, entry["sha256"])
    if not path.is_file():
        return None
    content = path.read_bytes()
    is_parquet = content.startswith(b"PAR1")
    try:
        table = pl.read_parquet(io.BytesIO(content)) if is_parquet else pl.read_csv(content, infer_schema=False)
    except pl.exceptions.PolarsError:
        return remembered(kept(entry["sha256"], None, 0, made), (), made) if holds(content, subject) else None
    usual = next((name for name in ("row", "id") if name in table.columns), table.columns[0])
    gone = pl.repeat(value=False, n=table.height, eager=True)
    for name in {usual, *named.intersection(table.columns)}:
        gone |= table[name].cast(pl.String).is_in(sorted(ids)).fill_null(value=False)
    if subject.column in table.columns:
        gone |= subject.rows_of(table[subject.column])[0]
    if not gone.any() and not holds(content, subject):
        return None
    clean = clean_table(table.filter(~gone), subject, leave=(subject.column,))
    buffer = io.BytesIO()
    _ = clean.write_parquet(buffer, compression="zstd") if is_parquet else clean.write_csv(buffer)
    new = kept(entry["sha256"], buffer.getvalue(), int(gone.sum()), made)
    return remembered(new, tuple(gone.arg_true().to_list()), made)


def remembered(new: ErasedSnapshot, rows: tuple[int, ...], made: Made) -> ErasedSnapshot:
    """Note what was made of a snapshot, so that the old one goes once no run refers to it."""
    return made.known.setdefault((new.before, rows), new)


# -- data.json ---------------------------------------------------------------------------------------------------------


def described(old: Mapping[str, Any], changed: Mapping[str, ErasedSnapshot], made: Made) -> dict[str, Any]:
    """Return the lists of files with what is kept now; of what is not kept any more the old sha256 stays."""
    return {key: [told(entry, changed, made) for entry in old[key]] for key in KEYS if key in old}


def undigested(old: Mapping[str, Any], where: Whereabouts) -> dict[str, Any]:
    """Return no digests of columns for data that held the person: less those of all other values, they are theirs.

    They are sums, so whoever has the other rows could try values until one fits. Digests of tables are no sums.
    """
    return {"columns": {}} if "columns" in old and (where.ids or where.unknown) else {}


def told(entry: dict[str, Any], changed: Mapping[str, ErasedSnapshot], made: Made) -> dict[str, Any]:
    known = changed.get(entry["sha256"]) if "sha256" in entry and "snapshot" in entry and entry["snapshot"] else None
    if known is None:
        return entry
    if not known.after:
        return {**entry, "snapshot": False}
    source = entry["source_sha256"] if "source_sha256" in entry else entry["sha256"]
    new = {**entry, "sha256": known.after, "size_bytes": made.sizes[known.after], "source_sha256": source}
    return {**new, "rows": entry["rows"] - known.rows} if "rows" in entry else new


def erased(old: Mapping[str, Any], where: Whereabouts) -> dict[str, Any]:
    """Return which rows the kept files lack now, by their positions in the files as they were."""
    before: dict[str, Any] = dict(old["erased"]) if "erased" in old else {}
    for each in where.found:
        if each.stored and each.original:
            known = before.get(each.part, ())
            before[each.part] = sorted({*known, *each.original})
    return {"erased": before} if before else {}
