"""Whether features go their own ways inside each class: what naive Bayes multiplies as if they did."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from mlrun.assumption.judgement import ALPHA, Judgement, not_applicable
from mlrun.assumption.sample import classes_of

if TYPE_CHECKING:
    from mlrun.assumption.judgement import Word
    from mlrun.assumption.sample import Sample
    from mlrun.records import Array

STRAINED, VIOLATED = 0.1, 0.25  # mean |rank correlation| inside classes
DEARER, MUCH_DEARER = 1.1, 1.5  # log loss of naive Bayes over that of LDA, which knows correlations
FEWEST, MOST_COLUMNS = 20, 200
CONSEQUENCES = {
    "": "it counts the same evidence more than once, so its probabilities lie too near 0 and 1: calibrate them; "
    "the order of rows may still be good"
}


def judge(sample: Sample) -> Judgement:
    """Judge the mean |rank correlation| of features inside classes, and what it costs naive Bayes.

    The statistic is the total correlation −½ log det R (Watanabe 1960) in Bartlett's test (1951); the material effect
    is the correlation, and for numbers the log loss of naive Bayes over that of LDA.
    """
    numbers = sample.numbers > 1
    features = sample.numeric if numbers else sample.features
    features = features[:, np.ptp(features, axis=0) > 0][:, :MOST_COLUMNS]
    if sample.truth is None or features.shape[1] < 2:
        return not_applicable("there are no labels" if sample.truth is None else "there is only one feature")
    parts = [ranked(features[rows]) for rows in classes_of(sample) if len(rows) >= FEWEST]
    if not parts:
        return not_applicable(f"no class has {FEWEST} rows")
    weights = [float(rows) for _, rows in parts]
    mean = float(np.average([mean_correlation(matrix) for matrix, _ in parts], weights=weights))
    p_value = independence_p(parts)
    ratio = loss_ratio(features, sample) if numbers else None
    cost = "" if ratio is None else f"; naive Bayes' log loss is {ratio:.1f} times that of LDA"
    told = f"inside classes features correlate by {mean:.2f} on average{cost}"
    return Judgement(word_of(mean, ratio, p_value), "mean |rank correlation| inside classes", mean, told, p_value)


def word_of(mean: float, ratio: float | None, p_value: float) -> Word:
    """Return the word: chance ruled out, and either the correlation or its price is large."""
    if p_value >= ALPHA:
        return "ok"
    if (mean > VIOLATED and (ratio is None or ratio > DEARER)) or (mean > STRAINED and (ratio or 0.0) > MUCH_DEARER):
        return "violated"
    return "strained" if mean > STRAINED and (ratio is None or ratio > DEARER) else "ok"


def ranked(features: Array) -> tuple[Array, int]:
    """Return the rank correlations of the columns that vary, and the number of rows."""
    from scipy.stats import rankdata

    varied = features[:, np.ptp(features, axis=0) > 0]
    if varied.shape[1] < 2:
        return np.eye(1), len(features)
    found: Array = np.corrcoef(rankdata(varied, axis=0), rowvar=False)
    return found, len(features)


def mean_correlation(matrix: Array) -> float:
    above = np.triu_indices(len(matrix), 1)
    return float(np.abs(matrix[above]).mean()) if len(matrix) > 1 else 0.0


def total_correlation(matrix: Array) -> float:
    """Return −½ log det R in nats; inf where one column follows from the others."""
    sign, logarithm = np.linalg.slogdet(matrix)
    return float(-logarithm / 2) if sign > 0 else float("inf")


def independence_p(parts: list[tuple[Array, int]]) -> float:
    """Return the p-value of Bartlett's test of sphericity over the classes: Σ −(n − 1 − (2d + 5)/6) log det R is χ²."""
    from scipy.special import chdtrc

    statistic, df = 0.0, 0.0
    for matrix, rows in parts:
        size = len(matrix)
        if rows - 1 > size:  # else the determinant is 0 by counting alone
            statistic += max(0.0, rows - 1 - (2 * size + 5) / 6) * 2 * total_correlation(matrix)
            df += size * (size - 1) / 2
    return float(chdtrc(df, min(statistic, 1e12))) if df else 1.0


def loss_ratio(features: Array, sample: Sample) -> float | None:
    """Return the held-out log loss of Gaussian naive Bayes over that of LDA; None where a class is too small."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.naive_bayes import GaussianNB

    truth, fold = sample.truth, sample.folds(5)
    assert truth is not None  # noqa: S101 - the caller has labels
    counts = [len(rows) for rows in classes_of(sample)]
    if len(counts) < 2 or min(counts) < FEWEST:
        return None
    losses = []
    with warnings.catch_warnings():  # of columns that follow from others, which is what is measured
        warnings.simplefilter("ignore")
        for model in (GaussianNB(), LinearDiscriminantAnalysis()):
            total = 0.0
            for index in range(5):
                fitted = model.fit(features[fold != index], truth[fold != index])
                likely = fitted.predict_proba(features[fold == index])
                column = np.searchsorted(fitted.classes_, truth[fold == index])
                total -= float(np.log(np.clip(likely[np.arange(len(column)), column], 1e-15, 1)).sum())
            losses.append(total / len(truth))
    return losses[0] / max(losses[1], 1e-6)
