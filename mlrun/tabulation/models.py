"""A row a model: what a check measured of it, the best model first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from mlrun.check_details import Calibration, Confidence, Ensemble, Growth, Trade, read
from mlrun.records import Finding
from mlrun.screen.tables import Heading, Row, Table
from mlrun.tabulation.side_by_side import MODEL, RESULT, side_by_side
from mlrun.wording import NOTHING, difference, duration, interval, number, size

Details = TypeVar("Details")


def by_model(kind: type[Details], findings: Sequence[Finding], names: Sequence[str]) -> tuple[Row, ...]:
    """Return what was found of each model's whole test, with its details, in the order of the names."""
    place = {name: at for at, name in enumerate(names)}
    mine = [each for each in findings if each.model in place and not each.variant]
    known = [(each, read(kind, each)) for each in sorted(mine, key=lambda each: place[each.model])]
    return tuple(
        {"model": each.model, "status": each.status, "finding": each, "known": details}
        for each, details in known
        if details is not None
    )


def calibration(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Table]:
    yield Table(
        (
            MODEL,
            RESULT,
            Heading("error", lambda row: number(row["known"].ece), right=True),
            Heading("by chance", lambda row: number(row["known"].floor), right=True),
            Heading("slope", lambda row: number(row["known"].slope), right=True),
            Heading("Brier", lambda row: number(row["known"].brier), rank=1, right=True),
            Heading("recalibration saves", lambda row: number(row["known"].mcb), rank=2, right=True),
            Heading("p", lambda row: number(row["finding"].p_value), rank=3, right=True),
        ),
        by_model(Calibration, findings, names),
    )


def confidence(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Table]:
    """Yield each model's coverage at the target risk, then the coverage of its sets or intervals."""
    yield Table(
        (
            MODEL,
            RESULT,
            Heading("answers itself", lambda row: share(row["known"].coverage), right=True),
            Heading("if sure by", lambda row: number(row["known"].threshold), rank=2, right=True),
            Heading("errors then", lambda row: at_most(row["known"].risk, row["known"].risk_high), rank=1, right=True),
            Heading("AUROC of confidence", lambda row: ranked(row["known"]), rank=1, right=True),
            Heading("over-confident", lambda row: share(row["known"].overconfident_share), rank=3, right=True),
        ),
        by_model(Confidence, findings, names),
    )
    yield from side_by_side([each for each in findings if each.variant], names)


def share(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1%}"


def at_most(value: float | None, high: float | None) -> str:
    return share(value) + (f" (≤ {share(high)})" if value is not None and high is not None else "")


def ranked(known: Confidence) -> str:
    return interval(known.auroc, known.auroc_low, known.auroc_high)


def learning_curve(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Table]:
    yield Table(
        (
            MODEL,
            Heading("more rows help", lambda row: row["known"].more_data or NOTHING),
            Heading("gain by the last doubling", lambda row: doubled(row["known"]), right=True),
            Heading("held back by", lambda row: held_back(row["known"].reading), rank=1),
            Heading("may reach", lambda row: reached(row["known"]), rank=2, right=True),
        ),
        by_model(Growth, findings, names),
    )


def held_back(reading: str | None) -> str:
    """Return what keeps a model from doing better: bias, variance, neither."""
    return "neither" if reading == "balanced" else reading or NOTHING


def doubled(known: Growth) -> str:
    return difference(known.doubling, known.doubling_low, known.doubling_high)


def reached(known: Growth) -> str:
    far = known.extrapolated
    return NOTHING if far is None else f"{number(far.low)} to {number(far.high)} at {far.rows:,.0f} rows"


def trade_offs(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Table]:
    """Yield the Pareto table, a model that another beats in everything marked by that one's name; then the costs."""
    rows = by_model(Trade, findings, names)
    metric = rows[0]["known"].metric if rows else ""
    yield Table(
        (
            MODEL,
            Heading(metric or "score", lambda row: number(row["known"].score), right=True),
            Heading("1 row p95", lambda row: milliseconds(row["known"].p95_ms_1_row), right=True),
            Heading("1,000 rows", lambda row: milliseconds(row["known"].p95_ms_1000_rows), rank=1, right=True),
            Heading("size", lambda row: size(row["known"].size_bytes), rank=2, right=True),
            Heading("fit", lambda row: duration(row["known"].fit_seconds), rank=3, right=True),
            Heading("readable", lambda row: row["known"].interpretability or NOTHING, rank=4),
            Heading("beaten by", lambda row: ", ".join(row["known"].dominated_by) or NOTHING, fold=True, narrowest=12),
        ),
        rows,
        style=lambda row: "dim" if row["known"].dominated_by else "bold" if row["model"] == names[0] else "",
    )
    yield Table(
        (
            MODEL,
            Heading("cost per 1,000 rows", lambda row: number(row["known"].cost), right=True),
            Heading("at threshold", lambda row: number(row["known"].threshold), right=True),
            Heading("from", lambda row: row["known"].threshold_from or NOTHING, rank=1),
            Heading("cost at 0.5", lambda row: number(row["known"].cost_at_half), right=True),
        ),
        tuple(row for row in rows if row["known"].cost is not None),
    )


def milliseconds(value: float | None) -> str:
    return NOTHING if value is None else duration(value / 1000)


def ensembles(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Table]:
    """Yield each ensemble beside its best member, and how its members' errors go together."""
    rows = by_model(Ensemble, findings, names)
    yield Table(
        (
            MODEL,
            Heading("accuracy", lambda row: number(row["known"].accuracy), right=True),
            Heading("if independent", lambda row: number(row["known"].accuracy_if_independent), rank=1, right=True),
            Heading("best member", lambda row: str(row["known"].best_member or NOTHING), fold=True),
            Heading("gain over it", lambda row: gained(row["known"]), right=True),
        ),
        rows,
    )
    pairs = [(row["model"], pair) for row in rows for pair in row["known"].pairs]
    yield Table(
        (
            MODEL,
            Heading("members", lambda row: f"{row['pair'][0]} and {row['pair'][1]}", fold=True),
            Heading("correlation of errors", lambda row: number(row["pair"][2]), right=True),
        ),
        tuple({"model": name, "pair": pair} for name, pair in pairs if len(pair) == 3 and isinstance(pair[2], float)),
    )


def gained(known: Ensemble) -> str:
    return difference(known.gain, known.gain_low, known.gain_high)
