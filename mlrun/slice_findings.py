"""From the slices of a test to findings: named ones judged beside the rest, found ones, orders that turn around."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from mlrun import measures, metrics
from mlrun.check_contracts import Context, Subject
from mlrun.fit import take
from mlrun.intervals import Question
from mlrun.records import Finding, FindingStatus, MetricSpec, Params, Prediction
from mlrun.slice_scores import SliceScore, reversed_in_slices, score_slices
from mlrun.slice_search import FoundSlice, predicates_of, search_slices
from mlrun.slicing import Slice, named_slices

if TYPE_CHECKING:
    import polars as pl

    from mlrun.records import Array

HALVES = 4  # times min_rows that a search needs, half of them to find and half to test
UNFIT = {"target", "id", "dropped"}  # reasons why no slice is sought in a column: the answer, names, set aside


@dataclass(frozen=True, slots=True)
class Asked:
    """A test of one subject; table, question and prediction are of the rows on which it says something."""

    subject: Subject
    context: Context
    params: Params
    table: pl.DataFrame
    question: Question
    prediction: Prediction


def asked_of(subject: Subject, context: Context, params: Params) -> Asked:
    """Return what is asked of a subject; raises ValueError without truth or prediction."""
    prediction, truth = subject.test, context.truth
    if prediction is None or truth is None:
        raise ValueError("there is nothing to judge")
    said = np.arange(len(truth)) if subject.answered is None else np.flatnonzero(subject.answered)
    spec, task = metric_of(context, params["metric"]), context.dataset.task
    question = Question(spec, truth[said], task, context.confidence, context.seed, context.folder)
    return Asked(subject, context, params, context.table[said], question, take(prediction, said))


def metric_of(context: Context, name: str | None) -> MetricSpec:
    """Return the metric that is judged: the first of the run where none is named."""
    if name is None:
        return context.metrics[0]
    named = [spec for spec in context.metrics if name in (spec.label, spec.name)]
    return named[0] if named else metrics.specify(name, None, context.folder)


# -- named -------------------------------------------------------------------------------------------------------------


def of_named_slices(asked: Asked) -> Iterator[Finding]:
    """Yield what each named slice scores beside the rest; of the best model, where its order with the next turns."""
    slices = named_slices(asked.table, asked.params["by"] or (), asked.context.sensitive)
    for each in score_slices(slices, asked.question, asked.prediction):
        yield of_named(asked, each)
    if asked.subject.name == asked.context.best:
        yield from of_reversals(asked, slices)


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
    return max_gap if math.isfinite(question.metric.bounds[1]) else max_gap * abs(rest)


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


# -- found -------------------------------------------------------------------------------------------------------------


def of_found_slices(asked: Asked) -> Iterator[Finding]:
    """Yield the slices of one or two conditions in which the loss is higher, or one finding that there is none."""
    wanted, rows = asked.params["discover"], asked.table.height
    if rows < HALVES * wanted["min_rows"]:
        told = f"{rows} rows: {HALVES * wanted['min_rows']} are needed to find slices and to test them on other rows"
        name, about = asked.subject.name, {"rest": None, "gap": None, "discovered": True}
        yield Finding("", "", name, variant="discovered", status="not_run", reason=told, details=about)
        return
    measure, loss = loss_of(asked)
    columns = [name for name in asked.table.columns if name not in unfit_columns(asked.context)]
    search = search_slices(
        predicates_of(asked.table, columns, wanted["min_rows"]),
        loss,
        depth=wanted["depth"],
        min_rows=wanted["min_rows"],
        fdr=wanted["fdr"],
        seed=asked.context.seed,
        confidence=asked.context.confidence,
    )
    yield from (of_found(asked, measure, each) for each in search.found)
    if not search.found:
        told = f"no slice of {search.candidates:,} has a {measure} above that of the rest beyond chance"
        name, counts = asked.subject.name, {"candidates": search.candidates, "tested": search.tested}
        about = {"rest": None, "gap": None, "discovered": True, **counts}
        yield Finding("", "", name, variant="discovered", status="pass", n=rows, reason=told, details=about)


def loss_of(asked: Asked) -> tuple[str, Array]:
    """Return what a row costs, under its name: whether it is wrong, for labels; else by the first metric, or squared.

    Wrong or right is what people see of a label; where a run is chosen by log loss, that of the row counts.
    """
    question, prediction = asked.question, asked.prediction
    task, first = question.task, asked.context.metrics[0].name
    if task.kind == "regression":
        if first in ("mae", "mape", "median_absolute_error"):
            return "mean absolute error", measures.errors(question.truth, prediction, task)
        return "mean squared error", measures.squares(question.truth, prediction, task)
    if first == "log_loss" and prediction.probabilities is not None:
        return "log loss", measures.log_losses(question.truth, prediction, task)
    return "error rate", (question.truth != prediction.values).astype(np.float64)


def unfit_columns(context: Context) -> set[str]:
    """Return the columns in which no slice is sought."""
    return {name for name, reason in context.dataset.withheld if reason in UNFIT} | {context.dataset.target}


def of_found(asked: Asked, measure: str, each: FoundSlice) -> Finding:
    """Return a slice that was found; a warning where its gap is larger than allowed (relative, but for error rates)."""
    max_gap = asked.params["max_gap"]
    allowed = max_gap if measure == "error rate" else max_gap * each.rest
    size = int(each.rows.sum())
    told = f"{measure} {each.loss:.4g} against {each.rest:.4g} of the rest, on rows that did not find it"
    return Finding(
        "",
        "",
        asked.subject.name,
        variant=each.name,
        status="warn" if each.gap > allowed else "info",
        severity="warn",
        measure=measure,
        value=each.loss,
        low=each.low,
        high=each.high,
        threshold=each.rest + allowed,
        p_value=each.p_value,
        n=each.tested,
        reason=f"found: {told} (q = {each.q_value:.2g})",
        details={
            "n": size,
            "rest": each.rest,
            "gap": each.gap,
            "gap_low": each.gap_low,
            "gap_high": each.gap_high,
            "p_holm": None,
            "q_value": each.q_value,
            "test": "Welch, one-sided",
            "discovered": True,
            "support": size / asked.table.height,
        },
    )
