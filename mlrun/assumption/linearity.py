"""Whether a number depends on features in straight lines, or a forest can predict what a linear model leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlrun import statistics
from mlrun.assumption.judgement import ALPHA, Judgement, not_applicable, word_above
from mlrun.assumption.linear import held_out

if TYPE_CHECKING:
    from mlrun.assumption.sample import Sample

ROWS, TREES, FEWEST = 3000, 60, 50
STRAINED, VIOLATED = 0.02, 0.1
CONSEQUENCES = {"": "it misses what bends: add products or powers of features, or use a model that bends by itself"}


def judge(sample: Sample) -> Judgement:
    """Judge the R² of a forest, out of the bag, on the held-out residuals of linear regression; a paired t-test.

    It sees any shape, unlike Ramsey's RESET, which misses y + 20x².
    """
    if sample.task.kind != "regression":
        return not_applicable("it is for numbers")
    sample = sample.first(ROWS)
    truth = sample.truth
    if truth is None or len(truth) < FEWEST:
        return not_applicable(f"there are fewer than {FEWEST} rows")
    from sklearn.ensemble import RandomForestRegressor

    residuals = truth - held_out(sample.features, truth[:, None], sample.folds(5))[:, 0]
    around = residuals - residuals.mean()
    if float(np.square(around).sum()) <= 1e-20 * max(1.0, float(np.square(truth - truth.mean()).sum())):
        return Judgement("ok", "R² of a forest on the residuals", 0.0, "a linear model is exact")
    forest = RandomForestRegressor(
        TREES, min_samples_leaf=3, max_features=0.5, oob_score=True, random_state=sample.seed % 2**32
    )
    left = residuals - forest.fit(sample.features, residuals).oob_prediction_
    r2 = 1 - float(np.square(left).sum()) / float(np.square(around).sum())
    p_value = statistics.one_sided(statistics.mean_interval(np.square(around) - np.square(left))[2], r2)
    told = f"a forest explains {max(0.0, r2):.0%} of what a linear model leaves"
    word = word_above(r2, STRAINED, VIOLATED, p_value < ALPHA)
    return Judgement(word, "R² of a forest on the residuals", r2, told, p_value)
