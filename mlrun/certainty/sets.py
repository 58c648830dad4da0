"""From answers of test and of the folds to what conformal sets or intervals cover, of all rows and by group."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlrun.certainty.answers import Answers
from mlrun.certainty.conformal import Coverage, judge_coverage, quantile_of, set_scores
from mlrun.check_contracts import Context
from mlrun.records import Finding, Params
from mlrun.slice.parts import parts_of
from mlrun.statistics import holm
from mlrun.wording import as_text

if TYPE_CHECKING:
    from mlrun.records import Array

FEWEST_HELD_OUT = 20
FEWEST_ROWS = 20  # of a group
LEVEL = 0.05  # of all groups together


def conformal_findings(
    name: str, context: Context, params: Params, test: Answers, held_out: Answers | None
) -> Iterator[Finding]:
    """Yield what split conformal sets (classes) or intervals (numbers) cover, against the exact band.

    Groups: classes, sensitive columns and those of `conformal.by`. A group is promised nothing: that it is covered less
    than the whole is a warning, Holm over the groups, since users of that group are served worse.
    """
    coverage = params["conformal"]["coverage"]
    lacking = why_not(context, test, held_out)
    if lacking or held_out is None:
        yield Finding("", "", name, variant="conformal", status="not_run", reason=lacking)
        return
    covered, sizes = covered_by(held_out, test, coverage)
    size = "mean_width" if context.dataset.task.kind == "regression" else "mean_size"
    groups = list(groups_of(context, params["conformal"]["by"], test))
    held = len(held_out.rows)
    whole = judge_coverage(covered, held, coverage, context.confidence)
    found = [judge_coverage(covered[rows], held, coverage, context.confidence) for _, rows in groups]
    adjusted = holm([part.p_value for part in found])
    yield finding(name, "conformal", whole, coverage, {size: mean(sizes)}, low=whole.share < whole.low)
    for (group, rows), part, p_value in zip(groups, found, adjusted, strict=True):
        yield finding(name, f"conformal: {group}", part, coverage, {size: mean(sizes[rows])}, low=p_value < LEVEL)


def why_not(context: Context, test: Answers, held_out: Answers | None) -> str:
    """Return why there are no sets or intervals; '' when there are."""
    if held_out is None or len(held_out.rows) < FEWEST_HELD_OUT:
        return "there are too few held-out predictions to learn sets or intervals from"
    if context.dataset.task.kind == "classification" and (test.probabilities is None or held_out.probabilities is None):
        return "it gives no probabilities, so there are no sets of classes"
    return ""


def covered_by(held_out: Answers, test: Answers, coverage: float) -> tuple[Array, Array]:
    """Return which test rows are covered, and how many classes or how wide an interval it took, (n,) each."""
    if test.probabilities is None or held_out.probabilities is None:
        threshold = quantile_of(held_out.error, coverage)
        return test.error <= threshold, np.full(len(test.rows), 2 * threshold)
    own = set_scores(held_out.probabilities)[np.arange(len(held_out.rows)), held_out.truth]
    sets = set_scores(test.probabilities) <= quantile_of(own, coverage)
    return sets[np.arange(len(test.rows)), test.truth], sets.sum(axis=1)


def groups_of(context: Context, by: Sequence[str], test: Answers) -> Iterator[tuple[str, Array]]:
    """Yield name and rows, (n,) booleans, of the groups with rows enough: classes, then values of columns."""
    task = context.dataset.task
    if task.kind == "classification":
        for code, label in enumerate(task.labels):
            if np.count_nonzero(test.truth == code) >= FEWEST_ROWS:
                yield f"class {as_text(label)}", test.truth == code
    table = context.dataset.table[test.rows]
    for column in dict.fromkeys((*context.sensitive, *by)):
        for part in parts_of(table[column]) if column in table.columns else ():
            if FEWEST_ROWS <= np.count_nonzero(part.rows) < len(test.rows):
                yield part.name, part.rows


def finding(name: str, variant: str, found: Coverage, wanted: float, details: dict[str, Any], *, low: bool) -> Finding:
    who = "all rows" if variant == "conformal" else variant.removeprefix("conformal: ")
    share = f"{100 * found.share:.1f}% of {who} {'are' if who == 'all rows' else 'is'} covered"
    band = f"{100 * found.low:.1f}–{100 * found.high:.1f}%"
    reason = f"{share}, {100 * wanted:g}% are wanted" + (f": below what chance allows ({band})" if low else "")
    return Finding(
        "",
        "",
        name,
        variant=variant,
        status="warn" if low else "pass" if variant == "conformal" else "info",
        severity="warn",
        measure="coverage of conformal sets" if "mean_size" in details else "coverage of conformal intervals",
        value=found.share,
        low=found.low,
        high=found.high,
        threshold=wanted,
        n=found.n,
        reason=reason,
        details={**details, "p_value": found.p_value},
    )


def mean(sizes: Array) -> float | None:
    found = float(sizes.mean())
    return found if math.isfinite(found) else None
