"""The options that several commands take: how they are written, and what their help says."""

from __future__ import annotations

from typing import Annotated

import typer

Spec = Annotated[str, typer.Argument(metavar="SPEC", help="The experiment's YAML file.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help="EXPERIMENT@VERSION, @latest, @best, @TAG, or a folder.")]
RunsFolder = Annotated[str, typer.Option("--runs", metavar="DIR", help="The folder of all runs.")]
Overrides = Annotated[list[str], typer.Option("--set", metavar="PATH=VALUE", help="Override the spec; repeatable.")]
Form = Annotated[str, typer.Option("--format", metavar="FORMAT", help="table, markdown, json or csv.")]
Jobs = Annotated[int, typer.Option("--jobs", metavar="N", min=0, help="Processes; 0: one for each physical core.")]
Executor = Annotated[str, typer.Option("--executor", metavar="NAME", help="Where fits run: joblib, serial ...")]
Sample = Annotated[int, typer.Option("--sample", metavar="N", min=0, help="A try-out on N rows; 0: all rows.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Fit again what earlier runs have fitted.")]
NoSharing = Annotated[bool, typer.Option("--no-sharing", help="Fit each trial apart, all anew: slower, and equal.")]
Junit = Annotated[str, typer.Option("--junit", metavar="FILE", help="Write a report for CI servers, JUnit XML.")]
Trust = Annotated[list[str], typer.Option("--trust", metavar="MODULE", help="Let models use its types; repeatable.")]
StaleToo = Annotated[bool, typer.Option("--stale", help="Use even a model that holds an erased person.")]
Experiment = Annotated[str, typer.Option("--experiment", "-e", metavar="NAME", help="Only its runs.")]
Where = Annotated[
    list[str], typer.Option("--where", metavar="CONDITION", help="Such as \"roc_auc > 0.9 AND model = 'xgboost'\".")
]
Tags = Annotated[list[str], typer.Option("--tag", metavar="TAG", help="Only runs with it; repeatable.")]
