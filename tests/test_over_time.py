"""Over time: windows of test rows, the score of each model in them, and whether their order changes."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fitted_subjects import changed, context_of, dataset_of, found
from hypothesis import given
from hypothesis import strategies as some

from mlrun.check_contracts import Context
from mlrun.checks.over_time import ENTRY
from mlrun.records import Finding
from mlrun.shift.windows import told, windows_of

ELECTRICITY = Path(__file__).parents[2] / "shared" / "data" / "electricity" / "elec.csv"


def moving(turn: bool, rows: int = 4000, **changes: Any) -> Context:
    """Return two models of one column each; with `turn`, what decides moves to the other column late in test."""
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    draw = np.random.default_rng(0)
    features = draw.normal(size=(rows, 2))
    first = features[:, 0] + 0.3 * features[:, 1]
    decides = np.where(turn & (np.arange(rows) > 0.75 * rows), features[:, 1], first)
    truth = (decides + draw.normal(0, 0.3, rows) > 0).astype(np.int64)
    models = {
        name: make_pipeline(ColumnTransformer([("it", "passthrough", [column])]), LogisticRegression())
        for name, column in (("left", 0), ("right", 1))
    }
    dataset = dataset_of(features, truth, times=np.arange(rows))
    halfway = rows // 2
    return context_of(
        dataset, np.arange(halfway), np.arange(halfway, rows), models, time="when", metric="accuracy", **changes
    )


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1
    return findings[0]


def test_an_order_that_stays_is_said() -> None:
    finding = only(found(ENTRY, moving(turn=False)))
    assert finding.status == "info"
    assert finding.details["order_changes"] is False
    assert "left is best in 5 of 5" in finding.reason


def test_an_order_that_turns_is_a_warning() -> None:
    finding = only(found(ENTRY, moving(turn=True)))
    assert finding.status == "warn"
    assert finding.details["order_changes"] is True
    last = finding.details["windows"][-1]
    assert last["scores"]["right"] > last["scores"]["left"]
    assert last["gap_high"] < 0


def test_the_scores_of_windows_are_those_of_their_rows() -> None:
    from sklearn.metrics import accuracy_score

    context = moving(turn=True)
    windows = only(found(ENTRY, context, windows=4)).details["windows"]
    said, truth = context.subject("left").test, context.truth
    assert said is not None
    assert truth is not None
    assert [window["n"] for window in windows] == [500] * 4
    for number, window in enumerate(windows):
        rows = slice(500 * number, 500 * (number + 1))
        assert window["scores"]["left"] == pytest.approx(accuracy_score(truth[rows], said.values[rows]))
        assert (window["from"], window["to"]) == (2000 + 500 * number, 2499 + 500 * number)


def test_two_equal_models_rarely_change_their_order_beyond_chance() -> None:
    warned, context = 0, moving(turn=False, rows=1000)
    for seed in range(30):
        draw = np.random.default_rng(seed)
        subjects = tuple(guessing(subject, draw.random(500)) for subject in context.subjects)
        warned += only(found(ENTRY, changed(context, subjects=subjects))).status == "warn"
    assert warned <= 3


def guessing(subject: Any, risks: Any) -> Any:
    from dataclasses import replace

    from mlrun.records import Prediction

    return replace(subject, test=Prediction((risks > 0.5).astype(np.int64), np.stack([1 - risks, risks], axis=1)))


def test_what_cannot_be_divided_is_not_run() -> None:
    context = moving(turn=False)
    assert only(found(ENTRY, changed(context, time=None))).reason == "the data has no `time`"
    assert only(found(ENTRY, context, min_rows=1500)).status == "not_run"
    assert ENTRY.automatic(changed(context, time=None)) == ()
    alone = changed(context, subjects=context.subjects[:1])
    assert only(found(ENTRY, alone)).reason == "5 windows of time, one model"


@given(some.lists(some.integers(0, 30), min_size=1, max_size=300), some.integers(2, 6), some.integers(1, 40))
def test_windows_never_divide_equal_times_and_hold_every_row(times: list[int], most: int, fewest: int) -> None:
    when = np.array(times)
    parts = windows_of(when, most, fewest)
    if not parts:
        return
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(when)))
    assert len(parts) <= most
    assert all(len(part) >= fewest for part in parts)
    for before, after in pairwise(parts):
        assert when[before].max() < when[after].min()


def test_times_are_written_as_people_do() -> None:
    assert told(np.datetime64("2024-03-01T00:00:00.000000")) == "2024-03-01"
    assert told(np.datetime64("2024-03-01T12:30:00.000000")) == "2024-03-01T12:30:00"
    assert told(np.float64(3.5)) == 3.5


@pytest.mark.skipif(not ELECTRICITY.exists(), reason="the shared data is not here")
def test_electricity_is_easier_in_some_months_than_in_others() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    table = pl.read_csv(ELECTRICITY)
    features, truth = table.drop("class").to_numpy().astype(float), table["class"].to_numpy().astype(np.int64)
    dataset = dataset_of(features, truth, times=np.arange(len(truth)))
    train, test = np.arange(30_000), np.arange(30_000, len(truth))
    models = {
        "linear": make_pipeline(StandardScaler(), LogisticRegression()),
        "tree": DecisionTreeClassifier(max_depth=8, random_state=0),
    }
    finding = only(found(ENTRY, context_of(dataset, train, test, models, time="when", metric="accuracy")))
    scores = [window["scores"]["tree"] for window in finding.details["windows"]]
    assert max(scores) - min(scores) > 0.02
    assert all(0.5 < score < 0.95 for score in scores)
