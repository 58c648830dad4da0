"""From how `train` ended to all who wait for it: the report for CI, the summary of the job, the hooks of the spec."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun.errors import Interrupted, UsageError
from mlrun.events import Event, Noted, RunClaimed, RunFinished, SpecRead, Unchanged
from mlrun.notice import reports, step_summary
from mlrun.notice.facts import WITHIN, End
from mlrun.process.interruption import stoppable
from mlrun.report import error_markdown, summary_markdown, write_file
from mlrun.runs import read_findings, read_run
from mlrun.screen.pages import page_as_markdown
from mlrun.screen.refusals import answer, say

if TYPE_CHECKING:
    from mlrun.compare import Comparison
    from mlrun.evaluate import Reevaluation

NOT_YET = "it has not come to its end: it was killed, or is running still"


@dataclass(slots=True)
class Ending:
    """Watches a train from its beginning, and tells its end.

    junit: the report to write, '' = none. with_hooks: whether the spec's hooks run.
    """

    spec: str
    junit: str = ""
    with_hooks: bool = True
    read: SpecRead | None = None
    claimed: RunClaimed | None = None
    finished: RunFinished | None = None
    unchanged: Unchanged | None = None

    def begin(self) -> None:
        """See that the report can be written; raise UsageError or StorageError where it cannot."""
        begin_report(self.junit, self.spec, self.spec)

    def watch(self, events: Generator[Event, None, None]) -> Iterator[Event]:
        """Yield the events of a train, and keep what its end is made of."""
        with closing(events):
            for event in events:
                if isinstance(event, SpecRead):
                    self.read = event
                elif isinstance(event, RunClaimed):
                    self.claimed = event
                elif isinstance(event, RunFinished):
                    self.finished = event
                elif isinstance(event, Unchanged):
                    self.unchanged = event
                yield event
                if isinstance(event, SpecRead) and self.has_hooks():
                    from mlrun.notice.hooks import warn_of_missing

                    yield from (Noted(sentence, warning=True) for sentence in warn_of_missing(event.hooks))

    def has_hooks(self) -> bool:
        """Say whether there are hooks, which are wanted, and which are not for a train that one of them started."""
        return self.with_hooks and self.read is not None and bool(self.read.hooks) and WITHIN not in os.environ

    def of_error(self, error: Exception) -> int:
        """Tell an error, first to the user; return the exit code. Hooks run unless somebody asked to stop."""
        code = answer(error)
        told = str(error) or type(error).__name__
        try:
            if self.junit:
                write_file(self.junit, reports.of_error(self.spec, type(error).__name__, told))
        finally:
            summarise(error_markdown(f"mlrun train {self.spec}", code, told))
            if not isinstance(error, Interrupted) and self.read is not None:
                self.run_hooks(End(self.spec, self.read.experiment, code, *self.place(), error=told))
        return code

    def of_run(self) -> int:
        """Tell the end of a run, or that there was none to be made; return the exit code of train.

        Raises StorageError when the report that was asked for cannot be written; the hooks have run then.
        """
        done = self.finished or self.unchanged
        if done is None or self.read is None:
            return 0
        folder = Path(done.folder)
        record, findings = read_run(folder), read_findings(folder)
        told = "" if self.unchanged is None else f"Nothing has changed since {record.name}: there is no new run."
        try:
            if self.junit:
                write_report(folder, self.junit)
        finally:
            summarise(summary_markdown(record, findings, told))
            if self.finished is not None:
                self.run_hooks(End(self.spec, self.read.experiment, done.exit_code, *self.place(), record))
        return done.exit_code

    def place(self) -> tuple[str, str]:
        """Return the run's name and folder; '' while none was begun."""
        return ("", "") if self.claimed is None else (self.claimed.name, self.claimed.folder)

    def run_hooks(self, end: End) -> None:
        """Run the hooks of what happened; nothing of what they do changes the end."""
        if not self.has_hooks() or self.read is None:
            return
        from mlrun.notice.hooks import run_hooks  # webhooks bring the libraries of the network

        with suppress(OSError, ValueError):  # nobody reads it any more: the verdict is said
            sys.stdout.flush()
        try:
            with stoppable(), closing(run_hooks(self.read.hooks, end, self.read.folder)) as warnings:
                for sentence in warnings:
                    say("warning", sentence)
        except Interrupted:
            say("warning", "the hooks were ended; the run itself has come to its end")


def begin_report(junit: str, title: str, read: str) -> None:
    """Write a report of no end, so that nobody takes an old one for a new one, or waits hours for a refusal.

    junit: '' = none. read: a file that must not be written over. Raises UsageError, StorageError.
    """
    if not junit:
        return
    same = [path for path in map(Path, (junit, read)) if path.exists()]
    if read and len(same) == 2 and same[0].samefile(same[1]):
        raise UsageError(f"{junit} is what is to be read: name another file with --junit")
    write_file(junit, reports.of_error(title, "Unfinished", NOT_YET))


def write_report(folder: Path, junit: str) -> None:
    """Write the report of a run that has come to its end; raise UsageError, StorageError where it cannot be."""
    write_file(junit, reports.of_run(read_run(folder), read_findings(folder)))


def tell_evaluation(done: Reevaluation, junit: str) -> None:
    """Tell what a run's suites found on rows: in the report that was asked for, in the summary of the job."""
    from mlrun.view.evaluation import sections

    if junit:
        write_file(junit, reports.of_evaluation(done.run, done.best, done.findings))
    summarise(page_as_markdown(done.run, sections(done)))


def tell_comparison(comparison: Comparison, tests: bool) -> None:
    """Tell what runs have in common in the summary of the job."""
    from mlrun.view.comparison import sections, title

    summarise(page_as_markdown(title(comparison), sections(comparison, tests)))


def summarise(markdown: str) -> None:
    """Append to the summary of the job, where there is one; that it cannot be is no failure of the command."""
    if trouble := step_summary.append(markdown):
        say("warning", trouble)
