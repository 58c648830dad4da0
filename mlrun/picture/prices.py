"""Pictures of what a score costs: scores against latency, costs by threshold."""

from __future__ import annotations

import math
import string
from collections.abc import Iterator, Sequence

from mlrun.check_details import Trade, read
from mlrun.picture.choice import MOST_CURVES, in_order, pairs
from mlrun.picture.shapes import Chart, Curve, Picture, Rule, axis
from mlrun.records import Finding
from mlrun.wording import duration, number

LETTERS = string.ascii_lowercase + string.ascii_uppercase


def trade_offs(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Picture]:
    """Yield scores against latency, and the cost by threshold."""
    known = [(each.model, details) for each in in_order(findings, names) if (details := read(Trade, each)) is not None]
    yield from pareto(known)
    yield from cost_curves(known)


def pareto(known: Sequence[tuple[str, Trade]]) -> Iterator[Picture]:
    """Yield a point a model, a letter on each: how good it is, and how long a row takes."""
    placed = [
        (name, details, details.score, details.p95_ms_1_row)
        for name, details in known
        if details.score is not None and details.p95_ms_1_row is not None and details.p95_ms_1_row > 0
    ][: len(LETTERS)]
    if len(placed) < 2:
        return
    beaten = sum(bool(details.dominated_by) for _, details, _, _ in placed)
    best, details, score, milliseconds = placed[0]
    told = f"{best} reaches {details.metric} {number(score)} in {duration(milliseconds / 1000)} a row; "
    told += (
        f"{beaten or 'none'} of {len(placed)} models {'is' if beaten < 2 else 'are'} beaten by another in everything."
    )
    yield Chart(
        f"Trade-offs: {details.metric} against latency",
        told,
        axis("milliseconds for one row, 95th percentile", (each[3] for each in placed), log=True),
        axis(details.metric, (each[2] for each in placed)),
        tuple(
            Curve(
                f"{name} (beaten)" if trade.dominated_by else name,
                ((latency, reached),),
                joined=False,
                letter=LETTERS[at],
                hollow=bool(trade.dominated_by),
            )
            for at, (name, trade, reached, latency) in enumerate(placed)
        ),
    )


def cost_curves(known: Sequence[tuple[str, Trade]]) -> Iterator[Picture]:
    """Yield the cost per 1,000 rows by the threshold, of the best models that have one."""
    curves = [(name, details, pairs(details.curve)) for name, details in known if len(pairs(details.curve)) > 1]
    if not curves:
        return
    best, details, points = curves[0]
    least, most = points[0][0], points[-1][0]  # what scores otherwise than the best has thresholds of its own
    curves = [each for each in curves if least <= each[2][0][0] and each[2][-1][0] <= most][:MOST_CURVES]
    threshold, cost = min(points, key=lambda point: point[1])
    if details.threshold is not None and details.cost is not None:
        threshold, cost = details.threshold, details.cost
    told = f"{best} costs {number(cost)} per 1,000 rows at threshold {threshold:.3g}"
    told += f", and {number(details.cost_at_half)} at 0.5." if details.cost_at_half is not None else "."
    rule = Rule(f"threshold {threshold:.3g}", x=threshold)
    yield Chart(
        "Costs by threshold",
        told,
        axis("threshold", [x for _, _, line in curves for x, _ in line if math.isfinite(x)]),
        axis("cost per 1,000 rows", (y for _, _, line in curves for _, y in line), low=0),
        tuple(Curve(name, line) for name, _, line in curves),
        rules=(rule,),
    )
