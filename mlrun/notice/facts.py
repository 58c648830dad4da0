"""From how `train` ended to the facts that hooks are told: as JSON, and as variables of their environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlrun.json_records import encode
from mlrun.records import Interval
from mlrun.store.run_record import RunRecord
from mlrun.wording import count, interval

LONGEST = 30_000  # characters of a variable; Linux takes 128 KiB

WITHIN = "MLRUN_EVENT"  # set for hooks: a train that one of them starts has none of its own


@dataclass(frozen=True, slots=True)
class End:
    """How a train ended: with a finished run, or with an error (a sentence for the user); exit_code: that of train.

    run, folder: '' = none was begun.
    """

    spec: str
    experiment: str
    exit_code: int
    run: str = ""
    folder: str = ""
    record: RunRecord | None = None
    error: str = ""


def events_of(end: End) -> tuple[str, ...]:
    """Return the events that hold: failed, regressed, both, or else done; `always` is told the first."""
    if end.record is None:
        return ("failed",)
    record = end.record
    broken = any(model.kind == "model" and model.status == "failed" for model in record.models)
    holds = {
        "failed": record.status == "failed" or record.failed_trials > 0 or broken,
        "regressed": any(gate.status == "fail" for gate in record.gates),
    }
    return tuple(event for event, what in holds.items() if what) or ("done",)


def facts(end: End, event: str) -> dict[str, Any]:
    """Return what a hook is told, ready for JSON."""
    record = end.record
    metric = record.metrics[0].label if record is not None and record.metrics else None
    found = score(record)
    return {
        "event": event,
        "text": told(end, event),
        "run": end.run,
        "experiment": end.experiment,
        "folder": end.folder,
        "spec": str(Path(end.spec).absolute()),
        "exit_code": end.exit_code,
        "status": "error" if record is None else record.status,
        "error": end.error,
        "verdict": None if record is None else {"word": record.verdict.word, "reason": record.verdict.reason},
        "best": None if record is None else record.best,
        "metric": metric,
        "score": None if found is None else encode(found),
        "gates": [] if record is None else [encode(gate) for gate in record.gates],
        "failed_trials": 0 if record is None else record.failed_trials,
        "sampled": None if record is None else record.sampled,
        "started": None if record is None else record.started,
        "finished": None if record is None else record.finished,
    }


def variables(known: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts as environment variables: MLRUN_EVENT, MLRUN_RUN ...; '' = there is none."""
    verdict, found = known["verdict"] or {"word": "", "reason": ""}, known["score"]
    failed = [gate["gate"] for gate in known["gates"] if gate["status"] == "fail"]
    plain = {
        "EVENT": known["event"],
        "TEXT": known["text"],
        "RUN": known["run"],
        "EXPERIMENT": known["experiment"],
        "RUNS": known["folder"] and str(Path(known["folder"]).parents[1]),  # so that a hook's mlrun finds the run
        "FOLDER": known["folder"],
        "SPEC": known["spec"],
        "EXIT_CODE": known["exit_code"],
        "STATUS": known["status"],
        "ERROR": known["error"],
        "VERDICT": verdict["word"],
        "REASON": verdict["reason"],
        "BEST": known["best"],
        "METRIC": known["metric"],
        "SCORE": None if found is None else found["value"],
        "FAILED_GATES": "; ".join(failed),
    }
    return {f"MLRUN_{name}": as_variable(value) for name, value in plain.items()}


def as_variable(value: object) -> str:
    """Return a fact as the system takes it for a variable: without NUL, not longer than it allows."""
    return "" if value is None else str(value).replace(chr(0), "")[:LONGEST]


def score(record: RunRecord | None) -> Interval | None:
    """Return the best model's score by the first metric: on test, else the mean over the folds; None without one."""
    if record is None or record.champion is None or not record.metrics:
        return None
    label, best = record.metrics[0].label, record.champion
    if label in best.test and best.test[label].value is not None:
        return best.test[label]
    return Interval(best.cv[label].mean) if label in best.cv and best.cv[label].mean is not None else None


def told(end: End, event: str) -> str:
    """Return the end in one line, for a message to people."""
    if end.record is None:
        return f"{end.run or end.experiment} stopped with an error: {' '.join(end.error.split())}"
    record = end.record
    marked = f" (a try-out on {count(record.sampled, 'row')})" if record.sampled is not None else ""
    if event == "regressed":
        gates = [gate for gate in record.gates if gate.status == "fail"]
        reasons = "; ".join(gate.gate + (f" ({gate.reason})" if gate.reason else "") for gate in gates)
        return f"{record.name}{marked}: {'a gate' if len(gates) == 1 else f'{len(gates)} gates'} failed: {reasons}"
    if record.status == "failed":
        return f"{record.name}{marked} failed: no model could be fitted"
    lost = f"; {count(record.failed_trials, 'trial')} failed" if event == "failed" and record.failed_trials else ""
    lost = lost or ("; a model failed" if event == "failed" else "")
    return f"{record.name}{marked}: {record.verdict.word}{told_score(record)}{lost}"


def told_score(record: RunRecord) -> str:
    """Return ': xgboost has roc_auc 0.93 [0.92, 0.94]'; '' where nothing was measured."""
    found = score(record)
    if found is None:
        return ""
    return f": {record.best} has {record.metrics[0].label} {interval(found.value, found.low, found.high)}"


NAMES = frozenset(variables(facts(End("", "", 0), "failed")))  # what a hook may name as ${ENV:MLRUN_...}
