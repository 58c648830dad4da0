"""Whether features are normal inside each class, or residuals of a linear regression are."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from mlrun import statistics
from mlrun.assumption.judgement import Judgement, not_applicable
from mlrun.assumption.linear import held_out
from mlrun.assumption.sample import classes_of

if TYPE_CHECKING:
    from mlrun.assumption.judgement import Word
    from mlrun.assumption.sample import Sample
    from mlrun.records import Array

ALPHA, NEAR_NORMAL, FAR_FROM_NORMAL = 0.05, 0.97, 0.9  # of Shapiro and Wilk's W
STRAINED, VIOLATED = 0.1, 0.5  # share of cells
FEWEST, MOST_COLUMNS = 8, 200
CONSEQUENCES = {
    "": "its probabilities are off: calibrate them, or transform skewed features",
    "gaussian_nb": "its probabilities are off, and often near 0 or 1: calibrate them, or transform skewed features",
    "lda": "its boundary is no longer the best linear one, and its probabilities are off: try logistic_regression",
    "linear_regression": "intervals around its predictions are wrong; the predictions themselves may be fine",
    "gaussian_mixture": "its densities are off: a rank of anomalies may hold, a probability does not",
}


def judge(sample: Sample) -> Judgement:
    """Judge the share of cells (class × number) that are not normal by Shapiro and Wilk's test, Holm, and W < 0.97.

    In a regression there is one cell: the held-out residuals of a linear model.
    """
    if sample.task.kind == "regression":
        return judge_residuals(sample)
    if sample.truth is None:
        return not_applicable("there are no labels, so it is not known which rows form one bell")
    tested = [
        shapiro(sample.numeric[rows, column])
        for rows in classes_of(sample)
        for column in range(min(MOST_COLUMNS, sample.numbers))
        if len(rows) >= FEWEST and np.ptp(sample.numeric[rows, column]) > 0
    ]
    if not tested:
        return not_applicable("no feature is a number with more than two values in classes of 8 rows")
    adjusted = statistics.holm([p_value for _, p_value in tested])
    off = [w < NEAR_NORMAL and p_value < ALPHA for (w, _), p_value in zip(tested, adjusted, strict=True)]
    share = sum(off) / len(off)
    word: Word = "violated" if share > VIOLATED else "strained" if share > STRAINED else "ok"
    told = f"{share:.0%} of the cells class × feature are not normal"
    return Judgement(word, "share of cells that are not normal", share, told)


def judge_residuals(sample: Sample) -> Judgement:
    truth = sample.truth
    if truth is None or len(truth) < 2 * FEWEST:
        return not_applicable("there are too few rows")
    residuals = truth - held_out(sample.features, truth[:, None], sample.folds(5))[:, 0]
    if np.ptp(residuals) == 0:
        return not_applicable("a linear model is exact")
    w, p_value = shapiro(residuals)
    speaks = p_value < ALPHA and w < NEAR_NORMAL
    word: Word = "ok" if not speaks else "violated" if w < FAR_FROM_NORMAL else "strained"
    return Judgement(word, "Shapiro–Wilk W of residuals", w, f"W of the residuals is {w:.3f}", p_value)


def shapiro(values: Array) -> tuple[float, float]:
    """Return Shapiro and Wilk's W (1965) and its p-value; W is 1 for a normal sample."""
    from scipy.stats import shapiro as test

    with warnings.catch_warnings():  # of ranges and sizes for which the p-value is only near, which will do
        warnings.simplefilter("ignore", UserWarning)
        w, p_value = test(values)
    return float(w), float(p_value)
