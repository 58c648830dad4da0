"""Minimum functionality: rows that the author labelled, which a model worth having answers rightly."""

from __future__ import annotations

from collections.abc import Iterator

from mlrun.change.keys import rate_keys
from mlrun.check_contracts import Check, Context, Subject
from mlrun.errors import MlrunError
from mlrun.kinds import Parameter, Word
from mlrun.records import Dataset, Finding, Params

MAX_RATE = 0.10


def run(subject: Subject, context: Context, params: Params) -> Iterator[Finding]:
    """Yield the share of the author's rows that are answered wrongly."""
    from mlrun.change.rates import author_findings

    yield from author_findings(subject, context, params)


def problems(params: Params, dataset: Dataset) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Tell a file that is not there, has no such label column, or labels that are none of the task's."""
    from mlrun.change.author_rows import read_author_rows

    try:
        read_author_rows(params["file"], params["label"], dataset)
    except MlrunError as error:
        yield ("file",), str(error)


KEYS = rate_keys(MAX_RATE, 0.05, "of numbers: an error of less than this share of the truth is none")
ENTRY = Check(
    run=run,
    parameters={
        **{name: KEYS[name] for name in ("name", "severity", "min_rows", "max_rate", "tolerance")},
        "file": Parameter(Word(), None, "a table of rows, relative to the spec", required=True),
        "label": Parameter(Word(), None, "its column with the right answers", required=True),
    },
    tasks=("classification", "regression", "anomaly"),
    needs=("predict",),
    many=True,
    problems=problems,
)
