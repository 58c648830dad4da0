"""What of the runs goes, how many bytes that frees, and why the others stay: for people and for machines."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from mlrun.gc import Fate, Tidied
from mlrun.screen.pages import Page, Section, show_page
from mlrun.screen.tables import Heading, Table
from mlrun.wording import NOTHING, count, moment, size

SHOWN = 20  # runs that go; the machine's formats have all
NAMED = 3  # of those that stay for one reason


def print_tidied(tidied: Tidied, root: Path, form: str) -> None:
    """Print what went, or would go."""
    title = "deleted" if tidied.deleted else "a dry run: nothing is deleted yet"
    if not tidied.fates and not tidied.leftovers and not tidied.snapshots:
        title = f"no runs in {root}"
    page = Page(title, sections(tidied), content_of(tidied), Table((), tuple(map(row_of, tidied.fates))))
    show_page(page, form)


def sections(tidied: Tidied) -> list[Section]:
    """Return what goes, then what stays, the sum at the end."""
    stays = stay_table(tidied)
    return [
        Section("", going_table(tidied)),
        *([Section("stays", stays)] if stays.rows else []),
        Section("", None, tuple(told_sum(tidied))),
    ]


def going_table(tidied: Tidied) -> Table:
    """Return the runs that go, newest first."""
    going = tidied.going
    more = len(going) - SHOWN
    notes = (f"and {count(more, 'more run')}; --format csv has all",) if more > 0 else ()
    headings = (
        Heading("run", lambda row: row["run"], fold=True),
        Heading("started", lambda row: moment(row["started"]) or NOTHING),
        Heading("status", lambda row: row["status"]),
        Heading("size", lambda row: size(row["size_bytes"]), right=True),
    )
    return Table(headings, tuple(map(row_of, going[:SHOWN])), notes, empty="no run goes: something keeps each of them")


def stay_table(tidied: Tidied) -> Table:
    """Return the reasons for which runs stay, each with the runs; a run may have several."""
    found: dict[str, list[str]] = defaultdict(list)
    for fate in tidied.fates:
        for reason in fate.kept:
            found[reason].append(fate.name)
    rows = tuple({"reason": reason, "runs": names} for reason, names in found.items())
    headings = (
        Heading("because", lambda row: row["reason"], fold=True),
        Heading("runs", lambda row: f"{len(row['runs']):,}", right=True),
        Heading("such as", lambda row: told_names(row["runs"]), fold=True),
    )
    return Table(headings, rows)


def told_names(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (" ..." if len(names) > NAMED else "")


def told_sum(tidied: Tidied) -> list[str]:
    """Return how much goes, and the way to let it go."""
    gone = "gone" if tidied.deleted else "would go"
    parts = [count(len(tidied.going), "run")]
    if tidied.snapshots:
        parts.append(count(tidied.snapshots, "snapshot") + " of data")
    lines = [f"{' and '.join(parts)} {gone}: {size(tidied.size_bytes)}"] if tidied.going or tidied.snapshots else []
    if tidied.leftovers:
        told = "were removed too" if tidied.deleted else "are removed with them"
        lines.append(f"{count(tidied.leftovers, 'leftover')} of a removal that was cut off {told}")
    lines += tidied.notes
    if not tidied.deleted and (tidied.going or tidied.snapshots or tidied.leftovers):
        lines.append("the same command with --delete does it")
    return lines


def row_of(fate: Fate) -> dict[str, object]:
    return {
        "run": fate.name,
        "goes": not fate.kept,
        "status": fate.status,
        "started": fate.started,
        "size_bytes": fate.size_bytes,
        "kept": list(fate.kept),
    }


def content_of(tidied: Tidied) -> dict[str, object]:
    """Return all of it as one object."""
    return {
        "deleted": tidied.deleted,
        "size_bytes": tidied.size_bytes,
        "snapshots": tidied.snapshots,
        "leftovers": tidied.leftovers,
        "notes": list(tidied.notes),
        "runs": [row_of(fate) for fate in tidied.fates],
    }
