"""From held-out probabilities or scores and outcomes to a calibration, as scikit-learn learns it, and its use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from mlrun.certainty.reliability import logistic_line
from mlrun.errors import DataError
from mlrun.records import Prediction

if TYPE_CHECKING:
    from mlrun.records import Array

Method = Literal["none", "sigmoid", "isotonic", "temperature"]
Reads = Literal["probabilities", "log_odds", "scores"]
Curves = tuple[tuple["Array", ...], ...]
NEAR = float(np.finfo(np.float64).eps)  # how near to 0 and 1 a probability may come before its log-odds are taken
ADDED = 1e-12  # to a probability before its logarithm is scaled, as scikit-learn does


def learn_curves(method: Method, reads: Reads, prediction: Prediction, truth: Array, classes: int) -> Curves:
    """Learn what `calibrated` uses: a curve a class (one for two classes), or one temperature for all."""
    if method == "none":
        return ()
    if method == "temperature":
        return ((np.array([inverse_temperature(logits(prediction, reads), truth)]),),)
    columns = responses(prediction, reads)
    fit = sigmoid_curve if method == "sigmoid" else isotonic_curve
    if columns.shape[1] == 1:
        return (fit(columns[:, 0], truth == 1),)
    return tuple(fit(columns[:, code], truth == code) for code in range(classes))


def calibrated(method: Method, reads: Reads, curves: Curves, prediction: Prediction) -> Array:
    """Return the probabilities of (n,) rows, (n, k); those of many classes are divided by their sum."""
    if method == "none":
        return given_probabilities(prediction)
    if method == "temperature":
        return softmax(float(curves[0][0][0]) * logits(prediction, reads))
    columns = responses(prediction, reads)
    found = np.column_stack([_on_curve(method, curve, columns[:, k]) for k, curve in enumerate(curves)])
    return np.column_stack([1 - found[:, 0], found[:, 0]]) if found.shape[1] == 1 else shares(found)


def given_probabilities(prediction: Prediction) -> Array:
    if prediction.probabilities is None:
        raise DataError("it gives no probabilities, so there is nothing to calibrate or to cut")
    found: Array = prediction.probabilities
    return found


def responses(prediction: Prediction, reads: Reads) -> Array:
    """Return what is calibrated: (n, 1) of the positive class of two, (n, k) for more."""
    if reads == "scores":
        scores = np.asarray(prediction.scores, dtype=np.float64)
        return scores.reshape(-1, 1) if scores.ndim == 1 else scores
    probabilities = given_probabilities(prediction).astype(np.float64)
    if reads == "log_odds":
        rest = probabilities[:, ::-1] if probabilities.shape[1] == 2 else 1 - probabilities
        probabilities = np.log(np.maximum(probabilities, NEAR)) - np.log(np.maximum(rest, NEAR))
    return probabilities[:, 1:] if probabilities.shape[1] == 2 else probabilities


def logits(prediction: Prediction, reads: Reads) -> Array:
    """Return what a temperature divides, (n, k): log probabilities, or scores as they are."""
    if reads != "scores":
        found: Array = np.log(given_probabilities(prediction).astype(np.float64) + ADDED)
        return found
    scores = responses(prediction, reads)
    return np.column_stack([-scores, scores]) if scores.shape[1] == 1 else scores


def sigmoid_curve(x: Array, positive: Array) -> tuple[Array, ...]:
    """Return slope and intercept of P(positive) = 1 / (1 + exp(−(slope · x + intercept))) (Platt 2000).

    x: (n,) scores; positive: (n,) booleans. The targets are drawn in from 0 and 1 by one row each, as Platt's, so that
    there is always an optimum.
    """
    ones, zeros = int(positive.sum()), int((~positive).sum())
    targets = np.where(positive, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    mean = float(targets.mean())
    return (np.array(logistic_line(x, targets) or (0.0, np.log(mean / (1 - mean)))),)


def isotonic_curve(x: Array, positive: Array) -> tuple[Array, ...]:
    """Return the places and values between which the isotonic regression of the outcomes is a straight line."""
    from sklearn.isotonic import IsotonicRegression

    model = IsotonicRegression(out_of_bounds="clip").fit(x, positive.astype(np.float64))
    return np.asarray(model.X_thresholds_), np.asarray(model.y_thresholds_)


def inverse_temperature(raw: Array, truth: Array) -> float:
    """Return the β that minimises the log loss of softmax(β · raw), in [e^−10, e^10] (Guo et al. 2017).

    The loss is convex in β: its slope, mean of Σ_k raw_k p_k less raw of the true class, is brought to 0.
    """
    own = float(raw[np.arange(len(raw)), truth].mean())
    low, high = -10.0, 10.0  # of ln β
    for _ in range(60):
        middle = (low + high) / 2
        expected = float((softmax(np.exp(middle) * raw) * raw).sum(axis=1).mean())
        low, high = (middle, high) if expected < own else (low, middle)
    return float(np.exp((low + high) / 2))


def _on_curve(method: Method, curve: tuple[Array, ...], x: Array) -> Array:
    if method == "isotonic":
        return np.interp(x, curve[0], curve[1])
    slope, intercept = curve[0].tolist()
    found: Array = (1 + np.tanh((slope * x + intercept) / 2)) / 2
    return found


def softmax(raw: Array) -> Array:
    """Return exp(raw) over its sum, a row at a time, (n, k)."""
    found: Array = np.exp(raw - raw.max(axis=1, keepdims=True))
    found /= found.sum(axis=1, keepdims=True)
    return found


def shares(found: Array) -> Array:
    """Return each row over its sum; a row of zeros becomes equal shares."""
    total = found.sum(axis=1, keepdims=True)
    divided: Array = np.where(total > 0, found / np.where(total > 0, total, 1), 1 / found.shape[1])
    return divided
