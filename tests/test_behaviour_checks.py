"""Behaviour tests judge as evaluation.md, section 2, says; figures against its references, scipy and scikit-learn."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from behaviour_cases import (
    BINARY,
    context_of,
    dataset_of,
    engine_of,
    findings,
    numbers,
    people,
    planned,
    probability,
    subject_of,
    whole,
)
from scipy.stats import binomtest
from sklearn.datasets import load_diabetes
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import roc_auc_score
from xgboost import XGBRegressor

from mlrun import catalog, metrics
from mlrun.baselines import ENTRIES, Question
from mlrun.change.author_rows import read_author_rows
from mlrun.change.importance import most_important
from mlrun.check_contracts import Check
from mlrun.intervals import Question as Asked
from mlrun.intervals import difference
from mlrun.records import Prediction, Task
from mlrun.suite import automatic_test

REGRESSION = Task("regression")
THREE = Task("classification", ("low", "mid", "high"))
SEX = ("swap", {"sex": {"Male": "Female", "Female": "Male"}})
DATA = Path(__file__).parents[2] / "shared" / "data"


def of_matrix(model: Any, rows: pl.DataFrame) -> Any:
    return model.predict(rows.to_numpy())


def male(table: pl.DataFrame) -> Any:
    return (table["sex"] == "Male").to_numpy()


# -- references --------------------------------------------------------------------------------------------------------


def test_diabetes_moves_as_the_reference_says() -> None:
    """evaluation.md, section 2: sex moves a linear model by 22.9, bmi + 3 raises 100 % of it, 91.9 % of xgboost's.

    Both fitted on all 442 rows; the xgboost with 200 trees of depth 2 at a learning rate of 0.05, which gives that
    figure (406 of 442).
    """
    data = load_diabetes(scaled=False)
    table = pl.DataFrame(data.data, schema=list(data.feature_names))
    dataset = dataset_of(table, REGRESSION, data.target)
    linear = LinearRegression().fit(data.data, data.target)
    trees = XGBRegressor(n_estimators=200, max_depth=2, learning_rate=0.05, n_jobs=1).fit(data.data, data.target)
    subjects = [
        subject_of(numbers(partial(of_matrix, model)), dataset, name=name)
        for name, model in (("linear", linear), ("xgboost", trees))
    ]
    sex = planned("invariance", edit=("swap", {"sex": {"1": "2", "2": "1"}}))
    bmi = planned("directional", edit=("add", {"bmi": 3}), expect="increase")
    context = context_of(dataset, subjects, [sex, bmi])
    assert whole(sex, context).details["mean_size"] == pytest.approx(22.9, abs=0.05)
    assert whole(sex, context).status == "fail"
    assert whole(bmi, context).value == 0.0
    raised = []
    for subject in subjects:
        (change,) = engine_of(context).of(subject, bmi).changes
        raised.append((change.new.values > change.old.values).mean())
    assert raised[0] == 1.0
    assert raised[1] == pytest.approx(0.919, abs=0.05)  # xgboost 3.2: .9186, 3.4: .8733


@pytest.mark.skipif(not DATA.exists(), reason="the data is not here")
def test_a_rule_on_sex_flips_every_row_of_the_titanic_when_sex_is_swapped() -> None:
    table = pl.read_csv(DATA / "titanic_kaggle" / "train.csv")
    task = Task("classification", (0, 1))
    dataset = dataset_of(table, task, table["Survived"].to_numpy())

    def predict(rows: pl.DataFrame) -> Prediction:
        asked = Question(replace(dataset, table=rows), np.arange(0), np.arange(rows.height), 0)
        return ENTRIES["rule"].answer({"when": "Sex = 'female'", "predict": 1}, asked).prediction

    rule = subject_of(predict, dataset, kind="baseline", features=None)
    test = planned("invariance", edit=("swap", {"Sex": {"male": "female", "female": "male"}}))
    found = findings(test, context_of(dataset, [rule], [test]))
    assert [finding.value for finding in found] == [1.0, 1.0, 1.0]
    assert [finding.n for finding in found] == [891, 577, 314]  # Kaggle's counts of men and women
    assert [round(finding.details["mean_change"], 6) for finding in found[1:]] == [1.0, -1.0]


# -- invariance --------------------------------------------------------------------------------------------------------


def test_a_row_fails_when_its_class_changes_and_its_probability_moves_by_more_than_the_tolerance() -> None:
    table = people(1000)
    base = np.linspace(0.3, 0.7, 1000)
    dataset = dataset_of(table.with_columns(base=pl.Series(base)))
    predict = probability(lambda rows: rows["base"].to_numpy() + 0.1 * male(rows))
    test = planned("invariance", edit=SEX)
    context = context_of(dataset, [subject_of(predict, dataset)], [test])
    found = whole(test, context)
    was, then = base + 0.1 * male(table), base + 0.1 * ~male(table)
    fails = ((was >= 0.5) != (then >= 0.5)) & (np.abs(then - was) > 0.05)
    assert (found.value, found.n, found.n_changed) == (fails.mean(), 1000, 1000)
    assert found.status == "fail"
    assert found.p_value == pytest.approx(binomtest(int(fails.sum()), 1000, 0.05, "greater").pvalue, rel=1e-8)
    low, high = binomtest(int(fails.sum()), 1000).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)
    assert {finding.variant: finding.details["mean_change"] for finding in findings(test, context)[1:]} == {
        "sex: Male → Female": pytest.approx(-0.1),
        "sex: Female → Male": pytest.approx(0.1),
    }
    wide = planned("invariance", edit=SEX, tolerance=0.11)
    assert whole(wide, context_of(dataset, [subject_of(predict, dataset)], [wide])).value == 0.0


def test_a_sensitive_column_is_held_to_less_and_a_written_rate_to_itself() -> None:
    dataset = dataset_of(people())
    subject = subject_of(probability(lambda rows: 0.2 + 0.1 * male(rows)), dataset)
    for sensitive, written, expected in ((("sex",), None, 0.02), ((), None, 0.05), (("sex",), 0.3, 0.3)):
        test = planned("invariance", edit=SEX, max_rate=written)
        assert whole(test, context_of(dataset, [subject], [test], sensitive=sensitive)).threshold == expected


def test_a_row_with_several_variants_is_one_case() -> None:
    dataset = dataset_of(people(1000))
    subject = subject_of(probability(lambda rows: 0.4 + 0.2 * (rows["race"] == "C").to_numpy()), dataset)
    test = planned("invariance", edit=("every_other_value", "race"))
    found = {finding.variant: finding for finding in findings(test, context_of(dataset, [subject], [test]))}
    others = int((dataset.table["race"] != "C").sum())
    assert found[""].n == 1000
    assert found[""].value == 1.0  # each row either becomes a C, or was one
    assert (found["race = C"].n, found["race = C"].value) == (others, 1.0)
    assert found["race = A"].value == pytest.approx((1000 - others) / (1000 - (dataset.table["race"] == "A").sum()))


def test_a_number_may_move_by_a_share_of_itself() -> None:
    dataset = dataset_of(people(), REGRESSION)
    test = planned("invariance", edit=("scale", {"income": 2}))

    def richer(move: float, rows: pl.DataFrame) -> Any:
        return 100 * (1 + move * (rows["income"].fill_null(0) > 62).to_numpy())

    for move, rate in ((0.04, 0.0), (0.06, 1.0)):
        subject = subject_of(numbers(partial(richer, move)), dataset)
        found = whole(test, context_of(dataset, [subject], [test]))
        assert found.value == pytest.approx(rate * (found.n_changed or 0) / (found.n or 1))
        assert (found.n_changed or 0) > 200


def test_of_many_classes_the_probability_of_the_first_answer_counts() -> None:
    dataset = dataset_of(people(), THREE)

    def predict(rows: pl.DataFrame) -> Prediction:
        first = np.where(male(rows), 0.5, 0.3)
        p = np.column_stack([first, 0.4 * np.ones(rows.height), 0.6 - first])
        return Prediction(p.argmax(axis=1), p)

    test = planned("invariance", edit=SEX)
    found = findings(test, context_of(dataset, [subject_of(predict, dataset)], [test]))
    assert found[0].value == male(dataset.table).mean()
    assert found[1].details["mean_change"] == pytest.approx(-0.2)  # low falls from .5 to .3
    assert found[2].details["mean_change"] == pytest.approx(0.0)  # mid stays at .4
    assert found[2].value == 0.0  # it changes its class, and its probability does not move
    assert found[1].value == 1.0


def test_labels_alone_decide_where_there_are_no_probabilities() -> None:
    dataset = dataset_of(people())
    subject = subject_of(lambda rows: Prediction(male(rows).astype(np.int64)), dataset)
    test = planned("invariance", edit=SEX)
    found = findings(test, context_of(dataset, [subject], [test]))
    assert [finding.value for finding in found] == [1.0, 1.0, 1.0]
    assert [finding.details["mean_change"] for finding in found[1:]] == [-1.0, 1.0]
    assert {(worst.old, worst.new) for worst in found[0].worst_rows} <= {("yes", "no"), ("no", "yes")}


def test_an_anomaly_fails_when_its_verdict_changes_and_its_score_moves() -> None:
    dataset = dataset_of(people(), Task("anomaly"))

    def predict(rows: pl.DataFrame) -> Prediction:
        scores = rows["age"].to_numpy() + 5.0 * male(rows)
        return Prediction((scores > 60).astype(np.int64), None, scores.astype(float))

    test = planned("invariance", edit=SEX)
    found = whole(test, context_of(dataset, [subject_of(predict, dataset)], [test]))
    age = dataset.table["age"].to_numpy()
    assert found.value == pytest.approx(((age > 55) & (age <= 60)).mean())
    coarse = planned("invariance", edit=SEX, tolerance=1.0)  # a standard deviation of the scores
    assert whole(coarse, context_of(dataset, [subject_of(predict, dataset)], [coarse])).value == 0.0


def test_groups_of_a_template_tell_their_range() -> None:
    dataset = dataset_of(people())

    def predict(rows: pl.DataFrame) -> Prediction:
        said = rows["said"]
        p = 0.2 + 0.5 * said.str.contains("aunt").to_numpy() + 0.1 * said.str.contains("father").to_numpy()
        return Prediction((p >= 0.5).astype(np.int64), np.column_stack([1 - p, p]))

    value = {"template": "My {who} is {mood}", "fill": {"who": ("mother", "father", "aunt"), "mood": ("glad", "sad")}}
    test = planned("invariance", edit=("template", value), min_rows=4)
    found = findings(test, context_of(dataset, [subject_of(predict, dataset)], [test]))
    assert found[0].details["group_range"] == pytest.approx(0.5)
    assert [(finding.variant, finding.value) for finding in found] == [
        ("", 1.0),
        ("who = father", 0.0),
        ("who = aunt", 1.0),
    ]
    assert found[0].worst_rows[0].row == "My mother is glad"


# -- statuses ----------------------------------------------------------------------------------------------------------


def status_at(share: float, rows: int = 1000, **params: Any) -> str:
    """Return the status of a test that a share of the rows fails."""
    table = people(rows).with_columns(hit=pl.int_range(rows) < round(share * rows))
    dataset = dataset_of(table)
    subject = subject_of(
        probability(lambda part: 0.4 + 0.01 * male(part) + 0.2 * (part["hit"].to_numpy() & male(part))), dataset
    )
    test = planned("invariance", edit=SEX, **params)
    return whole(test, context_of(dataset, [subject], [test])).status


def test_a_rate_fails_when_its_interval_is_beyond_the_bound_and_warns_when_only_the_rate_is() -> None:
    assert status_at(0.03) == "pass"
    assert status_at(0.055) == "warn"
    assert status_at(0.10) == "fail"
    assert status_at(0.10, severity="warn") == "warn"


def test_outputs_that_do_not_move_prove_nothing() -> None:
    dataset = dataset_of(people(1000))
    test = planned("invariance", edit=("case", "upper"))
    lower = subject_of(probability(lambda rows: rows["said"].str.to_lowercase().str.len_chars() / 100), dataset)
    found = whole(test, context_of(dataset, [lower], [test]))
    assert (found.status, found.n, found.n_changed) == ("vacuous", 1000, 0)
    assert "proves nothing" in found.reason


def test_too_few_changed_rows_are_not_run() -> None:
    dataset = dataset_of(people(90))
    test = planned("invariance", edit=SEX)
    subject = subject_of(probability(male), dataset)
    found = whole(test, context_of(dataset, [subject], [test]))
    assert (found.status, found.reason) == ("not_run", "the edit changes 90 rows, and `min_rows` is 100")
    nothing = planned("invariance", edit=("set", {"member": True}), where="member")
    found = whole(nothing, context_of(dataset, [subject], [nothing]))
    assert found.status == "not_run"
    assert "changes none of" in found.reason


def test_a_withheld_column_is_not_run_and_says_so() -> None:
    dataset = dataset_of(people())
    blind = subject_of(probability(lambda rows: rows["age"] / 100), dataset, features=("age", "income"))
    test = planned("invariance", edit=SEX)
    context = context_of(dataset, [blind], [test], withheld={"sex": "sensitive"}, sensitive=("sex",))
    assert whole(test, context).status == "not_run"
    assert "withheld from the model: sex" in whole(test, context).reason
    unread = whole(test, context_of(dataset, [blind], [test]))
    assert (unread.status, unread.reason) == ("not_run", "the model does not read sex")
    reads_role = subject_of(probability(lambda rows: (rows["role"] == "Wife") * 0.5), dataset, features=("role",))
    along = planned("invariance", edit=SEX, along=(("swap", {"role": {"Husband": "Wife", "Wife": "Husband"}}),))
    assert whole(along, context_of(dataset, [reads_role], [along], withheld={"sex": "x"})).status == "fail"


def test_the_worst_rows_come_by_id_with_both_outputs_and_without_text() -> None:
    table = people(1000)
    dataset = dataset_of(table, row_ids=np.array([f"p{number}" for number in range(1000)]))
    subject = subject_of(probability(lambda rows: 0.2 + 0.6 * male(rows) * rows["age"].to_numpy() / 80), dataset)
    test = planned("invariance", edit=SEX)
    found = whole(test, context_of(dataset, [subject], [test]))
    assert len(found.worst_rows) == 10
    worst = found.worst_rows[0]
    row = int(str(worst.row)[1:])
    assert table["age"][row] == table["age"].max()
    assert abs(float(worst.new or 0) - float(worst.old or 0)) == pytest.approx(0.6 * int(table["age"][row]) / 80)
    assert "→" in worst.note
    assert "Word" not in json.dumps([[w.row, w.old, w.new, w.note] for w in found.worst_rows])
    sizes = [abs(float(w.new or 0) - float(w.old or 0)) for w in found.worst_rows]
    assert sizes == sorted(sizes, reverse=True)


# -- directional -------------------------------------------------------------------------------------------------------


def test_a_row_that_cannot_move_further_does_not_count() -> None:
    dataset = dataset_of(people(1000).with_columns(base=pl.Series(np.linspace(0, 1, 1000))))
    subject = subject_of(probability(lambda rows: (rows["base"] - 0.02 * (rows["age"] > 200)).clip(0, 1)), dataset)
    test = planned("directional", edit=("add", {"age": 500}), expect="increase")
    found = whole(test, context_of(dataset, [subject], [test]))
    base = np.linspace(0, 1, 1000)
    can = base < 0.99
    fails = np.clip(base - 0.02, 0, 1) - base < -0.01
    assert found.n == can.sum()
    assert found.value == pytest.approx((fails & can).sum() / can.sum())
    assert found.details["not_applicable"] == (~can).sum()
    down = planned("directional", edit=("add", {"age": 500}), expect="decrease")
    assert whole(down, context_of(dataset, [subject], [down])).value == 0.0


def test_a_number_may_fall_by_a_hundredth_of_a_standard_deviation() -> None:
    truth = np.random.default_rng(0).normal(0, 50, 400)
    dataset = dataset_of(people(), REGRESSION, truth)
    spread = truth.std(ddof=1)

    def lower(fall: float, rows: pl.DataFrame) -> Any:
        return -fall * spread * (rows["age"] > 200).to_numpy()

    for fall, rate in ((0.009, 0.0), (0.011, 1.0)):
        subject = subject_of(numbers(partial(lower, fall)), dataset)
        test = planned("directional", edit=("add", {"age": 500}), expect="increase")
        assert whole(test, context_of(dataset, [subject], [test])).value == rate


def test_of_many_classes_the_author_says_which() -> None:
    dataset = dataset_of(people(), THREE)

    def predict(rows: pl.DataFrame) -> Prediction:
        p = np.column_stack(
            [0.5 - 0.2 * (rows["age"] > 200), 0.2 * np.ones(rows.height), 0.3 + 0.2 * (rows["age"] > 200)]
        )
        return Prediction(p.argmax(axis=1), p)

    check: Check = catalog.find("checks", "directional")
    for outcome, value in (("high", 0.0), ("low", 1.0)):
        test = planned("directional", edit=("add", {"age": 500}), expect="increase", outcome=outcome)
        assert whole(test, context_of(dataset, [subject_of(predict, dataset)], [test])).value == value
    silent = planned("directional", edit=("add", {"age": 500}), expect="increase")
    assert whole(silent, context_of(dataset, [subject_of(predict, dataset)], [silent])).status == "not_run"
    wrong = {**silent.params, "outcome": "huge"}
    assert "is no class of the target" in next(iter(check.problems(wrong, dataset)))[1]


# -- perturbation ------------------------------------------------------------------------------------------------------


def scored(rows: int = 2000) -> tuple[Any, Any]:
    """Return a dataset with a truth that depends on age, and a model that knows how."""
    table = people(rows)
    p = 1 / (1 + np.exp(-(table["age"].to_numpy() - 49) / 5))
    truth = (np.random.default_rng(1).random(rows) < p).astype(np.int64)
    dataset = dataset_of(table, BINARY, truth)
    known = probability(lambda part: 1 / (1 + np.exp(-(part["age"].fill_null(49).to_numpy() - 49) / 5)))
    return dataset, subject_of(known, dataset)


def test_a_drop_is_the_paired_difference_of_the_metric_on_the_changed_rows() -> None:
    dataset, subject = scored()
    test = planned("perturbation", edit=("noise", {"columns": ("age",), "sd": (0.05, 0.5, 1.0)}), max_drop=0.02)
    context = context_of(dataset, [subject], [test])
    found = findings(test, context)
    assert [(finding.variant, finding.details["level"]) for finding in found] == [
        ("sd 0.05", 0.05),
        ("sd 0.5", 0.5),
        ("sd 1", 1.0),
    ]
    assert [finding.status for finding in found] == ["pass", "fail", "fail"]
    for finding, change in zip(found, engine_of(context).of(subject, test).changes, strict=True):
        truth = dataset.truth[change.cases]
        assert change.old.probabilities is not None
        assert change.new.probabilities is not None
        clean = roc_auc_score(truth, change.old.probabilities[:, 1])
        worse = roc_auc_score(truth, change.new.probabilities[:, 1])
        assert (finding.details["clean"], finding.details["perturbed"]) == pytest.approx((clean, worse), abs=1e-12)
        assert finding.value == pytest.approx(clean - worse, abs=1e-12)
        asked = Asked(metrics.specify("roc_auc"), truth, BINARY)
        gap = difference(asked, change.old, change.new)
        assert (finding.low, finding.high) == (gap.low, gap.high)
        assert finding.details["flip_rate"] == (change.old.values != change.new.values).mean()
        moved = np.abs(change.old.probabilities[:, 1] - change.new.probabilities[:, 1]).mean()
        assert finding.details["mean_change"] == pytest.approx(moved)


def test_a_loss_that_grows_is_a_drop_too() -> None:
    dataset, subject = scored()
    test = planned("perturbation", edit=("shuffle", ("age",)), max_drop=0.1)
    (found,) = findings(test, context_of(dataset, [subject], [test], metrics=(metrics.specify("log_loss"),)))
    assert found.status == "fail"
    assert found.measure == "drop of log_loss"
    assert found.value == pytest.approx(found.details["perturbed"] - found.details["clean"])
    assert 0 < (found.low or 0) < (found.value or 0) < (found.high or 0)
    assert (found.p_value or 0) < 1e-6


def test_without_a_bound_it_is_measured_and_without_labels_flips_are_told() -> None:
    dataset, subject = scored()
    test = planned("perturbation", edit=("shuffle", ("age",)))
    assert findings(test, context_of(dataset, [subject], [test]))[0].status == "info"
    bounded = planned("perturbation", edit=("shuffle", ("age",)), max_drop=0.01)
    unlabelled = replace(dataset, truth=None)
    (found,) = findings(bounded, context_of(unlabelled, [subject], [bounded]))
    assert (found.status, found.measure) == ("info", "flip rate")
    assert found.value == found.details["flip_rate"]
    assert "there are no labels" in found.reason


def test_a_model_that_ignores_the_noise_has_proved_nothing() -> None:
    dataset, _ = scored()
    still = subject_of(probability(lambda rows: np.full(rows.height, 0.3)), dataset)
    test = planned("perturbation", edit=("noise", {"columns": ("age",), "sd": 0.5}), max_drop=0.02)
    assert findings(test, context_of(dataset, [still], [test]))[0].status == "vacuous"


def test_auto_adds_noise_and_the_columns_that_matter_and_only_warns() -> None:
    dataset, subject = scored()
    context = context_of(dataset, [subject], [])
    check: Check = catalog.find("checks", "perturbation")
    asked = [automatic_test("perturbation", check, params) for params in check.automatic(context)]
    assert [test.name for test in asked] == ["noise", "without age"]
    assert {test.params["severity"] for test in asked} == {"warn"}
    assert {test.params["max_drop"] for test in asked} == {0.05}
    for test in asked:
        made = context_of(dataset, [subject], asked)
        assert all(finding.status in ("pass", "warn") for finding in findings(test, made))


def test_the_most_important_columns_are_those_of_scikit_learn() -> None:
    rows = np.random.default_rng(0).normal(size=(2000, 6))
    weights = np.array([0.0, 2.0, 0.0, 1.0, 4.0, 0.0])
    truth = (rows @ weights + np.random.default_rng(1).normal(size=2000) > 0).astype(np.int64)
    model = LogisticRegression().fit(rows, truth)
    table = pl.DataFrame(rows, schema=[f"x{number}" for number in range(6)])
    dataset = dataset_of(table, BINARY, truth)
    subject = subject_of(
        lambda part: Prediction(model.predict(part.to_numpy()), model.predict_proba(part.to_numpy())), dataset
    )
    theirs = permutation_importance(model, rows, truth, scoring="roc_auc", n_repeats=3, random_state=0)
    order = [f"x{number}" for number in np.argsort(-theirs.importances_mean)[:3]]
    context = context_of(dataset, [subject], [])
    assert list(most_important(context, 3)) == order
    unlabelled = context_of(replace(dataset, truth=None), [subject], [])
    assert list(most_important(unlabelled, 3)) == order


# -- minimum functionality ---------------------------------------------------------------------------------------------


def author(tmp_path: Path, lines: str, **params: Any) -> tuple[Any, Any]:
    (tmp_path / "cases.csv").write_text(lines, "utf-8")
    dataset = dataset_of(people(), BINARY, np.arange(400) % 2, folder=str(tmp_path))
    subject = subject_of(probability(lambda rows: (rows["age"].fill_null(0) >= 50) * 0.8), dataset)
    test = planned("minimum_functionality", **{"file": "cases.csv", "label": "right", "min_rows": 3, **params})
    return test, context_of(dataset, [subject], [test], folder=str(tmp_path))


def test_the_authors_rows_are_read_as_the_datas_and_judged_by_their_labels(tmp_path: Path) -> None:
    test, context = author(tmp_path, "age,right\n60,yes\n20,no\n70,no\n,no\n")
    found = whole(test, context)
    assert (found.n, found.value) == (4, 0.25)
    (worst,) = found.worst_rows
    assert (worst.row, worst.old, worst.new) == (3, "no", "yes")
    assert found.status == "warn"  # one of four is more than 10 %, and may be chance


def test_a_file_of_the_same_ending_is_read_as_the_data_is_and_another_plainly(tmp_path: Path) -> None:
    _, context = author(tmp_path, "age;right\n60;yes\n20;no\n70;no\n")
    own = {"path": "rows.csv", "separator": ";", "header": False, "columns": ["age", "y"]}
    source = {"source": "csv", "params": own, "files": (str(tmp_path / "rows.csv"),)}
    table, truth = read_author_rows("cases.csv", "right", replace(context.dataset, source=source))
    assert (table["age"].to_list(), truth.tolist()) == ([60, 20, 70], [1, 0, 0])
    (tmp_path / "cases.tsv").write_text("age\tright\n60\tyes\n", "utf-8")
    table, truth = read_author_rows("cases.tsv", "right", replace(context.dataset, source=source))
    assert (table["age"].to_list(), truth.tolist()) == ([60], [1])


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("age,right\n60,yes\n20,maybe\n", "row 2: 'maybe' is no class of the target (known: no, yes)"),
        ("age,right\n60,yes\n20,\n", "row 2, column 'right': there is no label"),
        ("age,rigth\n60,yes\n", "there is no label column 'right'; did you mean 'rigth'?"),
        ("age,right\nold,yes\n", "row 1, column 'age': the value is not a number"),
        ("aage,right\n1,yes\n", "none of its columns is a feature"),
    ],
)
def test_what_is_wrong_with_the_authors_file_is_told(tmp_path: Path, lines: str, sentence: str) -> None:
    test, context = author(tmp_path, lines)
    check: Check = catalog.find("checks", test.check)
    ((path, told),) = check.problems(test.params, context.dataset)
    assert path == ("file",)
    assert sentence in told


def test_an_authors_file_that_is_not_there_is_told_with_the_path_that_was_tried(tmp_path: Path) -> None:
    test, context = author(tmp_path, "age,right\n1,yes\n", file="case.csv")
    check: Check = catalog.find("checks", test.check)
    ((_, told),) = check.problems(test.params, context.dataset)
    assert str(tmp_path / "case.csv") in told
    assert "cases.csv" in told


# -- proxies -----------------------------------------------------------------------------------------------------------


def test_a_column_that_others_give_away_is_a_warning_and_one_that_they_do_not_is_none() -> None:
    table = people(1500)
    dataset = dataset_of(table.drop("said"), BINARY, np.arange(1500) % 2)
    subject = subject_of(
        probability(lambda rows: rows["age"] / 100), dataset, features=("age", "role", "income", "member")
    )
    test = planned("proxies")
    context = context_of(dataset, [subject], [test], sensitive=("sex", "race"), withheld={"sex": "", "race": ""})
    context = replace(context, train=np.arange(1000))
    easy, hard = findings(test, context)
    assert (easy.variant, easy.status, easy.details["strongest"]) == ("sex", "warn", ["role"])
    assert easy.value == pytest.approx(1.0)
    assert (hard.variant, hard.status) == ("race", "pass")
    assert 0.4 < (hard.value or 0) < 0.6


def test_auto_asks_for_proxies_of_what_is_withheld_and_swaps_the_rest() -> None:
    dataset = dataset_of(people())
    subject = subject_of(probability(male), dataset)
    context = context_of(dataset, [subject], [], sensitive=("sex", "race", "age"), withheld={"sex": "sensitive"})
    proxies: Check = catalog.find("checks", "proxies")
    invariance: Check = catalog.find("checks", "invariance")
    assert proxies.automatic(context) == [{}]
    swaps = [(params["name"], params["edit"]) for params in invariance.automatic(context)]
    assert swaps == [("race", ("every_other_value", "race")), ("age", ("shuffle", ["age"]))]
    assert not proxies.automatic(replace(context, withheld={}))


def test_all_that_is_found_is_plain_data() -> None:
    dataset, subject = scored(400)
    tests = [
        planned("invariance", edit=SEX),
        planned("directional", edit=("add", {"age": 5}), expect="increase"),
        planned("perturbation", edit=("blank", ("income",))),
    ]
    context = context_of(dataset, [subject], tests)
    for test in tests:
        for finding in findings(test, context):
            json.dumps(dict(finding.details), allow_nan=False)
            for number in (finding.value, finding.low, finding.high, finding.p_value):
                assert number is None or type(number) is float
            assert finding.n is None or type(finding.n) is int
