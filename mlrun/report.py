"""From a run folder to its report: on the screen, for the folder itself, as a file that was asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from mlrun.check_tables import tables, worst_rows
from mlrun.comparison.origins import told_origins
from mlrun.errors import UsageError
from mlrun.json_records import encode
from mlrun.labelling import labels_for_machines, told_labels
from mlrun.pictures import pictures
from mlrun.records import Finding
from mlrun.runs import read_findings, read_run, write_atomically
from mlrun.screen.pages import Page, Section, page_as_html, page_as_markdown, print_page, show_page
from mlrun.screen.standings import (
    leaderboard,
    other_metrics,
    ranked,
    told_gates,
    told_notes,
    verdict_line,
    verdict_table,
)
from mlrun.screen.tables import Table, write
from mlrun.store.run_record import RunRecord
from mlrun.terminal import open_console
from mlrun.view.findings import at_a_glance, reasons
from mlrun.view.sensitivity import told_sensitivity, what_mattered
from mlrun.view.tracking import read_tracked, summary, tracking
from mlrun.view.tracking_in_full import tracking_in_full
from mlrun.wording import as_text, count, duration, moment, nearest, seconds_between

BRIEF = 3  # columns of this rank and above are for `show`


def print_outcome(folder: Path, told: Collection[str] = (), quiet: bool = False) -> None:
    """Print what stands at the end of train: leaderboard, suites at a glance, notes, gates, the verdict in one line.

    told: sentences that the user has on the screen already.
    """
    record, console = read_run(folder), open_console()
    if quiet:
        bad = [gate for gate in record.gates if gate.status in {"fail", "undecided"}]
        write(console, "\n".join([*told_gates(replace(record, gates=tuple(bad))), verdict_line(record)]))
        return
    if console.is_terminal:
        console.print()
    sections = [
        Section("", brief(leaderboard(record)), (told_place(record, folder),)),
        *at_a_glance(record, read_findings(folder)),
        Section("", None, (*told_sensitivity(record), *told_notes(record, told), *told_gates(record))),
        Section(verdict_line(record)),
    ]
    print_page(console, [section for section in sections if section != Section()])


def brief(table: Table) -> Table:
    """Return the table without the columns that only `show` needs."""
    return replace(table, headings=tuple(heading for heading in table.headings if heading.rank < BRIEF))


def show(
    folder: Path, form: str = "table", markdown_file: str = "", html_file: str = "", *, all_: bool = False
) -> None:
    """Print one run; with a file named write that instead.

    all_: what is rarely looked at too, which an HTML file has in any case, folded.
    """
    record, findings, tracked = read_run(folder), read_findings(folder), read_tracked(folder)
    rare = list(tracking_in_full(record, tracked, folder)) if all_ or html_file else []
    sections = whole(record, findings, folder, tracking(record, tracked, ask=not rare), rare if all_ else ())
    if html_file:
        asked = whole(record, findings, folder, tracking(record, tracked, ask=False), rare)
        write_file(html_file, page_as_html(record.name, asked))
    if markdown_file:
        write_file(markdown_file, page_as_markdown(record.name, sections))
    if html_file or markdown_file:
        return
    content = {
        **encode(record),
        **labels_for_machines(folder),
        "findings": [encode(finding) for finding in findings],
        "tracking": encode(summary(record, tracked)),
        **({"tracked": {each.title: rows_of(each) for each in rare if each.table is not None}} if all_ else {}),
    }
    show_page(Page(record.name, sections, content, leaderboard(record)), form)


def rows_of(section: Section) -> list[object]:
    """Return a section's table as machines get it."""
    return [] if section.table is None else [encode(row) for row in section.table.rows]


def write_file(name: str, text: str | bytes) -> None:
    """Write a file that was asked for; raise UsageError when its folder is not there."""
    path = Path(name).expanduser().absolute()
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is no folder: make it first, or name another file")
    write_atomically(path, text.encode() if isinstance(text, str) else text)


def markdown(record: RunRecord, findings: Sequence[Finding] = ()) -> str:
    """Return report.md of the run folder: the verdict, the leaderboard and the suites for people who browse."""
    return page_as_markdown(record.name, upper(record, findings) + details(record, findings) + lower(record))


def summary_markdown(record: RunRecord, findings: Sequence[Finding], told: str = "") -> str:
    """Return what a CI job shows of a run: `told`, verdict, gates, leaderboard, suites at a glance, notes."""
    first = [Section("", None, (told,))] if told else []
    return page_as_markdown(record.name, [*first, *upper(record, findings), *lower(record)])


def error_markdown(title: str, code: int, error: str) -> str:
    """Return what a CI job shows of a command that stopped."""
    lines = tuple(line.strip() for line in error.splitlines() if line.strip())
    return page_as_markdown(title, [Section(f"stopped with exit code {code}", None, lines)])


def whole(
    record: RunRecord,
    findings: Sequence[Finding],
    folder: Path,
    tracked: Sequence[Section] = (),
    rare: Sequence[Section] = (),
) -> list[Section]:
    """Return all that is to be said of a run, in the order of interest."""
    return [
        *upper(record, findings, told_labels(folder)),
        *details(record, findings),
        *tracked,
        Section("where from", None, (*told_origins(folder), told_fits(record), told_place(record, folder))),
        *lower(record),
        *rare,
    ]


def upper(record: RunRecord, findings: Sequence[Finding], labels: Sequence[str] = ()) -> list[Section]:
    """Return what everybody wants to know: the verdict with what it rests on, the best model, scores, suites.

    labels: lines with the tags and the note of the run.
    """
    glance = at_a_glance(record, findings)
    return [
        Section(verdict_line(record), None, tuple(told_gates(record))),
        *([Section("", judged)] if (judged := verdict_table(record)) else []),
        Section("", None, (*about(record), *labels)),
        *scores(record),
        *[replace(section, points=section.points[:-1]) for section in glance],  # the last one says: see show
    ]


def lower(record: RunRecord) -> list[Section]:
    """Return the notes, where there are some."""
    notes = told_notes(record)
    return [Section("notes", None, tuple(notes))] if notes else []


def details(record: RunRecord, findings: Sequence[Finding]) -> list[Section]:
    """Return each check with its tables and pictures, then the worst rows of the best model."""
    order = sorted(ranked(record), key=lambda model: (model.name != record.best, model.kind == "baseline"))
    names = [model.name for model in order]
    best = next(iter(names), "")
    less = [metric.label for metric in record.metrics if metric.direction == "minimize"]
    found: list[Section] = []
    for check in dict.fromkeys(finding.check for finding in findings):
        mine = [finding for finding in findings if finding.check == check]
        first, *others = tables(check, mine, names) or (None,)
        drawn = pictures(check, mine, names, less)
        said = tuple(reasons(mine, record.best))
        found += [Section(check, first, points=said if not others else (), pictures=() if others else drawn)]
        found += [Section("", table) for table in others[:-1]]
        found += [Section("", table, points=said, pictures=drawn) for table in others[-1:]]
    rows = worst_rows(findings, best)
    return [*found, Section(f"worst rows of {best}", rows)] if rows.rows else found


def about(record: RunRecord) -> tuple[str, ...]:
    """Return when the run was, how it ended, and what it was about."""
    elapsed = seconds_between(record.started, record.finished)
    lines = [f"{record.status}, {moment(record.started)}" + (f", took {duration(elapsed)}" if elapsed else "")]
    if record.task is not None:
        labels = " against ".join(map(str, reversed(record.task.labels))) if len(record.task.labels) == 2 else ""
        labels = labels or (f"{len(record.task.labels)} classes" if record.task.labels else "")
        lines.append(record.task.kind + (f": {labels}" if labels else ""))
    lines += [f"{moving} is {fixed}" for moving, fixed in record.references.items()]
    return (*lines, *told_champion(record))


def scores(record: RunRecord) -> list[Section]:
    """Return the leaderboard; the other metrics, and which hyperparameters mattered, when there are some."""
    others = other_metrics(record)
    more = [Section("other metrics", others)] if others else []
    return [Section("leaderboard", leaderboard(record)), *more, *what_mattered(record)]


def told_champion(record: RunRecord) -> tuple[str, ...]:
    """Return a line with the best model's hyperparameters and trial; () where none is best."""
    best = record.champion
    if best is None:
        return ()
    params = ", ".join(f"{name}={as_text(value)}" for name, value in best.params.items())
    trial = f" (trial {best.trial})" if best.trial else ""
    return (f"best: {best.name}, {params or 'the defaults of its library'}{trial}",)


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
