"""From predictions of clean and of worse inputs to findings: what it costs, level by level."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlrun import metrics
from mlrun.change.engine import Change
from mlrun.change.outputs import Moves, moves
from mlrun.change.rates import MOVED_AT_LEAST, answer_of, failing, not_run
from mlrun.check_contracts import Context, Subject
from mlrun.distributions import normal_ppf, normal_sf
from mlrun.intervals import Question, difference
from mlrun.records import Finding, FindingStatus, Params, Severity
from mlrun.wording import count, number

if TYPE_CHECKING:
    from mlrun.records import Array


@dataclass(frozen=True, slots=True)
class Drop:
    """How much of a metric is lost, in its own unit, with its interval; None where that is not defined."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    clean: float | None = None
    worse: float | None = None


def drop_findings(subject: Subject, context: Context, params: Params) -> Iterator[Finding]:
    """Yield one finding a level: the drop on the rows that the edit changed, flips, and how far answers moved."""
    answer = answer_of(subject, context, params)
    if isinstance(answer, Finding):
        yield answer
        return
    whole = question_of(context, answer.truth)  # one for all levels that change every row, so that clean is scored once
    for change in answer.changes:
        if len(change.cases) < params["min_rows"] and not answer.own:
            few = f"it changes {count(len(change.cases), 'row')}, and `min_rows` is {params['min_rows']}"
            yield not_run(subject, params["severity"], few, change.variant)
            continue
        question = whole
        if answer.truth is not None and len(change.cases) < len(answer.ids):
            question = question_of(context, answer.truth[change.cases])
        yield drop_finding(subject, question, change, context, params)


def question_of(context: Context, truth: Array | None) -> Question | None:
    """Return what is asked of a prediction: the first metric on these rows; None without labels or metric."""
    if truth is None or not context.metrics:
        return None
    return Question(context.metrics[0], truth, context.dataset.task, context.confidence, context.seed, context.folder)


def drop_finding(
    subject: Subject, question: Question | None, change: Change, context: Context, params: Params
) -> Finding:
    """Return what a level costs; question: the metric, None where it cannot be asked."""
    task, spec = context.dataset.task, context.metrics[0] if context.metrics else None
    moved = moves(change.old, change.new, task)
    drop = Drop() if question is None else drop_of(question, change)
    changed = int(moved.moved.sum())
    status, reason = judge_drop(drop, params["max_drop"], (changed, len(change.cases)), params["severity"])
    label = "" if spec is None else spec.label
    if drop.value is None:
        reason = f"{reason}; {'there are no labels' if question is None else f'{label} is not defined'} here"
    return Finding(
        check="",
        test="",
        model=subject.name,
        variant=change.variant,
        status=status,
        severity=params["severity"],
        measure=f"drop of {label}" if drop.value is not None else "flip rate",
        value=drop.value if drop.value is not None else flip_rate(moved, context),
        low=drop.low,
        high=drop.high,
        threshold=params["max_drop"] if drop.value is not None else None,
        p_value=p_of_drop(drop, params["max_drop"], context.confidence),
        n=len(change.cases),
        n_changed=changed,
        reason=reason,
        details={
            "level": change.level,
            "metric": label,
            "clean": drop.clean,
            "perturbed": drop.worse,
            "flip_rate": flip_rate(moved, context),
            "mean_change": float(np.abs(moved.change).mean()),
        },
    )


def drop_of(question: Question, change: Change) -> Drop:
    """Return what the metric loses from clean to worse inputs on the same rows, turned so that a loss is positive."""
    clean, worse = (None if math.isnan(value) else value for value in map(question.value, (change.old, change.new)))
    gap = difference(question, change.old, change.new)
    if gap.difference is None:
        return Drop(clean=clean, worse=worse)
    if metrics.oriented(question.spec.name, 1.0, question.folder) > 0:
        return Drop(gap.difference, gap.low, gap.high, clean, worse)
    low, high = (None if end is None else -end for end in (gap.high, gap.low))
    return Drop(-gap.difference, low, high, clean, worse)


def judge_drop(
    drop: Drop, max_drop: float | None, tally: tuple[int, int], severity: Severity
) -> tuple[FindingStatus, str]:
    """Return fail when the near end of the interval is beyond the bound, warn when only the estimate is.

    Where no interval can be had, the estimate alone only warns. tally: rows whose output moved, and rows.
    """
    moved, n = tally
    told_moved = f"the output moved for {moved:,} of {count(n, 'row')}"
    broken = max_drop is not None and drop.value is not None and drop.value > max_drop
    if moved < MOVED_AT_LEAST * n and not broken:
        return "vacuous", f"{told_moved}, so this proves nothing"
    if drop.value is None:
        return "info", told_moved
    told = f"the score gets worse by {number(drop.value)}" if drop.value > 0 else "the score gets no worse"
    if max_drop is None:
        return "info", f"{told}; no `max_drop` is asked for"
    if broken:
        if drop.low is not None and drop.low > max_drop:
            return failing(severity), f"{told}; {number(max_drop)} is allowed"
        return "warn", f"{told}; {number(max_drop)} is allowed, and chance could explain the rest"
    return "pass", told


def p_of_drop(drop: Drop, max_drop: float | None, confidence: float) -> float | None:
    """Return the one-sided p-value of a drop within the bound, from the interval's standard error."""
    if max_drop is None or drop.value is None or drop.low is None or drop.high is None:
        return None
    error = (drop.high - drop.low) / (2 * normal_ppf(0.5 + confidence / 2))
    if error <= 0:
        return 1.0 if drop.value <= max_drop else 0.0
    return normal_sf((drop.value - max_drop) / error)


def flip_rate(moved: Moves, context: Context) -> float | None:
    """Return the share of rows that are given another class; None where numbers are predicted."""
    if context.dataset.task.kind == "regression":
        return None
    return float((moved.old_values != moved.new_values).mean())
