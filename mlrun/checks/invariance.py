"""Invariance: what must not matter must not change the answer."""

from __future__ import annotations

from collections.abc import Iterator

from mlrun.change.keys import edited_columns, rate_keys
from mlrun.check_contracts import Check, Context, Subject
from mlrun.records import Finding, Params

SENSITIVE_RATE, OTHER_RATE = 0.02, 0.05
FEW_VALUES = 20  # a sensitive column with more distinct values gets those of other rows


def run(subject: Subject, context: Context, params: Params) -> Iterator[Finding]:
    """Yield the share of rows that change their answer, with the mean change of each variant."""
    from mlrun.change.outputs import inconsistent, moves, spread_of
    from mlrun.change.rates import Bound, Judged, answer_of, rate_findings

    answer = answer_of(subject, context, params)
    if isinstance(answer, Finding):
        yield answer
        return
    task = context.dataset.task
    spread = spread_of(answer.base, task)
    judged = []
    for change in answer.changes:
        moved = moves(change.old, change.new, task)
        fails = inconsistent(moved, task, params["tolerance"], spread)
        judged.append(Judged(change, moved, fails, fails | ~fails))
    bound = Bound(
        allowed(context, params), params["severity"], context.confidence, params["min_rows"], "change their answer"
    )
    yield from rate_findings(subject, answer, judged, bound, task)


def allowed(context: Context, params: Params) -> float:
    """Return the rate that is allowed: what is written, else less for a sensitive column."""
    if params["max_rate"] is not None:
        return float(params["max_rate"])
    sensitive = set(edited_columns(params, context.dataset, along=False)) & set(context.sensitive)
    return SENSITIVE_RATE if sensitive else OTHER_RATE


def automatic(context: Context) -> list[Params]:
    """Return a test for each sensitive column that the models may read."""
    return [
        {"name": name, "edit": edit_of(name, context), "along": ()}
        for name in context.sensitive
        if name not in context.withheld and name in context.dataset.table.columns
    ]


def edit_of(name: str, context: Context) -> tuple[str, object]:
    """Return the edit that gives a sensitive column its other values: each of a few, or those of other rows."""
    column = context.dataset.table[name]
    many = column.n_unique() > FEW_VALUES and (column.dtype.is_numeric() or column.dtype.is_temporal())
    return ("shuffle", [name]) if many else ("every_other_value", name)


ENTRY = Check(
    run=run,
    parameters=rate_keys(None, 0.05, "a smaller move of probability, or relative to a number, is none"),
    tasks=("classification", "regression", "anomaly"),
    needs=("predict",),
    many=True,
    edits=True,
    automatic=automatic,
)
