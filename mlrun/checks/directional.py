"""Directional: what should raise the answer raises it, or at least does not lower it."""

from __future__ import annotations

from collections.abc import Iterator

from mlrun.change.keys import rate_keys
from mlrun.check_contracts import Check, Context, Subject
from mlrun.kinds import Anything, OneOf, Parameter
from mlrun.labels import code_of
from mlrun.records import Dataset, Finding, Params

MAX_RATE = 0.05


def run(subject: Subject, context: Context, params: Params) -> Iterator[Finding]:
    """Yield the share of rows that move against what is expected; rows that cannot move further do not count."""
    from mlrun.change.outputs import moves, wrong_way
    from mlrun.change.rates import Bound, Judged, answer_of, not_run, rate_findings

    task = context.dataset.task
    outcome = None if params["outcome"] is None else code_of(params["outcome"], task)
    if task.multiclass and outcome is None:
        yield not_run(subject, params["severity"], f"of {len(task.labels)} classes, say which one: `outcome: LABEL`")
        return
    answer = answer_of(subject, context, params)
    if isinstance(answer, Finding):
        yield answer
        return
    spread = unit_of(context, answer.base)
    judged = []
    for change in answer.changes:
        moved = moves(change.old, change.new, task, outcome)
        fails, can = wrong_way(moved, task, params["expect"], params["tolerance"], spread)
        judged.append(Judged(change, moved, fails, can))
    failing = "fall" if params["expect"] == "increase" else "rise"
    bound = Bound(params["max_rate"], params["severity"], context.confidence, params["min_rows"], failing)
    yield from rate_findings(subject, answer, judged, bound, task)


def unit_of(context: Context, base: object) -> float:
    """Return what a tolerance is a share of: the standard deviation of y, of the scores; without y of what is said."""
    import numpy as np

    from mlrun.change.outputs import spread_of
    from mlrun.records import Prediction

    if context.dataset.task.kind == "regression" and context.dataset.truth is not None:
        return float(np.std(context.dataset.truth, ddof=1))
    return spread_of(base, context.dataset.task) if isinstance(base, Prediction) else 0.0


def problems(params: Params, dataset: Dataset) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Tell an outcome that is no class, and one that is missing."""
    task, outcome = dataset.task, params["outcome"]
    known = ", ".join(map(str, task.labels))
    if task.kind == "classification" and outcome is not None and code_of(outcome, task) is None:
        yield ("outcome",), f"{outcome!r} is no class of the target (known: {known})"
    if task.multiclass and outcome is None:
        yield (), f"say of which class the probability shall move: `outcome`, one of {known}"
    if task.kind != "classification" and outcome is not None:
        yield ("outcome",), f"`outcome` is for classes, and the task is {task.kind}"


ENTRY = Check(
    run=run,
    parameters={
        **rate_keys(MAX_RATE, 0.01, "a smaller move is none: of probability, in standard deviations of a number"),
        "expect": Parameter(OneOf("increase", "decrease"), "increase", "where the answer should move", required=True),
        "outcome": Parameter(Anything(), None, "of many classes, the one whose probability should move"),
    },
    tasks=("classification", "regression", "anomaly"),
    needs=("predict",),
    many=True,
    edits=True,
    problems=problems,
)
