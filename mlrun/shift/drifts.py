"""From what training columns looked like and new rows to how far they moved: PSI, and a test that they moved at all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mlrun import statistics
from mlrun.distributions import normal_sf
from mlrun.shift import profile as data_profile

if TYPE_CHECKING:
    from mlrun.records import Array, Prediction, Task

GROUPS = 10  # bins of the PSI, of about equal size in training
HALF_ROW = 0.5  # an empty bin counts as half a row, so that no logarithm is infinite


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a column moved. psi: the population stability index; p_value: of no move, by the method named."""

    psi: float
    p_value: float
    method: str
    missing: float
    missing_before: float
    details: Mapping[str, Any] = field(default_factory=dict)


def column_drift(before: Mapping[str, Any], values: pl.Series) -> Drift:
    """Compare new values with a column's profile (data_profile.column_profile)."""
    kind = before["kind"]
    if kind == "text":
        return text_drift(before, values)
    if kind in {"numeric", "date"}:
        numbers = data_profile.numbers_of(values, kind)
        return number_drift(before, numbers, len(values) - len(numbers))
    return category_drift(before, values)


def number_drift(before: Mapping[str, Any], numbers: Array, missing: int) -> Drift:
    """Compare numbers with a profile: PSI over its bins, Kolmogorov and Smirnov's test at its edges."""
    old = np.array(before["counts"], dtype=np.float64)
    new = data_profile.counts_between(numbers, np.array(before["edges"])).astype(np.float64)
    groups = grouped(old)
    moved = psi([*np.add.reduceat(old, groups), before["missing"]], [*np.add.reduceat(new, groups), missing])
    p_value = ks_of_counts(old, new)
    return _with_missing(moved, p_value, "Kolmogorov–Smirnov", before, (len(numbers), missing), {})


def category_drift(before: Mapping[str, Any], values: pl.Series) -> Drift:
    """Compare categories with a profile; those that it does not name are one group, seldom ones and new ones alike."""
    counted, missing = data_profile.counts_of(values), int(values.null_count())
    names = list(before["counts"])
    rest = sum(rows for name, rows in counted.items() if name not in before["counts"])
    old = [*before["counts"].values(), before["other"]]
    new = [*(counted.get(name, 0) for name in names), rest]
    moved = psi([*old, before["missing"]], [*new, missing])
    seen = max(1, sum(new))
    details = {
        "unnamed": rest / seen,
        "unnamed_before": before["other"] / max(1, sum(old)),
        "unnamed_categories": sum(name not in before["counts"] for name in counted),
    }
    return _with_missing(moved, chi2_p([old, new]), "chi²", before, (sum(new), missing), details)


def text_drift(before: Mapping[str, Any], values: pl.Series) -> Drift:
    """Compare the number of words, and the share of words that training did not know."""
    texts = [data_profile.words_of(text) for text in values.drop_nulls().cast(pl.String).to_list()]
    lengths = np.array([len(words) for words in texts], dtype=np.float64)
    drift = number_drift(before, lengths, int(values.null_count()))
    shares = data_profile.unknown_shares(texts, set(before["words"]))
    unknown = float(shares.mean()) if len(shares) else 0.0
    spread = float(shares.var(ddof=1)) / len(shares) if len(shares) > 1 else 0.0
    error = math.sqrt(spread + before["unknown_sd"] ** 2 / max(1, sum(before["counts"])))
    p_words = 2 * normal_sf(abs(unknown - before["unknown"]) / error) if error > 0 else 1.0
    details = {"unknown_words": unknown, "unknown_words_before": before["unknown"]}
    return Drift(
        drift.psi, min(1.0, 2 * min(drift.p_value, p_words)), drift.method, drift.missing, drift.missing_before, details
    )


def _with_missing(
    moved: float,
    p_value: float,
    method: str,
    before: Mapping[str, Any],
    now: tuple[int, int],
    details: Mapping[str, Any],
) -> Drift:
    """Hold the test of the known values and that of the missing ones together (Bonferroni)."""
    known_before = sum(before["counts"].values() if isinstance(before["counts"], Mapping) else before["counts"])
    known_before += before.get("other", 0)
    was, known, missing = before["missing"], *now
    if was or missing:
        p_value = min(1.0, 2 * min(p_value, chi2_p([[known_before, was], [known, missing]])))
    return Drift(
        moved, p_value, method, missing / max(1, known + missing), was / max(1, known_before + was), dict(details)
    )


# -- predictions -------------------------------------------------------------------------------------------------------


def prediction_drift(before: Prediction, now: Prediction, task: Task) -> Drift:
    """Compare what a model says now with what it said of its test rows: numbers, else the risk, else the classes."""
    old, new = said(before, task), said(now, task)
    if old is not None and new is not None:
        old, new = old[np.isfinite(old)], new[np.isfinite(new)]
        was = data_profile.number_profile(old)
        groups = grouped(np.array(was["counts"], dtype=np.float64))
        counts = data_profile.counts_between(new, np.array(was["edges"]))
        moved = psi(np.add.reduceat(was["counts"], groups), np.add.reduceat(counts, groups))
        return Drift(
            moved, ks(old, new), "Kolmogorov–Smirnov", 0.0, 0.0, {"mean": _mean(new), "mean_before": _mean(old)}
        )
    size = max(len(task.labels), 2)
    classes = [np.bincount(part.values.astype(np.int64), minlength=size) for part in (before, now)]
    shares = [(part / max(1, part.sum())).tolist() for part in classes]
    told = {"shares": shares[1], "shares_before": shares[0]}
    return Drift(psi(*classes), chi2_p([part.tolist() for part in classes]), "chi²", 0.0, 0.0, told)


def said(prediction: Prediction, task: Task) -> Array | None:
    """Return one number a row: the value of a regression, the risk of two classes, an anomaly's score; else None."""
    if task.kind == "regression":
        return prediction.values
    if prediction.probabilities is not None and prediction.probabilities.shape[1] == 2:
        found: Array = prediction.probabilities[:, 1]
        return found
    return prediction.scores if prediction.scores is not None and prediction.scores.ndim == 1 else None


def _mean(values: Array) -> float | None:
    return float(values.mean()) if len(values) else None


# -- the measures ------------------------------------------------------------------------------------------------------


def psi(before: Sequence[float] | Array, now: Sequence[float] | Array) -> float:
    """Return Σ (q − p) ln(q / p) over the shares of the bins, the population stability index (Siddiqi 2006).

    Bins that are empty on both sides do not count; one that is empty on one side has half a row there.
    """
    old, new = np.asarray(before, dtype=np.float64), np.asarray(now, dtype=np.float64)
    used = (old > 0) | (new > 0)
    if not old.sum() or not new.sum():
        return 0.0
    p = np.maximum(old[used], HALF_ROW) / old.sum()
    q = np.maximum(new[used], HALF_ROW) / new.sum()
    return float(((q - p) * np.log(q / p)).sum())


def grouped(counts: Array) -> Array:
    """Return where groups of neighbouring bins begin, each with about a GROUPS-th of the rows."""
    reached = np.cumsum(counts) / max(1.0, counts.sum())
    starts = np.searchsorted(reached, np.arange(1, GROUPS) / GROUPS - 1e-9) + 1
    return np.unique(np.concatenate([[0], starts[starts < len(counts)]]))


def ks(first: Array, second: Array) -> float:
    """Return the p-value of Kolmogorov and Smirnov's two-sample test, by its limit."""
    if not len(first) or not len(second):
        return 1.0
    every = np.concatenate([first, second])
    shares = [np.searchsorted(np.sort(part), every, "right") / len(part) for part in (first, second)]
    return _ks_p(float(np.abs(shares[0] - shares[1]).max()), len(first), len(second))


def ks_of_counts(before: Array, now: Array) -> float:
    """Return that p-value where only counts between edges are known; never too small."""
    if not before.sum() or not now.sum():
        return 1.0
    gap = np.abs(np.cumsum(before) / before.sum() - np.cumsum(now) / now.sum()).max()
    return _ks_p(float(gap), float(before.sum()), float(now.sum()))


def _ks_p(gap: float, first: float, second: float) -> float:
    return kolmogorov_sf(gap * math.sqrt(first * second / (first + second)))


def kolmogorov_sf(x: float) -> float:
    """Return P(K > x) = 2 Σ (−1)^(j−1) exp(−2 j² x²) of Kolmogorov's distribution (1933)."""
    if x < 0.2:  # 1 − 1e−12 and more
        return 1.0
    total = math.fsum((-1) ** (j - 1) * math.exp(-2 * j * j * x * x) for j in range(1, 101))
    return min(1.0, max(0.0, 2 * total))


def chi2_p(counts: Sequence[Sequence[float]]) -> float:
    """Return the p-value of Pearson's test that two rows of counts have the same shares; 1 for a single column."""
    from scipy.special import chdtrc

    table = np.array(counts, dtype=np.float64)
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return 1.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(chdtrc(table.shape[1] - 1, float((np.square(table - expected) / expected).sum())))


def held_together(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return Holm's adjusted p-values: one of many columns moves by chance."""
    return statistics.holm(p_values)
