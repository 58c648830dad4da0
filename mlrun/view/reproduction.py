"""From what became of a repetition to what is printed: what is not as it was, the counts, the first differences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlrun.json_records import encode
from mlrun.screen.pages import Page, Point, Section, show_page
from mlrun.screen.tables import Heading, Row, Table
from mlrun.wording import NOTHING, as_text

if TYPE_CHECKING:
    from mlrun.comparison.reproduction import Reproduction

MOST = 10  # differences that people are shown; json has all of them


def print_reproduction(done: Reproduction, form: str) -> None:
    """Print whether a run was reproduced; as csv a line for each kind of thing that was compared."""
    show_page(Page(done.run, sections(done), content_of(done), compared(done)), form)


def content_of(done: Reproduction) -> dict[str, Any]:
    """Return all that is known, for machines."""
    return {**encode(done), "exit_code": done.exit_code, "compared": list(map(row_of, done.compared))}


def row_of(compared: Any) -> dict[str, Any]:
    """Return a kind of thing with its counts."""
    return {
        "what": compared.what,
        "total": compared.total,
        "equal": compared.equal,
        "different": compared.different,
        "outside": compared.outside,
        "mismatches": [{**encode(each), "difference": each.difference} for each in compared.mismatches],
    }


def sections(done: Reproduction) -> list[Section]:
    """Return what is not as it was, with the way back; the counts; the first differences; the answer."""
    parts = []
    if points := tuple(departures(done)):
        parts.append(Section("not as it was", None, done.notes, points))
    elif done.notes:
        parts.append(Section("", None, done.notes))
    if done.compared:
        parts.append(Section("compared", compared(done)))
    if differences(done).rows:
        parts.append(Section("the first differences", differences(done)))
    kept = (f"the repetition stays in {done.folder}",) if done.folder else ()
    return [*parts, Section("", None, (*kept, done.sentence))]


def departures(done: Reproduction) -> Iterator[Point]:
    """Yield what is not as it was, each cure once, after the last that it helps."""
    for at, each in enumerate(done.departures):
        yield Point(str(each), each.what)
        if each.cure and not any(other.cure == each.cure for other in done.departures[at + 1 :]):
            yield Point(each.cure, "way out")


def compared(done: Reproduction) -> Table:
    """Return a line for each kind of thing."""
    rows = tuple(map(row_of, done.compared))
    headings = (
        Heading("what", lambda row: str(row["what"]), fold=True),
        Heading("compared", lambda row: f"{row['total']:,}", right=True),
        Heading("equal", lambda row: f"{row['equal']:,}", right=True),
        Heading("different", lambda row: f"{row['different']:,}", right=True),
        *(
            [Heading("outside the promise", lambda row: f"{row['outside']:,}", rank=1, right=True)]
            if any(row["outside"] for row in rows)
            else []
        ),
    )
    return Table(headings, rows, style=style_of, empty="nothing was compared")


def style_of(row: Row) -> str:
    return "red" if row["different"] else ""


def differences(done: Reproduction) -> Table:
    """Return the first things that differ, those that were promised to be equal first."""
    found = [each for kind in done.compared for each in kind.mismatches]
    found.sort(key=lambda each: bool(each.outside))
    rows = tuple({**encode(each), "difference": each.difference} for each in found[:MOST])
    headings = (
        Heading("where", lambda row: str(row["where"]), fold=True),
        Heading("then", lambda row: told(row["then"]), fold=True),
        Heading("now", lambda row: told(row["now"]), fold=True),
        Heading("difference", lambda row: size(row["difference"]), right=True, rank=1),
        *([Heading("outside, for", lambda row: str(row["outside"]), rank=2, fold=True)] if rows_outside(rows) else []),
    )
    more = (f"and {len(found) - MOST:,} more; --format json has all",) if len(found) > MOST else ()
    return Table(headings, rows, more)


def rows_outside(rows: tuple[Row, ...]) -> bool:
    return any(row["outside"] for row in rows)


def told(value: Any) -> str:
    """Return a value with all its digits."""
    return NOTHING if value is None else repr(value) if isinstance(value, float) else as_text(value)


def size(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"
