"""Progress: what stays on the screen, how little a pipe gets, and that drawing never decides how a run ends."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Iterator

import pytest
from rich.console import Console

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
)
from mlrun.records import Failure, Trial, TrialResult
from mlrun.screen import progress

EVIL = "\x1b[31m[/]\u202e"


def a_run(fits: int = 500, failing: int = 0, name: str = "ridge") -> Iterator[Event]:
    """Yield the events of a run of one model, five fits a trial; the first trials fail."""
    yield DataLoaded("income", "classification", 800, 200, 5, ("a note of the data",))
    yield RunClaimed("income@1", "/runs/income/0001", False, 0)
    yield RoundPlanned(1, fits // 5, 2, fits, (name,))
    for fit in range(fits):
        yield FitStarted(f"{name}/{fit}", name, 1)
        failure = Failure("raised", "E", f"what {EVIL} fit {fit} said\nand more") if fit // 5 < failing else None
        yield FitFinished(f"{name}/{fit}", name, failure, 0.003, fit + 1, fits)
        if fit % 5 == 4:
            failed = fit // 5 < failing
            result = TrialResult(
                Trial(f"{name}/{fit // 5:04}", name, name, {}), "failed" if failed else "done", {}, "raised: E"
            )
            yield TrialFinished(result, "roc_auc", None if failed else 0.9, None if failed else 0.91)
    yield ChampionStarted(name)
    yield Noted("a note of the run")
    yield Noted("a warning of the run", warning=True)
    yield RunFinished("/runs/income/0001", 0)


def test_a_pipe_gets_a_line_for_each_thing_that_stays(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = progress.draw(lambda hear: a_run())
    assert drawn.finished == RunFinished("/runs/income/0001", 0)
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.splitlines() == [
        "income: classification, 800 rows to train, 200 to test, 5 features",
        "  a note of the data",
        "run income@1 in /runs/income/0001",
        "round 1: 100 trials, 2 from earlier runs, 500 fits of ridge",
        "  ridge: 100 trials, best roc_auc 0.9100",
        "  a note of the run",
        "  a warning of the run",
    ]
    assert drawn.told == frozenset()


def test_what_a_terminal_was_told_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("NO_COLOR", "1")
    assert progress.draw(lambda hear: a_run()).told == {
        "a note of the data",
        "a note of the run",
        "a warning of the run",
    }
    assert "\x1b" not in screen.getvalue()


def test_only_the_first_failed_trial_of_a_model_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    progress.draw(lambda hear: a_run(failing=30))
    written = capsys.readouterr().err
    assert written.count("failed: raised: E") == 1
    assert "  ridge/0000 failed: raised: E: what \\x1b[31m[/]\\u202e fit 0 said\n" in written
    assert "100 trials, 30 failed" in written


def test_quiet_lets_failures_through(capsys: pytest.CaptureFixture[str]) -> None:
    progress.draw(lambda hear: a_run(failing=30), quiet=True)
    assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        "  ridge/0000 failed",
        "  a warning of the run",
    ]


def test_quiet_lets_only_warnings_through(capsys: pytest.CaptureFixture[str]) -> None:
    assert progress.draw(lambda hear: a_run(), quiet=True).told == frozenset()
    assert capsys.readouterr().err == "  a warning of the run\n"


def test_a_long_round_says_now_and_then_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PLAIN_SECONDS", 0.0)
    progress.draw(lambda hear: a_run(fits=10))
    written = capsys.readouterr().err
    assert "5/10 fits, about" in written


def test_names_cannot_act_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    progress.draw(lambda hear: a_run(fits=5, failing=1, name=EVIL))
    written = capsys.readouterr().err
    assert "\x1b" not in written
    assert "\u202e" not in written
    assert "[/]" in written


def test_the_run_goes_on_when_nobody_reads_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    closed = open(theirs, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - a file descriptor
    monkeypatch.setattr(sys, "stderr", closed)
    assert progress.draw(lambda hear: a_run(fits=5)).finished is not None
    with pytest.raises(BrokenPipeError):
        closed.close()


def test_the_run_is_ended_in_order_before_an_error_is_told() -> None:
    ended = []

    def broken() -> Iterator[Event]:
        try:
            yield from a_run(fits=5)
        finally:
            ended.append(True)

    with pytest.raises(ZeroDivisionError):
        raise_midway(broken())
    assert ended == [True]


def raise_midway(events: Iterator[Event]) -> None:
    def interrupted() -> Iterator[Event]:
        try:
            yield next(events)
            raise ZeroDivisionError
        finally:
            events.close()  # type: ignore[attr-defined]

    progress.draw(lambda hear: interrupted())


def test_a_run_that_had_nothing_to_do_has_no_end() -> None:
    assert progress.draw(lambda hear: iter([Noted("nothing has changed")])).finished is None


@pytest.mark.parametrize("height", [5, 10, 40])
def test_the_picture_fits_every_screen(height: int) -> None:
    state = progress.RunState()
    for number in range(30):
        state.of(f"a_model_with_a_very_long_name_{number}").best = 0.5
    for event in a_run(fits=10):
        progress.note(state, event)
    out = io.StringIO()
    Console(file=out, width=80, height=height).print(progress.picture(state, height))
    lines = out.getvalue().splitlines()
    assert len(lines) <= max(height, 2)
    assert max(map(len, lines)) <= 80


def test_the_time_left_follows_the_latest_fits() -> None:
    state = progress.RunState(done=6, total=10)
    state.ends.extend([0.0, 1.0, 2.0])
    assert state.seconds_left(2.0) == pytest.approx(4.0)
    assert progress.RunState(done=0, total=10).seconds_left(1.0) is None
    assert progress.RunState(done=10, total=10).seconds_left(1.0) is None


def test_taking_note_of_a_fit_costs_microseconds() -> None:
    """A fit of 3 ms may be told of at 2 % of its cost: 60 µs for both of its events."""
    state, events = progress.RunState(), [event for event in a_run() if isinstance(event, (FitStarted, FitFinished))]
    begun = time.process_time()
    for _ in range(10):
        for event in events:
            progress.note(state, event)
    assert (time.process_time() - begun) / (10 * 500) < 30e-6


def test_a_test_of_the_evaluation_is_told_by_number_and_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PLAIN_SECONDS", -1.0)
    checks = [CheckStarted("calibration", "calibration", 0, 2), CheckStarted("invariance", f"sex{EVIL}", 1, 2)]
    progress.draw(lambda hear: iter([*checks, RunFinished("/runs/income/0001", 0)]))
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["evaluation: 2 tests", "  checks 1/2: calibration"]
    assert lines[2] == "  checks 2/2: invariance sex\\x1b[31m[/]\\u202e"


def test_the_picture_shows_the_test_that_runs_now_even_where_nothing_was_fitted() -> None:
    state = progress.RunState()
    progress.note(state, CheckStarted("slices", "slices", 2, 12))
    screen = io.StringIO()
    Console(file=screen, width=80).print(progress.picture(state, 24))
    assert "checks 3/12: slices" in screen.getvalue()


def test_a_test_that_bears_the_name_of_its_check_says_it_once() -> None:
    told = progress.told_check(CheckStarted("assumptions", "assumptions: boundaries", 0, 2))
    assert told == "checks 1/2: assumptions: boundaries"
