"""The commands that look: runs beside each other, in a list, in full; what a spec may name."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mlrun.command.changed import warn_of_changed
from mlrun.command.options import Experiment, Form, Junit, Run, RunsFolder, Tags, Where
from mlrun.errors import UsageError


def compare(
    names: Annotated[list[str], typer.Argument(metavar="RUN", help="The first one is the reference.")],
    tests: Annotated[bool, typer.Option("--tests/--no-tests", help="Test differences on the same rows.")] = True,
    fail: Annotated[bool, typer.Option("--fail-on-regression", help="Exit 1 if the best got worse.")] = False,
    runs: RunsFolder = "",
    form: Form = "table",
) -> int:
    """Two or more runs side by side: scores, differences, what changed."""
    from mlrun import compare as step
    from mlrun.ending import tell_comparison
    from mlrun.runs import resolve, runs_root
    from mlrun.screen.tables import check_format
    from mlrun.view.comparison import print_comparison

    check_format(form)
    if len(names) < 2:
        raise UsageError("compare needs two runs or more, the first is the reference: mlrun compare RUN RUN")
    if fail and not tests:
        raise UsageError("--fail-on-regression needs the tests: leave out --no-tests")
    root = runs_root(None, runs or None)
    folders = {name: resolve(root, name) for name in names}
    for name, folder in folders.items():
        warn_of_changed(folder, name)
    comparison = step.compare([folders[name] for name in names], tests)
    print_comparison(comparison, form, tests)
    tell_comparison(comparison, tests)
    return step.exit_code(comparison, fail)


def list_(  # noqa: PLR0913, PLR0917 - each is an option of the command
    experiment: Experiment = "",
    where: Where = [],  # noqa: B006 - typer copies it
    status: Annotated[str, typer.Option("--status", metavar="STATUS", help="Only complete, failed ... ones.")] = "",
    tag: Tags = [],  # noqa: B006 - typer copies it
    best: Annotated[bool, typer.Option("--best", help="Only the best run of each experiment.")] = False,
    sort: Annotated[str, typer.Option("--sort", metavar="KEY", help="roc_auc, seconds ...; -KEY: turned.")] = "started",
    limit: Annotated[int, typer.Option("-n", metavar="N", min=0, help="At most N runs; 0: all.")] = 20,
    runs: RunsFolder = "",
    form: Form = "table",
) -> None:
    """List runs, newest first; by conditions, best first."""
    from mlrun.listing import Wanted, print_list
    from mlrun.screen.tables import check_format
    from mlrun.store.run_names import runs_root

    wanted = Wanted(experiment, status, limit, sort, where, tag, best)
    print_list(runs_root(None, runs or None), wanted, check_format(form))


def history(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="The experiment whose runs are meant.")],
    metric: Annotated[str, typer.Option("--metric", metavar="LABEL", help="roc_auc, test.roc_auc ...")] = "",
    limit: Annotated[int, typer.Option("-n", metavar="N", min=0, help="Show the last N runs; 0: all.")] = 20,
    runs: RunsFolder = "",
    form: Form = "table",
) -> None:
    """One experiment over its runs: its score, what changed, and since when."""
    from mlrun.runs import runs_root
    from mlrun.screen.tables import check_format
    from mlrun.timeline import timeline
    from mlrun.view.timeline import print_timeline

    check_format(form)
    print_timeline(timeline(runs_root(None, runs or None), experiment, metric, limit), form)


def show(
    name: Run,
    markdown: Annotated[str, typer.Option("--markdown", metavar="FILE", help="Write a Markdown file.")] = "",
    html: Annotated[str, typer.Option("--html", metavar="FILE", help="Write an HTML file.")] = "",
    junit: Junit = "",
    all_: Annotated[bool, typer.Option("--all", "-a", help="Every curve, fit, trial; some predictions.")] = False,
    runs: RunsFolder = "",
    form: Form = "table",
) -> None:
    """Show one run: verdict, scores, every test, how it went."""
    from mlrun import report
    from mlrun.ending import write_report
    from mlrun.runs import resolve, runs_root
    from mlrun.screen.tables import check_format

    path = resolve(runs_root(None, runs or None), name)
    warn_of_changed(path, name)
    if junit:
        write_report(path, junit)
    if markdown or html or not junit:
        report.show(path, check_format(form), markdown, html, all_=all_)


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
