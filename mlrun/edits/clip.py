"""Clip: of each text so many words in a row, from a place drawn by chance; shorter texts stay whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlrun.change.rows import COLUMNS, as_list, of_text, tell_text, text_columns
from mlrun.check_contracts import Edit, Variant
from mlrun.kinds import AnyOf, Fields, Integer, ListOf, Parameter
from mlrun.records import Dataset

if TYPE_CHECKING:
    import polars as pl

SIZES = AnyOf(Integer(1), ListOf(Integer(1)))


def variants(value: Any, dataset: Dataset) -> tuple[Variant, ...]:
    """Return one variant for each number of words."""
    names, sizes = text_columns(value, dataset), [int(size) for size in as_list(of_text(value, "words"))]
    return tuple(Variant(f"{size} words", clipper(names, size), float(size)) for size in sizes)


def clipper(names: tuple[str, ...], size: int) -> Callable[[pl.DataFrame, Any], pl.DataFrame]:
    def apply(rows: pl.DataFrame, generator: Any) -> pl.DataFrame:
        import polars as pl

        changed = []
        for name in names:
            draws = generator.random(rows.height)
            pairs = zip(rows[name].to_list(), draws, strict=True)
            texts = [None if text is None else clipped(text, size, float(draw)) for text, draw in pairs]
            changed.append(pl.Series(name, texts, dtype=pl.String))
        return rows.with_columns(changed)

    return apply


def clipped(text: str, size: int, draw: float) -> str:
    """Return a run of words of a text that begins at a share `draw` of the places where one can."""
    words = text.split()
    if len(words) <= size:
        return text
    begin = int(draw * (len(words) - size + 1))
    return " ".join(words[begin : begin + size])


ENTRY = Edit(
    value=AnyOf(*SIZES.kinds, Fields({"words": Parameter(SIZES, None, "how many", required=True), "columns": COLUMNS})),
    columns=text_columns,
    variants=variants,
    problems=tell_text,
    text=True,
)
