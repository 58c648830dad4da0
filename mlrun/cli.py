"""The commands: from the command line to a step that does the work, an exit code out."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlrun.errors import UsageError
from mlrun.process.surroundings import check_surroundings
from mlrun.screen.commands import Command, Commands
from mlrun.terminal import accept_any_text, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = (
    "Exit codes: 0 all well · 1 a gate failed, a regression · 2 usage, spec or data · 3 nothing concluded · "
    "4 trials failed · 70 internal error · 74 disk or permission · 130/143 interrupted, resumable"
)


app = typer.Typer(
    cls=Commands,
    help="One YAML file in, a verdict you can trust out.",
    epilog=EPILOG,
    context_settings={"help_option_names": ["--help", "-h"]},
    rich_markup_mode="rich",
)

Spec = Annotated[str, typer.Argument(metavar="SPEC", help="The experiment's YAML file.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help="EXPERIMENT@VERSION, @latest, @latest~1, @best, or a folder.")]
RunsFolder = Annotated[str, typer.Option("--runs", metavar="DIR", help="The folder of all runs.")]
Overrides = Annotated[list[str], typer.Option("--set", metavar="PATH=VALUE", help="Override the spec; repeatable.")]
Form = Annotated[str, typer.Option("--format", metavar="FORMAT", help="table, markdown, json or csv.")]
Jobs = Annotated[int, typer.Option("--jobs", metavar="N", min=0, help="Processes; 0: one for each physical core.")]
Executor = Annotated[str, typer.Option("--executor", metavar="NAME", help="Where fits run: joblib, serial ...")]
Sample = Annotated[int, typer.Option("--sample", metavar="N", min=0, help="A try-out on N rows; 0: all rows.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Fit again what earlier runs have fitted.")]


def main() -> None:
    """Run the command line, and exit with the code that its outcome has."""
    accept_any_text()
    if not sys.warnoptions:  # a library's lines mean nothing to a user; those of fits are counted in the run folder
        warnings.simplefilter("ignore")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code. Everything that goes wrong is told here, and only here."""
    try:
        code = invoke(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the one place where errors become sentences
        from mlrun.screen.refusals import answer

        return answer(error)
    return code


def invoke(arguments: Sequence[str]) -> int:
    """Hand the arguments to the command they name."""
    check_surroundings()
    if "_MLRUN_COMPLETE" in os.environ:
        app(prog_name="mlrun")
    commands = typer.main.get_command(app)
    try:
        with commands.make_context("mlrun", list(arguments) or ["--help"]) as context:
            code = commands.invoke(context)
    except typer.Exit as done:
        return done.exit_code if arguments else UsageError.exit_code
    return code if isinstance(code, int) else 0


@app.callback(invoke_without_command=True)
def start(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        from importlib.metadata import version as version_of

        sys.stdout.write(f"mlrun {version_of('mlrun-cli')}\n")
        raise typer.Exit


@app.command(cls=Command)
def init(
    data: Annotated[str, typer.Argument(metavar="DATA", help="A table: csv, parquet ...")],
    output: Annotated[str, typer.Option("-o", "--output", metavar="SPEC", help="The file to write.")] = "",
    target: Annotated[str, typer.Option("--target", metavar="COLUMN", help="The column to predict.")] = "",
) -> None:
    """Look at a table and write a commented spec that runs as it is."""
    from mlrun import init as step

    sys.stdout.write(step.init(data, output or None, target or None))


@app.command(cls=Command)
def plan(
    spec: Spec,
    overrides: Overrides = [],  # noqa: B006 - typer copies it
    sample: Sample = 0,
    no_cache: NoCache = False,
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
    print_plan(make_plan(Path(spec), overrides, options), form)


@app.command(cls=Command)
def train(  # noqa: PLR0913, PLR0917 - each is an option of the command
    spec: Spec,
    overrides: Overrides = [],  # noqa: B006 - typer copies it
    jobs: Jobs = 0,
    executor: Executor = "joblib",
    runs: RunsFolder = "",
    fresh: Annotated[bool, typer.Option("--fresh", help="A new run, even if one was cut off.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Let a live run of this spec end first.")] = False,
    no_cache: NoCache = False,
    if_changed: Annotated[bool, typer.Option("--if-changed", help="Only when something has changed.")] = False,
    sample: Sample = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only warnings and the verdict.")] = False,
) -> int:
    """Run a spec: the leaderboard against the baselines, a verdict, a run folder."""
    from mlrun import report
    from mlrun import train as step
    from mlrun.process.interruption import stoppable
    from mlrun.run_options import TrainOptions
    from mlrun.screen import progress

    catalog_name("executors", executor)
    options = TrainOptions(
        jobs=jobs or None,
        executor=executor,
        runs=runs or None,
        fresh=fresh,
        wait=wait,
        no_cache=no_cache,
        if_changed=if_changed,
        sample=sample or None,
    )
    with stoppable():
        drawn = progress.draw(lambda hear: step.train(Path(spec), overrides, options, hear), quiet)
    if drawn.finished is None:
        return 0
    report.print_outcome(Path(drawn.finished.folder), drawn.told if sys.stdout.isatty() else (), quiet)
    return drawn.finished.exit_code


def catalog_name(kind: str, name: str) -> None:
    """Raise UsageError with the nearest name, before anything else is done, when a shelf has none of this name."""
    from mlrun.catalog import names, unknown_name

    if ":" not in name and name not in names(kind):
        raise UsageError(unknown_name(kind, name))


@app.command(cls=Command)
def compare(
    names: Annotated[list[str], typer.Argument(metavar="RUN RUN...", help="The first one is the reference.")],
    tests: Annotated[bool, typer.Option("--tests/--no-tests", help="Test differences on the same rows.")] = True,
    fail: Annotated[bool, typer.Option("--fail-on-regression", help="Exit 1 if the best got worse.")] = False,
    runs: RunsFolder = "",
    form: Form = "table",
) -> int:
    """Two or more runs side by side: scores, differences, what changed."""
    from mlrun import compare as step
    from mlrun.runs import resolve, runs_root
    from mlrun.screen.tables import check_format
    from mlrun.view.comparison import print_comparison

    check_format(form)
    if len(names) < 2:
        raise UsageError("compare needs two runs or more, the first is the reference: mlrun compare RUN RUN")
    if fail and not tests:
        raise UsageError("--fail-on-regression needs the tests: leave out --no-tests")
    root = runs_root(None, runs or None)
    comparison = step.compare([resolve(root, name) for name in names], tests)
    print_comparison(comparison, form, tests)
    return step.exit_code(comparison, fail)


@app.command(cls=Command, name="list")
def list_(
    experiment: Annotated[str, typer.Option("--experiment", "-e", metavar="NAME", help="Only its runs.")] = "",
    status: Annotated[str, typer.Option("--status", metavar="STATUS", help="Only complete, failed ... ones.")] = "",
    limit: Annotated[int, typer.Option("-n", metavar="N", min=0, help="At most N runs; 0: all.")] = 20,
    sort: Annotated[str, typer.Option("--sort", metavar="KEY", help="started, folds, test, best ...")] = "started",
    runs: RunsFolder = "",
    form: Form = "table",
) -> None:
    """List runs, newest first."""
    from mlrun.history import Wanted, print_history
    from mlrun.runs import runs_root
    from mlrun.screen.tables import check_format

    print_history(runs_root(None, runs or None), Wanted(experiment, status, limit, sort), check_format(form))


@app.command(cls=Command)
def show(
    name: Run,
    markdown: Annotated[str, typer.Option("--markdown", metavar="FILE", help="Write a Markdown file.")] = "",
    html: Annotated[str, typer.Option("--html", metavar="FILE", help="Write an HTML file.")] = "",
    runs: RunsFolder = "",
    form: Form = "table",
) -> None:
    """Show one run in full."""
    from mlrun import report
    from mlrun.runs import resolve, runs_root
    from mlrun.screen.tables import check_format

    report.show(resolve(runs_root(None, runs or None), name), check_format(form), markdown, html)


@app.command(cls=Command)
def predict(
    name: Run,
    data: Annotated[str, typer.Argument(metavar="DATA", help="New rows: csv, parquet ...")],
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="csv, parquet or json to write.")],
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="Another model than the best.")] = "",
    trust: Annotated[list[str], typer.Option("--trust", metavar="MODULE", help="Load its types.")] = [],  # noqa: B006 - as above
    runs: RunsFolder = "",
) -> None:
    """Let a run's champion predict new rows."""
    from mlrun import predict as step
    from mlrun.wording import count

    done = step.predict(name, data, output, model or None, trust, runs or None)
    sys.stderr.write("".join(f"note: {printable(note)}\n" for note in done.notes))
    sys.stdout.write(f"{count(done.rows, 'row')} predicted by {done.model} of {done.run}: {printable(done.output)}\n")


@app.command(cls=Command)
def evaluate(
    name: Run,
    data: Annotated[str, typer.Option("--data", metavar="FILE", help="New rows; the run's own when left out.")] = "",
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Write findings as JSON lines.")] = "",
    trust: Annotated[list[str], typer.Option("--trust", metavar="MODULE", help="Load its types.")] = [],  # noqa: B006 - as above
    runs: RunsFolder = "",
    form: Form = "table",
) -> int:
    """Run a run's evaluation suites again, on its rows or on new ones."""
    from mlrun import evaluate as step
    from mlrun.process.interruption import stoppable
    from mlrun.screen.tables import check_format
    from mlrun.view.evaluation import print_evaluation, watch

    check_format(form)
    step.check_output(output, data)
    with stoppable(), watch() as hear:
        done = step.evaluate(name, data, trust, runs or None, hear)
    step.write(output, done)
    print_evaluation(done, form)
    return step.exit_code(done)


@app.command(cls=Command)
def catalog(
    kind: Annotated[str, typer.Argument(metavar="[KIND]", help="models, metrics, baselines, searches ...")] = "",
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="One entry in full.")] = "",
    form: Form = "table",
) -> None:
    """Say what a spec may name: families, metrics, baselines ..."""
    from mlrun.screen.tables import check_format
    from mlrun.shelves import show_catalog

    show_catalog(kind, name, check_format(form))


@app.command(cls=Command)
def schema(
    run: Annotated[bool, typer.Option("--run", help="Of the run folder's files, not of the spec.")] = False,
) -> None:
    """Print the JSON Schema of the spec, for editors."""
    from mlrun.screen.tables import to_json

    if run:
        from mlrun.run_schema import run_folder_schema

        sys.stdout.write(to_json(run_folder_schema()))
        return
    from mlrun.spec import json_schema

    sys.stdout.write(to_json(json_schema()))
