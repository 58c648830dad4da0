"""From the files of a run to whether they can be read: its journal, its tables, its labels, the data that it kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from mlrun.errors import MlrunError
from mlrun.journal import JournalContent, read_journal
from mlrun.store.file_names import FINDINGS, JOURNAL, LABELS, TRIALS
from mlrun.store.run_findings import read_findings
from mlrun.store.run_labels import read_labels
from mlrun.store.run_trials import read_trials
from mlrun.store.snapshots import DATA, is_whole, referred, snapshot_path
from mlrun.verification.bytes_written import Bytes, is_json_lines, said
from mlrun.verification.trouble import Trouble
from mlrun.wording import count

LINES = ("timings.jsonl", "curves.jsonl", "system.jsonl")
GO_ON = "run the same `mlrun train` again: it goes on, and does again what those lines told of"
KEEP_AGAIN = "run the spec again on the same data: it is kept anew"


def check_contents(folder: Path, found: Bytes, own: bool) -> Iterator[Trouble]:
    """Yield what cannot be read of files whose bytes are good; Parquet files of one's own runs are not opened."""
    readers = {TRIALS: read_trials, FINDINGS: read_findings}
    for name, read in readers.items():
        if found.is_good(name):
            try:
                read(folder)
            except MlrunError as error:
                yield Trouble(name, said(folder / name, error))
    for name in found.vouched:
        if name in LINES and found.is_good(name) and not is_json_lines((folder / name).read_bytes()):
            yield Trouble(name, "a line in it is no JSON")
        elif name.endswith(".json") and found.is_good(name) and not is_json((folder / name).read_bytes()):
            yield Trouble(name, "it is no JSON")
        elif name.endswith(".parquet") and found.is_good(name) and not own and not is_parquet(folder / name):
            yield Trouble(name, "it is no table that can be read")


def check_labels(folder: Path) -> Iterator[Trouble]:
    """Yield what is wrong with the tags and the note, which may change after the run."""
    try:
        read_labels(folder)
    except MlrunError as error:
        yield Trouble(
            LABELS, said(folder / LABELS, error).split(". Delete it")[0], "delete it, and label the run again"
        )


def is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


def is_parquet(path: Path) -> bool:
    """Say whether a Parquet file can be read whole."""
    import polars as pl

    try:
        pl.read_parquet(path)
    except (OSError, ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return False
    return True


def check_journal(folder: Path) -> tuple[tuple[Trouble, ...], tuple[str, ...]]:
    """Return what is wrong with the journal of a run that was cut off, and what is only to be told."""
    try:
        content = read_journal(folder / JOURNAL)
    except MlrunError as error:
        return (Trouble(JOURNAL, said(folder / JOURNAL, error)),), ()
    notes = ("its last line was cut off, as a kill leaves it: what it told of is done again",) if content.torn else ()
    return tuple(of_journal(content)), notes


def of_journal(content: JournalContent) -> Iterator[Trouble]:
    """Yield what is wrong with the lines of a journal."""
    begun = bool(content.events) and "event" in content.events[0] and content.events[0]["event"] == "begin"
    if content.damaged and not begun:
        yield Trouble(JOURNAL, "its first line is damaged: nobody can tell of which spec it is", "run the spec again")
    elif content.damaged:
        yield Trouble(JOURNAL, f"{count(content.damaged, 'damaged line')}", GO_ON)


def check_snapshots(folder: Path, known: dict[str, str]) -> Iterator[Trouble]:
    """Yield the data that the run kept and that is no longer whole; known: sha256 → what was found of it before."""
    try:
        needed = referred(folder / DATA)
    except MlrunError as error:
        yield Trouble(DATA, said(folder / DATA, error))
        return
    for sha256 in sorted(needed):
        if sha256 not in known:
            known[sha256] = state_of(folder.parent.parent, sha256)
        if known[sha256]:
            yield Trouble(DATA, f"the data that it kept ({sha256[:12]}) {known[sha256]}", KEEP_AGAIN)


def state_of(root: Path, sha256: str) -> str:
    """Return what is wrong with a snapshot; '' = nothing."""
    try:
        place = snapshot_path(root, sha256)
    except ValueError:
        return "has no name that a snapshot can have"
    if not place.exists():
        return f"is missing: {place}"
    return "" if is_whole(place, sha256) else f"was changed: {place}"
