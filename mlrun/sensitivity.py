"""From the trials of a model to how much of the variance of their scores each hyperparameter explains."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlrun.records import Params
from mlrun.store.run_record import SensitivityRecord

if TYPE_CHECKING:
    from mlrun.records import Array

FEWEST = 8  # trials from which a forest is grown
TREES = 64  # as many as in Optuna's fANOVA
DIGITS = 6  # of a share, as it is recorded
ABSENT = "(not set)"  # the value of a hyperparameter that only another grid of a union has


def sensitivity_of(trials: Sequence[tuple[Params, float]], seed: int = 0) -> SensitivityRecord | None:
    """Return the share of the variance over what was tried that each hyperparameter explains alone; None = unknown.

    trials: params and mean score. Of each hyperparameter every value that was tried weighs the same. Where all
    combinations were tried the shares are exact; otherwise they are of a random forest over the trials, from eight of
    them on. Nothing is said of one hyperparameter, whose share is all, nor of scores that are all equal.
    Source: Hutter, Hoos, Leyton-Brown (2014), An efficient approach for assessing hyperparameter importance.
    """
    scores = np.array([score for _, score in trials], dtype=np.float64)
    levels = levels_of([params for params, _ in trials])
    if len(levels) < 2 or not np.isfinite(scores).all() or np.ptp(scores) <= 1e-12 * np.abs(scores).max():
        return None
    places = np.array([[known[written(params, name)] for name, known in levels.items()] for params, _ in trials])
    sizes = [len(known) for known in levels.values()]
    scores = (scores - scores.mean()) / np.ptp(scores)  # so that no variance drowns in the mean
    is_whole = len(trials) == math.prod(sizes) == len({tuple(row) for row in places.tolist()})
    if not is_whole and len(trials) < FEWEST:
        return None
    alone = exact_shares(places, sizes, scores) if is_whole else forest_shares(places, sizes, scores, seed)
    if alone is None:
        return None
    shares = {name: round(float(share), DIGITS) for name, share in zip(levels, alone, strict=True)}
    ordered = dict(sorted(shares.items(), key=lambda pair: -pair[1]))
    together = round(max(0.0, 1.0 - float(sum(alone))), DIGITS)
    return SensitivityRecord(ordered, together, len(trials), "exact" if is_whole else "forest")


def levels_of(tried: Sequence[Params]) -> dict[str, Mapping[str, int]]:
    """Return the values that were tried of each hyperparameter that has several, value → place; numbers in order."""
    names = dict.fromkeys(name for params in tried for name in params)
    found: dict[str, Mapping[str, int]] = {}
    for name in names:
        values = {written(params, name): params.get(name, ABSENT) for params in tried}
        if len(values) > 1:
            found[name] = {text: place for place, (text, _) in enumerate(sorted(values.items(), key=by_size))}
    return found


def written(params: Params, name: str) -> str:
    return repr(params[name]) if name in params else ABSENT


def by_size(pair: tuple[str, Any]) -> tuple[bool, float, str]:
    """Return the order of values: numbers by size, all else behind them by what is written."""
    text, value = pair
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return not is_number, float(value) if is_number else 0.0, text


def exact_shares(places: Array, sizes: Sequence[int], scores: Array) -> list[float]:
    """Return each hyperparameter's share in a full factorial design: the variance of its marginal means.

    places: (trials, hyperparameters) of each value. Source: the balanced analysis of variance, η².
    """
    total = float(scores.var())
    return [
        float((np.bincount(places[:, column], scores, size) / (len(scores) / size)).var()) / total
        for column, size in enumerate(sizes)
    ]


def forest_shares(places: Array, sizes: Sequence[int], scores: Array, seed: int) -> list[float] | None:
    """Return each hyperparameter's mean share over the trees of a forest; None when no tree found a difference."""
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(TREES, random_state=seed, n_jobs=1).fit(places, scores)
    shares = [found for each in forest.estimators_ if (found := tree_shares(each.tree_, sizes)) is not None]
    return [float(share) for share in np.mean(shares, axis=0)] if shares else None


def tree_shares(tree: Any, sizes: Sequence[int]) -> Array | None:
    """Return each hyperparameter's share of a tree's variance; None when the tree is constant.

    A tree is a step function over boxes, its leaves; its marginals are sums over them (Hutter et al., theorem 3).
    """
    low, high = boxes(tree, sizes)
    leaves = tree.children_left < 0
    low, high, values = low[leaves], high[leaves], tree.value[leaves, 0, 0]
    widths = (high - low) / np.array(sizes)  # the share of a hyperparameter's values that a leaf has
    volumes = widths.prod(axis=1)
    mean = float(volumes @ values)
    total = float(volumes @ np.square(values - mean))
    if total <= 0:
        return None
    alone = np.empty(len(sizes))
    for column, size in enumerate(sizes):
        rest = (values - mean) * volumes / widths[:, column]
        steps = np.bincount(low[:, column], rest, size + 1) - np.bincount(high[:, column], rest, size + 1)
        alone[column] = float(np.square(steps.cumsum()[:size]).mean())
    found: Array = alone / total
    return found


def boxes(tree: Any, sizes: Sequence[int]) -> tuple[Array, Array]:
    """Return the places from which and below which the values of each node's box are, (nodes, hyperparameters)."""
    low = np.zeros((tree.node_count, len(sizes)), dtype=np.int64)
    high = np.tile(np.array(sizes, dtype=np.int64), (tree.node_count, 1))
    cuts = np.floor(tree.threshold).astype(np.int64) + 1
    columns, lefts, rights = tree.feature.tolist(), tree.children_left.tolist(), tree.children_right.tolist()
    for node, (column, left, right) in enumerate(zip(columns, lefts, rights, strict=True)):  # parents come first
        if left >= 0:
            low[left] = low[right] = low[node]
            high[left] = high[right] = high[node]
            high[left, column] = low[right, column] = cuts[node]
    return low, high
