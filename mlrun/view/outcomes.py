"""From a run beside the reference to tables of what its checks say otherwise: tests, slices, budgets that differ."""

from __future__ import annotations

from mlrun.compare import Comparison, Pair
from mlrun.comparison.budgets import UnequalBudget
from mlrun.comparison.outcomes import Outcome
from mlrun.json_records import encode
from mlrun.screen.tables import Heading, Row, Table
from mlrun.wording import NOTHING, difference, number

MARK = " †"


def outcomes(pair: Pair) -> Table:
    """Return the tests of `evaluation:` whose status is another, those that fail now first.

    Variants of one test that went the same way are one row: the whole test's, else the first.
    """
    together: dict[tuple[str | None, ...], list[Outcome]] = {}
    for each in pair.outcomes:
        way = (each.check, each.test, each.model, each.against, each.old, each.new)
        together.setdefault(way, []).append(each)
    rows = tuple(
        {**encode(next((each for each in same if not each.variant), same[0])), "more": len(same) - 1}
        for same in together.values()
    )
    headings = (
        Heading("test", told_outcome, fold=True),
        Heading("model", told_pair, fold=True),
        Heading("before → now", lambda row: f"{told_status(row['old'])} → {told_status(row['new'])}", fold=True),
        Heading("value", told_values, rank=1, fold=True),
        Heading("why", lambda row: row["reason"] or NOTHING, rank=2, fold=True),
    )
    told = "The runs have other test rows: a test may end otherwise for that alone."
    notes = (told,) if pair.on_later_rows else ()
    return Table(headings, rows, notes, lambda row: "red" if row["new"] in ("fail", "error") else "")


def told_outcome(row: Row) -> str:
    name = row["test"] if row["test"] == row["check"] else f"{row['check']} {row['test']}"
    more = f" (and {row['more']} more)" if row["more"] else ""
    return (f"{name}: {row['variant']}" if row["variant"] else name) + more


def told_status(status: str | None) -> str:
    return "not there" if status is None else status.replace("_", " ")


def told_values(row: Row) -> str:
    if row["old_value"] is None and row["new_value"] is None:
        return NOTHING
    return f"{row['measure']} {number(row['old_value'])} → {number(row['new_value'])}"


def slices(comparison: Comparison, pair: Pair) -> Table:
    """Return the named slices of the best models, those that lost most first, and the orders that turn around."""
    directions = {metric.label: metric.direction for metric in comparison.reference.record.metrics}
    rows = sorted(
        ({**encode(each), "difference": each.difference} for each in pair.slices),
        key=lambda row: row["difference"] * (-1 if directions.get(row["measure"]) == "minimize" else 1),
    )
    headings = (
        Heading("slice", lambda row: row["variant"], fold=True),
        Heading("rows", lambda row: NOTHING if row["n"] is None else f"{row['n']:,}", rank=2, right=True),
        Heading("", lambda row: row["measure"], rank=1),
        Heading("before", lambda row: number(row["old"]), right=True),
        Heading("now", lambda row: number(row["new"]), right=True),
        Heading("difference", lambda row: difference(row["difference"]), right=True),
    )
    notes = tuple(
        f"Simpson's paradox: by {column}, the best model that is ahead over all rows is behind in every slice"
        for column in pair.reversals
    )
    return Table(headings, tuple(rows), notes)


def told_pair(row: Row) -> str:
    """Return whom a test is about; of two models under different names the new one first."""
    if row["model"] == row["against"]:
        return str(row["model"]) or "the run"
    return f"{row['model']} against {row['against']}"


def told_budget(comparison: Comparison, found: UnequalBudget) -> str:
    """Return what a model's searches would have found with as many trials each: the larger one had more chances."""
    runs = [comparison.reference.record.name, found.run]
    told = ", ".join(
        f"{number(score)} in {run}" for run, score in zip(runs, found.expected, strict=True) if score is not None
    )
    trials = " and ".join(f"{used} in {run}" for used, run in zip(found.used, runs, strict=True))
    expected = f"; expected best over the folds with {min(found.used)}: {told}" if told else ""
    return f"{MARK.strip()} {found.model} was searched with other numbers of trials: {trials}{expected}"
