"""From a run's folder to the row that the index keeps of it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from mlrun.errors import MlrunError, UsageError
from mlrun.records import Interval
from mlrun.store.file_names import JOURNAL, LOCK, RUN
from mlrun.store.run_folder import is_locked
from mlrun.store.run_labels import Labels, read_labels
from mlrun.store.run_names import version_name
from mlrun.store.run_reading import read_run
from mlrun.store.run_record import FoldSummary, MetricRecord, ModelRecord, RunRecord
from mlrun.store.run_row import IndexRow, Scores, State

NO_LABELS = Labels()
WORST_GATE = ("fail", "undecided", "not_run", "pass")


def read_row(root: Path, experiment: str, version: int) -> IndexRow:
    """Return the row of a finished run, also when its run.json cannot be read."""
    path = root / experiment / version_name(version)
    try:
        row = make_row(experiment, version, read_run(path))
    except MlrunError as error:
        status: State = "newer" if isinstance(error, UsageError) else "damaged"
        row = IndexRow(experiment, version, status, reason=str(error))
    return labelled(row, path)


def labelled(row: IndexRow, path: Path) -> IndexRow:
    """Return the row with the run's labels; without where they cannot be read, which `mlrun tag` tells."""
    try:
        labels = read_labels(path)
    except MlrunError:
        return row
    return row._replace(tags=" ".join(labels.tags), note=labels.note) if labels != NO_LABELS else row


def make_row(experiment: str, version: int, record: RunRecord) -> IndexRow:
    """Return what `list` shows of a record; the folder's name counts where the record has another."""
    best, metric = record.champion, record.metrics[0] if record.metrics else None
    scores = all_scores(best, record.metrics) if best else {}
    first = scores[metric.label] if metric and metric.label in scores else Scores()
    return IndexRow(
        experiment=experiment,
        version=version,
        status=record.status,
        started=record.started,
        finished=record.finished,
        best=best.name if best else "",
        family=best.family if best else "",
        metric=metric.label if metric else "",
        direction=metric.direction if metric else "",
        cv=first.mean,
        sd=first.sd,
        test=first.test,
        low=first.low,
        high=first.high,
        verdict=record.verdict.word,
        reason=record.verdict.reason,
        models=sum(model.kind == "model" for model in record.models),
        failed_trials=record.failed_trials,
        sampled=record.sampled,
        spec_id=record.spec_id,
        data_id=record.data_id,
        rows_id=record.rows_id,
        code_id=record.code_id,
        exit_code=record.exit_code,
        gates=next((word for word in WORST_GATE for gate in record.gates if gate.status == word), ""),
        stale=best.stale if best else "",
        erasures=len(record.erasures),
        refers_to=" ".join(sorted(set(record.references.values()))),
        scores=json.dumps(scores, separators=(",", ":")) if scores else "",
    )


def all_scores(model: ModelRecord, metrics: Sequence[MetricRecord]) -> dict[str, Scores]:
    """Return metric label → scores of a model; what is no finite number is None."""
    directions: dict[str, str] = {metric.label: metric.direction for metric in metrics}
    found: dict[str, Scores] = {}
    for label in dict.fromkeys([*model.cv, *model.test]):
        cv = model.cv[label] if label in model.cv else FoldSummary(None)
        test = model.test[label] if label in model.test else Interval(None)
        numbers = map(finite, (cv.mean, cv.sd, test.value, test.low, test.high))
        found[label] = Scores(directions.get(label, ""), *numbers)
    return found


def finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def unfinished_row(root: Path, experiment: str, version: int) -> IndexRow | None:
    """Return the row of a run without run.json: running, or interrupted; None where there is no journal either."""
    path = root / experiment / version_name(version)
    running = is_locked(path)
    if (path / RUN).is_file():  # it has finished since somebody looked
        return read_row(root, experiment, version)
    if not running and not (path / JOURNAL).is_file():
        return None
    row = IndexRow(experiment, version, "running" if running else "interrupted", started=claimed_at(path))
    return labelled(row, path)


def claimed_at(path: Path) -> str:
    """Return when a run's folder was claimed, in UTC; "" when that cannot be told."""
    try:
        return datetime.fromtimestamp((path / LOCK).stat().st_mtime, UTC).isoformat(timespec="seconds")
    except OSError:
        return ""
