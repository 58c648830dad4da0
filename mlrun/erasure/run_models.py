"""From a run's record and a person to what becomes of its models: marked by what they hold of them, or gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mlrun.erasure.scrubbing import scrubbed_json
from mlrun.erasure.staleness import CONTAINS, OwnWords, own_words, stale_of, worse
from mlrun.erasure.subject import Subject
from mlrun.erasure.whereabouts import Whereabouts
from mlrun.json_records import decode, encode
from mlrun.store.run_record import ModelRecord, RunRecord
from mlrun.store.writing import storing


def plan_models(
    run: Path,
    record: RunRecord,
    where: Whereabouts,
    subject: Subject,
    *,
    trained: bool,
    keep: bool,
    again: bool,
) -> tuple[RunRecord, tuple[str, ...], dict[str, str]]:
    """Return the record with its models marked and values out of its texts, the model files that go, what is new."""
    features = [] if where.data is None else list(where.data.kinds)
    own = own_words(where.found, features) if where.count else OwnWords({}, frozenset())
    models: list[ModelRecord] = []
    deleted: list[str] = []
    told: dict[str, str] = {}
    for model in record.models:
        new = model
        if model.kind == "model" and model.file:
            content = content_of(run / model.file)
            stale = stale_of(run, model, content, subject, trained=trained, own=own)
            stale = worse(stale, model.stale) if again else stale
            new = replace(model, stale=worse(model.stale, stale))
            if stale:
                told[model.name] = stale
            if stale.startswith(CONTAINS) and not keep:
                deleted.append(model.file)
                new = replace(new, file="")
        models.append(new)
    return scrubbed_record(replace(record, models=tuple(models)), subject), tuple(deleted), told


def scrubbed_record(record: RunRecord, subject: Subject) -> RunRecord:
    """Return run.json without values in its notes, reasons and labels; as it is where it could not be read then."""
    try:
        return decode(RunRecord, scrubbed_json(encode(record), subject))
    except ValueError:
        return record


def content_of(path: Path) -> bytes:
    """Return what a model file holds; b"" where it is gone already."""
    with storing(path):
        return path.read_bytes() if path.is_file() else b""
