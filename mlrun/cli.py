"""From the command line to one command, and an exit code out; everything that goes wrong is told here."""

from __future__ import annotations

import os
import sys
import warnings
from typing import TYPE_CHECKING, Annotated

import typer

from mlrun.command import data, keeping, looking, working
from mlrun.errors import UsageError
from mlrun.process.surroundings import check_surroundings
from mlrun.screen.commands import Command, Commands
from mlrun.terminal import accept_any_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


def main() -> None:
    """Run the command line, and exit with the code that its outcome has."""
    accept_any_text()
    if not sys.warnoptions:  # a library's lines mean nothing to a user; those of fits are counted in the run folder
        warnings.simplefilter("ignore")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code. Everything that goes wrong is told here, and only here."""
    code = 0
    try:
        code = invoke(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has read enough; a code that is known by then still counts
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return code
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


COMMANDS: dict[str, Callable[..., int | None]] = {  # in the order of their use
    "init": working.init,
    "plan": working.plan,
    "train": working.train,
    "compare": looking.compare,
    "list": looking.list_,
    "history": looking.history,
    "show": looking.show,
    "predict": working.predict,
    "evaluate": working.evaluate,
    "reproduce": working.reproduce,
    "verify": keeping.verify,
    "tag": keeping.tag,
    "note": keeping.note,
    "gc": keeping.gc,
    "export": keeping.export,
    "catalog": looking.catalog,
    "schema": looking.schema,
}
for name, function in COMMANDS.items():
    app.command(name, cls=Command)(function)
app.add_typer(data.app, name="data")
