"""From a column on two sides to how far its values moved: the index of shift, an effect size, whether that matters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mlrun.diff.alignment import family
from mlrun.diff.outcome import Move
from mlrun.shift import profile as data_profile
from mlrun.shift.drifts import Drift, column_drift, held_together
from mlrun.table.column_types import judge
from mlrun.table.schema_cast import TYPES

if TYPE_CHECKING:
    from mlrun.records import Array

ALPHA = 0.05
MOVED = 0.1  # population stability index from which on a column moved (Siddiqi 2006)
SMALL_DIFFERENCE = 0.2  # of means in standard deviations: a small effect (Cohen 1988, d)
SMALL_ASSOCIATION = 0.1  # of a category with the side: a small effect (Cohen 1988, w, of which V is a kind)
MEANS, SHARES = "standardised mean difference", "Cramér's V"
TEXTS_AT_MOST = 20_000  # rows of a text whose words are looked at


def find_moves(first: pl.DataFrame, second: pl.DataFrame, without: Sequence[str]) -> dict[str, Move]:
    """Return column → its move, of the columns that can have one: not ids and what looks like ids."""
    found: dict[str, Move] = {}
    for name in first.columns:
        if name in without or not are_alike(first[name], second[name]):
            continue
        kind = kind_of(first[name])
        if kind is not None:
            found[name] = move_of(kind, first[name], second[name])
    return together(found)


def are_alike(first: pl.Series, second: pl.Series) -> bool:
    """Say whether two columns have values of one kind, of which drift knows something."""
    kinds = [str(column.dtype.base_type()) for column in (first, second)]
    return set(kinds) <= set(TYPES) and family(kinds[0]) == family(kinds[1])


def kind_of(column: pl.Series) -> str | None:
    """Return how a column's values are compared: numeric, date, category, text; None = they name rows."""
    if column.dtype.is_numeric():
        return "numeric"
    if column.dtype.is_temporal():
        return "date"
    if column.dtype == pl.Boolean or column.n_unique() < 2:
        return "category"
    found = judge(column, None, asked=False).column if column.dtype == pl.String else None
    return None if found is None else found.kind


def move_of(kind: str, before: pl.Series, now: pl.Series) -> Move:
    """Return the move of one column; the p-value is its own still."""
    rows = None
    if kind == "text":
        rows = min(TEXTS_AT_MOST, max(len(before), len(now)))
        before, now = spread_over(before), spread_over(now)
    drift = column_drift(data_profile.column_profile(before, kind), now)
    if kind in {"numeric", "date"}:
        effect = mean_difference(data_profile.numbers_of(before, kind), data_profile.numbers_of(now, kind))
        return as_move(drift, MEANS, effect, kind, rows)
    if kind == "text":
        return as_move(drift, MEANS, mean_difference(words_in(before), words_in(now)), kind, rows)
    return as_move(drift, SHARES, cramers_v(data_profile.counts_of(before), data_profile.counts_of(now)), kind, rows)


def moves_from_profile(profile: Mapping[str, Any], now: pl.DataFrame) -> dict[str, Move]:
    """Return the moves of a run's features from what its training rows looked like: all that is left of them."""
    found = {
        name: as_move(column_drift(before, now[name]), "", None, before["kind"], None)
        for name, before in profile.items()
        if name in now.columns and fits(before["kind"], now[name])
    }
    return together(found)


def fits(kind: str, column: pl.Series) -> bool:
    """Say whether a column still has values of the kind that its profile is of."""
    if kind in {"numeric", "date"}:
        return column.dtype.is_numeric() if kind == "numeric" else column.dtype in (pl.Date, pl.Datetime)
    return str(column.dtype.base_type()) in TYPES


def as_move(drift: Drift, measure: str, effect: float | None, kind: str, rows: int | None) -> Move:
    """Return a move that matters where its size does; dates move on by themselves."""
    bound = SMALL_DIFFERENCE if measure == MEANS else SMALL_ASSOCIATION
    large = drift.psi > MOVED or (effect is not None and abs(effect) >= bound)
    return Move(
        measure, drift.psi, effect, drift.p_value, large and kind != "date", drift.missing_before, drift.missing, rows
    )


def together(moves: Mapping[str, Move]) -> dict[str, Move]:
    """Hold the tests of all columns together: one of many moves by chance."""
    adjusted = held_together([move.p_value for move in moves.values()])
    return {
        name: replace(move, p_value=p_value, drifted=move.drifted and p_value < ALPHA)
        for (name, move), p_value in zip(moves.items(), adjusted, strict=True)
    }


def spread_over(column: pl.Series) -> pl.Series:
    """Return at most so many values, spread evenly over the rows."""
    if len(column) <= TEXTS_AT_MOST:
        return column
    return column.gather(np.linspace(0, len(column) - 1, TEXTS_AT_MOST).astype(np.int64))


def words_in(column: pl.Series) -> Array:
    """Return the number of words of each text that is there."""
    known = column.drop_nulls().cast(pl.String)
    found: Array = known.str.count_matches(data_profile.WORD.pattern).cast(pl.Float64).to_numpy()
    return found


# -- effect sizes -----------------------------------------------------------------------------------------------------


def mean_difference(before: Array, now: Array) -> float | None:
    """Return the difference of means over the root of the mean variance (Austin 2009, Statistics in Medicine 28).

    None where a side has fewer than two values; 0 where both have one and the same value.
    """
    if len(before) < 2 or len(now) < 2:
        return None
    largest = max(float(np.abs(before).max()), float(np.abs(now).max())) or 1.0
    before, now = before / largest, now / largest  # the unit cancels out; squares of huge numbers would overflow
    difference = float(now.mean() - before.mean())
    spread = math.sqrt((float(before.var(ddof=1)) + float(now.var(ddof=1))) / 2)
    if spread == 0.0 or not math.isfinite(spread):
        return 0.0 if difference == 0.0 else None
    return difference / spread


def cramers_v(before: Mapping[str, int], now: Mapping[str, int]) -> float | None:
    """Return √(χ² / n) of two rows of counts, which is Cramér's V of two rows (Cramér 1946, section 21.9)."""
    names = sorted({*before, *now})
    old, new = (np.array([float(side[name]) if name in side else 0.0 for name in names]) for side in (before, now))
    if not old.sum() or not new.sum():
        return None
    total = old.sum() + new.sum()
    expected = np.outer([old.sum(), new.sum()], old + new) / total
    return math.sqrt(float((np.square(np.array([old, new]) - expected) / expected).sum()) / total)
