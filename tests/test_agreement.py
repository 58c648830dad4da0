"""Families without labels agree as far as the ranks of their scores do."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from mlrun.agreement import agreement, spearman
from mlrun.leaderboard import Line
from mlrun.predictions import PredictedPart
from mlrun.records import Fold, Prediction
from mlrun.store.run_record import ModelRecord

RNG = np.random.default_rng(0)


def line(name: str, scores: list[float], rows: list[int] | None = None) -> Line:
    said = Prediction(np.zeros(len(scores), np.int64), None, np.array(scores))
    part = PredictedPart(np.arange(len(scores)) if rows is None else np.array(rows), said)
    return Line(ModelRecord(name=name, kind="model", family=name), (part,))


def test_rank_correlation_is_scipys_with_ties() -> None:
    first, second = RNG.integers(0, 5, 50).astype(float), RNG.integers(0, 5, 50).astype(float)
    assert spearman(first, second) == pytest.approx(spearmanr(first, second).statistic, abs=1e-12)
    assert spearman(first, np.ones(50)) is None


def test_few_pairs_are_told_one_by_one_and_many_by_their_ends() -> None:
    lines = [line("a", [1, 2, 3, 4]), line("b", [1, 2, 4, 3]), line("c", [4, 3, 2, 1])]
    (told,) = agreement(lines)
    assert told.endswith("a and b 0.80, a and c -1.00, b and c -0.80")
    (told,) = agreement([*lines, line("d", [1, 3, 2, 4])])
    assert "a and d 0.80" in told
    (told,) = agreement([*lines, line("d", [1, 3, 2, 4]), line("e", [10, 20, 30, 40])])
    assert told.endswith("from -1.00 (a and c) to 1.00 (a and e)")


def test_rows_are_laid_side_by_side_whatever_their_order() -> None:
    (told,) = agreement([line("a", [1, 2, 3]), line("b", [3, 1, 2], rows=[2, 0, 1])])
    assert told.endswith("a and b 1.00")


def test_without_a_test_the_folds_are_compared() -> None:
    folds = [Fold(0, index, np.arange(2), np.array([2 * index, 2 * index + 1])) for index in range(2)]
    parts = tuple(
        PredictedPart(fold.valid, Prediction(np.zeros(2, np.int64), None, fold.valid * 1.0), fold) for fold in folds
    )
    (told,) = agreement([line("a", [0, 1, 2, 3]), Line(ModelRecord(name="b", kind="model", family="b"), parts)])
    assert told.endswith("a and b 1.00")


def test_one_family_agrees_with_nobody() -> None:
    assert list(agreement([line("a", [1, 2, 3])])) == []
