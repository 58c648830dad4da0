"""Risk and coverage against brute force over all orders, closed forms and scikit-learn."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import auc as trapezoid
from sklearn.metrics import roc_auc_score

from mlrun.certainty import selective as told
from mlrun.statistics import wilson

Answers = st.lists(st.tuples(st.sampled_from([0.5, 0.6, 0.8, 0.9]), st.booleans()), min_size=1, max_size=6)


def drawn(rows: int, seed: int = 0) -> tuple[Any, Any]:
    generator = np.random.default_rng(seed)
    confidence = 0.5 + generator.random(rows) / 2
    return confidence, generator.random(rows) > confidence


@given(Answers)
def test_ties_count_as_the_mean_over_their_orders(answers: list[tuple[float, bool]]) -> None:
    orders = [
        order
        for order in itertools.permutations(range(len(answers)))
        if all(answers[a][0] >= answers[b][0] for a, b in itertools.pairwise(order))
    ]
    areas = []
    for order in orders:
        errors = np.cumsum([answers[index][1] for index in order])
        areas.append(float((errors / np.arange(1, len(answers) + 1)).mean()))
    confidence, wrong = (np.array(column) for column in zip(*answers, strict=True))
    assert told.selective(confidence, wrong).aurc == pytest.approx(np.mean(areas), abs=1e-12)


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_the_best_order_has_no_excess(wrong: list[bool]) -> None:
    answers = np.array(wrong)
    assert told.selective(1.0 - answers, answers).e_aurc == pytest.approx(0, abs=1e-12)
    assert told.selective(np.arange(len(answers)), answers).e_aurc >= -1e-12


def test_the_best_area_comes_near_its_closed_form() -> None:
    # Geifman, Uziel & El-Yaniv 2019, equation 6: r + (1 − r) ln(1 − r)
    confidence, wrong = drawn(20_000)
    found, r = told.selective(confidence, wrong), float(wrong.mean())
    assert found.aurc - found.e_aurc == pytest.approx(r + (1 - r) * math.log(1 - r), abs=1e-4)


@pytest.mark.parametrize("rounded", [False, True])
def test_the_generalised_area_follows_from_auroc_and_accuracy(*, rounded: bool) -> None:
    # Traub et al. 2024, equation 8: AUGRC = (1 − AUROC) · acc · (1 − acc) + (1 − acc)² / 2
    confidence, wrong = drawn(400)
    confidence = np.round(confidence, 1) if rounded else confidence
    found, accuracy = told.selective(confidence, wrong), 1 - float(wrong.mean())
    expected = (1 - found.auroc) * accuracy * (1 - accuracy) + (1 - accuracy) ** 2 / 2
    assert found.augrc == pytest.approx(expected, abs=1e-12)


def test_auroc_of_confidence_is_scikit_learns_with_delongs_interval() -> None:
    confidence, wrong = drawn(400)
    found = told.selective(confidence, wrong)
    assert found.auroc == pytest.approx(roc_auc_score(~wrong, confidence), abs=1e-12)
    right, bad = confidence[~wrong], confidence[wrong]  # DeLong et al. 1988, equation 5, row by row
    v10 = [float((value > bad).mean() + (value == bad).mean() / 2) for value in right]
    v01 = [float((right > value).mean() + (right == value).mean() / 2) for value in bad]
    error = math.sqrt(np.var(v10, ddof=1) / len(v10) + np.var(v01, ddof=1) / len(v01))
    assert found.low == pytest.approx(found.auroc - norm.ppf(0.975) * error, abs=1e-10)
    assert found.high == pytest.approx(found.auroc + norm.ppf(0.975) * error, abs=1e-10)


def test_without_errors_there_is_no_auroc_and_no_risk() -> None:
    found = told.selective(np.array([0.9, 0.8]), np.array([False, False]))
    assert (found.aurc, found.e_aurc, found.augrc) == (0, 0, 0)
    assert math.isnan(found.auroc)
    assert math.isnan(found.low)
    assert told.selective(np.array([0.9, 0.8]), np.array([False, True])).auroc == 1


def test_the_curve_ends_at_the_error_of_all_rows_and_keeps_at_most_101_points() -> None:
    confidence, wrong = drawn(5000)
    found = told.selective(confidence, wrong)
    assert len(found.curve) == 101
    assert found.curve[-1] == pytest.approx((1.0, float(wrong.mean())))
    coverage, risk = zip(*found.curve, strict=True)
    assert trapezoid(coverage, risk) == pytest.approx(found.aurc, abs=0.01)


@given(Answers, st.floats(0, 1))
def test_no_lower_threshold_keeps_the_target_risk(answers: list[tuple[float, bool]], target: float) -> None:
    confidence, wrong = (np.array(column) for column in zip(*answers, strict=True))
    found = told.threshold_for(confidence, wrong, target)
    kept = [
        cut for cut in set(confidence.tolist()) if wrong[confidence >= cut].sum() <= target * (confidence >= cut).sum()
    ]
    assert found == min(kept, default=math.inf)


def test_what_is_answered_is_reported_with_wilsons_upper_end() -> None:
    confidence, wrong = np.array([0.9, 0.9, 0.8, 0.6]), np.array([False, True, False, True])
    found = told.answered_from(confidence, wrong, 0.8)
    assert (found.coverage, found.risk) == pytest.approx((0.75, 1 / 3))
    assert found.risk_high == wilson(1, 3)[1]
    nothing = told.answered_from(confidence, wrong, math.inf)
    assert (nothing.coverage, nothing.risk_high) == (0, 1)


def test_a_threshold_chosen_on_other_rows_keeps_the_risk_near_its_target() -> None:
    risks = []
    for seed in range(30):
        chosen = told.threshold_for(*drawn(2000, seed), 0.1)
        risks.append(told.answered_from(*drawn(2000, seed + 1000), chosen).risk)
    assert np.mean(risks) == pytest.approx(0.1, abs=0.01)
