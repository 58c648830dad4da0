"""From a run's folder to the row that the index keeps of it: what `list` shows, sorts and chooses by."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from mlrun.errors import MlrunError, UsageError
from mlrun.records import Interval
from mlrun.store.run_folder import JOURNAL, LOCK, RUN, is_locked
from mlrun.store.run_labels import Labels, read_labels
from mlrun.store.run_names import version_name
from mlrun.store.run_reading import read_run
from mlrun.store.run_record import FoldSummary, MetricRecord, ModelRecord, RunRecord
from mlrun.store.stale_models import CONTAINS

NO_LABELS = Labels()
WORST_GATE = ("fail", "undecided", "not_run", "pass")

State = Literal["complete", "failed", "interrupted", "running", "damaged", "newer"]


class IndexRow(NamedTuple):
    """A line of `list`; a tuple, as ten thousand of them must be made in an instant.

    metric: the first one's label; cv, sd: the best model's mean and standard deviation over folds; test, low, high:
    its value on test rows with its interval. scores: the same of every metric, as JSON; see `scores_of`. gates: the
    least of what became of them. stale: what the best model still holds of an erased person. tags, refers_to: words
    with a blank between; refers_to: the runs that this one's spec meant. Texts are "" and numbers None where a run
    has nothing to say.
    """

    experiment: str
    version: int
    status: State
    started: str = ""
    finished: str = ""
    best: str = ""
    family: str = ""
    metric: str = ""
    direction: str = ""
    cv: float | None = None
    sd: float | None = None
    test: float | None = None
    low: float | None = None
    high: float | None = None
    verdict: str = ""
    reason: str = ""
    models: int = 0
    failed_trials: int = 0
    sampled: int | None = None
    spec_id: str = ""
    data_id: str = ""
    rows_id: str = ""
    code_id: str = ""
    exit_code: int | None = None
    gates: str = ""
    stale: str = ""
    erasures: int = 0
    refers_to: str = ""
    tags: str = ""
    note: str = ""
    scores: str = ""

    @property
    def name(self) -> str:
        return f"{self.experiment}@{self.version}"


class Scores(NamedTuple):
    """The best model's scores by one metric: mean and standard deviation over folds, test with its interval."""

    direction: str = ""
    mean: float | None = None
    sd: float | None = None
    test: float | None = None
    low: float | None = None
    high: float | None = None


def scores_of(row: IndexRow) -> dict[str, Scores]:
    """Return metric label → scores of a run's best model."""
    try:
        return {label: Scores(*values) for label, values in json.loads(row.scores).items()} if row.scores else {}
    except (AttributeError, TypeError, ValueError):  # a cache on a broken disk: nothing is known
        return {}


def reader_of(label: str) -> Callable[[IndexRow], Scores | None]:
    """Return what reads the scores by one metric."""
    words_of = words_reader(label)

    def read(row: IndexRow) -> Scores | None:
        direction, *numbers = words_of(row) or [""]
        try:
            return Scores(direction.strip('"'), *map(number_in, numbers)) if direction else None
        except (TypeError, ValueError):  # a cache on a broken disk: nothing is known
            return None

    return read


def number_reader(label: str, part: Literal["mean", "test"]) -> Callable[[IndexRow], float | None]:
    """Return what reads a single score by one metric."""
    words_of, place = words_reader(label), Scores._fields.index(part)

    def read(row: IndexRow) -> float | None:
        words = words_of(row)
        try:
            return number_in(words[place]) if words else None
        except (IndexError, ValueError):  # a cache on a broken disk: nothing is known
            return None

    return read


def words_reader(label: str) -> Callable[[IndexRow], list[str] | None]:
    """Return what finds a metric's scores in the text of all of them: a tenth of the time of reading that as JSON."""
    key = f"{json.dumps(label)}:["

    def read(row: IndexRow) -> list[str] | None:
        text = row.scores
        at = text.find(key)
        while at > 0 and text[at - 1] not in "{,":  # the end of another label
            at = text.find(key, at + 1)
        return None if at < 0 else text[at + len(key) : text.find("]", at)].split(",")

    return read


def number_in(word: str) -> float | None:
    return None if word == "null" else float(word)


def best_of(rows: Sequence[IndexRow]) -> IndexRow | None:
    """Return what EXPERIMENT@best means among the rows of one experiment, newest first; None where nothing does.

    It is the best mean over folds by the first metric among complete runs on all rows, on the data of the latest of
    these; of equal ones the newest. A run whose best model holds a person who was erased, so that nothing may use it,
    is the best only where no other is.
    """
    complete = [row for row in rows if row.status == "complete" and row.sampled is None]
    complete = [row for row in complete if not row.stale.startswith(CONTAINS)] or complete
    if not complete:
        return None
    latest = complete[0]
    same = (latest.data_id, latest.metric, latest.direction)
    scored = [
        (row.cv if row.direction == "maximize" else -row.cv, row.version, row)
        for row in complete
        if row.cv is not None and (row.data_id, row.metric, row.direction) == same
    ]
    return max(scored)[2] if scored else None


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
