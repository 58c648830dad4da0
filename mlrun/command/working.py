"""The commands that compute: a spec is looked at, planned, run; a run predicts, is evaluated, is repeated."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlrun.command.changed import warn_of_changes
from mlrun.command.options import (
    Executor,
    Form,
    Jobs,
    Junit,
    NoCache,
    NoSharing,
    Overrides,
    Run,
    RunsFolder,
    Sample,
    Spec,
    StaleToo,
    Trust,
)
from mlrun.errors import UsageError
from mlrun.terminal import printable

if TYPE_CHECKING:
    from mlrun.ending import Ending
    from mlrun.run_options import TrainOptions


def init(
    data: Annotated[str, typer.Argument(metavar="DATA", help="A table: csv, parquet ...")],
    output: Annotated[str, typer.Option("-o", "--output", metavar="SPEC", help="The file to write.")] = "",
    target: Annotated[str, typer.Option("--target", metavar="COLUMN", help="The column to predict.")] = "",
) -> None:
    """Look at a table and write a commented spec that runs as it is."""
    from mlrun import init as step

    sys.stdout.write(step.init(data, output or None, target or None))


def plan(
    spec: Spec,
    overrides: Overrides = [],  # noqa: B006 - typer copies it
    sample: Sample = 0,
    no_cache: NoCache = False,
    trials: Annotated[bool, typer.Option("--trials", help="A line a trial: what is reused, and why not.")] = False,
    runs: RunsFolder = "",
    form: Form = "table",
) -> None:
    """Check a spec against its data without fitting: families, trials, fits, time."""
    from mlrun.preview import make_plan
    from mlrun.run_options import TrainOptions
    from mlrun.screen.tables import check_format
    from mlrun.view.plan import print_plan

    check_format(form)
    options = TrainOptions(runs=runs or None, no_cache=no_cache, sample=sample or None)
    print_plan(make_plan(Path(spec), overrides, options), form, trials)


def train(  # noqa: PLR0913, PLR0917 - each is an option of the command
    spec: Spec,
    overrides: Overrides = [],  # noqa: B006 - typer copies it
    jobs: Jobs = 0,
    executor: Executor = "joblib",
    runs: RunsFolder = "",
    fresh: Annotated[bool, typer.Option("--fresh", help="A new run, even if one was cut off.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Let live runs of this experiment end first.")] = False,
    wait_at_most: Annotated[int, typer.Option(metavar="SECONDS", min=0, help="--wait, with an end; then exit 3.")] = 0,
    no_cache: NoCache = False,
    no_sharing: NoSharing = False,
    if_changed: Annotated[bool, typer.Option("--if-changed", help="Only when something has changed.")] = False,
    sample: Sample = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only warnings and the verdict.")] = False,
    junit: Junit = "",
    no_hooks: Annotated[bool, typer.Option("--no-hooks", help="Run none of the spec's hooks.")] = False,
) -> int:
    """Run a spec: the leaderboard against the baselines, a verdict, a run folder."""
    from mlrun.ending import Ending
    from mlrun.run_options import TrainOptions

    catalog_name("executors", executor)
    options = TrainOptions(
        jobs=jobs or None,
        executor=executor,
        runs=runs or None,
        fresh=fresh,
        wait=wait or wait_at_most > 0,
        wait_at_most=wait_at_most or None,
        no_cache=no_cache or no_sharing,
        no_sharing=no_sharing,
        if_changed=if_changed,
        sample=sample or None,
    )
    return run_to_its_end(Ending(spec, junit, with_hooks=not no_hooks), overrides, options, quiet)


def run_to_its_end(ending: Ending, overrides: list[str], options: TrainOptions, quiet: bool) -> int:
    """Run a spec, show what happens and what came of it, tell all who wait for it; return the exit code."""
    from mlrun import report
    from mlrun import train as step
    from mlrun.process.interruption import stoppable
    from mlrun.screen import progress

    spec = Path(ending.spec)
    ending.begin()
    try:
        with stoppable():
            drawn = progress.draw(lambda hear: ending.watch(step.train(spec, overrides, options, hear)), quiet)
    except Exception as error:  # noqa: BLE001 - whatever it is, those who wait for the end are told of it
        return ending.of_error(error)
    try:
        if drawn.finished is not None:
            with suppress(BrokenPipeError):  # nobody reads it any more: its exit code is what counts
                report.print_outcome(Path(drawn.finished.folder), drawn.told if sys.stdout.isatty() else (), quiet)
    finally:
        code = ending.of_run()
    return code


def catalog_name(kind: str, name: str) -> None:
    """Raise UsageError with the nearest name, before anything else is done, when a shelf has none of this name."""
    from mlrun.catalog import names, unknown_name

    if ":" not in name and name not in names(kind):
        raise UsageError(unknown_name(kind, name))


def predict(
    name: Run,
    data: Annotated[str, typer.Argument(metavar="DATA", help="New rows: csv, parquet ...")],
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="csv, parquet or json to write.")],
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="Another model than the best.")] = "",
    trust: Trust = [],  # noqa: B006 - typer copies it
    stale: StaleToo = False,
    runs: RunsFolder = "",
) -> None:
    """Let a run's champion predict new rows."""
    from mlrun import predict as step
    from mlrun.wording import count

    warn_of_changes(runs, name)
    done = step.predict(name, data, output, model or None, trust, runs or None, stale=stale)
    sys.stderr.write("".join(f"note: {printable(note)}\n" for note in done.notes))
    sys.stdout.write(f"{count(done.rows, 'row')} predicted by {done.model} of {done.run}: {printable(done.output)}\n")


def evaluate(  # noqa: PLR0913, PLR0917 - each is an option of the command
    name: Run,
    data: Annotated[str, typer.Option("--data", metavar="FILE", help="New rows; the run's own when left out.")] = "",
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Write findings as JSON lines.")] = "",
    trust: Trust = [],  # noqa: B006 - typer copies it
    stale: StaleToo = False,
    runs: RunsFolder = "",
    form: Form = "table",
    junit: Junit = "",
) -> int:
    """Run a run's evaluation suites again, on its rows or on new ones."""
    from mlrun import evaluate as step
    from mlrun.ending import begin_report, tell_evaluation
    from mlrun.process.interruption import stoppable
    from mlrun.screen.tables import check_format
    from mlrun.view.evaluation import print_evaluation, watch

    check_format(form)
    step.check_output(output, data)
    warn_of_changes(runs, name)
    begin_report(junit, name, data)
    with stoppable(), watch() as hear:
        done = step.evaluate(name, data, trust, runs or None, hear, stale=stale)
    step.write(output, done)
    print_evaluation(done, form)
    tell_evaluation(done, junit)
    return step.exit_code(done)


def reproduce(  # noqa: PLR0913, PLR0917 - each is an option of the command
    name: Run,
    jobs: Jobs = 0,
    executor: Executor = "joblib",
    trust: Trust = [],  # noqa: B006 - typer copies it
    keep: Annotated[str, typer.Option("--keep", metavar="DIR", help="Keep the repetition below DIR.")] = "",
    folder: Annotated[str, typer.Option("--folder", metavar="DIR", help="Where the spec's paths begin now.")] = "",
    runs: RunsFolder = "",
    form: Form = "table",
) -> int:
    """Run a run again from its folder and say whether every score is equal."""
    from mlrun import reproduce as step
    from mlrun.process.interruption import stoppable
    from mlrun.screen import progress
    from mlrun.screen.tables import check_format
    from mlrun.view.reproduction import print_reproduction

    check_format(form)
    catalog_name("executors", executor)
    wish = step.Wish(name, jobs or None, executor, runs or None, tuple(trust), keep, folder)
    with step.told_when_stopped(), stoppable(), step.prepared(wish) as again:
        if again.refusal:
            done = step.refused(again)
        else:
            drawn = progress.draw(lambda hear: step.run_again(again, wish, hear))
            done = step.judge(again, drawn.finished, kept=bool(keep))
    print_reproduction(done, form)
    return done.exit_code
