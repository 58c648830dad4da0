"""From training columns to what they looked like, in counts: all that drift needs once the rows are gone."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from mlrun.records import Array, Dataset

PROFILE = "profile.json"  # its file in a run folder
BINS, ROWS_PER_BIN = 50, 20  # of numbers, by their inner quantiles: no smallest and no largest value is kept
FEWEST = 5  # rows that share a category or a word, before it is named
CATEGORIES, WORDS = 200, 5000  # at most, the most frequent first
WORD = re.compile(r"\w+")


def profile(dataset: Dataset, rows: Array, sensitive: Collection[str] = ()) -> dict[str, Any]:
    """Return what the features and the target looked like in these rows, as plain data in counts.

    {rows, features: {name: column profile}, target: one or None, not_kept: sensitive columns that models saw; nothing
    of their values is kept}. Numbers and dates: edges (inner quantiles) and the
    counts between them; categories: counts, those of fewer than five rows in `other`; text: its number of words as
    numbers, the words that stand in five rows or more, and the share of words that are none of them.
    """
    kept = [column for column in dataset.features if column.name not in sensitive]
    table = dataset.table.select(column.name for column in kept)[rows]
    found = {column.name: column_profile(table[column.name], column.kind) for column in kept}
    target = None if dataset.truth is None else target_profile(dataset, dataset.truth[rows])
    not_kept = [column.name for column in dataset.features if column.name in sensitive]
    return {"rows": len(rows), "features": found, "target": target, "not_kept": not_kept}


def column_profile(values: pl.Series, kind: str) -> dict[str, Any]:
    """Return one column's counts; `missing` is a number of rows."""
    missing = int(values.null_count())
    if kind in {"numeric", "date"}:
        numbers = numbers_of(values, kind)
        return {"kind": kind, **number_profile(numbers), "missing": len(values) - len(numbers)}
    if kind == "text":
        return {"kind": kind, **text_profile(values), "missing": missing}
    return {"kind": kind, **category_profile(values), "missing": missing}


def target_profile(dataset: Dataset, truth: Array) -> dict[str, Any]:
    if dataset.task.kind == "regression":
        return {"kind": "numeric", **number_profile(truth), "missing": 0}
    labels = pl.Series([str(label) for label in dataset.task.labels]).gather(truth)
    return {"kind": "category", **category_profile(labels), "missing": 0}


# -- numbers -----------------------------------------------------------------------------------------------------------


def numbers_of(values: pl.Series, kind: str) -> Array:
    """Return the known values as (m,) float64, dates in days since 1970."""
    if kind == "date":
        values = values.cast(pl.Datetime("us")).dt.timestamp("us") / 86_400e6
    found: Array = values.cast(pl.Float64).drop_nulls().to_numpy()
    return found[np.isfinite(found)]


def number_profile(numbers: Array) -> dict[str, Any]:
    """Return edges and the counts of (−∞, e₁], (e₁, e₂], ... (e_last, ∞), one more than edges."""
    bins = max(1, min(BINS, len(numbers) // ROWS_PER_BIN))
    ascending = np.sort(numbers)  # of sorted numbers quantiles and counts cost nothing more
    inner = np.quantile(ascending, np.arange(1, bins) / bins) if bins > 1 else np.empty(0)
    edges = np.unique(inner)
    ends = np.searchsorted(ascending, edges, "right")
    return {"edges": edges.tolist(), "counts": np.diff(ends, prepend=0, append=len(numbers)).tolist()}


def counts_between(numbers: Array, edges: Array) -> Array:
    """Count numbers up to each edge and beyond the last, (edges + 1,)."""
    return np.bincount(np.searchsorted(edges, numbers, "left"), minlength=len(edges) + 1)


# -- categories and text -----------------------------------------------------------------------------------------------


def category_profile(values: pl.Series) -> dict[str, Any]:
    """Return {counts: {category: rows}, other: rows of all further categories}."""
    counted = counts_of(values)
    frequent = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:CATEGORIES]
    kept = {name: rows for name, rows in frequent if rows >= FEWEST}
    return {"counts": kept, "other": sum(counted.values()) - sum(kept.values())}


def counts_of(values: pl.Series) -> dict[str, int]:
    """Count the known values as text."""
    counted = values.alias("value").drop_nulls().cast(pl.String).value_counts(name="rows")
    return dict(sorted(counted.iter_rows()))


def text_profile(values: pl.Series) -> dict[str, Any]:
    """Return the number of words as numbers, the words of five rows or more, and the share of other words by row."""
    texts = [words_of(text) for text in values.drop_nulls().cast(pl.String).to_list()]
    rows: dict[str, int] = {}
    for words in texts:
        for word in set(words):
            rows[word] = rows.get(word, 0) + 1
    frequent = sorted(rows.items(), key=lambda pair: (-pair[1], pair[0]))[:WORDS]
    known = {word for word, count in frequent if count >= FEWEST}
    unknown = unknown_shares(texts, known)
    return {
        **number_profile(np.array([len(words) for words in texts], dtype=np.float64)),
        "words": sorted(known),
        "unknown": float(unknown.mean()) if len(unknown) else 0.0,
        "unknown_sd": float(unknown.std(ddof=1)) if len(unknown) > 1 else 0.0,
    }


def words_of(text: str) -> list[str]:
    return WORD.findall(text.lower())


def unknown_shares(texts: list[list[str]], known: set[str]) -> Array:
    """Return for each text that has words the share of them that are not known."""
    return np.array([sum(word not in known for word in words) / len(words) for words in texts if words])
