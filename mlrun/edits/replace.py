"""Replace: what a regular expression finds becomes something else, such as {regex: '[0-9]+', by: '0'}."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlrun.change.rows import COLUMNS, Told, part, tell_text, text_columns
from mlrun.check_contracts import Edit, Variant
from mlrun.kinds import AnyOf, Fields, OneOf, Parameter, Word
from mlrun.records import Dataset

if TYPE_CHECKING:
    import polars as pl


def variants(value: Any, dataset: Dataset) -> tuple[Variant, ...]:
    """Return the one variant; `$1` in what stands there instead is the first group."""
    names, regex, by = text_columns(value, dataset), str(value["regex"]), str(part(value, "by", ""))

    def apply(rows: pl.DataFrame, generator: Any) -> pl.DataFrame:  # noqa: ARG001 - the edits' signature
        import polars as pl

        return rows.with_columns(pl.col(names).str.replace_all(regex, by))

    return (Variant("", apply),)


def problems(value: Any, dataset: Dataset) -> Iterator[Told]:
    """Tell an expression that does not compile, or that finds nothing in the data."""
    import polars as pl

    told = list(tell_text(value, dataset))
    yield from told
    try:
        pl.Series([""]).str.contains(value["regex"])
    except pl.exceptions.PolarsError:
        yield ("regex",), f"'{value['regex']}' is no regular expression; put a \\ before a sign that is meant as it is"
        return
    names = text_columns(value, dataset)
    if not told and not any(dataset.table[name].str.contains(value["regex"]).any() for name in names):
        yield ("regex",), f"'{value['regex']}' finds nothing in {', '.join(names)}"


ENTRY = Edit(
    value=Fields(
        {
            "regex": Parameter(Word(), None, "what is replaced", required=True),
            "by": Parameter(AnyOf(Word(), OneOf("")), "", "what stands there instead"),
            "columns": COLUMNS,
        }
    ),
    columns=text_columns,
    variants=variants,
    problems=problems,
    text=True,
)
