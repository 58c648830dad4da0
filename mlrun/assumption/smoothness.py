"""Whether rows that lie near each other have like targets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mlrun.assumption.judgement import Judgement, not_applicable
from mlrun.distributions import normal_sf

if TYPE_CHECKING:
    from mlrun.assumption.judgement import Word
    from mlrun.assumption.sample import Sample
    from mlrun.records import Array

NEIGHBOURS = 5
STRAINED, VIOLATED = 0.7, 0.95
ALPHA = 0.05
CONSEQUENCES = {
    "": "distances between rows say little of the target: choose or scale features, or use trees",
    "mlp": "nearby rows have unlike targets: it needs far more rows, or features in which they are alike",
}


def judge(sample: Sample) -> Judgement:
    """Judge how much the 5 nearest neighbours disagree, over the disagreement of shuffled targets (1 = no better).

    Labels: the share that differ. Numbers: half of the mean squared difference, over the variance (Geary's c).
    """
    if sample.truth is None:
        return not_applicable("there are no labels")
    if len(sample.rows) < 10 * NEIGHBOURS or len(np.unique(sample.truth)) < 2:
        return not_applicable("there are too few rows, or one class only")
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(sample.features).kneighbors(return_distance=False)
    apart, by_chance = disagreement(sample, near)
    ratio, error = float(apart.mean()) / by_chance, float(apart.std(ddof=1)) / math.sqrt(len(apart)) / by_chance
    told = f"neighbours disagree {ratio:.2f} times as much as rows at random"
    return Judgement(word_of(ratio, error), "disagreement of neighbours over that of shuffled targets", ratio, told)


def word_of(ratio: float, error: float) -> Word:
    """Return the word: strained where the ratio is beyond its bound by more than chance, violated from 0.95 on."""
    if ratio < STRAINED or (error > 0 and normal_sf((ratio - STRAINED) / error) > ALPHA):
        return "ok"
    return "violated" if ratio >= VIOLATED else "strained"


def disagreement(sample: Sample, near: Array) -> tuple[Array, float]:
    """Return each row's mean disagreement with its neighbours, (n,), and that of two rows at random."""
    truth = sample.truth
    assert truth is not None  # noqa: S101 - the caller has labels
    others, count = truth[near], len(truth)
    if sample.task.kind == "regression":
        apart: Array = np.square(others - truth[:, None]).mean(axis=1) / 2
        return apart, float(truth.var(ddof=1))
    shares = np.unique(truth, return_counts=True)[1] / count
    unlike: Array = (others != truth[:, None]).mean(axis=1)
    return unlike, float(1 - np.square(shares).sum()) * count / (count - 1)
