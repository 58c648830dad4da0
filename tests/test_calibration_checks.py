"""The checks of calibration and confidence: what they say of models that are, and are not, to be trusted."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from mlrun.check_contracts import Check, Context, Subject
from mlrun.checks import calibration, confidence
from mlrun.fit import take
from mlrun.records import Dataset, Finding, Fold, Prediction, Task
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


def test_repeated_folds_give_no_more_rows_to_learn_a_calibration_from() -> None:
    generator = np.random.default_rng(0)
    p = generator.random(2000)
    y = (generator.random(2000) < np.where(p < 0.2, 0.05, np.where(p < 0.8, 0.5, 0.6))).astype(int)  # no line mends it

    def cure(*folds: tuple[int, int]) -> str:
        given = tuple((Fold(repeat, 0, np.arange(0), np.arange(rows)), subject_of(p[:rows]).test, None)
                      for repeat, rows in folds)  # fmt: skip
        return str(found(subject_of(p, folds=given), context_of(y)).details["cure"])

    assert cure((0, 1200)) == "Try `calibrate: isotonic`"
    assert cure((0, 600), (1, 600)) != "Try `calibrate: isotonic`"


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


# -- confidence --------------------------------------------------------------------------------------------------------

TEST = np.arange(1000, 2000)  # the rows before are the folds'


def context_with_folds(truth: Any, task: Task, **columns: Any) -> Context:
    dataset = Dataset(
        table=pl.DataFrame({"x": np.arange(2000), **columns}),
        task=task,
        features=(),
        withheld=(),
        truth=np.asarray(truth),
        row_ids=np.array([f"r{row}" for row in range(2000)]),
    )
    return Context(dataset, TEST, np.arange(1000), (), (), (), sensitive=tuple(columns))


def with_folds(prediction: Prediction, folds: int = 4, repeats: int = 1) -> Subject:
    held_out = []
    for repeat in range(repeats):
        for index in range(folds):
            valid = np.arange(index, 1000, folds)
            fold = Fold(repeat, index, np.setdiff1d(np.arange(1000), valid), valid)
            held_out.append((fold, take(prediction, valid), None))
    return Subject("m", "model", "f", take(prediction, TEST), folds=tuple(held_out))


def both(p: Any) -> Prediction:
    matrix = np.column_stack([1 - p, p])
    return Prediction(matrix.argmax(axis=1), matrix)


def confident(subject: Subject, context: Context, **params: Any) -> dict[str, Finding]:
    test = automatic_test("confidence", confidence.ENTRY, params)
    return {finding.variant: finding for finding in examine(confidence.ENTRY, test, subject, context)}


BINARY = Task("classification", ("no", "yes"))


def test_a_calibrated_model_is_told_what_it_can_answer_itself() -> None:
    p, y = drawn(2000)
    finding = confident(with_folds(both(p)), context_with_folds(y, BINARY), target_risk=0.15)[""]
    shown, details = TEST[np.maximum(p, 1 - p)[TEST] >= finding.details["threshold"]], finding.details
    assert finding.status == "pass"
    assert finding.value == details["coverage"] == len(shown) / 1000
    assert details["risk"] == pytest.approx(((p[shown] > 0.5) != y[shown]).mean())
    assert details["risk"] < 0.2
    assert details["risk"] < details["risk_high"] < 0.25
    assert details["auroc_low"] < details["auroc"] < details["auroc_high"]
    assert len(details["curve"]) == 101
    assert finding.reason.startswith("at no more than 15% errors it answers ")


def test_the_threshold_comes_from_the_folds_alone() -> None:
    p, y = drawn(2000)
    other = np.where(np.arange(2000) < 1000, y, 1 - y)
    one, two = (
        confident(with_folds(both(p)), context_with_folds(truth, BINARY), target_risk=0.15)[""] for truth in (y, other)
    )
    assert one.details["threshold"] == two.details["threshold"]
    assert two.status == "fail"
    assert two.details["risk"] > 0.8


def test_the_surest_errors_are_listed_by_id() -> None:
    p, y = drawn(2000)
    p = p**4 / (p**4 + (1 - p) ** 4)
    finding = confident(with_folds(both(p)), context_with_folds(y, BINARY))[""]
    worst = [int(str(row.row)[1:]) for row in finding.worst_rows]
    sure = np.maximum(p, 1 - p)
    errors = [row for row in TEST.tolist() if (p[row] > 0.5) != y[row]]
    assert worst == sorted(errors, key=lambda row: -sure[row])[:10]
    assert finding.worst_rows[0].new == ("yes" if p[worst[0]] > 0.5 else "no") != finding.worst_rows[0].old
    assert finding.details["overconfident_share"] == pytest.approx(np.mean([sure[row] >= 0.9 for row in errors]))


def test_confidence_that_says_nothing_fails_and_a_little_of_it_warns() -> None:
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, 2000)
    right = generator.random(2000) < 0.8
    values = np.where(right, y, 1 - y)

    def status(sure: Any) -> str:
        p = np.where(values == 1, sure, 1 - sure)
        return confident(with_folds(both(p)), context_with_folds(y, BINARY), target_risk=0.5)[""].status

    noise = generator.random(2000)
    assert status(0.6 + 0.3 * noise) == "fail"
    assert status(0.6 + 0.3 * np.where(right, noise**0.75, noise)) == "warn"
    assert status(0.6 + 0.3 * np.where(right, noise**0.3, noise)) == "pass"


def test_a_target_that_no_threshold_reaches_fails_and_no_errors_at_all_pass() -> None:
    y = np.random.default_rng(0).integers(0, 2, 2000)
    finding = confident(with_folds(both(np.full(2000, 0.6))), context_with_folds(y, BINARY))[""]
    assert (finding.status, finding.value) == ("fail", 0)
    assert finding.reason == "at no more than 5% errors it can answer no row itself"
    finding = confident(with_folds(both(np.where(y == 1, 0.9, 0.1))), context_with_folds(y, BINARY))[""]
    assert (finding.status, finding.value, finding.details["auroc"]) == ("pass", 1, None)


def test_margins_of_scores_serve_where_there_are_no_probabilities() -> None:
    p, y = drawn(2000)
    scores = np.log(p) - np.log1p(-p)
    found = confident(with_folds(Prediction((p > 0.5).astype(int), None, scores)), context_with_folds(y, BINARY))
    assert found[""].details["auroc"] == pytest.approx(
        confident(with_folds(both(p)), context_with_folds(y, BINARY))[""].details["auroc"]
    )
    assert found["conformal"].status == "not_run"


def test_labels_alone_have_no_confidence() -> None:
    _, y = drawn(2000)
    finding = confident(with_folds(Prediction(y)), context_with_folds(y, BINARY))[""]
    assert (finding.status, "neither probabilities nor scores" in finding.reason) == ("not_run", True)


def test_a_label_told_again_as_its_score_has_no_confidence_either() -> None:
    _, y = drawn(2000)
    for given, classes in ((Prediction(y, None, y.astype(float)), 2), (Prediction(y, None, np.eye(3)[y]), 3)):
        finding = confident(with_folds(given), context_with_folds(y, Task("classification", LABELS[:classes])))[""]
        assert (finding.status, "no answer is surer" in finding.reason) == ("not_run", True)


def test_a_score_that_people_cut_is_surer_the_farther_it_lies_from_their_cut() -> None:
    p, y = drawn(2000)
    deciles = np.ceil(10 * p)  # the class of 5 and more is positive: 5 is as unsure as 4, 10 and 1 are the surest
    said = Prediction((deciles >= 5).astype(int), None, deciles)
    found = confident(with_folds(said), context_with_folds(y, BINARY), target_risk=0.25)[""]
    expected = roc_auc_score((said.values == y)[TEST], np.abs(deciles - 4.5)[TEST])
    assert found.details["auroc"] == pytest.approx(expected, abs=1e-12)
    assert found.status == "pass"


def test_sets_cover_what_is_wanted_and_a_class_that_they_miss_is_a_warning() -> None:
    generator = np.random.default_rng(3)
    p = 1 / (1 + np.exp(-generator.normal(-2, 1.2, 2000)))
    y = (generator.random(2000) < p).astype(int)
    found = confident(with_folds(both(p)), context_with_folds(y, BINARY))
    whole, positive = found["conformal"], found["conformal: class yes"]
    assert whole.status == "pass"
    assert whole.value is not None
    assert whole.low is not None
    assert whole.high is not None
    assert whole.low <= whole.value <= whole.high
    assert whole.threshold == 0.9
    assert positive.status == "warn"
    assert positive.value is not None
    assert positive.value < 0.8
    assert found["conformal: class no"].status == "info"


def test_groups_of_sensitive_columns_are_judged_on_their_own() -> None:
    p, y = drawn(2000)
    sex = np.where(np.arange(2000) % 4 == 0, "f", "m")
    y = np.where(sex == "f", np.random.default_rng(0).integers(0, 2, 2000), y)
    p = np.where(sex == "f", p**4 / (p**4 + (1 - p) ** 4), p)
    found = confident(with_folds(both(p)), context_with_folds(y, BINARY, sex=sex))
    assert found["conformal: sex = f"].status == "warn"
    assert found["conformal: sex = m"].status == "info"


def test_intervals_of_numbers_are_judged_and_say_their_width() -> None:
    generator = np.random.default_rng(4)
    y = generator.normal(size=2000)
    said = y + generator.normal(0, 0.5, 2000)
    found = confident(with_folds(Prediction(said)), context_with_folds(y, Task("regression")))
    assert found[""].status == "not_run"
    assert found["conformal"].status == "pass"
    assert found["conformal"].details["mean_width"] == pytest.approx(2 * 1.645 * 0.5, rel=0.1)
    assert set(found) == {"", "conformal"}


def test_repeated_folds_count_each_row_once() -> None:
    p, y = drawn(2000)
    once, twice = (confident(with_folds(both(p), repeats=repeats), context_with_folds(y, BINARY)) for repeats in (1, 2))
    assert once == twice


def test_without_folds_nothing_is_chosen_and_the_curve_is_still_drawn() -> None:
    p, y = drawn(2000)
    subject = with_folds(both(p))
    found = confident(Subject("m", "model", "f", subject.test), context_with_folds(y, BINARY))
    assert found[""].value is None
    assert len(found[""].details["curve"]) == 101
    assert found["conformal"].status == "not_run"


@pytest.mark.parametrize("check", [calibration.ENTRY, confidence.ENTRY])
def test_every_parameter_of_the_checks_has_a_default_that_its_kind_admits(check: Check) -> None:
    for parameter in check.parameters.values():
        assert parameter.caption
        assert parameter.kind.admits({"coverage": 0.9} if isinstance(parameter.default, dict) else parameter.default)
