"""What scripts may rely on in a run folder: a JSON Schema of each file, made from the records that write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from mlrun.comparison.origins import Code, Data, Environment
from mlrun.json_records import shape
from mlrun.store.run_findings import FindingRecord
from mlrun.store.run_record import FORMAT, RunRecord
from mlrun.store.run_trials import TrialRecord
from mlrun.tracked import LossCurves, SystemSample, Timing

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCALARS: dict[Any, Any] = {str: "string", bool: "boolean", int: "integer", NoneType: "null"}
FILES = {
    "spec.yaml": "the bytes that were given",
    "spec.resolved.json": "every default written out: what ran, and what spec_id is the digest of",
    "journal.jsonl": "the truth while the run lives: 'crc32hex SP json LF', one line an event; not for scripts",
    "run.json": "written once, last: its presence means that the run is finished",
    "trials.jsonl": "a line a trial, sorted by id: scores on each fold, status, reason; equal runs give equal bytes",
    "findings.jsonl": "a line a test, model and variant: what the checks of `evaluation:` found",
    "timings.jsonl": "seconds and memory of each fit",
    "curves.jsonl": "losses a round, epoch or iteration: a line a trial and fold",
    "system.jsonl": "CPU, memory and disk of the run's processes, a line a second",
    "predictions/NAME.parquet": "a file a champion or baseline",
    "training_rows.parquet": "a digest of each row that the models have seen, its id where the data has one",
    "models/NAME.skops": "the stored champions; mlrun.runs.load_model reads them",
    "code.json": "git's state and the user's modules",
    "code.patch": "what git says was changed since the commit",
    "env.json": "packages and machine",
    "data.json": "where the data came from, its schema and digests; no value of any row",
    "report.md": "the leaderboard and the verdict for people who browse the folder",
    "manifest.json": "sha256 of every file; run.json holds the manifest's own",
    "labels.json": "tags and a note that people gave the run; may change, and is in no manifest",
    "lock": "held by the live process",
}
PREDICTIONS = {
    "row": "the id, or the position in the row's own file",
    "part": "fold or test",
    "fold": "which fold held the row out; null in test",
    "repeat": "which repeat of the folds; null in test",
    "truth": "the target's value",
    "prediction": "the label, or the number; null where a baseline says nothing",
    "p_0 .. p_k": "probabilities, in the order of task.labels in run.json",
    "score": "higher = more positive, or more anomalous; score_0 .. score_k for more than two classes",
}


def run_folder_schema() -> dict[str, Any]:
    """Return what each file of a run folder holds, JSON Schemas for those that scripts read."""
    return {
        "format": FORMAT,
        "files": FILES,
        "run.json": {"$schema": DIALECT, "title": "run.json", **schema_of(RunRecord)},
        "trials.jsonl": {"$schema": DIALECT, "title": "a line of trials.jsonl", **schema_of(TrialRecord)},
        "findings.jsonl": {"$schema": DIALECT, "title": "a line of findings.jsonl", **schema_of(FindingRecord)},
        "timings.jsonl": {"$schema": DIALECT, "title": "a line of timings.jsonl", **schema_of(Timing)},
        "curves.jsonl": {"$schema": DIALECT, "title": "a line of curves.jsonl", **schema_of(LossCurves)},
        "system.jsonl": {"$schema": DIALECT, "title": "a line of system.jsonl", **schema_of(SystemSample)},
        "predictions/NAME.parquet": {"columns": PREDICTIONS},
        "code.json": {"$schema": DIALECT, "title": "code.json", **schema_of(Code)},
        "env.json": {"$schema": DIALECT, "title": "env.json", **schema_of(Environment)},
        "data.json": {"$schema": DIALECT, "title": "data.json", **schema_of(Data)},
    }


def schema_of(kind: Any) -> dict[str, Any]:
    """Return the JSON Schema of a type as json_records writes it."""
    if is_dataclass(kind) and isinstance(kind, type):
        return record_schema(kind)
    origin, inside = get_origin(kind), get_args(kind)
    if kind is Any:
        return {}
    if kind is float:
        return {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}
    if kind in SCALARS:
        return {"type": SCALARS[kind]}
    if origin is Literal:
        return {"enum": list(inside)}
    if origin in (Union, UnionType):
        return {"anyOf": [schema_of(option) for option in inside]}
    if origin is tuple:
        return {"type": "array", "items": schema_of(inside[0])}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": schema_of(inside[1])}
    raise TypeError(f"{kind} has no JSON Schema")


def record_schema(kind: type) -> dict[str, Any]:
    """Return the schema of a record; fields without a default are required, later versions may add others."""
    described = (kind.__doc__ or "").strip()
    required = [field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING]
    return {
        "type": "object",
        "description": " ".join(described.split()),
        "properties": {name: schema_of(hint) for name, hint, _ in shape(kind)},
        "required": required,
    }
