"""The maths of the metrics: what must hold always."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import r2_score

from mlrun import scores

TWO_SIDES = st.lists(st.tuples(st.booleans(), st.integers(-5, 5)), min_size=2, max_size=40).filter(
    lambda rows: len({positive for positive, _ in rows}) == 2
)


def split(rows: list[tuple[bool, int]]) -> tuple[Any, Any]:
    return np.array([positive for positive, _ in rows]), np.array([float(height) for _, height in rows])


@settings(deadline=None, max_examples=60)
@given(rows=TWO_SIDES)
def test_auc_is_the_share_of_pairs_in_order(rows: list[tuple[bool, int]]) -> None:
    positive, heights = split(rows)
    pairs = itertools.product(heights[positive], heights[~positive])  # the definition, pair by pair
    won = [1.0 if above > below else 0.5 if above == below else 0.0 for above, below in pairs]
    assert scores.auc(positive, heights) == sum(won) / len(won)


@settings(deadline=None, max_examples=60)
@given(rows=TWO_SIDES, seed=st.integers(0, 99))
def test_rankings_do_not_depend_on_the_order_of_the_rows(rows: list[tuple[bool, int]], seed: int) -> None:
    positive, heights = split(rows)
    order = np.random.default_rng(seed).permutation(len(rows))
    assert scores.auc(positive[order], heights[order]) == scores.auc(positive, heights)
    assert scores.average_precision(positive[order], heights[order]) == scores.average_precision(positive, heights)


@settings(deadline=None, max_examples=60)
@given(rows=TWO_SIDES)
def test_scores_turned_round_turn_the_auc_round(rows: list[tuple[bool, int]]) -> None:
    positive, heights = split(rows)
    assert scores.auc(positive, -heights) == pytest.approx(1 - scores.auc(positive, heights), abs=1e-15)


def test_maths_leaves_its_input_as_it_was() -> None:
    positive, heights = np.array([True, False, True, False]), np.array([0.1, 0.4, 0.35, 0.8])
    probabilities, truth = np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]), np.array([1, 0])
    kept = [array.copy() for array in (positive, heights, probabilities, truth)]
    scores.auc(positive, heights)
    scores.average_precision(positive, heights)
    scores.auc_influence(positive, heights)
    scores.brier_losses(truth, probabilities)
    scores.log_losses(truth, probabilities)
    for before, after in zip(kept, (positive, heights, probabilities, truth), strict=True):
        assert np.array_equal(before, after)


def test_infinite_scores_are_ranked_and_missing_ones_are_not() -> None:
    positive = np.array([True, False, True])
    assert scores.auc(positive, np.array([math.inf, -math.inf, 0.0])) == 1.0
    assert math.isnan(scores.auc(positive, np.array([math.nan, 0.0, 1.0])))


def test_the_influence_of_rows_is_that_of_deleting_them() -> None:
    # The jackknife is independent of DeLong's formula and differs from it by O(1/n) (Efron & Stein 1981).
    generator = np.random.default_rng(1)
    positive = generator.random(400) < 0.4
    heights = np.round(generator.normal(size=400) + positive, 1)
    whole = scores.auc(positive, heights)
    deleted = np.array([scores.auc(np.delete(positive, row), np.delete(heights, row)) for row in range(400)])
    jackknife = 399 * (whole - deleted)
    assert scores.auc_influence(positive, heights) == pytest.approx(jackknife, rel=0.02, abs=0.02)


def test_a_constant_truth_is_met_or_missed() -> None:
    constant = np.full(3, 0.1)  # the mean of three is not .1 in binary fractions
    assert scores.r2(constant, constant) == 1.0
    assert scores.r2(constant, np.array([0.1, 0.1, 0.2])) == 0.0
    tiny = np.array([1e-200, 2e-200, 3e-200])  # their squares are 0, as in scikit-learn
    assert scores.r2(tiny, tiny[::-1]) == r2_score(tiny, tiny[::-1]) == 1.0
    assert scores.r2(tiny, np.ones(3)) == r2_score(tiny, np.ones(3)) == 0.0
