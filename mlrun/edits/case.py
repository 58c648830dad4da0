"""Case: texts in upper, lower or title case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlrun.change.rows import COLUMNS, of_text, tell_text, text_columns
from mlrun.check_contracts import Edit, Variant
from mlrun.kinds import AnyOf, Fields, OneOf, Parameter
from mlrun.records import Dataset

if TYPE_CHECKING:
    import polars as pl

CASES = OneOf("upper", "lower", "title")


def variants(value: Any, dataset: Dataset) -> tuple[Variant, ...]:
    """Return the one variant."""
    names, case = text_columns(value, dataset), of_text(value, "case")

    def apply(rows: pl.DataFrame, generator: Any) -> pl.DataFrame:  # noqa: ARG001 - the edits' signature
        import polars as pl

        texts = pl.col(names).str
        cased = {"upper": texts.to_uppercase, "lower": texts.to_lowercase, "title": texts.to_titlecase}
        return rows.with_columns(cased[case]())

    return (Variant("", apply),)


ENTRY = Edit(
    value=AnyOf(CASES, Fields({"case": Parameter(CASES, None, "which", required=True), "columns": COLUMNS})),
    columns=text_columns,
    variants=variants,
    problems=tell_text,
    text=True,
)
