"""The commands that look: runs beside each other, in a list, in full; what a spec may name."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mlrun.command.options import Experiment, Form, Run, RunsFolder
from mlrun.errors import UsageError


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


def list_(
    experiment: Experiment = "",
    status: Annotated[str, typer.Option("--status", metavar="STATUS", help="Only complete, failed ... ones.")] = "",
    limit: Annotated[int, typer.Option("-n", metavar="N", min=0, help="At most N runs; 0: all.")] = 20,
    sort: Annotated[str, typer.Option("--sort", metavar="KEY", help="started, folds, test, best ...")] = "started",
    runs: RunsFolder = "",
    form: Form = "table",
) -> None:
    """List runs, newest first."""
    from mlrun.listing import Wanted, print_history
    from mlrun.runs import runs_root
    from mlrun.screen.tables import check_format

    print_history(runs_root(None, runs or None), Wanted(experiment, status, limit, sort), check_format(form))


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


def catalog(
    kind: Annotated[str, typer.Argument(metavar="[KIND]", help="models, metrics, baselines, searches ...")] = "",
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="One entry in full.")] = "",
    form: Form = "table",
) -> None:
    """Say what a spec may name: families, metrics, baselines ..."""
    from mlrun.screen.tables import check_format
    from mlrun.shelves import show_catalog

    show_catalog(kind, name, check_format(form))


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
