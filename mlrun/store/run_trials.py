"""The scores of every trial on disk: trials.jsonl, the same bytes for the same results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from mlrun.errors import StorageError
from mlrun.json_records import decode, encode
from mlrun.records import Trial, TrialResult, TrialStatus
from mlrun.store.file_names import TRIALS
from mlrun.store.writing import reading, write_atomically


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """A line of trials.jsonl; the order of the fields is the order of its keys."""

    id: str
    model: str
    family: str
    params: Mapping[str, Any]
    status: TrialStatus
    reason: str
    scores: Mapping[str, tuple[float | None, ...]]
    identity: str
    fidelity: float = 1.0


def write_trials(path: Path, results: Iterable[TrialResult]) -> None:
    """Write trials.jsonl into a run folder: one line a trial, sorted by id; equal results give equal bytes."""
    write_atomically(path / TRIALS, b"".join(trial_line(result) for result in sorted(results, key=trial_order)))


def trial_order(result: TrialResult) -> tuple[str, int, str]:
    """Return what sorts MODEL/9999 before MODEL/10000."""
    model, _, number = result.trial.id.rpartition("/")
    return model, len(number), number


def trial_line(result: TrialResult) -> bytes:
    """Return a line of trials.jsonl: fixed key order, shortest floats, null for a score that is not defined."""
    trial = result.trial
    line = TrialRecord(
        id=trial.id,
        model=trial.model,
        family=trial.family,
        params=ordered(trial.params),
        status=result.status,
        reason=result.reason,
        scores={
            label: tuple(score if score is not None and isfinite(score) else None for score in result.scores[label])
            for label in sorted(result.scores)
        },
        identity=result.identity,
        fidelity=trial.fidelity,
    )
    return json.dumps(encode(line), allow_nan=False).encode() + b"\n"


def ordered(value: Any) -> Any:
    """Return free data with the keys of its mappings in alphabetical order."""
    if isinstance(value, Mapping):
        return {key: ordered(value[key]) for key in sorted(value)}
    return [ordered(item) for item in value] if isinstance(value, (list, tuple)) else value


def read_trials(path: Path) -> tuple[TrialResult, ...]:
    """Return the trials of a finished run, in the order of their ids; raise StorageError naming a damaged line."""
    file = path / TRIALS
    with reading(file):
        lines = file.read_bytes().splitlines()
    return tuple(parse_trial(line, f"{file}:{number}") for number, line in enumerate(lines, 1))


def parse_trial(line: bytes, place: str) -> TrialResult:
    """Return a line of trials.jsonl as the result that it was."""
    try:
        read = decode(TrialRecord, json.loads(line))
    except (ValueError, RecursionError) as error:
        raise StorageError(f"{place}: the line is damaged: {error}") from error
    trial = Trial(id=read.id, model=read.model, family=read.family, params=read.params, fidelity=read.fidelity)
    return TrialResult(trial=trial, status=read.status, scores=read.scores, reason=read.reason, identity=read.identity)
