"""From a run folder and a person to what its files must become: without rows and values, models marked or gone."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlrun.erasure.decoding import pieces
from mlrun.erasure.raw_rows import clean_table
from mlrun.erasure.run_models import plan_models
from mlrun.erasure.scrubbing import scrubbed_file, scrubbed_json, without_rows
from mlrun.erasure.subject import Subject
from mlrun.erasure.whereabouts import Whereabouts
from mlrun.errors import DataError
from mlrun.predictions import FOLDER as PREDICTIONS
from mlrun.shift.profile import PROFILE, column_profile
from mlrun.store.file_names import FINDINGS, LOCK, MANIFEST, RUN
from mlrun.store.run_record import RunRecord
from mlrun.store.writing import TEMPORARY, storing
from mlrun.training_rows import FILE as TRAINING_ROWS
from mlrun.training_rows import ID, digests_of, read_training_rows, were_trained_on

if TYPE_CHECKING:
    import polars as pl

    from mlrun.training_rows import TrainingRows

MADE_AGAIN = ("models", PREDICTIONS, "scratch")  # of a run that was cut off: going on with it makes them anew
DATA, CODE, PATCH, REPORT = "data.json", "code.json", "code.patch", "report.md"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run folder becomes. record: the new run.json, None = it has none. models: name → stale, as far as new.

    rows: how many of the person's rows it held. replaced: text files in which a word stands now for a value.
    """

    changes: Mapping[str, bytes | None] = field(default_factory=dict)
    record: RunRecord | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    deleted: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()


def plan_run(
    run: Path,
    record: RunRecord | None,
    where: Whereabouts,
    subject: Subject,
    data: bytes | None,
    *,
    keep_models: bool = False,
    again: bool = False,
) -> Plan:
    """Return what must change in a run folder; nothing is written.

    data: its new data.json, None = as it is. again: this person was erased from the run before, so that models that
    were kept then are theirs. report.md is not in it: it is made from the others.
    """
    names = list(files_of(run))
    if record is None:
        return plan_interrupted(run, names, subject)
    known = read_training_rows(run)
    trained = was_trained_on(known, where)
    changes: dict[str, bytes | None] = {name: None for name in names if Path(name).name.startswith(TEMPORARY)}
    for name in names:
        if name in (RUN, MANIFEST, LOCK, REPORT) or name in changes or name.startswith("models/"):
            continue
        old = content_of(run / name)
        new = data if name == DATA and data is not None else changed_file(name, old, where, subject, known)
        if new != old:
            changes[name] = new
    described(run, changes)
    changed, deleted, models = plan_models(run, record, where, subject, trained=trained, keep=keep_models, again=again)
    changes |= dict.fromkeys(deleted)
    replaced = tuple(name for name in changes if is_text(name) and changes[name] is not None)
    return Plan(changes, changed, models, deleted, replaced)


def files_of(run: Path) -> Iterator[str]:
    """Yield the names of a run's files, relative to its folder, in alphabetical order."""
    yield from sorted(path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file())


def content_of(path: Path) -> bytes:
    with storing(path):
        return path.read_bytes()


def is_text(name: str) -> bool:
    """Say whether a file tells of the code or the spec, so that a word in it means that it is no longer as it ran."""
    return name.startswith(("spec.", "code/")) or name == PATCH


def plan_interrupted(run: Path, names: list[str], subject: Subject) -> Plan:
    """Return a run that was cut off without all that is made again; its journal holds scores, and is searched."""
    changes: dict[str, bytes | None] = {}
    for name in names:
        if name.partition("/")[0] in MADE_AGAIN or name == DATA or Path(name).name.startswith(TEMPORARY):
            changes[name] = None
        elif name != LOCK:
            old = content_of(run / name)
            if (new := changed_text(name, old, subject)) != old:
                changes[name] = new
    return Plan(changes)


def was_trained_on(known: TrainingRows | None, where: Whereabouts) -> bool:
    """Say whether the models have seen a row of the person; where nobody can tell, they have."""
    if known is None or where.unknown:
        return bool(where.ids or where.unknown)
    if where.named and (known.ids is None or not where.named.isdisjoint(map(str, known.ids))):
        return True
    for each in where.found:
        mine = each.table.filter(each.rows)
        try:
            if mine.height and were_trained_on(known, mine).any():
                return True
        except DataError:
            return True
    return False


# -- file by file ------------------------------------------------------------------------------------------------------


def changed_file(
    name: str, old: bytes, where: Whereabouts, subject: Subject, known: TrainingRows | None
) -> bytes | None:
    """Return a file's new content, the old one where nothing must change, None where it must go."""
    if name.startswith(f"{PREDICTIONS}/") and name.endswith(".parquet"):
        return predictions_without(old, where, subject)
    if name == TRAINING_ROWS:
        return training_rows_without(old, where, known)
    if name == FINDINGS:
        return findings_without(old, where, subject)
    if name == PROFILE:
        return profile_without(old, where, subject, known)
    return changed_text(name, old, subject)


def changed_text(name: str, old: bytes, subject: Subject) -> bytes | None:
    """Return any other file without the values; where they cannot be taken out of it, None for what can be missed.

    A file that holds none is returned as it is, byte for byte.
    """
    if not any(subject.stands_in(piece) for piece in pieces(old, name, subject.column)):
        return old
    new = scrubbed_file(old, name, subject)
    clean = new is not None and not any(subject.stands_in(piece) for piece in pieces(new, name, subject.column))
    if not clean and (name == PATCH or name.startswith("code/")):
        return None
    return old if new is None else new


def predictions_without(old: bytes, where: Whereabouts, subject: Subject) -> bytes:
    """Return predictions without the person's rows, and without values among labels."""
    import polars as pl

    table = pl.read_parquet(io.BytesIO(old))
    kept = table.filter(~of_person(table, where.parts))
    clean = clean_table(kept, subject)
    return old if clean.height == table.height and clean.equals(kept) else as_parquet(clean)


def of_person(table: pl.DataFrame, parts: Mapping[str, frozenset[str]]) -> pl.Series:
    """Return which predictions are of the person's rows, (n,) booleans; test rows of a file of their own by that."""
    import polars as pl

    row = pl.col("row").cast(pl.String)
    own = row.is_in(sorted(parts["own"]))
    test = row.is_in(sorted(parts["test"])) if "test" in parts else own
    return table.select(pl.when(pl.col("part") == "test").then(test).otherwise(own).fill_null(value=False)).to_series()


def as_parquet(table: pl.DataFrame, **about: str) -> bytes:
    buffer = io.BytesIO()
    table.write_parquet(buffer, compression="zstd", metadata=about or None)
    return buffer.getvalue()


def training_rows_without(old: bytes, where: Whereabouts, known: TrainingRows | None) -> bytes:
    """Return the digests and ids of training rows without the person's."""
    import polars as pl

    if known is None or not where.ids:
        return old
    table, about = pl.read_parquet(io.BytesIO(old)), pl.read_parquet_metadata(io.BytesIO(old))
    gone = pl.repeat(value=False, n=table.height, eager=True)
    if ID in table.columns:
        gone |= table[ID].is_in(sorted(where.ids)).fill_null(value=False)
    for each in where.found:
        mine = each.table.filter(each.rows)
        if mine.height:
            try:
                gone |= table["digest"].is_in(pl.Series(digests_of(known, mine)).implode())
            except DataError:  # a file of today lacks a column: then the ids tell
                continue
    keep = ("schema", "id_column")
    return as_parquet(table.filter(~gone), **{key: about[key] for key in keep}) if gone.any() else old


def findings_without(old: bytes, where: Whereabouts, subject: Subject) -> bytes:
    """Return findings without the person's rows among the worst, and without values in their texts."""
    lines = []
    for line in old.splitlines():
        value = json.loads(line)
        new = scrubbed_json(without_rows(value, where.ids), subject)
        lines.append(line if new == value else json.dumps(new).encode())
    return b"".join(line + b"\n" for line in lines)


def profile_without(old: bytes, where: Whereabouts, subject: Subject, known: TrainingRows | None) -> bytes:
    """Return the profile of the training columns, counted again without the person; else without the values."""
    content = json.loads(old)
    rows = training_table(where, known)
    if where.count and rows is not None and rows[0].height == content["rows"]:
        table, mine = rows
        kept = table.filter(~mine)
        features = {
            name: column_profile(kept[name], said["kind"]) if name in kept.columns else said
            for name, said in content["features"].items()
        }
        if kept.height < table.height:
            target = target_without(content["target"], table, mine, where)
            content = {**content, "rows": kept.height, "features": features, "target": target}
    new = scrubbed_json(without_terms(content, subject), subject)
    return old if new == json.loads(old) else json.dumps(new, indent=1, ensure_ascii=False).encode() + b"\n"


def target_without(
    said: dict[str, Any] | None, table: pl.DataFrame, mine: pl.Series, where: Whereabouts
) -> dict[str, Any] | None:
    """Return the target's profile without the person; None where their part in it cannot be told."""
    name = None if where.data is None else where.data.target
    if said is None or name not in table.columns:
        return None
    if column_profile(table[name], said["kind"]) != said:
        return None
    return column_profile(table[name].filter(~mine), said["kind"])


def training_table(where: Whereabouts, known: TrainingRows | None) -> tuple[pl.DataFrame, pl.Series] | None:
    """Return the rows that the models were trained on, and which are the person's; None where they cannot be told."""
    own = next((each for each in where.found if each.part == "own"), None)
    if own is None or known is None:
        return None
    try:
        seen = were_trained_on(known, own.table)
    except DataError:
        return None
    return own.table.filter(seen), own.rows.filter(seen)


def without_terms(content: dict[str, Any], subject: Subject) -> dict[str, Any]:
    """Return a profile whose lists of words do not spell a value: the value's own words go from them."""
    for said in content["features"].values():
        if "words" in said and subject.spelled_by(said["words"]):
            said["words"] = [word for word in said["words"] if not subject.has_term(word)]
    return content


# -- what describes files ----------------------------------------------------------------------------------------------


def described(run: Path, changes: dict[str, bytes | None]) -> None:
    """Let code.json tell the sha256 of the patch and of the files that have changed."""
    touched = [name for name in changes if name == PATCH or name.startswith("code/")]
    if not touched or not (run / CODE).is_file():
        return
    content = json.loads(changes.get(CODE) or content_of(run / CODE))
    for name in touched:
        new = changes[name]
        digest = None if new is None else hashlib.sha256(new).hexdigest()
        if name == PATCH and isinstance(content["git"], dict):
            content["git"]["patch_sha256"] = digest
        elif name != PATCH and digest is None:
            content["files"].pop(name.removeprefix("code/"), None)
        elif name != PATCH:
            content["files"][name.removeprefix("code/")] = digest
    content["notes"] = [*content["notes"], f"changed when a person was erased: {len(touched)} of its files"]
    changes[CODE] = json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"
