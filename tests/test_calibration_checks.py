"""The check of calibration: what it says of models that are, and are not, calibrated."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from mlrun.check_contracts import Context, Subject
from mlrun.checks import calibration
from mlrun.records import Dataset, Finding, Prediction, Task
from mlrun.suite import automatic_test, examine

LABELS = ("no", "yes", "maybe")


def context_of(truth: Any, classes: int = 2) -> Context:
    rows = len(truth)
    dataset = Dataset(
        table=pl.DataFrame({"x": np.arange(rows)}),
        task=Task("classification", LABELS[:classes]),
        features=(),
        withheld=(),
        truth=np.asarray(truth, dtype=np.int64),
        row_ids=np.arange(rows) + 100,
    )
    return Context(dataset, np.arange(rows), np.arange(0), (), (), ())


def subject_of(probabilities: Any, **more: Any) -> Subject:
    matrix = np.column_stack([1 - probabilities, probabilities]) if np.ndim(probabilities) == 1 else probabilities
    return Subject("m", "model", "f", Prediction(matrix.argmax(axis=1), matrix), **more)


def found(subject: Subject, context: Context, **params: Any) -> Finding:
    test = automatic_test("calibration", calibration.ENTRY, params)
    (finding,) = examine(calibration.ENTRY, test, subject, context)
    return finding


def drawn(rows: int, seed: int = 0) -> tuple[Any, Any]:
    generator = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-generator.normal(size=rows)))
    return p, (generator.random(rows) < p).astype(np.int64)


def test_a_calibrated_model_passes_with_its_floor_beside_the_error() -> None:
    p, y = drawn(2000)
    finding = found(subject_of(p), context_of(y))
    assert finding.status == "pass"
    assert finding.value == pytest.approx(finding.details["floor"], abs=0.02)
    assert finding.details["slope"] == pytest.approx(1, abs=0.2)
    assert [set(point) for point in finding.details["bins"]] == [{"n", "confidence", "observed", "low", "high"}] * 15
    assert all(point["low"] <= point["high"] for point in finding.details["bins"])


def test_an_overconfident_model_fails_and_is_told_the_cure() -> None:
    p, y = drawn(2000)
    finding = found(subject_of(p**4 / (p**4 + (1 - p) ** 4)), context_of(y))
    assert finding.status == "fail"
    assert finding.details["slope"] == pytest.approx(0.25, abs=0.05)
    assert "too extreme" in finding.reason
    assert finding.details["cure"] == "Try `calibrate: temperature`"


def test_a_model_far_from_its_own_scale_is_told_to_shift_too() -> None:
    p, y = drawn(2000)
    finding = found(subject_of(p / (p + 6 * (1 - p))), context_of(y))
    assert finding.status == "fail"
    assert finding.details["cure"] == "Try `calibrate: sigmoid`"


def test_few_rows_are_judged_against_what_chance_shows() -> None:
    p, y = drawn(100, 3)
    finding = found(subject_of(p), context_of(y))
    assert finding.status == "pass"
    assert finding.value is not None
    assert finding.value > 0.05  # above the bound, and yet within the floor


def test_the_rule_of_the_largest_class_does_not_break_it() -> None:
    _, y = drawn(500)
    finding = found(subject_of(np.full(500, y.mean())), context_of(y))
    assert finding.status == "pass"
    assert len(finding.details["bins"]) == 1
    assert finding.details["slope"] is None


def test_many_classes_are_judged_by_the_one_that_is_named() -> None:
    generator = np.random.default_rng(1)
    matrix = generator.dirichlet([1, 1, 1], 3000)
    truth = (generator.random((3000, 1)) > matrix.cumsum(axis=1)).sum(axis=1)
    assert found(subject_of(matrix), context_of(truth, 3)).status == "pass"
    sharp = matrix**5 / (matrix**5).sum(axis=1, keepdims=True)
    assert found(subject_of(sharp), context_of(truth, 3)).status == "fail"


def test_a_silent_baseline_is_judged_on_its_rows_and_few_rows_are_not_judged() -> None:
    p, y = drawn(400)
    answered = np.arange(400) < 300
    finding = found(subject_of(np.where(answered, p, np.nan), answered=answered), context_of(y))
    assert (finding.status, finding.n) == ("pass", 300)
    finding = found(subject_of(p, answered=np.arange(400) < 10), context_of(y))
    assert (finding.status, finding.reason) == ("not_run", "there are only 10 rows with an answer; it needs 30")


def test_labels_alone_are_not_judged() -> None:
    _, y = drawn(50)
    finding = found(Subject("m", "baseline", "f", Prediction(y)), context_of(y))
    assert (finding.status, finding.reason) == ("not_run", "it gives no probabilities")


def test_what_it_finds_depends_on_the_seed_alone() -> None:
    p, y = drawn(300)
    assert found(subject_of(p), context_of(y)) == found(subject_of(p), context_of(y))
