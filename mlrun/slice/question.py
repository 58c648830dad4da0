"""From a subject and a test of slices to the question: which rows, which metric, what was said of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlrun import metrics
from mlrun.check_contracts import Context, Subject
from mlrun.fit import take
from mlrun.intervals import Question
from mlrun.records import MetricSpec, Params, Prediction

if TYPE_CHECKING:
    import polars as pl

    from mlrun.records import Array


@dataclass(frozen=True, slots=True)
class Asked:
    """A test of one subject; table, question and prediction are of the rows on which it says something.

    said: where those stand among the rows that are judged.
    """

    subject: Subject
    context: Context
    params: Params
    table: pl.DataFrame
    question: Question
    prediction: Prediction
    said: Array


def asked_of(subject: Subject, context: Context, params: Params) -> Asked:
    """Return what is asked of a subject; raises ValueError without truth or prediction."""
    prediction, truth = subject.test, context.truth
    if prediction is None or truth is None:
        raise ValueError("there is nothing to judge")
    said = np.arange(len(truth)) if subject.answered is None else np.flatnonzero(subject.answered)
    spec, task = metric_of(context, params["metric"]), context.dataset.task
    question = Question(spec, truth[said], task, context.confidence, context.seed, context.folder)
    return Asked(subject, context, params, context.table[said], question, take(prediction, said), said)


def metric_of(context: Context, name: str | None) -> MetricSpec:
    """Return the metric that is judged: the first of the run where none is named."""
    if name is None:
        return context.metrics[0]
    named = [spec for spec in context.metrics if name in (spec.label, spec.name)]
    return named[0] if named else metrics.specify(name, None, context.folder)
