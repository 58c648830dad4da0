"""Strip: texts lose their punctuation, or their digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlrun.change.rows import COLUMNS, of_text, tell_text, text_columns
from mlrun.check_contracts import Edit, Variant
from mlrun.kinds import AnyOf, Fields, OneOf, Parameter
from mlrun.records import Dataset

if TYPE_CHECKING:
    import polars as pl

STRIPPED = {"punctuation": r"\p{P}", "digits": r"\p{Nd}"}
WHAT = OneOf(*STRIPPED)


def variants(value: Any, dataset: Dataset) -> tuple[Variant, ...]:
    """Return the one variant."""
    names, pattern = text_columns(value, dataset), STRIPPED[of_text(value, "strip")]

    def apply(rows: pl.DataFrame, generator: Any) -> pl.DataFrame:  # noqa: ARG001 - the edits' signature
        import polars as pl

        return rows.with_columns(pl.col(names).str.replace_all(pattern, ""))

    return (Variant("", apply),)


ENTRY = Edit(
    value=AnyOf(WHAT, Fields({"strip": Parameter(WHAT, None, "what", required=True), "columns": COLUMNS})),
    columns=text_columns,
    variants=variants,
    problems=tell_text,
    text=True,
)
