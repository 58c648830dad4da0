"""From the events of a run to what a terminal shows live, or to plain lines on a pipe."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mlrun.events import (
    ChampionStarted,
    CheckStarted,
    DataLoaded,
    Event,
    FitFinished,
    FitStarted,
    Noted,
    RoundPlanned,
    RunClaimed,
    RunFinished,
    TrialFinished,
    Unchanged,
)
from mlrun.terminal import is_plain, open_console, printable
from mlrun.wording import count, duration, nearest, number, told_test

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

PLAIN_SECONDS = 10.0  # at most one line in so long tells how far a round is
REFRESH_PER_SECOND = 2.0
MODELS_SHOWN = 12
MESSAGE_LENGTH = 200  # of an exception's; the whole of it stands in timings.jsonl
PACE_FITS = 6  # the time left is told by the pace of so many


@dataclass(slots=True)
class ModelState:
    """What is known of a model so far."""

    trials: int = 0
    failed: int = 0
    best: float | None = None
    said: str = ""  # by the first fit that failed


@dataclass(slots=True)
class RunState:
    """What the events have told so far; times from a clock that never goes back."""

    models: dict[str, ModelState] = field(default_factory=dict)
    current: str = ""
    metric: str = ""
    round: int = 0
    done: int = 0
    total: int = 0
    ends: deque[float] = field(default_factory=lambda: deque(maxlen=PACE_FITS + 1))
    champion: str = ""
    check: str = ""
    told: set[str] = field(default_factory=set)

    def of(self, model: str) -> ModelState:
        return self.models.setdefault(model, ModelState())

    def seconds_left(self, now: float) -> float | None:
        """Return the time that the round's other fits will take, at the pace of the latest."""
        if len(self.ends) < 2 or not 0 < self.done < self.total:
            return None
        return max(0.0, (now - self.ends[0]) / (len(self.ends) - 1) * (self.total - self.done))


class Say(Protocol):
    """Print a line that stays."""

    def __call__(self, text: str, style: str = "") -> None: ...


@dataclass(frozen=True, slots=True)
class Drawn:
    """The run's last event, None when nothing had to run; the sentences that are on the reader's screen."""

    finished: RunFinished | None
    told: frozenset[str]


def draw(begin: Callable[[Callable[[FitStarted], None]], Iterator[Event]], quiet: bool = False) -> Drawn:
    """Show the run on standard error while it happens; return how it ended.

    begin: given what is to be told when a fit begins, it gives the run's events.
    Quiet: only warnings and failures. On a terminal a picture is renewed twice a second and leaves only what stays;
    elsewhere plain lines. When nobody reads them any more the run goes on: its exit code is what counts.
    """
    console = open_console(sys.stderr)
    state = RunState()
    events = begin(lambda event: note(state, event))
    try:
        if quiet or is_plain(sys.stderr):
            finished = follow(events, state, saying(console), quiet)
            return Drawn(finished, on_screen(state))
        from rich.live import Live

        with Live(
            get_renderable=lambda: picture(state, console.height),
            console=console,
            refresh_per_second=REFRESH_PER_SECOND,
            transient=True,
        ):
            finished = follow(events, state, saying(console), live=True)
        return Drawn(finished, on_screen(state))
    finally:
        if isinstance(events, Generator):
            events.close()  # the run's own clean-up comes before the error is told


def on_screen(state: RunState) -> frozenset[str]:
    """Return the sentences that were told to a terminal; what went into a log is not in the reader's sight."""
    return frozenset(state.told if sys.stderr.isatty() else ())


def saying(console: Console) -> Say:
    """Return how to print a line on the console; a closed pipe is no reason to stop."""

    def say(text: str, style: str = "") -> None:
        with suppress(BrokenPipeError):
            console.print(printable(text), style=style, soft_wrap=not console.is_terminal)
            console.file.flush()

    return say


def follow(
    events: Iterator[Event], state: RunState, say: Say, quiet: bool = False, live: bool = False
) -> RunFinished | None:
    """Take the events as they come: keep the state, print what stays."""
    told = time.monotonic()
    for event in events:
        note(state, event)
        if isinstance(event, RunFinished):
            return event
        if not quiet or is_warning(event):
            tell(state, event, say)
        if quiet or live or not isinstance(event, FitFinished | CheckStarted):
            continue
        if time.monotonic() - told > PLAIN_SECONDS:
            told = time.monotonic()
            say(f"  {state.check or pace(state)}")
    return None


def is_warning(event: Event) -> bool:
    """Say whether an event is told even to those who want quiet: a warning, a trial that failed, bad news repeated."""
    if isinstance(event, Unchanged):
        return event.exit_code != 0
    if isinstance(event, Noted):
        return event.warning
    return isinstance(event, TrialFinished) and event.result.status != "done"


def note(state: RunState, event: Event) -> None:
    """Keep what an event says; microseconds, for it is done for every fit."""
    if isinstance(event, FitStarted):
        state.current = event.model
    elif isinstance(event, FitFinished):
        state.current, state.done, state.total = event.model, event.done, event.total
        state.ends.append(time.monotonic())
        if event.failure is not None:
            failed = state.of(event.model)
            failed.said = failed.said or event.failure.message
    elif isinstance(event, TrialFinished):
        model = state.of(event.result.trial.model)
        model.trials += 1
        model.failed += event.result.status != "done"
        model.best = event.best
        state.metric = event.metric
    elif isinstance(event, RoundPlanned):
        state.round, state.done, state.total, state.champion = event.number, 0, event.fits, ""
        state.ends.clear()
        state.ends.append(time.monotonic())
        for name in event.models:
            state.of(name)
    elif isinstance(event, ChampionStarted):
        state.champion = event.model
    elif isinstance(event, CheckStarted):
        state.done, state.total = event.done, event.total
        state.check = told_check(event)


def told_check(event: CheckStarted) -> str:
    """Return which test of how many begins."""
    return f"checks {event.done + 1}/{event.total}: {told_test(event.check, event.test)}"


def tell(state: RunState, event: Event, say: Say) -> None:
    """Print what stays of an event."""
    if isinstance(event, DataLoaded):
        rows = f"{event.train_rows:,} rows to train, {event.test_rows:,} to test"
        say(f"{event.experiment}: {event.task}, {rows}, {count(event.features, 'feature')}", "bold")
        for sentence in event.notes:
            state.told.add(sentence)
            say(f"  {sentence}")
    elif isinstance(event, RunClaimed):
        resumed = f", goes on where it was cut off ({count(event.finished_fits, 'fit')} kept)" if event.resumed else ""
        say(f"run {event.name} in {nearest(Path(event.folder))}{resumed}")
    elif isinstance(event, RoundPlanned):
        cached = f", {event.cached} from earlier runs" if event.cached else ""
        models = f" of {', '.join(event.models)}" if event.models else ""
        say(f"round {event.number}: {count(event.trials, 'trial')}{cached}, {count(event.fits, 'fit')}{models}")
    elif isinstance(event, TrialFinished) and event.result.status != "done":
        model = state.of(event.result.trial.model)
        if model.failed == 1:  # the others are counted, and stand in the run folder
            why = f"{event.result.reason}: {first_line(model.said)}" if model.said.strip() else event.result.reason
            say(f"  {event.result.trial.id} failed: {why}", "yellow")
    elif isinstance(event, ChampionStarted):
        say(f"  {told_model(state, event.model)}")
    elif isinstance(event, CheckStarted) and not event.done:
        say(f"evaluation: {count(event.total, 'test')}")
    elif isinstance(event, Noted | Unchanged):
        text = event.text if isinstance(event, Noted) else told_unchanged(event)
        state.told.add(text)
        say(f"  {text}", "yellow" if is_warning(event) else "")


def told_unchanged(event: Unchanged) -> str:
    """Return that there is no new run, and what stands of the earlier one."""
    stands = f"; it ended with exit code {event.exit_code}, and that stands" if event.exit_code else ""
    return f"nothing has changed since {event.run}: no new run{stands}"


def first_line(message: str) -> str:
    """Return a message's first line, cut to a length that a log can bear."""
    line = message.strip().splitlines()[0]
    return line if len(line) <= MESSAGE_LENGTH else f"{line[:MESSAGE_LENGTH]} ..."


def told_model(state: RunState, name: str) -> str:
    """Return the line of a model whose trials are done."""
    model = state.of(name)
    failed = f", {model.failed} failed" if model.failed else ""
    best = f", best {state.metric} {number(model.best)}" if model.best is not None else ""
    return f"{name}: {count(model.trials, 'trial')}{failed}{best}"


def pace(state: RunState) -> str:
    """Return how far the round is, and how long the rest will take."""
    left = state.seconds_left(time.monotonic())
    rest = f", about {duration(left)} left" if left is not None else ""
    return f"{state.done:,}/{state.total:,} fits{rest}"


def picture(state: RunState, height: int) -> RenderableType:
    """Return what runs now, how far it is and the best so far of each model, in at most the screen's height."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    if not (state.round or state.check):
        return Text("reading the data ...", style="dim")
    grid = Table.grid(padding=(0, 2))
    for name, model in shown_models(state, min(MODELS_SHOWN, height - 4)):
        best = f"{state.metric} {number(model.best)}" if model.best is not None else ""
        mark = ">" if name == (state.champion or state.current) and not state.check else " "
        grid.add_row(
            Text(f"{mark} {printable(name)}", overflow="ellipsis", style="bold" if mark != " " else ""),
            Text(count(model.trials, "trial"), style="dim"),
            Text(printable(best), overflow="ellipsis"),
        )
    last = Table.grid(padding=(0, 2))
    fitting = f"fitting {printable(state.champion)} on all of train" if state.champion else pace(state)
    what = printable(state.check) or fitting
    last.add_row(ProgressBar(total=max(state.total, 1), completed=state.done, width=24), Text(what))
    whole = Table.grid()
    whole.add_row(grid)
    whole.add_row(last)
    return whole


def shown_models(state: RunState, most: int) -> list[tuple[str, ModelState]]:
    """Return the models that a small screen shows: those that run come first, all when there is room."""
    entries = list(state.models.items())
    if len(entries) <= most:
        return entries
    return sorted(entries, key=lambda entry: entry[0] != state.current)[: max(most, 1)]
