"""From an erasure to what is shown of it: what was changed, what is left, what nobody can reach from here."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlrun.erasure.proof import Hear
from mlrun.erasure.receipt import ErasedRun, Erasure, Receipt
from mlrun.errors import NothingConcluded
from mlrun.json_records import encode
from mlrun.screen.pages import Page, Point, Section, show_page
from mlrun.screen.tables import Heading, Table, write
from mlrun.terminal import is_plain, open_console, printable
from mlrun.wording import NOTHING, count, nearest

MOST_LEFT = 20


def print_erasure(done: Erasure, root: Path, form: str) -> None:
    """Print what was done, or would be; as csv the runs alone."""
    content = {**encode(done.receipt), "dry_run": done.dry_run, "path": done.path}
    show_page(Page(title(done), sections(done, root), content, runs_table(done)), form)


def title(done: Erasure) -> str:
    told = f"{count(done.receipt.values, 'value')} of the column '{done.receipt.column}'"
    if done.dry_run:
        return f"erase {told} (dry run: nothing was changed)"
    return f"erased {told}" if done.has_found else f"erase {told}: nothing was changed"


def sections(done: Erasure, root: Path) -> list[Section]:
    """Return runs, snapshots, what is left, what cannot be reached, and the whole in a sentence."""
    receipt = done.receipt
    parts = [Section("", runs_table(done), tuple(told_texts(receipt)))] if receipt.runs else []
    kept = tuple(told_kept(done))
    if kept or receipt.notes:
        parts.append(Section("", None, (*kept, *receipt.notes)))
    if receipt.left:
        points = [Point(f"{each.where}: {each.why}", "left") for each in receipt.left[:MOST_LEFT]]
        more = (f"and {len(receipt.left) - MOST_LEFT:,} more: the receipt has all",) * (len(receipt.left) > MOST_LEFT)
        parts.append(Section("not erased", None, more, tuple(points)))
    reach = [Point(told, "warn") for told in told_sources(receipt)]
    reach += [Point(told, "info") for told in receipt.out_of_reach]
    parts.append(Section("out of reach", None, (), tuple(reach)))
    return [*parts, Section("", None, tuple(conclusion(done, root)))]


def runs_table(done: Erasure) -> Table:
    """Return a line a run: rows of the person in its data, files changed, what becomes of its models."""
    return Table(
        (
            Heading("run", lambda row: row["run"], fold=True),
            Heading("rows", lambda row: f"{row['rows']:,}", right=True),
            Heading("files", lambda row: f"{len(row['files']):,}", right=True),
            Heading("models deleted", lambda row: told_models(row, "contains-", gone=True), fold=True),
            Heading("kept, but stale", lambda row: told_models(row, "contains-", gone=False), fold=True),
            Heading("influenced", lambda row: told_models(row, "influenced", gone=False), fold=True),
        ),
        tuple(flat(each) for each in done.receipt.runs),
        empty="no run held anything of it",
    )


def flat(run: ErasedRun) -> dict[str, Any]:
    found: dict[str, Any] = encode(run)
    return found


def told_models(row: Mapping[str, Any], kind: str, *, gone: bool) -> str:
    """Return the models of a run that are stale in this way, with what they hold where that is not the title."""
    deleted = {name.removeprefix("models/").removesuffix(".skops") for name in row["deleted"]}
    named = [
        f"{name} ({stale.removeprefix('contains-')})" if stale != kind else name
        for name, stale in row["models"].items()
        if stale.startswith(kind) and (name in deleted) == gone
    ]
    return ", ".join(named) or NOTHING


def told_texts(receipt: Receipt) -> Iterator[str]:
    for run in receipt.runs:
        if run.replaced:
            yield (
                f"{run.run}: the value is replaced by the word ERASED in {', '.join(run.replaced)}: "
                "this is no longer what ran"
            )


def told_kept(done: Erasure) -> Iterator[str]:
    """Yield what became of snapshots and caches."""
    again = [each for each in done.receipt.snapshots if each.after]
    gone = [each for each in done.receipt.snapshots if not each.after]
    if again:
        rows = sum(each.rows for each in again)
        told = f"{count(len(again), 'snapshot')} of data {'is' if len(again) == 1 else 'are'}"
        yield f"{told} kept without {count(rows, 'row')} that {'is' if rows == 1 else 'are'} of the person"
    if gone:
        told = f"{count(len(gone), 'snapshot')} of data {'goes' if len(gone) == 1 else 'go'} whole"
        yield f"{told}: nothing else was in it, or no rows could be taken out"
    if done.receipt.caches:
        yield f"removed, to be made again: {', '.join(done.receipt.caches)}"


def told_sources(receipt: Receipt) -> Iterator[str]:
    for path, rows in receipt.sources.items():
        yield f"{nearest_text(path)} still holds {count(rows, 'row')}: take them out before the next train"


def nearest_text(path: str) -> str:
    return nearest(Path(path))


def conclusion(done: Erasure, root: Path) -> Iterator[str]:
    """Yield the outcome, and where the receipt is."""
    receipt = done.receipt
    if done.dry_run:
        yield "a dry run: leave out --dry-run to do it" if done.has_found else "nothing in the runs is of it"
        return
    if not done.has_found and not receipt.left:
        yield f"nothing found to erase in {nearest(root)}; {count(receipt.searched, 'file')} decoded and searched"
        return
    searched = f"{count(receipt.searched, 'file')} decoded and searched afterwards"
    yield f"{searched}: {'nothing is left' if not receipt.left else f'{len(receipt.left):,} left, see above'}"
    if done.path:
        yield f"receipt: {nearest_text(done.path)} (erase --check FILE --value-from-stdin shows whom it is about)"
    if not receipt.subjects:
        yield "there is no key of yours to seal the receipt with, so it cannot show whom it is of"


# -- a receipt and a value ---------------------------------------------------------------------------------------------


def print_check(receipt: Receipt, is_about: bool | None) -> int:
    """Print whether a receipt is about the values that were given; return the exit code."""
    console = open_console()
    about = f"receipt {receipt.name}: column '{receipt.column}', finished {receipt.finished or 'never'}"
    if is_about is None:
        write(
            console, f"{printable(about)}\nwhether it is about this value cannot be told without the key of its user\n"
        )
        return NothingConcluded.exit_code
    told = "it is about this value" if is_about else "it is NOT about this value"
    write(console, f"{printable(about)}\n{told}\n")
    return 0 if is_about else 1


@contextmanager
def watch() -> Iterator[Hear]:
    """Yield what is told of a long erasure: a line that is written over, on a terminal only."""
    stream, wide = sys.stderr, 0
    if is_plain(stream):
        yield lambda told: None
        return

    def hear(told: str) -> None:
        nonlocal wide
        text = printable(told)[:78]
        stream.write(f"\r{text:<{wide}}")
        stream.flush()
        wide = len(text)

    try:
        yield hear
    finally:
        stream.write(f"\r{'':<{wide}}\r")
        stream.flush()
