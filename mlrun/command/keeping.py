"""The commands that keep runs in order: checked, labelled, tidied up, handed to other tools."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mlrun.command.options import Run, RunsFolder, Trust
from mlrun.terminal import printable


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

    for sentence in step(name, to, output, model or None, trust, force, runs or None):
        sys.stdout.write(f"{printable(sentence)}\n")
