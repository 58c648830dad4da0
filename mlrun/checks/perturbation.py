"""Perturbation: how much of the first metric is lost when the inputs get worse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlrun.change.keys import COMMON
from mlrun.check_contracts import Check, Context, Subject
from mlrun.kinds import Number, Parameter
from mlrun.records import Finding, Params

LEVELS = (0.05, 0.1, 0.25)  # of noise, in standard deviations
BLANKED = 3  # most important columns
DROP, RELATIVE_DROP = 0.05, 0.1  # what `auto` warns of: of a metric between bounds, else as a share of the score


def run(subject: Subject, context: Context, params: Params) -> Iterator[Finding]:
    """Yield what each level costs, with its paired interval, and how many answers flip."""
    from mlrun.change.drops import drop_findings

    yield from drop_findings(subject, context, params)


def automatic(context: Context) -> list[Params]:
    """Return noise on the numeric columns, and one test for each of the three most important columns, lost."""
    from mlrun.change.importance import most_important

    features = context.dataset.features
    numeric = tuple(column.name for column in features if column.kind == "numeric")
    blanked = most_important(context, BLANKED) if len(features) > 1 else ()
    edits: list[tuple[str, tuple[str, Any]]] = []
    if numeric:
        edits.append(("noise", ("noise", {"columns": numeric, "sd": LEVELS})))
    edits.extend((f"without {name}", ("blank", (name,))) for name in blanked)
    bound = allowed_drop(context)
    return [{"name": name, "edit": edit, "along": (), "max_drop": bound, "severity": "warn"} for name, edit in edits]


def allowed_drop(context: Context) -> float | None:
    """Return what a loss is held to where the author says nothing; None where it cannot be said."""
    import math

    from mlrun import metrics

    if not context.metrics or context.best is None:
        return None
    spec = context.metrics[0]
    low, high = metrics.entry(spec.name, context.folder).bounds
    if math.isfinite(low) and math.isfinite(high):
        return DROP
    test, truth = context.subject(context.best).test, context.truth
    if test is None or truth is None:
        return None
    score = metrics.score((spec,), truth, test, context.dataset.task, context.folder)[spec.label]
    return None if score is None else RELATIVE_DROP * abs(score)


ENTRY = Check(
    run=run,
    parameters={**COMMON, "max_drop": Parameter(Number(low=0), None, "what may be lost, in the metric's unit")},
    tasks=("classification", "regression", "anomaly"),
    needs=("predict",),
    many=True,
    edits=True,
    automatic=automatic,
)
