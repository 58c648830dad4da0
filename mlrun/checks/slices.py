"""Whether a model does worse for some rows than for the rest: in slices that the author names, and in ones it finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mlrun.check_contracts import Check, Context, Subject
from mlrun.kinds import AnyOf, ColumnName, Condition, Fields, Flag, Integer, ListOf, Number, OneOf, Parameter, Word
from mlrun.records import Dataset, Finding, Params

DISCOVER = {"depth": 2, "min_rows": 50, "fdr": 0.1}


def run(subject: Subject, context: Context, params: Params) -> Iterator[Finding]:
    """Yield a finding a named slice, then one a slice that was found, or that none was."""
    from mlrun.slice.discoveries import of_found_slices
    from mlrun.slice.findings import of_named_slices
    from mlrun.slice.question import asked_of

    asked = asked_of(subject, context, params)
    yield from of_named_slices(asked)
    if params["discover"] != "none":
        yield from of_found_slices(asked)


def problems(params: Params, dataset: Dataset) -> Iterable[tuple[tuple[str | int, ...], str]]:
    """Yield what is wrong beside unknown columns and conditions: the metric, a critical slice without a bound."""
    from mlrun import metrics
    from mlrun.errors import UsageError
    from mlrun.slice.parts import parts_of

    if params["metric"] is not None:
        try:
            misfit = metrics.applies(metrics.resolve(params["metric"]), dataset.task, dataset.folder)
        except UsageError as error:
            misfit = str(error)
        if misfit:
            yield ("metric",), misfit
    for place, item in enumerate(params["by"] or ()):
        for name in columns_of(item):
            if not parts_of(dataset.table[name]):
                yield ("by", place), f"'{name}' cannot be sliced: hardly a value comes twice, or it holds lists"
        if isinstance(item, dict) and item.get("critical") and item.get("at_least") is None:
            yield ("by", place), "a critical slice needs `at_least`: the score that it must reach"


def columns_of(item: Any) -> Sequence[str]:
    """Return the columns that an entry of `by` names."""
    if isinstance(item, str):
        return (item,)
    if isinstance(item, dict):
        return (item["column"],) if "column" in item else ()
    return tuple(item)


def automatic(context: Context) -> Sequence[Params]:
    """Ask for slices by every sensitive column, and for those that can be found."""
    return ({"by": tuple(name for name in context.sensitive if name in context.dataset.table.columns)},)


ENTRY = Check(
    run=run,
    parameters={
        "by": Parameter(
            ListOf(
                AnyOf(
                    ColumnName(),
                    ListOf(ColumnName()),
                    Fields(
                        {
                            "column": Parameter(ColumnName(), caption="numbers and dates in bins", required=True),
                            "quantiles": Parameter(Integer(2, 100), 4, "how many bins of about equal size"),
                        }
                    ),
                    Fields(
                        {
                            "where": Parameter(Condition(), caption="the rows that it holds for", required=True),
                            "name": Parameter(Word(), caption="what it is called; the condition where left out"),
                            "critical": Parameter(Flag(), False, "it must reach `at_least` itself"),
                            "at_least": Parameter(Number(), caption="the score that it must reach (or stay below)"),
                        }
                    ),
                )
            ),
            caption="a column, [several], {column, quantiles} or {where, name, critical, at_least}",
        ),
        "discover": Parameter(
            AnyOf(
                Fields(
                    {
                        "depth": Parameter(Integer(1, 2), DISCOVER["depth"], "conditions that a slice may have"),
                        "min_rows": Parameter(Integer(10), DISCOVER["min_rows"], "rows that a slice must have"),
                        "fdr": Parameter(Number(above=0, below=1), DISCOVER["fdr"], "share of them that may be false"),
                    }
                ),
                OneOf("none"),
            ),
            {},
            "which slices are sought in all columns; none = none",
        ),
        "max_gap": Parameter(Number(above=0), 0.1, "the gap to the rest that is allowed; of errors a share of them"),
        "metric": Parameter(Word(), None, "what is compared; the run's first metric where left out"),
        "severity": Parameter(OneOf("fail", "warn"), "fail", "whether a failed slice fails the suite"),
    },
    tasks=("classification", "regression", "anomaly"),
    needs=("test", "labels"),
    automatic=automatic,
    problems=problems,
)
