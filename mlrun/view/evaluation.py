"""From a run's suites on rows, old or new ones, to what is printed: each finding beside that of the run itself."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mlrun.events import CheckStarted
from mlrun.json_records import encode
from mlrun.picture.shapes import Picture
from mlrun.pictures import pictures
from mlrun.records import Finding
from mlrun.screen.pages import Page, Point, Section, show_page
from mlrun.screen.tables import Heading, Row, Table
from mlrun.terminal import printable
from mlrun.view.findings import listed, suites, together, word
from mlrun.wording import ARROWS, count, interval, number, told_test

if TYPE_CHECKING:
    from mlrun.evaluate import Reevaluation

ORDER = ("fail", "error", "warn", "vacuous", "info", "pass", "not_run")
TOLD = ("fail", "error", "warn")
VERBS = {"fail": ("fails", "fail"), "warn": ("warns", "warn"), "pass": ("passes", "pass"), "error": ("error", "errors")}
MOST_NAMES = 4
MOST_REASONS = 8


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
    content = {
        "run": done.run,
        "best": done.best,
        "data": done.data,
        "rows": done.rows,
        "labelled": done.labelled,
        "notes": list(done.notes),
        "scores": [encode(score) for score in done.scores],
        "findings": [encode(finding) for finding in done.findings],
        "earlier": [encode(finding) for finding in done.earlier],
    }
    show_page(Page(done.run, sections(done), content, Table(HEADINGS, tuple(rows))), form)


def sections(done: Reevaluation) -> list[Section]:
    """Return what is worse than in the run, the scores and tests of the best model then and now, what was not run."""
    findings = [each for each in done.findings if each.model in {"", done.best}]
    rows = [row_of(done, finding) for finding in findings]
    shown = tuple(grouped(row for row in rows if is_told(row)))
    labels = "" if done.labelled else ", without labels"
    about = f"{done.best or 'no best model'} on {count(done.rows, 'row')} of {done.data}{labels}"
    told = [Point(sentence(row), word(row["status"])) for row in shown if row["reason"]][:MOST_REASONS]
    silent = [Point(each, word("not_run")) for each in reasons(rows)]
    parts = [
        Section(verdict(done, rows), None, (about, *done.notes)),
        Section("scores", scores(done)),
        Section(f"tests: {summary(findings)}", tests(shown), points=(*told, *folded(rows), *silent)),
        Section("", pictures=tuple(drawn(done, findings))),
    ]
    return [part for part in parts if part.table is not None or part.lines or part.points or part.pictures]


# -- in a sentence -----------------------------------------------------------------------------------------------------


def verdict(done: Reevaluation, rows: Sequence[Row]) -> str:
    """Return whether anything is worse than in the run, in one line: what `mlrun evaluate` exits 1 for, else 3, 0."""
    news = [row for row in rows if row["status"] == "fail" and row["then_status"] != "fail"]
    worse = distinct(row for row in news if row["severity"] == "fail")
    moved = distinct(row for row in news if row["severity"] != "fail")
    if worse:
        return f"verdict: worse than in the run: {listed(worse, MOST_NAMES)} {verb('fail', len(worse))} now"
    if not any(row["status"] in {"pass", "warn", "fail", "info"} for row in rows):
        return "verdict: nothing could be concluded"
    if broken := distinct(row for row in rows if row["status"] == "error"):
        return f"verdict: not concluded: {listed(broken, MOST_NAMES)} could not be asked (error)"
    parts = [*fallen(done), *([f"see {listed(moved, MOST_NAMES)}"] if moved else [])]
    return "verdict: no test fails that did not in the run" + (f"; but {'; '.join(parts)}" if parts else "")


def fallen(done: Reevaluation) -> Iterator[str]:
    """Yield the first metric where its interval lies wholly on the worse side of the run's."""
    for score in done.scores[:1]:
        then, now = score.then, score.now
        if then.low is None or then.high is None or now.low is None or now.high is None:
            continue
        if now.high < then.low if score.direction == "maximize" else now.low > then.high:
            yield f"{score.metric} went from {number(then.value)} to {number(now.value)}"


def distinct(rows: Iterator[Row]) -> list[str]:
    """Return the names of the tests with their variants, those of one test together."""
    return [named(row) for row in grouped(rows)]


def summary(findings: Sequence[Finding]) -> str:
    """Return how many tests ended how, each with all its variants."""
    counted: Counter[str] = Counter(together(suite.findings) for suite in suites(findings))
    told = (f"{counted[status]} {verb(status, counted[status])}" for status in ORDER if counted[status])
    return ", ".join(told) or "nothing was tested"


def verb(status: str, amount: int) -> str:
    return VERBS[status][amount > 1] if status in VERBS else word(status)


def sentence(row: Row) -> str:
    """Return a test with its reason."""
    return f"{named({**row, 'more': 0})}: {row['reason']}"


def drawn(done: Reevaluation, findings: Sequence[Finding]) -> Iterator[Picture]:
    """Yield the pictures of the checks of which something fails now."""
    less = [score.metric for score in done.scores if score.direction == "minimize"]
    for check in dict.fromkeys(each.check for each in findings if each.status == "fail"):
        yield from pictures(check, findings, [done.best or ""], less)


def folded(rows: Sequence[Row]) -> Iterator[Point]:
    """Yield the tests of which nothing need be said, by how they ended."""
    told = {(row["check"], row["test"]) for row in rows if is_told(row)}
    for status in ORDER:
        mine = [row for row in rows if row["status"] == status and (row["check"], row["test"]) not in told]
        names = list(dict.fromkeys(told_test(row["check"], row["test"]) for row in mine))
        if names and status != "not_run":
            yield Point(f"{count(len(names), 'test')}: {listed(names)}", word(status))
            told |= {(row["check"], row["test"]) for row in mine}


def reasons(rows: Sequence[Row]) -> Iterator[str]:
    """Yield why tests were not run, those with the same reason together; its numbers are those of the first."""
    waiting: dict[str, list[Row]] = {}
    for row in rows:
        if row["status"] == "not_run":
            waiting.setdefault(re.sub(r"\d[\d,.]*", "", row["reason"]), []).append(row)
    for same in waiting.values():
        names = [named(row) for row in grouped(iter(same))]
        alike = len({row["reason"] for row in same}) == 1
        yield f"{listed(names, MOST_NAMES)}: {same[0]['reason']}{'' if alike else ' (or the like)'}"


# -- rows --------------------------------------------------------------------------------------------------------------


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
        "severity": finding.severity,
        "then_value": None if then is None or then.measure != finding.measure else then.value,
        "value": finding.value,
        "low": finding.low,
        "high": finding.high,
        "threshold": finding.threshold,
        "n": finding.n,
        "reason": finding.reason,
    }


def is_told(row: Row) -> bool:
    """Say whether a finding is shown: it fails, warns, or did in the run; or it is measured, no longer judged."""
    if row["status"] in TOLD:
        return True
    return row["status"] != "not_run" and row["then_status"] not in {None, row["status"]}


def grouped(rows: Iterator[Row]) -> Iterator[dict[str, Any]]:
    """Yield a row for the variants of one test that ended alike, then and now: the whole test's, else the first.

    more: how many variants it speaks for besides.
    """
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault((row["check"], row["test"], row["status"], str(row["then_status"])), []).append(row)
    for same in sorted(found.values(), key=lambda each: ORDER.index(each[0]["status"])):
        first = next((row for row in same if not row["variant"]), same[0])
        yield {**first, "more": len(same) - 1}


def named(row: Row) -> str:
    """Return a test with its variant, the check in front where the test has another name; and how many go with it."""
    test = told_test(row["check"], row["test"])
    if not row["variant"]:
        return f"{test} (and {count(row['more'], 'variant')})" if row["more"] else test
    return f"{test}: {row['variant']}" + (f" (and {row['more']} more)" if row["more"] else "")


def change(row: Row) -> str:
    now = word(row["status"])
    return now if row["then_status"] in {None, row["status"]} else f"{word(row['then_status'])} → {now}"


def style_of(row: Row) -> str:
    if row["status"] in {"fail", "error"}:
        return "red"
    return "dim" if row["status"] in {"vacuous", "info"} else ""


# -- tables ------------------------------------------------------------------------------------------------------------


def scores(done: Reevaluation) -> Table | None:
    """Return the best model's scores, in the run and now; None without labels."""
    if not done.scores:
        return None
    headings = (
        Heading(done.best or "", lambda row: f"{row['metric']} {ARROWS[row['direction']]}", fold=True),
        Heading("run [95 %]", lambda row: told_score(row["then"]), right=True),
        Heading("now [95 %]", lambda row: told_score(row["now"]), right=True),
    )
    return Table(headings, tuple(encode(score) for score in done.scores))


def told_score(found: Row) -> str:
    return interval(found["value"], found["low"], found["high"])


def tests(rows: tuple[dict[str, Any], ...]) -> Table | None:
    """Return the tests that are told, beside what they found in the run; None where there are none."""
    headings = (
        Heading("test", named, fold=True, narrowest=20),
        Heading("result", change),
        Heading("measure", lambda row: row["measure"], rank=1, fold=True, narrowest=14),
        Heading("run", lambda row: number(row["then_value"]), right=True),
        Heading("now", lambda row: number(row["value"]), right=True),
    )
    return Table(headings, rows, style=style_of) if rows else None


HEADINGS = (
    Heading("test", lambda row: named({**row, "more": 0}), fold=True),
    Heading("model", lambda row: row["model"], rank=4, fold=True),
    Heading("result", change),
    Heading("measure", lambda row: row["measure"], rank=2),
    Heading("run", lambda row: number(row["then_value"]), rank=1, right=True),
    Heading("now", lambda row: number(row["value"]), right=True),
    Heading("why", lambda row: row["reason"], rank=3, fold=True),
)
