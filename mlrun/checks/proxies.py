"""Proxies: how well the features tell a sensitive column that the models do not see."""

from __future__ import annotations

from collections.abc import Iterator

from mlrun.check_contracts import Check, Context, Subject
from mlrun.kinds import ColumnName, Integer, ListOf, Number, Parameter
from mlrun.records import Finding, Params

FOLDS = 3
ROWS = 5_000


def run(subject: Subject, context: Context, params: Params) -> Iterator[Finding]:
    """Yield for each withheld column how well it can be told, as a warning where that is easy."""
    from mlrun.change.proxies import proxy_finding

    columns = columns_of(context, params)
    if not columns:
        yield Finding("", "", "", status="not_run", reason="no sensitive column is withheld")
    for name in columns:
        yield proxy_finding(name, subject, context, params)


def columns_of(context: Context, params: Params) -> tuple[str, ...]:
    """Return the columns that are named, else the sensitive ones that are withheld."""
    if params["columns"] is not None:
        return tuple(params["columns"])
    present = context.dataset.table.columns
    return tuple(name for name in context.sensitive if name in context.withheld and name in present)


def fits(context: Context, params: Params) -> float:
    """Return the cost: three fits a column, each on two thirds of at most so many rows."""
    rows = max(1, len(context.train) or len(context.rows))
    return len(columns_of(context, params)) * (FOLDS - 1) * min(1.0, float(params["rows"]) / rows)


def automatic(context: Context) -> list[Params]:
    """Return the one test where a sensitive column is withheld."""
    withheld = [name for name in context.sensitive if name in context.withheld]
    return [{}] if any(name in context.dataset.table.columns for name in withheld) else []


ENTRY = Check(
    run=run,
    parameters={
        "columns": Parameter(ListOf(ColumnName()), None, "which; the sensitive ones that are withheld"),
        "max_auc": Parameter(Number(low=0.5, high=1), 0.8, "of a category: how well it may be told"),
        "max_r2": Parameter(Number(low=0, high=1), 0.25, "of a number: the share of its variance that may be told"),
        "rows": Parameter(Integer(100), ROWS, "rows at most"),
    },
    tasks=("classification", "regression", "anomaly"),
    needs=(),
    of="run",
    automatic=automatic,
    fits=fits,
)
