"""A row a test and variant, a column a model: how it ended, and the number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mlrun.records import Finding
from mlrun.screen.tables import Heading, Row, Table
from mlrun.view.findings import word
from mlrun.wording import NOTHING, number

NARROW = 12  # what a column of a model needs at least
SILENT = ("not_run", "error")
MODEL = Heading("model", lambda row: row["model"], fold=True, narrowest=24)
RESULT = Heading("result", lambda row: word(row["status"]))


def side_by_side(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Table]:
    """Yield a row a test and variant, a column a model.

    What is said of a model's whole test alone, such as why it was not run, stands in the rows of its variants too.
    """
    asked = [name for name in ("", *names) if any(each.model == name for each in findings)]
    cells = {(each.test, each.variant, each.model): each for each in findings}
    kept = dict.fromkeys((each.test, each.variant) for each in findings)
    for test in dict.fromkeys(each.test for each in findings):
        whole = [each for each in findings if each.test == test and not each.variant]
        parted = {each.model for each in findings if each.test == test and each.variant}
        if parted and all(each.status in SILENT and each.model not in parted for each in whole):
            kept.pop((test, ""), None)
    rows = tuple(
        {"test": test, "variant": variant,
         **{name: cells.get((test, variant, name), cells.get((test, "", name))) for name in asked}}
        for test, variant in kept
    )  # fmt: skip
    check = findings[0].check if findings else ""
    columns = [
        Heading(name or "the run", cell_of(name), rank=place, fold=True, narrowest=NARROW)
        for place, name in enumerate(asked)
    ]
    yield Table((Heading("test", lambda row: named(check, row), fold=True), *columns), rows)


def named(check: str, row: Row) -> str:
    """Return a test's name and its variant; the variant alone where it begins with the test's name, or that is none."""
    if row["variant"]:
        alone = row["test"] == check or row["variant"].startswith((f"{row['test']} ", f"{row['test']}:"))
        return str(row["variant"]) if alone else f"{row['test']}: {row['variant']}"
    return str(row["test"]) or check


def cell_of(name: str) -> Callable[[Row], str]:
    """Return how a column shows what a test found of its model."""

    def show(row: Row) -> str:
        finding: Finding | None = row[name]
        if finding is None:
            return NOTHING
        if finding.status == "vacuous":  # its number is that of nothing
            return finding.status
        return word(finding.status) if finding.value is None else f"{word(finding.status)} {number(finding.value)}"

    return show
