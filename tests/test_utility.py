"""What answers are worth: row by row, against others, and with the rows that are left to people."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import confusion_matrix

from mlrun.judgement.utility import (
    choose_deferral,
    confidence_of,
    deferred,
    gain,
    people_of,
    worth_by_costs,
    worth_by_outcome,
    worth_by_rightness,
)
from mlrun.records import Difference, Prediction, Task
from mlrun.weighing import chance_above, rows_more, rows_needed

RNG = np.random.default_rng(0)
UTILITY = {"tp": 1.0, "fp": -0.4, "tn": 0.1, "fn": -1.0, "defer": -0.1}


def test_a_models_worth_is_the_confusion_matrix_times_the_utilities() -> None:
    truth, answers = RNG.integers(0, 2, 500), RNG.integers(0, 2, 500)
    (tn, fp), (fn, tp) = confusion_matrix(truth, answers)  # scikit-learn's
    expected = tp * 1.0 + fp * -0.4 + tn * 0.1 + fn * -1.0
    assert worth_by_outcome(UTILITY).of(truth, answers).sum() == pytest.approx(expected, abs=1e-9)


def test_costs_are_utilities_below_nothing() -> None:
    worth = worth_by_costs({"false_negative": 50.0, "false_positive": 1.0})
    assert worth.of(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])).tolist() == [0.0, -1.0, -50.0, 0.0]
    assert worth.defer is None


def test_a_gain_is_scipys_paired_t() -> None:
    mine, other = RNG.normal(0.1, 1, 200), RNG.normal(0, 1, 200)
    found, theirs = gain(mine, other), stats.ttest_rel(mine, other)
    interval = theirs.confidence_interval(0.95)
    assert found.difference == pytest.approx(float((mine - other).mean()), abs=1e-12)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-10)
    assert found.p_value == pytest.approx(theirs.pvalue, abs=1e-10)


def test_people_are_right_as_often_as_they_are_said_to_be() -> None:
    worth, truth = worth_by_outcome(UTILITY), np.array([0, 1])
    expected = [0.9 * 0.1 + 0.1 * -0.4 - 0.05, 0.9 * 1.0 + 0.1 * -1.0 - 0.05]
    assert people_of(worth, truth, 0.9, 0.05) == pytest.approx(expected)
    of_three = people_of(worth_by_rightness(Task("classification", ("a", "b", "c"))), np.array([0, 1, 2]), 0.7, 0.0)
    assert of_three == pytest.approx([0.7, 0.7, 0.7])


def test_confidence_is_the_largest_probability() -> None:
    p = np.array([[0.2, 0.8], [0.6, 0.4]])
    assert confidence_of(Prediction(p.argmax(axis=1), p)) == pytest.approx([0.8, 0.6])
    assert confidence_of(Prediction(p.argmax(axis=1))) is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-2, 2), st.sampled_from([0.5, 0.6, 0.7, 0.8, 0.9])), min_size=1, max_size=30),
    st.floats(-2, 2),
)
def test_no_other_cut_is_worth_more_than_the_one_that_is_chosen(rows: list[tuple[float, float]], defer: float) -> None:
    worths, sure = np.array([worth for worth, _ in rows]), np.array([confidence for _, confidence in rows])
    rule = choose_deferral(worths, sure, defer)
    every = [deferred(worths, sure, type(rule)(cut, 0, 0), defer).mean() for cut in (0.5, 0.6, 0.7, 0.8, 0.9, math.inf)]
    assert rule.worth == pytest.approx(max(every), abs=1e-9)
    assert deferred(worths, sure, rule, defer).mean() == pytest.approx(rule.worth, abs=1e-9)
    assert rule.coverage == pytest.approx(float(np.mean(sure >= rule.threshold)))


def test_a_model_below_people_is_useful_where_it_is_sure() -> None:
    # people are right in 95 % for .1 a row: .85. The model is right in 80 % of all rows, in 99 % of the surer half.
    sure = np.tile([0.99, 0.61], 500)
    right = (RNG.random(1000) < sure).astype(float)
    rule = choose_deferral(right, sure, 0.85)
    assert rule.threshold == pytest.approx(0.99)
    assert right.mean() < 0.85 < deferred(right, sure, rule, 0.85).mean()


def test_chance_and_rows_are_those_of_a_normal_estimate() -> None:
    found = Difference(0.02, 0.02 - 1.959963984540054 * 0.015, 0.02 + 1.959963984540054 * 0.015)
    assert chance_above(found, 0.0, 0.95) == pytest.approx(stats.norm.cdf(0.02 / 0.015), abs=1e-9)
    assert chance_above(found, 0.005, 0.95) == pytest.approx(stats.norm.cdf(0.015 / 0.015), abs=1e-9)
    wanted = 1000 * ((1.959963984540054 * 0.015 / 0.02) ** 2 - 1)  # n·(reach / estimate)² rows in all
    more = rows_more(found, 1000, 0.95)
    assert more is not None
    assert wanted <= more <= 1.1 * wanted
    scaled = 0.015 * math.sqrt(1000 / (1000 + more))
    assert 0.02 - 1.959963984540054 * scaled >= 0


def test_where_no_rows_would_do_none_are_promised() -> None:
    assert rows_more(Difference(0.0, -0.1, 0.1), 100, 0.95) is None
    assert rows_more(Difference(1e-9, -0.1, 0.1), 100, 0.95) is None
    assert rows_more(Difference(0.1), 100, 0.95) is None
    assert rows_needed(Difference(0.0, -0.1, 0.1), 100, 0.95) == "more rows would hardly settle it"
    assert rows_needed(Difference(0.05, -0.05, 0.15), 100, 0.95) == "about 300 rows more"
