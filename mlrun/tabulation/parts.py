"""A row a part of the data, an assumption or a column: what a check found of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mlrun.check_details import Assumption, OverTime, Slice, read
from mlrun.records import Finding
from mlrun.screen.tables import Heading, Row, Table
from mlrun.tabulation.side_by_side import NARROW, RESULT, side_by_side
from mlrun.wording import NOTHING, difference, interval, number


def slices(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Table]:
    """Yield the best model's slices in full, the widest gaps first; then those of all models side by side."""
    scored = [each for each in findings if each.model == names[0] and each.value is not None]
    mine = [(each, known) for each in scored if (known := read(Slice, each)) is not None]
    mine.sort(key=lambda pair: (pair[1].discovered, -abs(pair[1].gap or 0.0)))
    measures = list(dict.fromkeys(each.measure for each, _ in mine))
    measure = [Heading("measure", lambda row: row["finding"].measure, rank=1)] if len(measures) > 1 else []
    how = [Heading("found by", lambda row: "search" if row["known"].discovered else "name", rank=5)]
    title = measures[0] if len(measures) == 1 else "score"
    yield Table(
        (
            Heading(f"slice, {names[0]}", lambda row: row["finding"].variant, fold=True, narrowest=20),
            RESULT,
            *measure,
            Heading("rows", lambda row: many(row["finding"].n), right=True),
            Heading(title, lambda row: valued(row["finding"]), rank=2, right=True),
            Heading("rest", lambda row: number(row["known"].rest), rank=3, right=True),
            Heading("gap to the rest", lambda row: gapped(row["known"]), right=True),
            Heading("p (Holm)", lambda row: number(row["known"].p_holm), rank=4, right=True),
            *(how if any(known.discovered for _, known in mine) else []),
        ),
        tuple({"status": each.status, "finding": each, "known": known} for each, known in mine),
        style=lambda row: "red" if row["status"] == "fail" else "",
    )
    if len({finding.model for finding in findings}) > 1:  # those that a search found differ from model to model
        shared = [each for each in findings if (known := read(Slice, each)) is not None and not known.discovered]
        yield from side_by_side(shared, names)


def valued(finding: Finding) -> str:
    return interval(finding.value, finding.low, finding.high)


def gapped(known: Slice) -> str:
    return difference(known.gap, known.gap_low, known.gap_high)


def assumptions(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Table]:  # noqa: ARG001 - as every table
    rows = []
    for finding in findings:
        known = read(Assumption, finding)
        if known is not None:
            rows.append({"model": finding.model, "variant": finding.variant, "known": known, "reason": finding.reason})
    yield Table(
        (
            Heading("assumption", lambda row: row["variant"], fold=True),
            Heading("of", lambda row: row["model"] or "all", fold=True, narrowest=12),
            Heading("holds", lambda row: row["known"].word),
            Heading("number", lambda row: number(row["known"].value), rank=1, right=True),
            Heading("so", lambda row: row["known"].consequence or row["reason"] or NOTHING, fold=True, narrowest=36),
        ),
        tuple(rows),
        style=lambda row: "red" if row["known"].word == "violated" else "",
    )


def over_time(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Table]:
    for finding in findings:
        known = read(OverTime, finding)
        if known is None:
            continue
        shown = [name for name in names if any(name in window.scores for window in known.windows)]
        rows = tuple(
            {"window": f"{window.start} to {window.end}", "n": window.n, "scores": window.scores}
            for window in known.windows
        )
        columns = [
            Heading(name, score_of(name), rank=place, right=True, fold=True, narrowest=NARROW)
            for place, name in enumerate(shown)
        ]
        rowed = Heading(
            "rows", lambda row: NOTHING if row["n"] is None else f"{row['n']:,}", rank=len(shown), right=True
        )
        yield Table((Heading("window", lambda row: row["window"], fold=True, narrowest=24), rowed, *columns), rows)


def score_of(name: str) -> Callable[[Row], str]:
    return lambda row: number(row["scores"].get(name))


def drift(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Table]:  # noqa: ARG001 - as every table
    named = [(each.variant or each.model or each.test, each) for each in findings]
    yield Table(
        (
            Heading("of", lambda row: row["what"], fold=True),
            RESULT,
            Heading("measure", lambda row: row["finding"].measure, rank=2),
            Heading("value", lambda row: number(row["finding"].value), right=True),
            Heading("p", lambda row: number(row["finding"].p_value), rank=1, right=True),
            Heading("why", lambda row: row["finding"].reason or NOTHING, rank=3, fold=True),
        ),
        tuple({"what": what, "status": each.status, "finding": each} for what, each in named),
    )


def many(amount: int | None) -> str:
    return NOTHING if amount is None else f"{amount:,}"
