"""A row a test and variant, a column a model: how it ended, and the number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mlrun.findings_view import word
from mlrun.records import Finding
from mlrun.screen.tables import Heading, Row, Table
from mlrun.wording import NOTHING, number

NARROW = 12  # what a column of a model needs at least
MODEL = Heading("model", lambda row: row["model"], fold=True, narrowest=24)
RESULT = Heading("result", lambda row: word(row["status"]))


def side_by_side(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Table]:
    """Yield a row a test and variant, a column a model: how it ended, and the number."""
    asked = [name for name in ("", *names) if any(each.model == name for each in findings)]
    cells = {(each.test, each.variant, each.model): each for each in findings}
    rows = tuple(
        {"test": test, "variant": variant, **{name: cells.get((test, variant, name)) for name in asked}}
        for test, variant in dict.fromkeys((each.test, each.variant) for each in findings)
    )
    check = findings[0].check if findings else ""
    columns = [
        Heading(name or "the run", cell_of(name), rank=place, fold=True, narrowest=NARROW)
        for place, name in enumerate(asked)
    ]
    yield Table((Heading("test", lambda row: named(check, row), fold=True), *columns), rows)


def named(check: str, row: Row) -> str:
    """Return a test's name and its variant; the variant alone where the test has no name but the check's."""
    if row["variant"]:
        return str(row["variant"]) if row["test"] == check else f"{row['test']}: {row['variant']}"
    return str(row["test"]) or check


def cell_of(name: str) -> Callable[[Row], str]:
    """Return how a column shows what a test found of its model."""

    def show(row: Row) -> str:
        finding: Finding | None = row[name]
        if finding is None:
            return NOTHING
        return word(finding.status) if finding.value is None else f"{word(finding.status)} {number(finding.value)}"

    return show
