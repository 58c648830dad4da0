"""What every behaviour test may say, and which columns it edits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlrun import catalog
from mlrun.check_contracts import Context, Edit, Subject
from mlrun.kinds import Condition, Integer, Number, OneOf, Parameter, Word
from mlrun.records import Dataset, Params, PlannedTest

COMMON: Mapping[str, Parameter] = {
    "name": Parameter(Word(), None, "what the test is called"),
    "where": Parameter(Condition(), None, "only rows for which this holds"),
    "severity": Parameter(OneOf("fail", "warn"), "fail", "what it is to break the bound"),
    "sample": Parameter(Integer(1), None, "so many rows; the suite's when left out"),
    "min_rows": Parameter(Integer(1), 100, "fewer rows than these prove nothing"),
}


def rate_keys(max_rate: float | None, tolerance: float, caption: str) -> dict[str, Parameter]:
    """Return the keys of a test that is judged by the share of rows that fail it."""
    return {
        **COMMON,
        "max_rate": Parameter(Number(low=0, high=1), max_rate, "the share of rows that may fail"),
        "tolerance": Parameter(Number(low=0), tolerance, caption),
    }


def edits_of(params: Params) -> tuple[tuple[str, Any], ...]:
    """Return the edit of a test and those that go along, each a name on the edits shelf and a value."""
    beside = params["along"] if params.get("along") else ()
    return tuple((str(name), value) for name, value in (params["edit"], *beside))


def edited_columns(params: Params, dataset: Dataset, *, along: bool = True) -> tuple[str, ...]:
    """Return the columns that a test's edits write."""
    names: dict[str, None] = {}
    for name, value in edits_of(params) if along else edits_of(params)[:1]:
        entry: Edit = catalog.find("edits", name)
        names.update(dict.fromkeys(entry.columns(value, dataset)))
    return tuple(names)


def why_unread(subject: Subject, context: Context, params: Params) -> str:
    """Return why a test can say nothing of a model: it reads none of the columns that change; '' when it reads one."""
    columns = edited_columns(params, context.dataset)
    if subject.features is None or set(columns) & set(subject.features):
        return ""
    withheld = [name for name in columns if name in context.withheld]
    if any(context.withheld[name] == "sensitive" for name in withheld):
        return f"withheld from the model: {', '.join(withheld)}; `proxies` tells what gives it away"
    if withheld:
        return f"no model reads {', '.join(f'{name} ({context.withheld[name]})' for name in withheld)}"
    return f"the model does not read {', '.join(columns)}"


def test_of(context: Context, params: Params) -> PlannedTest:
    """Return the test of the suite that has these params."""
    known = [test for test in context.tests if test.params is params] or [
        test for test in context.tests if test.params == params
    ]
    return known[0] if known else PlannedTest("", str(params["name"]), params)
