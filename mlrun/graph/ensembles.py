"""Estimators made of others: bags, boosts, votes, stacks, and a member with a preparation of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from mlrun.graph.columns import prepared
from mlrun.graph.writing import CannotWrite, Graph, Rows, Said
from mlrun.prepare import Preparation

Say = Callable[[Graph, Any, Rows], Said]  # what writes any estimator: graph.estimators.say


def pipeline(graph: Graph, estimator: Any, rows: Rows, say: Say) -> Said:
    """Write a member that prepares the columns for itself."""
    return say(graph, estimator.estimator_, prepared(graph, Preparation.restore(estimator.preparation_), rows))


def bag(graph: Graph, estimator: Any, rows: Rows, say: Say) -> Said:
    """Write the mean of members that saw some of the columns each; members without probabilities vote."""
    said = [
        (member, say(graph, member, replace(rows, matrix=graph.columns(rows.matrix, features), width=len(features))))
        for member, features in zip(estimator.estimators_, estimator.estimators_features_, strict=True)
    ]
    count = np.array(float(len(said)))
    if not hasattr(estimator, "classes_"):
        return Said(graph.node("Div", graph.total([each.values for _, each in said]), count))
    classes = len(estimator.classes_)
    parts = [
        all_classes(graph, each.probabilities, member.classes_, classes)
        if each.probabilities
        else graph.node("Gather", np.eye(classes), each.values)
        for member, each in said
    ]
    probabilities = graph.node("Div", graph.total(parts), count)
    return Said(graph.likeliest(probabilities, estimator.classes_), probabilities)


def all_classes(graph: Graph, probabilities: str, codes: Any, count: int) -> str:
    """Return (n, count) probabilities; a class that an estimator never saw has 0."""
    if list(codes) == list(range(count)):
        return probabilities
    return graph.node("MatMul", probabilities, np.eye(count)[np.asarray(codes, dtype=np.int64)])


# -- AdaBoost ---------------------------------------------------------------------------------------------------------


def boosted_classes(graph: Graph, estimator: Any, rows: Rows, say: Say) -> Said:
    """Write the weighted votes of SAMME (Zhu et al. 2009): sklearn.ensemble.AdaBoostClassifier."""
    count = len(estimator.classes_)
    weights = np.asarray(estimator.estimator_weights_[: len(estimator.estimators_)], dtype=np.float64)
    votes = (np.eye(count) * (1 + 1 / (count - 1))) - 1 / (count - 1)  # 1 for the class that is said, −1/(k−1) else
    parts = [
        graph.node("Gather", votes * weight, say(graph, member, rows).values)
        for member, weight in zip(estimator.estimators_, weights, strict=True)
    ]
    scores = graph.node("Div", graph.total(parts), np.array(estimator.estimator_weights_.sum()))
    if count == 2:
        turned = graph.node("MatMul", scores, np.array([[-1.0], [1.0]]))
        return Said(graph.positive(turned, estimator.classes_), graph.both(graph.node("Sigmoid", turned)))
    shared = graph.node("Div", scores, np.array(count - 1.0))
    return Said(graph.likeliest(scores, estimator.classes_), graph.node("Softmax", shared, axis=1))


def boosted_number(graph: Graph, estimator: Any, rows: Rows, say: Say) -> Said:
    """Write the weighted median of the members: sklearn.ensemble.AdaBoostRegressor."""
    said = [graph.column(say(graph, member, rows).values) for member in estimator.estimators_]
    weights = np.asarray(estimator.estimator_weights_[: len(said)], dtype=np.float64)
    together = graph.side_by_side(said)
    ordered, order = graph.node_of("TopK", 2, together, np.array([len(said)]), axis=1, largest=0, sorted=1)
    below = graph.node("CumSum", graph.node("Gather", weights, order), np.array(1))
    half = graph.node("Mul", graph.columns(below, [len(said) - 1]), np.array(0.5))
    reached = graph.cast(graph.node("GreaterOrEqual", below, half), np.int64)
    place = graph.node("ArgMax", reached, axis=1, keepdims=1)
    return Said(graph.flat(graph.node("GatherElements", ordered, place, axis=1)))


# -- voting and stacking ----------------------------------------------------------------------------------------------


def vote_classes(graph: Graph, estimator: Any, rows: Rows, say: Say) -> Said:
    """Write votes counted, or probabilities averaged."""
    said = [say(graph, member, rows) for member in estimator.members_]
    weights = estimator.weights or [1.0] * len(said)
    if estimator.voting == "soft":
        if not all(each.probabilities for each in said):
            raise CannotWrite("a member gives no probabilities")
        parts = [
            graph.node("Mul", each.probabilities, np.array(float(w))) for each, w in zip(said, weights, strict=True)
        ]
        mean = graph.node("Div", graph.total(parts), np.array(float(sum(weights))))
        return Said(graph.likeliest(mean, estimator.classes_), mean)
    count = int(estimator.classes_.max()) + 1
    parts = [graph.node("Gather", np.eye(count) * float(w), each.values) for each, w in zip(said, weights, strict=True)]
    return Said(graph.likeliest(graph.total(parts), np.arange(count)))


def vote_number(graph: Graph, estimator: Any, rows: Rows, say: Say) -> Said:
    """Write the weighted mean of the members."""
    weights = estimator.weights or [1.0] * len(estimator.members_)
    parts = [
        graph.node("Mul", say(graph, member, rows).values, np.array(float(weight)))
        for member, weight in zip(estimator.members_, weights, strict=True)
    ]
    return Said(graph.node("Div", graph.total(parts), np.array(float(sum(weights)))))


def stack(graph: Graph, estimator: Any, rows: Rows, say: Say) -> Said:
    """Write an estimator on what the members say: sklearn.ensemble.StackingClassifier and StackingRegressor."""
    if estimator.passthrough:
        raise CannotWrite("its last model sees the columns too (`passthrough`)")
    parts, width = [], 0
    for member, method in zip(estimator.estimators_, estimator.stack_method_, strict=True):
        part, columns = passed_on(graph, say(graph, member, rows), member, method)
        parts.append(part)
        width += columns
    said = say(graph, estimator.final_estimator_, Rows({}, matrix=graph.side_by_side(parts), width=width))
    if not hasattr(estimator, "classes_"):
        return said
    return replace(said, values=graph.classes(said.values, estimator.classes_))


def passed_on(graph: Graph, said: Said, member: Any, method: str) -> tuple[str, int]:
    """Return what a member hands to the last model, and in how many columns; of two probabilities the second."""
    if method == "predict_proba":
        count = len(member.classes_)
        return (graph.columns(said.probabilities, [1]), 1) if count == 2 else (said.probabilities, count)
    if method == "decision_function":
        count = len(member.classes_)
        return said.scores, 1 if count == 2 else count
    values = said.values if not hasattr(member, "classes_") else graph.cast(said.values, np.float64)
    return graph.column(values), 1
