"""What a better score costs: time, size and fitting of every model, and which of them another beats in everything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlrun.check_contracts import Check, Context, Subject
from mlrun.errors import MlrunError
from mlrun.records import Finding, Params

if TYPE_CHECKING:
    from mlrun.price.cost_curve import CostCurve
    from mlrun.price.trades import Offer

ANSWERS_OF_OTHERS = ("human", "existing")  # baselines whose own price is not known; the others cost nothing
READABLE, HALF_READABLE = 2, 4  # simplicity ranks: up to a tree; up to a forest


def run(subject: Subject, context: Context, params: Params) -> Iterator[Finding]:  # noqa: ARG001 - as every check
    """Yield one finding a model: its prices, which models are no worse in all of them, and its costs by threshold."""
    from mlrun.price.cost_curve import cost_curve
    from mlrun.price.trades import dominators

    offers = [offer_of(each, context) for each in context.subjects]
    beaten = dominators(offers)
    for each, offer in zip(context.subjects, offers, strict=True):
        beaten_by = beaten[each.name] if each.kind == "model" else ()  # a baseline is there to be beaten
        yield finding(each, context, offer, beaten_by, cost_curve(each, context))


def offer_of(subject: Subject, context: Context) -> Offer:
    """Measure what a model costs; a baseline that mlrun makes is free, and what others answered has no known price."""
    from mlrun.price.trades import Offer

    score = turned_score(subject, context)
    if subject.kind == "baseline":
        price = None if subject.family in ANSWERS_OF_OTHERS else 0.0
        return Offer(subject.name, score, price, price, price, price)
    one, many = latencies(subject, context)
    return Offer(subject.name, score, one, many, subject.size_bytes, subject.fit_seconds)


def turned_score(subject: Subject, context: Context) -> float | None:
    from mlrun import metrics

    value = score_of(subject, context)
    if value is None or metrics.entry(context.metrics[0].name, context.folder).direction == "maximize":
        return value
    return -value


def score_of(subject: Subject, context: Context) -> float | None:
    """Return the first metric on the judged rows; None without labels, or where the model is silent on one."""
    from mlrun import metrics

    truth, test = context.truth, subject.test
    if truth is None or test is None or not context.metrics:
        return None
    if subject.answered is not None and not subject.answered.all():
        return None
    spec = context.metrics[0]
    return metrics.score((spec,), truth, test, context.dataset.task, context.folder)[spec.label]


def latencies(subject: Subject, context: Context) -> tuple[float | None, float | None]:
    """Return the 95th percentile of milliseconds for one row and for 1,000; None where it cannot be asked."""
    from mlrun.latency import CALLS, many_rows_latency, p95_ms

    one = subject.p95_ms_1_row
    if subject.predict is None or context.table.height == 0:
        return one, None
    table = context.table
    try:
        if one is None:
            one = p95_ms(subject.predict, [table[row : row + 1] for row in range(min(CALLS, table.height))])
        return one, many_rows_latency(subject.predict, table)
    except MlrunError:  # it cannot answer just now, which its own findings tell; its score stays
        return one, None


def finding(
    subject: Subject, context: Context, offer: Offer, beaten_by: tuple[str, ...], curve: CostCurve | None
) -> Finding:
    label = context.metrics[0].label if context.metrics else ""
    return Finding(
        "",
        "",
        subject.name,
        measure=label,
        value=score_of(subject, context),
        n=len(context.rows),
        reason=sentence(beaten_by, curve),
        details={
            "metric": label,
            "score": score_of(subject, context),
            "p95_ms_1_row": offer.p95_ms_1_row,
            "p95_ms_1000_rows": offer.p95_ms_1000_rows,
            "size_bytes": subject.size_bytes,
            "fit_seconds": subject.fit_seconds,
            "interpretability": interpretability(subject),
            "dominated_by": list(beaten_by),
            **curve_details(curve),
        },
    )


def interpretability(subject: Subject) -> str | None:
    """Return how well an answer can be followed, by the family's simplicity rank: high, medium or low."""
    if subject.kind == "baseline":
        return None if subject.family in ANSWERS_OF_OTHERS else "high"
    if subject.rank is None:
        return None
    return "high" if subject.rank <= READABLE else "medium" if subject.rank <= HALF_READABLE else "low"


def curve_details(curve: CostCurve | None) -> Mapping[str, Any]:
    """Return the costs per 1,000 rows as plain data; an infinite threshold (never, or always an alarm) is None."""
    if curve is None:
        return {"curve": [], "threshold": None, "threshold_from": None, "cost": None, "cost_at_half": None}
    return {
        "curve": [list(point) for point in curve.points],
        "threshold": finite(curve.threshold),
        "threshold_from": curve.source,
        "cost": curve.cost,
        "cost_at_half": curve.at_half,
        "cost_closed_form": curve.closed_form,
        "cost_tuned": curve.tuned,
        "threshold_tuned": finite(curve.tuned_threshold),
        "cost_never": curve.never,
        "cost_always": curve.always,
    }


def finite(value: float | None) -> float | None:
    return None if value is None or value in (float("inf"), float("-inf")) else value


def sentence(beaten_by: tuple[str, ...], curve: CostCurve | None) -> str:
    """Say which models are no worse in anything, and what the right threshold saves."""
    verb = "beats" if len(beaten_by) == 1 else "beat"
    told = [f"{' and '.join(beaten_by[:3])} {verb} it: no worse in anything, better in something"] if beaten_by else []
    if curve is not None and curve.cost is not None and curve.threshold is not None:
        against = f", {curve.at_half:.4g} at 0.5" if curve.at_half is not None else ""
        how = {"costs": "from the costs", "tuned": "tuned on held-out rows", "none": ""}[curve.source]
        ends = {float("inf"): "no alarm at all", float("-inf"): "an alarm for every row"}
        at = ends.get(curve.threshold, f"threshold {curve.threshold:.3g}")
        told.append(f"costs {curve.cost:.4g} per 1,000 rows with {at} ({how}){against}")
    return "; ".join(told)


def automatic(context: Context) -> tuple[Params, ...]:
    return ({},) if context.subjects else ()


ENTRY = Check(
    run=run,
    parameters={},
    tasks=("classification", "regression", "anomaly"),
    needs=("test",),
    of="run",
    automatic=automatic,
)
