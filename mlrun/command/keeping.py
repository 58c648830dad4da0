"""The commands that keep runs in order: checked, labelled, tidied up, handed to other tools."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from mlrun.command.options import Experiment, Form, Run, RunsFolder, Trust
from mlrun.terminal import printable


def tag(
    name: Run,
    tags: Annotated[list[str], typer.Argument(metavar="TAG", help="None: say which it has.")] = [],  # noqa: B006 - typer copies it
    remove: Annotated[list[str], typer.Option("--remove", metavar="TAG", help="Take it away; repeatable.")] = [],  # noqa: B006 - the same
    runs: RunsFolder = "",
) -> None:
    """Give a run tags: EXPERIMENT@TAG means it then, and gc keeps it."""
    from mlrun.labelling import tag as step
    from mlrun.runs import runs_root

    tell(step(runs_root(None, runs or None), name, tags, remove))


def note(
    name: Run,
    text: Annotated[list[str], typer.Argument(metavar="TEXT", help="None: say what it is; '': take it away.")] = [],  # noqa: B006 - the same
    runs: RunsFolder = "",
) -> None:
    """Write a line about a run."""
    from mlrun.labelling import note as step
    from mlrun.runs import runs_root

    tell(step(runs_root(None, runs or None), name, " ".join(text) if text else None))


def gc(
    experiment: Experiment = "",
    keep_last: Annotated[int, typer.Option("--keep-last", metavar="N", min=1, help="Complete runs to keep.")] = 10,
    older: Annotated[int, typer.Option("--older-than", metavar="DAYS", min=0, help="Only older ones; 0: any.")] = 0,
    delete: Annotated[bool, typer.Option("--delete", help="Do it; else it is only told.")] = False,
    runs: RunsFolder = "",
    form: Form = "table",
) -> None:
    """Remove old runs: all but the last, the best, the tagged, and what those need."""
    from mlrun.gc import tidy
    from mlrun.retention import Wish
    from mlrun.runs import runs_root
    from mlrun.screen.tables import check_format
    from mlrun.view.gc import print_tidied

    check_format(form)
    root = runs_root(None, runs or None)
    print_tidied(tidy(root, Wish(experiment, keep_last, older), delete=delete), root, form)


def tell(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        sys.stdout.write(f"{printable(sentence)}\n")


def verify(
    names: Annotated[list[str], typer.Argument(metavar="RUN", help="One or more runs.")] = [],  # noqa: B006 - the same
    everything: Annotated[bool, typer.Option("--all", help="Every run there is.")] = False,
    models: Annotated[bool, typer.Option("--models/--no-models", help="Load the stored models.")] = True,
    trust: Trust = [],  # noqa: B006 - the same
    runs: RunsFolder = "",
    form: Form = "table",
) -> int:
    """Say whether runs are whole: files, tables, models, kept data; exit 1 if not."""
    from mlrun import verify as step
    from mlrun.runs import runs_root
    from mlrun.screen.tables import check_format
    from mlrun.view.verification import print_verified

    check_format(form)
    root = runs_root(None, runs or None)
    found = tuple(step.verify(root, names, everything=everything, models=models, trust=trust))
    print_verified(found, form)
    return step.exit_code(found)


def export(
    name: Run,
    to: Annotated[str, typer.Option("--to", metavar="KIND", help="mlflow, model-card, onnx or ro-crate.")] = "",
    output: Annotated[str, typer.Option("-o", "--output", metavar="PLACE", help="A file, folder or address.")] = "",
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="Another than the best.")] = "",
    trust: Trust = [],  # noqa: B006 - typer copies it
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    runs: RunsFolder = "",
) -> None:
    """Hand a run, or one of its models, to another tool."""
    from mlrun.export import export as step

    tell(step(name, to, output, model or None, trust, force, runs or None))
