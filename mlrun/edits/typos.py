"""Typos: a share of the letters is dropped, doubled, changed for a neighbour on the keyboard, or for the next one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlrun.change.rows import COLUMNS, as_list, of_text, tell_text, text_columns
from mlrun.check_contracts import Edit, Variant
from mlrun.kinds import AnyOf, Fields, ListOf, Number, Parameter
from mlrun.records import Dataset

if TYPE_CHECKING:
    import polars as pl

KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
BESIDE = {
    letter: row[max(0, place - 1) : place] + row[place + 1 : place + 2]
    for row in KEYBOARD
    for place, letter in enumerate(row)
}
RATE = AnyOf(Number(above=0, high=1), ListOf(Number(above=0, high=1)))


def variants(value: Any, dataset: Dataset) -> tuple[Variant, ...]:
    """Return one variant for each share of letters."""
    names = text_columns(value, dataset)
    rates = [float(rate) for rate in as_list(of_text(value, "rate"))]
    return tuple(Variant(f"rate {rate:g}", misspeller(names, rate), rate) for rate in rates)


def misspeller(names: tuple[str, ...], rate: float) -> Callable[[pl.DataFrame, Any], pl.DataFrame]:
    def apply(rows: pl.DataFrame, generator: Any) -> pl.DataFrame:
        import polars as pl

        changed = []
        for name in names:
            texts = [None if text is None else misspelt(text, rate, generator) for text in rows[name].to_list()]
            changed.append(pl.Series(name, texts, dtype=pl.String))
        return rows.with_columns(changed)

    return apply


def misspelt(text: str, rate: float, generator: Any) -> str:
    """Return a text in which each letter is hit with this probability; from the end, so that places stay."""
    hits = (generator.random(len(text)) < rate).nonzero()[0]
    for place in hits[::-1]:
        if text[place].isalpha():
            text = slip(text, int(place), generator)
    return text


def slip(text: str, place: int, generator: Any) -> str:
    """Return a text with one slip of the finger at this letter."""
    before, letter, after = text[:place], text[place], text[place + 1 :]
    beside = BESIDE.get(letter.lower(), "")  # a table of letters, not a record
    slips = [before + after, before + letter + letter + after]
    if beside:
        near = beside[int(generator.integers(len(beside)))]
        slips.append(before + (near.upper() if letter.isupper() else near) + after)
    if after and after[0].isalpha():
        slips.append(before + after[0] + letter + after[1:])
    return slips[int(generator.integers(len(slips)))]


ENTRY = Edit(
    value=AnyOf(
        *RATE.kinds, Fields({"rate": Parameter(RATE, None, "the share of letters", required=True), "columns": COLUMNS})
    ),
    columns=text_columns,
    variants=variants,
    problems=tell_text,
    text=True,
)
