"""From a run folder to what a tracking store keeps of it: one entry for the run, one for each model and baseline."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from mlrun.comparison.origins import Code, read_as
from mlrun.json_records import decode
from mlrun.runs import read_trials
from mlrun.store.run_labels import read_labels
from mlrun.store.run_record import ModelRecord, RunRecord
from mlrun.tracked import LossCurves, SystemSample
from mlrun.wording import as_text

Line = TypeVar("Line")
REFUSED = re.compile(r"[^\w. :/-]+", re.ASCII)  # what MLflow takes in no name of a metric or parameter
LONGEST_VALUE, LONGEST_TAG = 6_000, 5_000  # characters, of a parameter and of a tag
POINTS = 1_000  # of a curve, at most: what lies between is left out
ABOUT_THE_RUN = (
    "spec.yaml", "spec.resolved.json", "run.json", "report.md", "findings.jsonl", "trials.jsonl", "data.json",
    "env.json", "code.json", "code.patch",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Point:
    """A value of a metric at a step; seconds: after the run began, None = at its end."""

    key: str
    value: float
    step: int = 0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What a store keeps under one name; files: path in the run folder → the artifact folder that it goes to."""

    name: str
    tags: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=dict)
    points: tuple[Point, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


def run_entry(run: Path, record: RunRecord, own: Sequence[str]) -> Entry:
    """Return the entry of the run: where it is from, the scores of its best model, its load, the files about it.

    own: the files of the run folder that may be handed on.
    """
    best = record.champion
    files = dict.fromkeys((name for name in ABOUT_THE_RUN if name in own), "")
    files |= dict.fromkeys((name for name in own if name.startswith("predictions/")), "predictions")
    return Entry(
        name=record.name,
        tags=run_tags(run, record),
        params={} if best is None else {"best": best.name, "family": best.family},
        points=(*(scores(record, best) if best else ()), *load(run)),
        files=files,
    )


def model_entry(run: Path, record: RunRecord, model: ModelRecord, own: Sequence[str]) -> Entry:
    """Return the entry of a model or baseline: hyperparameters, scores, its curves, its file."""
    tags = {
        "mlrun.model": model.name,
        "mlrun.kind": model.kind,
        "mlrun.family": model.family,
        "mlrun.best": str(model.name == record.best).lower(),
        "mlrun.trial": model.trial,
        "mlrun.stale": model.stale,
        "mlrun.reason": model.reason,
    }
    return Entry(
        name=model.name,
        tags=trimmed(tags),
        params={named(name): as_text(value)[:LONGEST_VALUE] for name, value in model.params.items()},
        points=(*scores(record, model), *fold_scores(run, model), *curves(run, model)),
        files={model.file: "model"} if model.file in own else {},
    )


def run_tags(run: Path, record: RunRecord) -> dict[str, str]:
    """Return what a run is looked up and known by."""
    code, labels = read_as(Code, run / "code.json") or Code(), read_labels(run)
    told = record.verdict.word + (f": {record.verdict.reason}" if record.verdict.reason else "")
    tags = {
        "mlrun.run": record.name,
        "mlrun.started": record.started,
        "mlrun.status": record.status,
        "mlrun.verdict": record.verdict.word,
        "mlrun.data_id": record.data_id,
        "mlrun.spec_id": record.spec_id,
        "mlrun.best": record.best or "",
        "mlrun.gates": ", ".join(f"{gate.gate}: {gate.status}" for gate in record.gates),
        "mlrun.tags": ", ".join(labels.tags),
        "mlrun.note": labels.note,
        "mlflow.note.content": told,
        "mlflow.source.name": "mlrun train",
        "mlflow.source.git.commit": (code.git.commit or "") if code.git else "",
        "mlflow.source.git.branch": (code.git.branch or "") if code.git else "",
    }
    return trimmed(tags)


def trimmed(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that say something, no longer than a store takes."""
    return {name: value[:LONGEST_TAG] for name, value in tags.items() if value}


def named(label: str) -> str:
    """Return a name that MLflow takes: precision_at(k=0.05) is precision_at_k_0.05."""
    return REFUSED.sub("_", label).strip("_ /") or "_"


# -- numbers ----------------------------------------------------------------------------------------------------------


def scores(record: RunRecord, model: ModelRecord) -> Iterator[Point]:
    """Yield means and deviations over the folds, values and intervals on test, and what the model costs."""
    for metric in record.metrics:
        name = named(metric.label)
        if metric.label in model.cv:
            folds = model.cv[metric.label]
            yield from known((f"cv/{name}", folds.mean), (f"cv_sd/{name}", folds.sd))
        if metric.label in model.test:
            test = model.test[metric.label]
            yield from known(
                (f"test/{name}", test.value), (f"test_low/{name}", test.low), (f"test_high/{name}", test.high)
            )
    yield from known(
        ("cost/fit_seconds", model.fit_seconds),
        ("cost/p95_ms_1_row", model.p95_ms_1_row),
        ("cost/size_bytes", model.size_bytes),
        ("cost/trials", model.budget.used if model.budget else None),
    )


def known(*pairs: tuple[str, float | None]) -> Iterator[Point]:
    """Yield the values that are there and finite: a store has no other."""
    for key, value in pairs:
        if value is not None and math.isfinite(value):
            yield Point(key, float(value))


def fold_scores(run: Path, model: ModelRecord) -> Iterator[Point]:
    """Yield the winning trial's score on each fold, a step a fold."""
    for result in read_trials(run) if model.trial else ():
        if result.trial.id == model.trial:
            for label, values in result.scores.items():
                yield from steps(f"fold/{named(label)}", values)


def curves(run: Path, model: ModelRecord) -> Iterator[Point]:
    """Yield the winning trial's losses, a step a round; a curve a fold."""
    for line in lines(run / "curves.jsonl", LossCurves) if model.trial else ():
        if line.trial == model.trial:
            for name, losses in line.curves.items():
                rounds = line.rounds[name] if name in line.rounds else range(1, len(losses) + 1)
                yield from steps(f"loss/{named(name)}/fold {named(line.fold)}", losses, rounds)


def steps(key: str, values: Sequence[float | None], rounds: Iterable[int] = ()) -> Iterator[Point]:
    """Yield the finite values of a curve, no more than a store should hold."""
    numbered = list(zip(list(rounds) or range(len(values)), values, strict=True))
    for step, value in numbered[:: math.ceil(len(numbered) / POINTS) or 1]:
        if value is not None and math.isfinite(value):
            yield Point(key, float(value), int(step))


def load(run: Path) -> Iterator[Point]:
    """Yield CPU, memory and disk of the run's processes, under the names by which MLflow shows a system's load."""
    samples = list(lines(run / "system.jsonl", SystemSample))
    for number, sample in enumerate(samples[:: math.ceil(len(samples) / POINTS) or 1]):
        values = {
            "cpu_percent": sample.cpu_percent,
            "memory_bytes": sample.memory_bytes,
            "read_bytes": sample.read_bytes,
            "write_bytes": sample.write_bytes,
        }
        for name, value in values.items():
            if value is not None:
                yield Point(f"system/{name}", float(value), number, sample.seconds)


def lines(file: Path, kind: type[Line]) -> Iterator[Line]:
    """Yield the lines of a file that can be read; none where there is no such file."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    for line in text.splitlines():
        try:
            content: Any = json.loads(line)
            yield decode(kind, content)
        except ValueError:  # of another version, or damaged: the rest still counts
            continue


def milliseconds(written: str) -> int:
    """Return an ISO time of a record as milliseconds since 1970, 0 where it is none."""
    try:
        return int(datetime.fromisoformat(written).timestamp() * 1000)
    except (ValueError, OverflowError):
        return 0
