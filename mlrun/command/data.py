"""The commands of `mlrun data`: what changed between two tables, and the removal of a person's rows."""

from __future__ import annotations

import getpass
import sys
from contextlib import suppress
from typing import Annotated

import typer

from mlrun.command.options import Form, RunsFolder
from mlrun.errors import UsageError
from mlrun.screen.commands import Command, Commands

Stdin = Annotated[
    bool, typer.Option("--value-from-stdin", help="Read the values, one a line; a terminal asks without echo.")
]

app = typer.Typer(cls=Commands, help="What changed in the data; the removal of a person's rows.")


@app.command(cls=Command)
def diff(
    first: Annotated[str, typer.Argument(metavar="A", help="A run (EXPERIMENT@VERSION) or a file of data.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one: what changed from A to B?")],
    column: Annotated[str, typer.Option("--id", metavar="COLUMN", help="It names a row; else as the spec says.")] = "",
    examples: Annotated[int, typer.Option("--examples", metavar="N", min=0, help="Show the ids of N rows.")] = 0,
    runs: RunsFolder = "",
    form: Form = "table",
) -> int:
    """Say what changed in the data between two runs or files: columns, rows, cells, drift."""
    from mlrun import data_diff as step
    from mlrun.runs import runs_root
    from mlrun.screen.tables import check_format
    from mlrun.view.data_diff import print_diff

    check_format(form)
    found = step.diff(first, second, runs_root(None, runs or None), step.Wish(column or None, examples))
    print_diff(found, form)
    return step.exit_code(found)


@app.command(cls=Command)
def erase(  # noqa: PLR0913, PLR0917 - each is an option of the command
    column: Annotated[str, typer.Option("--column", metavar="COLUMN", help="The column that names the person.")] = "",
    from_stdin: Stdin = False,
    experiment: Annotated[str, typer.Option("--experiment", "-e", metavar="NAME", help="Only its runs.")] = "",
    runs: RunsFolder = "",
    keep_models: Annotated[
        bool, typer.Option("--keep-models", help="Keep models that contain the person; they are marked.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    receipt: Annotated[str, typer.Option("--receipt", metavar="FILE", help="Write the receipt here, too.")] = "",
    check: Annotated[str, typer.Option("--check", metavar="RECEIPT", help="Say whether it is about the value.")] = "",
    form: Form = "table",
) -> int:
    """Take a person's rows out of all runs, and prove it."""
    from mlrun import erase as step
    from mlrun.runs import runs_root
    from mlrun.screen.tables import check_format
    from mlrun.view.erasure import print_check, print_erasure, watch

    check_format(form)
    if not from_stdin:
        raise UsageError("a value never stands on the command line: --value-from-stdin reads it, one a line")
    if check:
        return print_check(*step.check(check, read_values()))
    if not column:
        raise UsageError("--column COLUMN names the column that the value stands in")
    root = runs_root(None, runs or None)
    wish = step.Wish(column, read_values(), experiment, keep_models, dry_run, receipt)
    with watch() as hear:
        done = step.erase(root, wish, hear)
    print_erasure(done, root, form)
    return step.exit_code(done)


def read_values() -> tuple[str, ...]:
    """Return the values from standard input, one a line; a terminal is asked, and shows nothing of them."""
    if sys.stdin.isatty():
        found = []
        with suppress(EOFError):  # Ctrl-D ends, too
            while value := getpass.getpass("value (not shown; an empty one ends): "):
                found.append(value)
        return tuple(found)
    try:
        return tuple(sys.stdin.buffer.read().decode("utf-8-sig").split("\n"))
    except UnicodeDecodeError:
        raise UsageError("standard input is not UTF-8 text") from None
