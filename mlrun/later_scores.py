"""From a run's best model on other rows to its scores there, each beside that of the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlrun import metrics
from mlrun.intervals import Question, interval
from mlrun.records import Interval

if TYPE_CHECKING:
    from mlrun.check_contracts import Context
    from mlrun.store.run_record import RunRecord


@dataclass(frozen=True, slots=True)
class LaterScore:
    """A metric of the best model on the run's own test rows (`then`) and on these."""

    metric: str
    direction: str
    then: Interval
    now: Interval


def later_scores(record: RunRecord, context: Context) -> tuple[LaterScore, ...]:
    """Return the best model's score in each of the run's metrics, with its interval; () without labels or a best."""
    best = next((model for model in record.models if model.name == record.best), None)
    said = next((subject.test for subject in context.subjects if subject.name == record.best), None)
    truth, task = context.truth, context.dataset.task
    if best is None or said is None or truth is None:
        return ()
    found = []
    for metric in context.metrics:
        question = Question(metric, truth, task, context.confidence, context.seed, context.folder)
        direction = metrics.entry(metric.name, context.folder).direction
        then = best.test.get(metric.label, Interval(None))
        found.append(LaterScore(metric.label, direction, then, interval(question, said)))
    return tuple(found)
