"""From verified runs to what is shown of them: a line a run, a sentence for each thing that is wrong, the way out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlrun.json_records import encode
from mlrun.screen.pages import Page, Point, Section, show_page
from mlrun.screen.tables import Heading, Row, Table
from mlrun.verify import Verified
from mlrun.wording import NOTHING, count

LONGEST = 20  # troubles of a run that are told one by one on a screen


def print_verified(found: Sequence[Verified], form: str) -> None:
    """Print the runs; as json with every trouble, as csv a line a run."""
    table = Table(HEADINGS, tuple(map(as_row, found)), style=style, empty="there are no runs to verify")
    told = [each for each in found if each.troubles or each.notes]
    sections = [
        Section("", table),
        *(Section(each.run if len(found) > 1 else "", points=tuple(points(each))) for each in told),
        *([Section("", lines=(conclusion(found),))] if found else []),
    ]
    title = found[0].run if len(found) == 1 else count(len(found), "run")
    show_page(Page(title, sections, [encode(each) for each in found], table), form)


def as_row(each: Verified) -> Row:
    return {**encode(each), "troubles": len(each.troubles), "notes": len(each.notes)}


def points(each: Verified) -> Iterator[Point]:
    """Yield what is wrong with a run, then what helps, then what is only to be known."""
    for trouble in each.troubles[:LONGEST]:
        yield Point(f"{trouble.file}: {trouble.text}", "fail")
    if len(each.troubles) > LONGEST:
        yield Point(f"and {count(len(each.troubles) - LONGEST, 'more file')}: --format json has all", "fail")
    for cure in dict.fromkeys(trouble.cure for trouble in each.troubles):
        yield Point(cure, "way out")
    for note in each.notes:
        yield Point(note, "note")


def conclusion(found: Sequence[Verified]) -> str:
    """Say in one line how it stands."""
    damaged = [each for each in found if each.state == "damaged"]
    if damaged:
        return f"{len(damaged)} of {count(len(found), 'run')} {'is' if len(damaged) == 1 else 'are'} damaged"
    checked = [each for each in found if each.state in ("whole", "interrupted")]
    rest = len(found) - len(checked)
    told = f"; {count(rest, 'run')} could not be checked" if rest else ""
    return f"{count(len(checked), 'run')}: nothing is missing, nothing was changed{told}"


def told_models(row: Row) -> str:
    return NOTHING if row["models"] is None else f"{row['models']:,}"


def style(row: Row) -> str:
    return "red" if row["state"] == "damaged" else "" if row["state"] == "whole" else "dim"


HEADINGS = (
    Heading("run", lambda row: row["run"], fold=True),
    Heading("state", lambda row: row["state"]),
    Heading("made", lambda row: row["made"] or NOTHING),
    Heading("files", lambda row: f"{row['files']:,}", rank=1, right=True),
    Heading("models", told_models, rank=1, right=True),
    Heading("wrong", lambda row: f"{row['troubles']:,}" if row["troubles"] else NOTHING, right=True),
)
