"""From the slices of a test to findings: named ones judged beside the rest, found ones, orders that turn around."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from mlrun import metrics
from mlrun.check_contracts import Context, Subject
from mlrun.fit import take
from mlrun.intervals import Question
from mlrun.records import Finding, FindingStatus, MetricSpec, Prediction
from mlrun.slice.parts import Slice, named_slices
from mlrun.slice.question import Asked
from mlrun.slice.scores import SliceScore, reversed_in_slices, score_slices
from mlrun.weighing import tolerance

if TYPE_CHECKING:
    from mlrun.records import Array


# -- named -------------------------------------------------------------------------------------------------------------


def of_named_slices(asked: Asked) -> Iterator[Finding]:
    """Yield what each named slice scores beside the rest; of the best model, where its order with the next turns."""
    slices = slices_of(asked)
    if slices and math.isnan(asked.question.value(asked.prediction)):
        told = f"{asked.question.spec.label} is not defined for what it says"
        yield Finding("", "", asked.subject.name, status="not_run", reason=told)
        return
    for each in score_slices(slices, asked.question, asked.prediction):
        yield of_named(asked, each)
    if asked.subject.name == asked.context.best:
        yield from of_reversals(asked, slices)


def slices_of(asked: Asked) -> list[Slice]:
    """Return the named slices of all rows, cut to those that are answered: every model has the same quantiles."""
    whole = named_slices(asked.context.table, asked.params["by"] or (), asked.context.sensitive)
    parts = [replace(part, rows=part.rows[asked.said]) for part in whole]
    return [part for part in parts if part.rows.any() or not part.by]


def of_named(asked: Asked, each: SliceScore) -> Finding:
    """Return the finding of one named slice."""
    gap, rest = each.gap, each.rest.value
    status, bound, reason = judge(asked, each)
    return Finding(
        "",
        "",
        asked.subject.name,
        variant=each.part.name,
        status=status,
        severity=asked.params["severity"],
        measure=asked.question.spec.label,
        value=each.score.value,
        low=each.score.low,
        high=each.score.high,
        threshold=bound,
        p_value=None if each.part.critical else gap.p_value,
        n=each.counted,
        reason=reason,
        details={
            "n": each.rows,
            "rest": rest,
            "gap": gap.difference,
            "gap_low": gap.low,
            "gap_high": gap.high,
            "p_holm": each.p_holm,
            "test": gap.method,
            "by": each.part.by,
            "discovered": False,
            "support": each.rows / asked.table.height,
        },
    )


def judge(asked: Asked, each: SliceScore) -> tuple[FindingStatus, float | None, str]:
    """Return the status of a named slice, the score that it is held to, and why.

    A gap fails when it is larger than allowed and no chance (Holm), and warns when only one of both holds.
    """
    question = asked.question
    if each.reason or each.score.value is None:
        return "not_run", None, each.reason
    if each.part.critical or each.part.at_least is not None:
        return of_critical(question, each)
    if each.rest.value is None or each.gap.difference is None:
        return "info", None, f"{told_score(each)}; {question.spec.label} is not defined for the rest"
    maximize = question.metric.direction == "maximize"
    worse = -each.gap.difference if maximize else each.gap.difference
    allowed = allowed_gap(question, asked.params["max_gap"], each.rest.value)
    bound = each.rest.value - allowed if maximize else each.rest.value + allowed
    large = worse > allowed
    sure = worse > 0 and each.p_holm is not None and each.p_holm < 1 - asked.context.confidence
    told = f"{question.spec.label} {told_score(each)} against {each.rest.value:.4g} of the rest"
    chance = "" if each.p_holm is None else f", p = {each.p_holm:.2g}"
    if large and sure:
        what = "it performs differently where it should be the same" if each.part.expected else "it does worse here"
        return "fail", bound, f"{what}: {told} (a gap above {allowed:.3g}{chance})"
    if large:
        return "warn", bound, f"{told}: a gap above {allowed:.3g}, which may be chance{chance}"
    if sure:
        return "warn", bound, f"{told}: a small gap, and no chance{chance}"
    return "pass", bound, told


def of_critical(question: Question, each: SliceScore) -> tuple[FindingStatus, float | None, str]:
    """Judge a slice by its own bound: a model that is only as good there as elsewhere may be the wrong one."""
    bound, value = each.part.at_least, each.score.value
    if bound is None or value is None:
        return "info", None, f"{question.spec.label} {told_score(each)}"
    maximize = question.metric.direction == "maximize"
    reached = value >= bound if maximize else value <= bound
    told = f"{question.spec.label} {told_score(each)}; this slice must reach {bound:.4g}"
    if reached:
        return "pass", bound, told
    rest = each.rest.value
    alike = "" if rest is None else f": it is judged like any other (the rest: {rest:.4g}) where it should differ"
    return "fail", bound, f"{told}{alike}"


def allowed_gap(question: Question, max_gap: float, rest: float) -> float:
    """Return the gap that is allowed in the metric's unit: of one without a highest value, that share of the rest's."""
    return tolerance(max_gap, question.metric.bounds[1], rest)


def told_score(each: SliceScore) -> str:
    score = each.score
    bounds = "" if score.low is None or score.high is None else f" [{score.low:.4g}, {score.high:.4g}]"
    return f"{score.value:.4g}{bounds}"


def of_reversals(asked: Asked, slices: list[Slice]) -> Iterator[Finding]:
    """Yield a warning for each column in whose slices the best model and the next change places (Simpson 1951)."""
    context, question = asked.context, asked.question
    maximize = question.metric.direction == "maximize"
    rival = rival_of(context, context.metrics[0])
    if rival is None or rival.test is None:
        return
    whole = question.value(asked.prediction), question.value(rival.test)
    for by, parts in groupby((part for part in slices if part.by), lambda part: part.by):
        places = [np.flatnonzero(part.rows) for part in parts]
        ours, theirs = ([score_of(question, prediction, rows) for rows in places]
                        for prediction in (asked.prediction, rival.test))  # fmt: skip
        if reversed_in_slices(ours, theirs, whole, maximize=maximize):
            ahead, behind = asked.subject.name, rival.name
            if (whole[0] > whole[1]) != maximize:
                ahead, behind = behind, ahead
            yield Finding(
                "",
                "",
                asked.subject.name,
                variant=f"order by {by}",
                status="warn",
                severity="warn",
                measure=question.spec.label,
                n=len(question.truth),
                reason=f"{ahead} beats {behind} over all rows and loses in every slice by {by} (Simpson's paradox): "
                "the mix of the slices decides, not the models",
                details={"by": by, "whole": list(whole), "ours": ours, "theirs": theirs, "rival": rival.name},
            )


def score_of(question: Question, prediction: Prediction, rows: Array) -> float | None:
    """Return the metric on some of the rows; None where it is not defined."""
    value = replace(question, truth=question.truth[rows]).value(take(prediction, rows))
    return None if math.isnan(value) else value


def rival_of(context: Context, first: MetricSpec) -> Subject | None:
    """Return the model that comes next to the best over the folds."""
    others = [subject for subject in context.subjects if subject.kind == "model" and subject.name != context.best]
    scored = [(metrics.oriented(first.name, score, context.folder), subject.name) for subject in others
              if (score := subject.cv.get(first.label)) is not None]  # fmt: skip
    return context.subject(max(scored)[1]) if scored else None
