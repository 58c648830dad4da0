"""From a loss a row to the slices in which a model does worse: found on one half of the rows, tested on the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mlrun.slice.parts import QUANTILES, parts_of
from mlrun.statistics import benjamini_hochberg, mean_interval, one_sided, welch, wilson

if TYPE_CHECKING:
    import polars as pl

    from mlrun.records import Array

SUSPECT = 1.645  # t from which on a slice of the first half is worth a test: p < .05, one-sided
SHORTLIST = 20  # slices that are tested; more of them cost power
FEWEST_COUNTED = 5  # tests that are counted at least: of pure noise hardly anything is left then
LOOKED_AT = 500  # candidates among which the shortlist is chosen
MOST_PAIRED = 300  # one-predicate slices that are combined: their products grow with the square
ALIKE = 0.7  # Jaccard similarity from which on two slices are one
FEWEST_TESTED = 10  # rows of a slice in the second half


@dataclass(frozen=True, slots=True, eq=False)
class Predicates:
    """Slices of one predicate each; rows: (n, p) bool; columns: (p,) which column each is about."""

    names: tuple[str, ...]
    rows: Array
    columns: Array


@dataclass(frozen=True, slots=True, eq=False)
class FoundSlice:
    """A slice with a higher loss; rows: (n,) bool, of both halves. All numbers are of the half that it was tested on.

    loss, low, high: mean loss in the slice with its interval; rest: outside it; gap: the difference.
    p_value: Welch, one-sided; q_value: after Benjamini and Hochberg, over all that were tested.
    """

    name: str
    rows: Array
    tested: int
    loss: float
    low: float
    high: float
    rest: float
    gap: float
    gap_low: float
    gap_high: float
    p_value: float
    q_value: float


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """What a search did: slices looked at, tested, and found."""

    candidates: int
    tested: int
    found: tuple[FoundSlice, ...]


def predicates_of(table: pl.DataFrame, columns: Sequence[str], min_rows: int, quantiles: int = QUANTILES) -> Predicates:
    """Return the one-predicate slices of the columns: quantile bins of numbers and dates, values of categories.

    Those with fewer than `min_rows` rows in them or outside them are left out.
    """
    names, rows, owners = [], [], []
    for number, name in enumerate(columns):
        for part in parts_of(table[name], quantiles):
            if min_rows <= int(part.rows.sum()) <= table.height - min_rows:
                names.append(part.name)
                rows.append(part.rows)
                owners.append(number)
    matrix = np.stack(rows, axis=1) if rows else np.zeros((table.height, 0), dtype=bool)
    return Predicates(tuple(names), matrix, np.array(owners, dtype=np.int64))


def search_slices(
    predicates: Predicates, loss: Array, *, depth: int, min_rows: int, fdr: float, seed: int, confidence: float = 0.95
) -> Search:
    """Return the slices of one predicate, or two, whose mean loss is above that of all other rows.

    loss: (n,) higher is worse. Rows are halved at random. On the first half every slice is compared with the rest
    (two matrix products, as in Sagadeeva & Boehm 2021, SliceLine), and a shortlist is made of those that stand out,
    each for itself: none that is nearly the same as one before, none whose excess those before explain. On the second
    half these are tested, one-sided, with the false discovery rate held at `fdr` (evaluation.md, section 5).
    """
    generator = np.random.default_rng(seed)
    first = np.zeros(len(loss), dtype=bool)
    first[generator.permutation(len(loss))[: len(loss) // 2]] = True
    half = _Half(predicates.rows[first], predicates.columns, loss[first].astype(np.float64), max(2, min_rows // 2))
    candidates, suspects = _suspects(half, depth)
    shortlist = _shortlisted(half, suspects)
    tested = list(_tested(predicates, shortlist, ~first, loss, confidence))
    empty = [1.0] * (FEWEST_COUNTED - len(tested))  # how few are tested was seen on the first half only
    q_values = benjamini_hochberg([*(each.p_value for each in tested), *empty])
    judged = [replace(each, q_value=q_value) for each, q_value in zip(tested, q_values, strict=False)]
    found = sorted((each for each in judged if each.q_value <= fdr), key=lambda each: -each.gap * each.tested)
    return Search(candidates, len(tested), tuple(found))


# -- the first half ----------------------------------------------------------------------------------------------------

Pair = tuple[int, int]  # of predicates; twice the same: a slice of one predicate


@dataclass(frozen=True, slots=True, eq=False)
class _Half:
    """rows: (n, p) bool; columns: (p,); loss: (n,); least: rows that a slice needs here."""

    rows: Array
    columns: Array
    loss: Array
    least: int


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Count, sum and sum of squares of the losses of some rows, or of many sets of rows at once."""

    n: Array
    total: Array
    squares: Array

    def less(self, other: _Sums) -> _Sums:
        return _Sums(self.n - other.n, self.total - other.total, self.squares - other.squares)


def _suspects(half: _Half, depth: int) -> tuple[int, list[Pair]]:
    """Return how many slices there are to look at, and those that stand out, the most conspicuous first."""
    rows, loss = half.rows.astype(np.float64), half.loss
    whole = _sums(loss)
    single = _Sums(rows.sum(axis=0), loss @ rows, np.square(loss) @ rows)
    t_single = _against_rest(half, single, whole)
    count = int(np.isfinite(t_single).sum())
    found = [(float(t), (int(index), int(index))) for index, t in enumerate(t_single)]
    if depth > 1 and len(t_single) > 1:
        chosen = np.sort(np.argsort(-t_single, kind="stable")[:MOST_PAIRED])
        pairs, t_pair = _paired(half, rows[:, chosen], chosen, single, whole)
        count += pairs
        for one, other in zip(*np.nonzero(t_pair > SUSPECT), strict=True):
            found.append((float(t_pair[one, other]), (int(chosen[one]), int(chosen[other]))))
    standing_out = sorted((each for each in found if each[0] > SUSPECT), key=lambda each: (-each[0], each[1]))
    return count, [pair for _, pair in standing_out[:LOOKED_AT]]


def _paired(half: _Half, rows: Array, chosen: Array, single: _Sums, whole: _Sums) -> tuple[int, Array]:
    """Return how many slices of two predicates of different columns there are, and t of each; (p, p), else −inf.

    One that is no worse than what its predicates alone leave over is −inf: the single predicate says it already.
    """
    weighted = rows * half.loss[:, None]
    both = _Sums(rows.T @ rows, rows.T @ weighted, weighted.T @ weighted)
    other_columns = np.triu(half.columns[chosen][:, None] != half.columns[chosen][None, :], 1)
    t = np.where(other_columns, _against_rest(half, both, whole), -np.inf)
    count = int(np.isfinite(t).sum())
    for axis in (0, 1):
        shape = (-1, 1) if axis == 0 else (1, -1)
        parent = _Sums(*(sums[chosen].reshape(shape) for sums in (single.n, single.total, single.squares)))
        t = np.where(_welch_t(both, parent.less(both)) > SUSPECT, t, -np.inf)
    return count, t


def _sums(loss: Array) -> _Sums:
    return _Sums(np.asarray(float(len(loss))), np.asarray(loss.sum()), np.asarray(np.square(loss).sum()))


def _against_rest(half: _Half, inside: _Sums, whole: _Sums) -> Array:
    """Return Welch's t of slices against all other rows; −inf where either is too small."""
    rest = whole.less(inside)
    found: Array = np.where((inside.n >= half.least) & (rest.n >= half.least), _welch_t(inside, rest), -np.inf)
    return found


def _welch_t(one: _Sums, other: _Sums) -> Array:
    """Return the difference of the means over its standard error; −inf where a group has fewer than two rows."""
    with np.errstate(all="ignore"):
        means = [sums.total / sums.n for sums in (one, other)]
        errors = [np.maximum(0, sums.squares - sums.n * mean**2) / (sums.n - 1) / sums.n
                  for sums, mean in zip((one, other), means, strict=True)]  # fmt: skip
        t = (means[0] - means[1]) / np.sqrt(errors[0] + errors[1])
    found: Array = np.where((one.n > 1) & (other.n > 1), np.nan_to_num(t, nan=0.0, posinf=1e9), -np.inf)
    return found


def _shortlisted(half: _Half, suspects: Sequence[Pair]) -> list[Pair]:
    """Return those that stand out for themselves: unlike any before, and with an excess beside them too."""
    kept: list[Pair] = []
    sets: list[Array] = []
    covered = np.zeros(len(half.loss), dtype=bool)
    for pair in suspects:
        rows = half.rows[:, pair[0]] & half.rows[:, pair[1]]
        if any(_jaccard(rows, other) > ALIKE for other in sets):
            continue
        groups = [half.loss[rows & ~covered], half.loss[~rows & ~covered]]
        sums = [_sums(group) for group in groups]
        if len(groups[0]) < half.least or not _welch_t(sums[0], sums[1]) > SUSPECT:
            continue
        kept.append(pair)
        sets.append(rows)
        covered |= rows
        if len(kept) == SHORTLIST:
            break
    return kept


def _jaccard(one: Array, other: Array) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))


# -- the second half ---------------------------------------------------------------------------------------------------


def _tested(
    predicates: Predicates, shortlist: Sequence[Pair], half: Array, loss: Array, confidence: float
) -> Iterator[FoundSlice]:
    """Yield each slice with what the second half says of it; one with hardly a row there is left out."""
    binary = bool(np.isin(loss, (0, 1)).all())
    for one, other in shortlist:
        rows = predicates.rows[:, one] & predicates.rows[:, other]
        inside, outside = loss[rows & half].astype(np.float64), loss[~rows & half].astype(np.float64)
        if min(len(inside), len(outside)) < FEWEST_TESTED:
            continue
        gap = float(inside.mean() - outside.mean())
        gap_low, gap_high, p_value = welch(inside, outside, confidence)
        low, high = (
            wilson(int(inside.sum()), len(inside), confidence) if binary else mean_interval(inside, confidence)[:2]
        )
        yield FoundSlice(
            name=" and ".join(dict.fromkeys((predicates.names[one], predicates.names[other]))),
            rows=rows,
            tested=len(inside),
            loss=float(inside.mean()),
            low=low,
            high=high,
            rest=float(outside.mean()),
            gap=gap,
            gap_low=gap_low,
            gap_high=gap_high,
            p_value=one_sided(p_value, gap),
            q_value=1.0,
        )
