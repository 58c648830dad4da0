"""Estimators that are a few products of matrices: linear models, naive Bayes, discriminants, networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlrun.graph.writing import CannotWrite, Graph, Rows, Said

ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid", "exp": "Exp"}


def linear_number(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write a linear regression of any kind."""
    return Said(graph.flat(weighted(graph, rows.matrix, estimator.coef_, estimator.intercept_)))


def linear_classes(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write a linear classifier, with probabilities where its kind gives them: logistic for two classes, else softmax.

    Source: sklearn.linear_model.LogisticRegression.predict_proba, LinearDiscriminantAnalysis.predict_proba.
    """
    scores = weighted(graph, rows.matrix, estimator.coef_, estimator.intercept_)
    gives = hasattr(estimator, "predict_proba")
    if len(estimator.classes_) == 2:
        values = graph.positive(scores, estimator.classes_)
        return Said(values, graph.both(graph.node("Sigmoid", scores)) if gives else "", "" if gives else scores)
    values = graph.likeliest(scores, estimator.classes_)
    return Said(values, graph.node("Softmax", scores, axis=1) if gives else "", "" if gives else scores)


def weighted(graph: Graph, matrix: str, coefficients: Any, intercept: Any) -> str:
    """Return (n, k): rows times k rows of coefficients, and the intercepts."""
    transposed = np.asarray(coefficients, dtype=np.float64).reshape(-1, np.shape(coefficients)[-1]).T
    product = graph.node("MatMul", matrix, transposed)
    return graph.node("Add", product, np.asarray(intercept, dtype=np.float64).reshape(-1))


# -- naive Bayes ------------------------------------------------------------------------------------------------------


def from_log_likelihoods(graph: Graph, joint: str, classes: Any) -> Said:
    """Return classes and probabilities of (n, k) joint log-likelihoods."""
    return Said(graph.likeliest(joint, classes), graph.node("Softmax", joint, axis=1))


def gaussian_nb(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write log prior − ½ Σ log 2πσ² − ½ Σ (x − θ)² / σ², a class at a time."""
    found = []
    for prior, mean, variance in zip(estimator.class_prior_, estimator.theta_, estimator.var_, strict=True):
        away = graph.node("Sub", rows.matrix, mean)
        ratio = graph.node("Div", graph.node("Mul", away, away), variance)
        constant = np.log(prior) - 0.5 * np.sum(np.log(2.0 * np.pi * variance))
        half = graph.node("Mul", graph.sum(ratio), np.array(-0.5))
        found.append(graph.node("Add", half, np.array(constant)))
    return from_log_likelihoods(graph, graph.side_by_side(found), estimator.classes_)


def counted_nb(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write multinomial and complement naive Bayes, which are linear in their counts."""
    constant = estimator.class_log_prior_
    if type(estimator).__name__ == "ComplementNB" and len(estimator.classes_) > 1:
        constant = np.zeros(len(estimator.classes_))
    joint = weighted(graph, rows.matrix, estimator.feature_log_prob_, constant)
    return from_log_likelihoods(graph, joint, estimator.classes_)


def bernoulli_nb(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write Bernoulli naive Bayes: what is above its threshold counts as 1."""
    matrix = rows.matrix
    if estimator.binarize is not None:
        above = graph.node("Greater", matrix, np.array(float(estimator.binarize)))
        matrix = graph.cast(above, np.float64)
    absent = np.log(1 - np.exp(estimator.feature_log_prob_))
    constant = estimator.class_log_prior_ + absent.sum(axis=1)
    joint = weighted(graph, matrix, estimator.feature_log_prob_ - absent, constant)
    return from_log_likelihoods(graph, joint, estimator.classes_)


# -- networks ---------------------------------------------------------------------------------------------------------


def network(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write a multilayer perceptron."""
    given = layers(graph, estimator, rows.matrix)
    if not hasattr(estimator, "classes_"):
        return Said(graph.flat(given))
    if len(estimator.classes_) > 2:
        return Said(graph.likeliest(given, estimator.classes_), given)
    above = graph.cast(graph.node("Greater", given, np.array(0.5)), np.int64)  # LabelBinarizer's own threshold
    return Said(graph.classes(graph.flat(above), estimator.classes_), graph.both(given))


def layers(graph: Graph, estimator: Any, matrix: str) -> str:
    """Return what the last layer says, (n, outputs)."""
    last = len(estimator.coefs_) - 1
    for number, (weights, intercepts) in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True)):
        matrix = graph.node("Add", graph.node("MatMul", matrix, weights), intercepts)
        matrix = activated(graph, matrix, estimator.out_activation_ if number == last else estimator.activation)
    return matrix


def activated(graph: Graph, matrix: str, activation: str) -> str:
    """Return a layer's output behind its activation."""
    if activation == "identity":
        return matrix
    if activation not in (*ACTIVATIONS, "softmax"):
        raise CannotWrite(f"its activation '{activation}' is not known here")
    if activation == "softmax":
        return graph.node("Softmax", matrix, axis=1)
    return graph.node(ACTIVATIONS[activation], matrix)


def autoencoder(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write the mean squared error of a network that gives its rows back, (n, 1) scores."""
    away = graph.node("Sub", layers(graph, estimator, rows.matrix), rows.matrix)
    mean = graph.node("Div", graph.sum(graph.node("Mul", away, away)), np.array(float(rows.width)))
    return Said("", scores=mean)


def gaussian_mixture(graph: Graph, estimator: Any, rows: Rows) -> Said:
    """Write minus the log density under a mixture, (n, 1) scores; a component at a time.

    Each covariance is made a full one: log N(x) = −½ (d log 2π + |(x − μ) L|²) + log |L|, L the Cholesky factor of its
    inverse (sklearn.mixture._gaussian_mixture).
    """
    parts = []
    count, width = estimator.means_.shape
    for number, factor in enumerate(cholesky_factors(estimator, count, width)):
        away = graph.node("MatMul", graph.node("Sub", rows.matrix, estimator.means_[number]), factor)
        distance = graph.sum(graph.node("Mul", away, away))
        constant = np.log(np.diag(factor)).sum() - 0.5 * width * np.log(2 * np.pi)
        constant += np.log(estimator.weights_[number])
        half = graph.node("Mul", distance, np.array(-0.5))
        parts.append(graph.node("Add", half, np.array(constant)))
    together = graph.side_by_side(parts)
    return Said("", scores=graph.node("Neg", graph.node("ReduceLogSumExp", together, np.array([1]), keepdims=1)))


def cholesky_factors(estimator: Any, count: int, width: int) -> list[Any]:
    """Return a (d, d) factor a component, whatever kind of covariance was fitted."""
    given, kind = estimator.precisions_cholesky_, estimator.covariance_type
    if kind == "full":
        return list(given)
    if kind == "tied":
        return [given] * count
    return [np.diag(each) if kind == "diag" else np.eye(width) * each for each in given]
