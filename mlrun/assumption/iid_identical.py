"""Whether training and test rows come from the same distribution, or a forest can tell them apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mlrun.assumption.judgement import ALPHA, Judgement, not_applicable, word_above
from mlrun.assumption.sample import prepared
from mlrun.distributions import normal_sf
from mlrun.scores import auc

if TYPE_CHECKING:
    from mlrun.check_contracts import Context
    from mlrun.records import Array

ROWS = 1500  # of each side
FEWEST = 20
TREES = 60
LARGE = 1e30
STRAINED, VIOLATED = 0.55, 0.65
CONSEQUENCES = {
    "": "scores on test say how well models do on rows like these, not on rows like the training ones",
    "time": "the data moves on: scores on folds are no promise, and those on test hold as long as rows stay like these",
}


def judge(context: Context) -> Judgement:
    """Judge how well a forest tells training rows from test rows it has not seen, by the area under the ROC curve.

    Features and labels (a classifier two-sample test, Lopez-Paz & Oquab 2017); the p-value is Mann and Whitney's.
    """
    if min(len(context.train), len(context.rows)) < FEWEST:
        return not_applicable(f"there are fewer than {FEWEST} rows of training or of test")
    generator = np.random.default_rng([context.seed, 94])
    each = min(ROWS, len(context.train), len(context.rows))
    sides = [np.sort(generator.permutation(side)[:each]) for side in (context.train, context.rows)]
    rows, side = np.concatenate(sides), np.repeat([0, 1], each)
    features, _ = prepared(context, rows)
    truth, groups = context.dataset.truth, context.dataset.groups
    if truth is not None:
        size = float(np.abs(truth[rows]).max())  # a forest computes in single precision
        features = np.column_stack([features, truth[rows] / size if size > LARGE else truth[rows]])
    judged, likely = held_out_sides(features, side, None if groups is None else groups[rows], context.seed)
    counts = np.bincount(side[judged], minlength=2)
    if not counts.all():
        return not_applicable("the groups are too large to be divided")
    area = auc(side[judged] == 1, likely)
    error = math.sqrt((counts.sum() + 1) / (12 * float(counts[0]) * float(counts[1])))
    p_value = normal_sf((area - 0.5) / error)
    told = f"a forest tells test from training rows with ROC AUC {area:.2f}"
    return Judgement(word_above(area, STRAINED, VIOLATED, p_value < ALPHA), "ROC AUC", area, told, p_value)


def held_out_sides(features: Array, side: Array, groups: Array | None, seed: int) -> tuple[Array, Array]:
    """Return the half of the rows that a forest has not seen, and its chance of test for each of them.

    One half, no folds: the scores of rows that took turns are not independent, and Mann and Whitney's test wants that.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    seen, judged = next(iter(kind(2, shuffle=True, random_state=seed % 2**32).split(features, side, groups)))
    forest = RandomForestClassifier(TREES, min_samples_leaf=5, random_state=seed % 2**32)
    return judged, forest.fit(features[seen], side[seen]).predict_proba(features[judged])[:, 1]
