"""Whether straight boundaries between classes are enough, or curved ones make a linear model better."""

from __future__ import annotations

import warnings
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from mlrun import statistics
from mlrun.assumption.judgement import ALPHA, Judgement, not_applicable, word_above

if TYPE_CHECKING:
    from mlrun.assumption.sample import Sample
    from mlrun.contracts import Estimator
    from mlrun.records import Array

ROWS, FOLDS, FEWEST = 2000, 3, 60
CURVED, KNOTS = 10, 4  # numbers that are bent and multiplied: those that weigh most
STRENGTHS = (100.0, 1.0)  # C of the linear model, the better of which counts; the last is that of the bent one
STRAINED, VIOLATED = 0.02, 0.1
CONSEQUENCES = {"": "it misses what bends: add products or powers of features, or use a model that bends by itself"}


def judge(sample: Sample) -> Judgement:
    """Judge by how much splines and products lower the held-out log loss of logistic regression; a paired t-test."""
    if sample.task.kind == "regression":
        return not_applicable("it is for classes")
    if sample.truth is None or sample.numbers == 0:
        return not_applicable("there are no labels" if sample.truth is None else "no feature is a number")
    sample = sample.first(ROWS)
    truth: Array = sample.truth  # type: ignore[assignment]  # as the sample that it was drawn from
    counts = np.unique(truth, return_counts=True)[1]
    if len(counts) < 2 or counts.min() < FOLDS or len(truth) < FEWEST:
        return not_applicable("there is one class only, or one has too few rows")
    straight, bent = held_out_losses(sample, truth)
    gain = float((straight - bent).mean()) / float(straight.mean())
    p_value = statistics.one_sided(statistics.mean_interval(straight - bent)[2], gain)
    told = f"curved boundaries change the log loss by {-gain:+.0%}"
    return Judgement(word_above(gain, STRAINED, VIOLATED, p_value < ALPHA), "gain in log loss", gain, told, p_value)


def held_out_losses(sample: Sample, truth: Array) -> tuple[Array, Array]:
    """Return the log loss of each row by a linear model and by one on bent features, (n,) each."""
    fold = sample.folds(FOLDS)
    straight, bent = np.empty((len(STRENGTHS), len(truth))), np.empty(len(truth))
    for index in range(FOLDS):
        inside, outside = fold != index, fold == index
        seen, asked = sample.features[inside], sample.features[outside]
        for place, strength in enumerate(STRENGTHS):
            model = fitted(seen, truth[inside], strength)
            straight[place, outside] = losses(model, asked, truth[outside])
        heavy = np.argsort(-np.abs(model.coef_[:, : sample.numbers]).sum(axis=0), kind="stable")[:CURVED]
        seen, asked = bend(sample, inside, outside, heavy)
        bent[outside] = losses(fitted(seen, truth[inside], STRENGTHS[-1]), asked, truth[outside])
    return straight[straight.mean(axis=1).argmin()], bent


def bend(sample: Sample, inside: Array, outside: Array, heavy: Array) -> tuple[Array, Array]:
    """Return the features of both parts with splines and products of the heavy numbers added, all scaled."""
    from sklearn.preprocessing import SplineTransformer

    numbers = sample.numeric[:, heavy]
    splines = SplineTransformer(KNOTS, knots="quantile", extrapolation="linear", include_bias=False)
    with warnings.catch_warnings():  # of knots that fall on the same value, where there are few
        warnings.simplefilter("ignore")
        splines.fit(numbers[inside])
    products = [numbers[:, one] * numbers[:, other] for one, other in combinations(range(numbers.shape[1]), 2)]
    added = np.column_stack([splines.transform(numbers), *products])
    middle, spread = added[inside].mean(axis=0), added[inside].std(axis=0)
    added = (added - middle) / np.where(spread > 1e-9, spread, 1.0)
    whole = np.hstack([sample.features, added])
    return whole[inside], whole[outside]


def fitted(features: Array, truth: Array, strength: float) -> Estimator:
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():  # of a fit that is not quite at its end, which changes no verdict here
        warnings.simplefilter("ignore")
        return LogisticRegression(C=strength, max_iter=200, tol=1e-3).fit(features, truth)


def losses(model: Estimator, features: Array, truth: Array) -> Array:
    """Return the log loss of each row, (n,)."""
    column = np.searchsorted(model.classes_, truth)
    likely = model.predict_proba(features)[np.arange(len(column)), column]
    found: Array = -np.log(np.clip(likely, 1e-15, 1))
    return found
