"""From a run folder to its report: on the screen, for the folder itself, as a file that was asked for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from mlrun.comparison.origins import told_origins
from mlrun.errors import UsageError
from mlrun.json_records import encode
from mlrun.runs import read_run, write_atomically
from mlrun.screen.pages import Page, Section, page_as_html, page_as_markdown, print_page, show_page
from mlrun.screen.standings import closing_lines, leaderboard, other_metrics
from mlrun.screen.tables import Table, write
from mlrun.store.run_record import RunRecord
from mlrun.terminal import open_console
from mlrun.wording import as_text, count, duration, moment, nearest, seconds_between

BRIEF = 3  # columns of this rank and above are for `show`


def print_outcome(folder: Path, told: Collection[str] = (), quiet: bool = False) -> None:
    """Print what stands at the end of train: leaderboard, where everything is, notes, the verdict in one line.

    told: sentences that the user has on the screen already.
    """
    record, console = read_run(folder), open_console()
    if quiet:
        write(console, closing_lines(record)[-1])
        return
    if console.is_terminal:
        console.print()
    print_page(console, [Section("", brief(leaderboard(record)), (told_place(record, folder),)), closing(record, told)])


def brief(table: Table) -> Table:
    """Return the table without the columns that only `show` needs."""
    return replace(table, headings=tuple(heading for heading in table.headings if heading.rank < BRIEF))


def show(folder: Path, form: str = "table", markdown_file: str = "", html_file: str = "") -> None:
    """Print one run in full; with a file named write that instead."""
    record = read_run(folder)
    sections = whole(record, folder)
    if html_file:
        write_file(html_file, page_as_html(record.name, sections))
    if markdown_file:
        write_file(markdown_file, page_as_markdown(record.name, sections))
    if html_file or markdown_file:
        return
    show_page(Page(record.name, sections, encode(record), leaderboard(record)), form)


def write_file(name: str, text: str) -> None:
    """Write a file that was asked for; raise UsageError when its folder is not there."""
    path = Path(name).expanduser().absolute()
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is no folder: make it first, or name another file")
    write_atomically(path, text.encode())


def markdown(record: RunRecord) -> str:
    """Return report.md of the run folder: the leaderboard and the verdict for people who browse."""
    sections = [Section("", None, about(record)), *scores(record), closing(record)]
    return page_as_markdown(record.name, sections)


def whole(record: RunRecord, folder: Path) -> list[Section]:
    """Return all that is to be said of a run, in the order of interest."""
    return [
        Section("", None, about(record)),
        *scores(record),
        *([Section("best", None, champion_lines(record))] if record.champion else []),
        Section("where from", None, (*told_origins(folder), told_fits(record), told_place(record, folder))),
        closing(record),
    ]


def about(record: RunRecord) -> tuple[str, ...]:
    """Return when the run was, how it ended, and what it was about."""
    elapsed = seconds_between(record.started, record.finished)
    lines = [f"{record.status}, {moment(record.started)}" + (f", took {duration(elapsed)}" if elapsed else "")]
    if record.task is not None:
        labels = " against ".join(map(str, reversed(record.task.labels))) if len(record.task.labels) == 2 else ""
        labels = labels or (f"{len(record.task.labels)} classes" if record.task.labels else "")
        lines.append(record.task.kind + (f": {labels}" if labels else ""))
    lines += [f"{moving} is {fixed}" for moving, fixed in record.references.items()]
    return tuple(lines)


def scores(record: RunRecord) -> list[Section]:
    """Return the leaderboard, and the other metrics when there are some."""
    others = other_metrics(record)
    return [Section("leaderboard", leaderboard(record)), *([Section("other metrics", others)] if others else [])]


def champion_lines(record: RunRecord) -> tuple[str, ...]:
    """Return the best model's trial and hyperparameters."""
    best = record.champion
    if best is None:
        return ()
    params = ", ".join(f"{name}={as_text(value)}" for name, value in best.params.items())
    lines = [f"{best.name}: {params or 'the defaults of its library'}"]
    if best.trial:
        lines.append(f"trial {best.trial}")
    return tuple(lines)


def told_fits(record: RunRecord) -> str:
    """Return how many fits were made, and how many were spared."""
    fits = record.fits
    parts = [count(fits.run, "fit") + " run"]
    if fits.unshared > fits.planned:
        parts.append(f"{fits.unshared - fits.planned:,} spared by sharing")
    if fits.reused:
        parts.append(f"{fits.reused:,} taken from earlier runs")
    if fits.failed:
        parts.append(f"{fits.failed:,} failed")
    return ", ".join(parts)


def told_place(record: RunRecord, folder: Path) -> str:
    """Return where the run's files are."""
    stored = "models/, predictions/" if any(model.file for model in record.models) else "predictions/"
    return f"{record.name} in {nearest(folder)} ({stored}, report.md)"


def closing(record: RunRecord, told: Collection[str] = ()) -> Section:
    return Section("", None, tuple(closing_lines(record, told)))
