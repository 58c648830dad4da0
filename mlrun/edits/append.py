"""Append: some words behind each text, with a blank between; a variant for each when there are several."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlrun.change.rows import COLUMNS, as_list, of_text, tell_text, text_columns
from mlrun.check_contracts import Edit, Variant
from mlrun.kinds import AnyOf, Fields, ListOf, Parameter, Word
from mlrun.records import Dataset

if TYPE_CHECKING:
    import polars as pl

WORDS = AnyOf(Word(), ListOf(Word()))


def variants(value: Any, dataset: Dataset) -> tuple[Variant, ...]:
    """Return one variant for each text that is appended."""
    names, texts = text_columns(value, dataset), as_list(of_text(value, "text"))
    return tuple(Variant(f"+ {text}" if len(texts) > 1 else "", appender(names, str(text))) for text in texts)


def appender(names: tuple[str, ...], text: str) -> Callable[[pl.DataFrame, Any], pl.DataFrame]:
    def apply(rows: pl.DataFrame, generator: Any) -> pl.DataFrame:  # noqa: ARG001 - the edits' signature
        import polars as pl

        return rows.with_columns(pl.col(names) + pl.lit(f" {text}"))

    return apply


ENTRY = Edit(
    value=AnyOf(*WORDS.kinds, Fields({"text": Parameter(WORDS, None, "which", required=True), "columns": COLUMNS})),
    columns=text_columns,
    variants=variants,
    problems=tell_text,
    text=True,
)
