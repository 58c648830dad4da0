"""The commands of `mlrun data`: what changed between two tables, and the removal of a person's rows."""

from __future__ import annotations

import typer

from mlrun.screen.commands import Commands

app = typer.Typer(cls=Commands, help="What changed in the data; the removal of a person's rows.")
