"""From a run's suites on rows, old or new, to what is printed: each finding beside that of the run itself."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mlrun.events import CheckStarted
from mlrun.json_records import encode
from mlrun.records import Finding
from mlrun.screen.pages import Page, Section, show_page
from mlrun.screen.tables import Heading, Row, Table
from mlrun.terminal import printable
from mlrun.wording import number, told_test

if TYPE_CHECKING:
    from mlrun.evaluate import Reevaluation

ORDER = ("fail", "error", "warn", "vacuous", "not_run", "info", "pass")
WORDS = {"not_run": "not run"}


@contextmanager
def watch() -> Iterator[Callable[[CheckStarted], None]]:
    """Yield what tells each test that begins on one line of a terminal, which is gone at the end."""
    shown = sys.stderr.isatty()

    def hear(event: CheckStarted) -> None:
        if shown:
            sys.stderr.write(f"\r\x1b[2Ktest {event.done + 1} of {event.total}: {printable(event.test)}")
            sys.stderr.flush()

    try:
        yield hear
    finally:
        if shown:
            sys.stderr.write("\r\x1b[2K")


def print_evaluation(done: Reevaluation, form: str) -> None:
    """Print what the suites found of the best model; as json all models, as csv a line a finding."""
    rows = [row_of(done, finding) for finding in done.findings]
    shown = [row for row in rows if row["model"] in {"", done.best}]
    content = {
        "run": done.run,
        "best": done.best,
        "data": done.data,
        "rows": done.rows,
        "labelled": done.labelled,
        "notes": list(done.notes),
        "findings": [encode(finding) for finding in done.findings],
        "earlier": [encode(finding) for finding in done.earlier],
    }
    show_page(Page(done.run, sections(done, shown), content, Table(HEADINGS, tuple(rows))), form)


def sections(done: Reevaluation, rows: list[dict[str, Any]]) -> list[Section]:
    """Return what was judged, each test of the best model then and now, what could not be run, the sum."""
    labels = "" if done.labelled else ", without labels"
    about = f"{done.best or 'no best model'} on {done.rows:,} rows of {done.data}{labels}"
    judged = sorted((row for row in rows if row["status"] != "not_run"), key=lambda row: ORDER.index(row["status"]))
    shown = tuple(row for row in judged if is_told(row))
    quiet = [row for row in judged if not is_told(row)]
    return [
        Section("", None, (about, *done.notes)),
        Section(
            "", Table(HEADINGS, shown, tuple(folded(quiet)), style_of, "nothing that was tested is worse or fails")
        ),
        *([Section("not run", None, tuple(reasons(rows)))] if any(row["status"] == "not_run" for row in rows) else []),
        Section("", None, (summary(rows),)),
    ]


def is_told(row: Row) -> bool:
    """Say whether a finding has a line of its own: it fails, warns, or is not what it was."""
    return row["status"] in {"fail", "error", "warn"} or row["then_status"] not in {None, row["status"]}


def folded(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the tests that need no line of their own, by status."""
    for status in dict.fromkeys(row["status"] for row in rows):
        names = dict.fromkeys(told_test(row["check"], row["test"]) for row in rows if row["status"] == status)
        yield f"{word(status)}: {', '.join(names)}"


def row_of(done: Reevaluation, finding: Finding) -> dict[str, Any]:
    """Return a finding beside the same one of the run itself, None where the run has none."""
    key = (finding.check, finding.test, finding.model, finding.variant)
    then = next((old for old in done.earlier if (old.check, old.test, old.model, old.variant) == key), None)
    return {
        "model": finding.model,
        "check": finding.check,
        "test": finding.test,
        "variant": finding.variant,
        "measure": finding.measure,
        "then_status": None if then is None else then.status,
        "status": finding.status,
        "then_value": None if then is None or then.measure != finding.measure else then.value,
        "value": finding.value,
        "low": finding.low,
        "high": finding.high,
        "threshold": finding.threshold,
        "n": finding.n,
        "reason": finding.reason,
    }


def named(row: Row) -> str:
    """Return a test with its variant, the check in front where the test has another name."""
    test = told_test(row["check"], row["test"])
    return f"{test}: {row['variant']}" if row["variant"] else test


def change(row: Row) -> str:
    now = word(row["status"])
    return now if row["then_status"] in {None, row["status"]} else f"{word(row['then_status'])} → {now}"


def word(status: str) -> str:
    return WORDS.get(status, status)


def style_of(row: Row) -> str:
    if row["status"] in {"fail", "error"}:
        return "red"
    return "dim" if row["status"] in {"vacuous", "info"} else ""


def reasons(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield why tests were not run, those with the same reason together."""
    waiting = [row for row in rows if row["status"] == "not_run"]
    for reason in dict.fromkeys(row["reason"] for row in waiting):
        yield f"{', '.join(dict.fromkeys(named(row) for row in waiting if row['reason'] == reason))}: {reason}"


def summary(rows: list[dict[str, Any]]) -> str:
    """Return how many tests ended how, and how many are worse than they were."""
    counted = Counter(row["status"] for row in rows)
    told = ", ".join(f"{counted[status]} {word(status)}" for status in ORDER if counted[status]) or "nothing was tested"
    worse = [named(row) for row in rows if row["status"] == "fail" and row["then_status"] not in {None, "fail"}]
    return f"{told}; worse than in the run: {', '.join(worse)}" if worse else told


HEADINGS = (
    Heading("test", named, fold=True),
    Heading("status", change),
    Heading("measure", lambda row: row["measure"], rank=2),
    Heading("run", lambda row: number(row["then_value"]), rank=1, right=True),
    Heading("now", lambda row: number(row["value"]), right=True),
    Heading("why", lambda row: row["reason"], rank=3, fold=True),
)
