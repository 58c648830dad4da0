"""Ensembles explained: how alike their members' mistakes are, and what they gain over the best of them."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from fitted_subjects import changed, context_of, dataset_of, found, halves
from hypothesis import given
from hypothesis import strategies as some

from mlrun.check_contracts import Context
from mlrun.checks.ensembles import ENTRY
from mlrun.member_errors import averaged_rmse, correlation, majority_accuracy


def committee(**changes: Any) -> Context:
    """Return three classifiers of noisy moons and their vote."""
    from sklearn.datasets import make_moons
    from sklearn.ensemble import VotingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.tree import DecisionTreeClassifier

    features, truth = make_moons(600, noise=0.35, random_state=0)
    train, test = halves(600)
    tree = DecisionTreeClassifier(max_depth=5, random_state=0)
    members = {"linear": LogisticRegression(), "bayes": GaussianNB(), "tree": tree}
    vote = VotingClassifier(list(members.items()), voting="soft")
    names = {"vote": tuple(members)}
    return context_of(dataset_of(features, truth), train, test, {**members, "vote": vote}, members=names, **changes)


def test_three_independent_voters_at_70_percent_reach_78() -> None:
    assert majority_accuracy([0.7, 0.7, 0.7]) == pytest.approx(0.784, abs=1e-12)  # spec.md, section 11


def test_a_majority_is_what_scipys_binomial_says() -> None:
    from scipy.stats import binom

    for voters in (1, 5, 11):
        assert majority_accuracy([0.6] * voters) == pytest.approx(binom.sf(voters // 2, voters, 0.6), abs=1e-12)


@given(some.lists(some.floats(0, 1), min_size=1, max_size=6))
def test_a_majority_is_the_sum_over_all_outcomes(accuracies: list[float]) -> None:
    total = 0.0
    for right in product([0, 1], repeat=len(accuracies)):
        chance = math.prod([a if hit else 1 - a for a, hit in zip(accuracies, right, strict=True)])
        votes = sum(right) - len(accuracies) / 2
        total += chance * (1.0 if votes > 0 else 0.5 if votes == 0 else 0.0)
    assert majority_accuracy(accuracies) == pytest.approx(total, abs=1e-9)


def test_the_correlation_of_mistakes_is_phi() -> None:
    from sklearn.metrics import matthews_corrcoef

    draw = np.random.default_rng(0)
    one, other = draw.integers(0, 2, 200), draw.integers(0, 2, 200)
    assert correlation(one.astype(float), other.astype(float)) == pytest.approx(
        matthews_corrcoef(one, other), abs=1e-12
    )
    assert correlation(np.ones(5), np.arange(5.0)) is None


def test_uncorrelated_residuals_average_out() -> None:
    draw = np.random.default_rng(0)
    residuals = [draw.normal(size=200_000) for _ in range(4)]
    together = float(np.sqrt(np.mean(np.square(np.mean(residuals, axis=0)))))
    assert averaged_rmse(residuals) == pytest.approx(together, rel=0.01)  # 1 / √4


def test_an_ensemble_is_held_against_its_best_member_of_the_folds() -> None:
    context = committee(metric="accuracy")
    told = found(ENTRY, context, "vote")[0]
    assert told.status == "info"
    assert {frozenset(pair[:2]) for pair in told.details["pairs"]} == set(
        map(frozenset, combinations(("linear", "bayes", "tree"), 2))
    )
    test, truth = context.subject("vote").test, context.truth
    assert test is not None
    assert truth is not None
    assert told.details["accuracy"] == pytest.approx((test.values == truth).mean())
    best = context.subject(told.details["best_member"]).test
    assert best is not None
    assert told.value == pytest.approx((test.values == truth).mean() - (best.values == truth).mean())
    assert told.low is not None
    assert told.high is not None
    assert told.low <= told.details["gain"] <= told.high
    assert told.details["accuracy_if_independent"] > 0.9
    assert "linear" in told.reason or "tree" in told.reason or "bayes" in told.reason


def test_the_best_member_is_chosen_on_folds_and_not_on_test() -> None:
    context = committee(metric="log_loss")
    losses = {"linear": 0.9, "bayes": 0.1, "tree": 0.5, "vote": 0.05}
    subjects = tuple(replace(subject, cv={"log_loss": losses[subject.name]}) for subject in context.subjects)
    assert found(ENTRY, changed(context, subjects=subjects), "vote")[0].details["best_member"] == "bayes"


def test_a_loss_that_falls_is_a_gain() -> None:
    context = committee(metric="log_loss")
    told = found(ENTRY, context, "vote")[0]
    truth, rows = context.truth, np.arange(len(context.rows))

    def loss(name: str) -> float:
        prediction = context.subject(name).test
        assert prediction is not None
        assert prediction.probabilities is not None
        return float(-np.log(np.clip(prediction.probabilities[rows, truth], 1e-15, 1)).mean())

    assert told.value == pytest.approx(loss(told.details["best_member"]) - loss("vote"), abs=1e-8)


def test_other_models_say_nothing() -> None:
    context = committee()
    assert found(ENTRY, context, "tree") == []
    alone = changed(context, subjects=(context.subject("vote"),))
    assert [finding.status for finding in found(ENTRY, alone, "vote")] == ["not_run"]
    assert ENTRY.automatic(context) == ({},)
    assert ENTRY.automatic(changed(context, subjects=(context.subject("tree"),))) == ()


def test_residuals_of_a_regression_are_correlated_too() -> None:
    from sklearn.ensemble import VotingRegressor
    from sklearn.linear_model import LinearRegression
    from sklearn.tree import DecisionTreeRegressor

    draw = np.random.default_rng(0)
    features = draw.normal(size=(400, 3))
    members = {"linear": LinearRegression(), "tree": DecisionTreeRegressor(max_depth=4, random_state=0)}
    models = {**members, "vote": VotingRegressor(list(members.items()))}
    train, test = halves(400)
    dataset = dataset_of(features, features[:, 0] + draw.normal(size=400))
    context = context_of(dataset, train, test, models, members={"vote": ("linear", "tree")})
    told = found(ENTRY, context, "vote")[0]
    residuals = [context.truth - context.subject(name).test.values for name in members]  # type: ignore[union-attr]  # both are there
    assert told.details["pairs"][0][2] == pytest.approx(np.corrcoef(residuals)[0, 1])
    assert told.details["accuracy_if_independent"] is None
    assert told.details["rmse_if_independent"] < np.sqrt(np.mean(np.square(residuals[0])))
