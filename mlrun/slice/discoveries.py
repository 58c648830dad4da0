"""From what a model's rows cost to findings: the slices that a search came upon, or that there is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from mlrun import measures
from mlrun.check_contracts import Context
from mlrun.records import Finding
from mlrun.slice.question import Asked
from mlrun.slice.search import FoundSlice, Search, predicates_of, search_slices
from mlrun.wording import count

if TYPE_CHECKING:
    from mlrun.records import Array

HALVES = 4  # times min_rows that a search needs, half of them to find and half to test
NOTHING_FOUND = {"rest": None, "gap": None, "discovered": True}
UNFIT = {"target", "id", "dropped"}  # reasons why no slice is sought in a column: the answer, names, set aside


def of_found_slices(asked: Asked) -> Iterator[Finding]:
    """Yield the slices of one or two conditions in which the loss is higher, or one finding that there is none."""
    wanted, rows = asked.params["discover"], asked.table.height
    if rows < HALVES * wanted["min_rows"]:
        needed = HALVES * wanted["min_rows"]
        told = f"{count(rows, 'row')}: {needed} are needed to find slices and to test them on other rows"
        name, about = asked.subject.name, NOTHING_FOUND
        yield Finding("", "", name, variant="discovered", status="not_run", reason=told, details=about)
        return
    with np.errstate(over="ignore"):
        measure, loss = loss_of(asked)
    loss = np.nan_to_num(loss, posinf=np.finfo(np.float64).max ** 0.25)  # its square must stay a number
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
        yield of_none_found(asked, measure, search)


def of_none_found(asked: Asked, measure: str, search: Search) -> Finding:
    """Return what is said of a search that found nothing: there is no such slice, or none could be looked at."""
    told = f"none of {search.candidates:,} slices has a {measure} above that of the rest beyond chance"
    if not search.candidates:
        told = f"no column divides the rows into slices of {asked.params['discover']['min_rows']} rows or more"
    return Finding(
        "",
        "",
        asked.subject.name,
        variant="discovered",
        status="pass" if search.candidates else "not_run",
        n=asked.table.height,
        reason=told,
        details={**NOTHING_FOUND, "candidates": search.candidates, "tested": search.tested},
    )


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
    told = f"{measure} {each.loss:.4g} against {each.rest:.4g} of the rest, on rows that did not find the slice"
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
        reason=f"{told} (q = {each.q_value:.2g})",
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
