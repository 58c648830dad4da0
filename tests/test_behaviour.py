"""The engine makes the rows of a suite once, asks each model once, and gives each test its part back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from behaviour_cases import (
    BINARY,
    context_of,
    dataset_of,
    engine_of,
    findings,
    people,
    planned,
    probability,
    subject_of,
    whole,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from mlrun.change.engine import CHUNK, Answer, distinct_rows
from mlrun.check_contracts import Context, Subject
from mlrun.errors import DataError
from mlrun.records import PlannedTest, Prediction


class Counting:
    """A model that remembers what it was asked about."""

    def __init__(self) -> None:
        self.asked: list[pl.DataFrame] = []

    def __call__(self, table: pl.DataFrame) -> Prediction:
        self.asked.append(table)
        return probability(lambda rows: (rows["age"].fill_null(0) % 50) / 50)(table)


def answer(context: Context, test: PlannedTest, subject: Subject | None = None) -> Answer:
    return engine_of(context).of(subject or context.subjects[0], test)


SUITE = (
    planned("invariance", "sex", edit=("swap", {"sex": {"Male": "Female", "Female": "Male"}})),
    planned("directional", "older", edit=("add", {"age": 1}), expect="increase"),
    planned("perturbation", "noise", edit=("noise", {"columns": ("age",), "sd": (0.1, 0.2)})),
    planned("invariance", "sex again", edit=("every_other_value", "sex")),
)


def test_a_model_is_asked_once_about_all_tests_and_about_no_row_twice() -> None:
    dataset, model = dataset_of(people()), Counting()
    context = context_of(dataset, [subject_of(model, dataset)], SUITE)
    for test in SUITE:
        answer(context, test)
        answer(context, test)
    assert len(model.asked) == 1
    assert not model.asked[0].is_duplicated().any()
    # base rows, the other sex once though two tests swap it, one year more, two levels of noise
    assert model.asked[0].height == 400 * 5


def test_rows_are_told_apart_by_the_columns_that_a_model_reads() -> None:
    dataset, model = dataset_of(people()), Counting()
    subject = subject_of(model, dataset, features=("age",))
    context = context_of(dataset, [subject], SUITE[:1])
    found = answer(context, SUITE[0])
    assert [len(change.cases) for change in found.changes] == [0, 0]  # for this model nothing changed
    assert model.asked[0].height == dataset.table["age"].n_unique()


def test_the_rows_are_made_once_for_all_models() -> None:
    dataset = dataset_of(people())
    subjects = [subject_of(Counting(), dataset), subject_of(Counting(), dataset, name="other")]
    context = context_of(dataset, subjects, SUITE)
    answer(context, SUITE[0])
    stack = engine_of(context).stack
    answer(context, SUITE[0], subjects[1])
    assert engine_of(context).stack is stack


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 60), st.sampled_from([None, "age > 40", "race = 'B' OR member"]))
def test_every_answer_is_what_the_model_says_of_the_edited_row_alone(seed: int, rows: int, where: str | None) -> None:
    table = people(rows, seed)
    dataset = dataset_of(table)
    predict = probability(lambda part: (part["age"] / 100 + (part["sex"] == "Male") * 0.1).clip(0, 1))
    test = planned("invariance", edit=("every_other_value", "sex"), where=where, sample=30)
    context = context_of(dataset, [subject_of(predict, dataset)], [test])
    found = answer(context, test)
    ids = np.array(found.ids, dtype=np.int64)
    assert_array_equal(ids, np.unique(ids))
    assert len(ids) <= 30
    assert_array_equal(found.base.probabilities, predict(table[ids]).probabilities)
    for change, sex in zip(found.changes, [change.variant[len("sex = ") :] for change in found.changes], strict=True):
        kept = table[ids[change.cases]]
        assert (kept["sex"] != sex).all()
        after = predict(kept.with_columns(sex=pl.lit(sex)))
        assert_array_equal(change.new.probabilities, after.probabilities)
        assert_array_equal(change.old.probabilities, predict(kept).probabilities)


def test_what_goes_along_changes_only_rows_that_the_edit_changed_and_all_values_at_once() -> None:
    dataset = dataset_of(people())
    along = (("swap", {"role": {"Husband": "Wife", "Wife": "Husband"}}),)
    test = planned("invariance", edit=("swap", {"sex": {"Male": "Female"}}), along=along)
    seen = Counting()
    answer(context_of(dataset, [subject_of(seen, dataset)], [test]), test)
    edited = seen.asked[0].filter(pl.col("sex") == "Female")
    men = int((dataset.table["sex"] == "Male").sum())
    assert seen.asked[0].height == 400 + men
    assert (edited["role"] == "Wife").all()


def test_a_condition_chooses_before_the_sample_is_drawn_and_all_tests_share_the_order() -> None:
    dataset = dataset_of(people(2000))
    tests = [
        planned("invariance", "rare", edit=("every_other_value", "sex"), where="race = 'C'"),
        planned("invariance", "few", edit=("every_other_value", "sex"), sample=50),
        planned("invariance", "all", edit=("every_other_value", "sex")),
    ]
    context = context_of(dataset, [subject_of(Counting(), dataset)], tests, sample=150)
    rare, few, whole = (set(answer(context, test).ids) for test in tests)
    assert (len(rare), len(few), len(whole)) == (150, 50, 150)
    assert few < whole
    assert {dataset.table["race"][int(row)] for row in rare} == {"C"}


def test_only_judged_rows_are_drawn_and_they_bear_their_ids() -> None:
    table = people()
    dataset = dataset_of(table, row_ids=np.array([f"p{number}" for number in range(400)]))
    test = planned("invariance", edit=("every_other_value", "sex"))
    context = context_of(dataset, [subject_of(Counting(), dataset)], [test], rows=np.arange(300, 400))
    assert set(answer(context, test).ids) == {f"p{number}" for number in range(300, 400)}


def test_a_baseline_that_is_silent_on_a_row_is_not_judged_on_it() -> None:
    dataset = dataset_of(people())
    spoken = np.arange(300, 400) % 4 != 0
    silent = subject_of(Counting(), dataset, kind="baseline", features=None, answered=spoken)
    test = planned("invariance", edit=("every_other_value", "sex"))
    found = answer(context_of(dataset, [silent], [test], rows=np.arange(300, 400)), test)
    assert found.ids == tuple(np.arange(300, 400)[spoken].tolist())
    assert sum(len(change.cases) for change in found.changes) == 75


def test_a_test_whose_edit_fails_is_alone_with_it(tmp_path: Path) -> None:
    (tmp_path / "engine_edits.py").write_text("def broken(table, generator):\n    return table[:3]\n")
    dataset = dataset_of(people())
    bad = planned("invariance", "bad", edit=("python", "engine_edits:broken"))
    context = context_of(dataset, [subject_of(Counting(), dataset)], [bad, *SUITE], folder=str(tmp_path))
    with pytest.raises(DataError, match="gave 3 rows"):
        answer(context, bad)
    assert answer(context, SUITE[0]).changes


def test_a_model_that_cannot_bear_the_rows_of_one_test_answers_the_others() -> None:
    def touchy(table: pl.DataFrame) -> Prediction:
        if (table["age"] > 1000).any():
            raise ValueError("no such age")
        return Counting()(table)

    dataset = dataset_of(people())
    bad = planned("directional", "far", edit=("add", {"age": 5000}), expect="increase")
    context = context_of(dataset, [subject_of(touchy, dataset)], [bad, *SUITE])
    with pytest.raises(DataError, match="ValueError: no such age"):
        answer(context, bad)
    plain = context_of(dataset, [subject_of(Counting(), dataset)], SUITE)
    for test in SUITE[:2]:
        assert_array_equal(answer(context, test).changes[0].new.values, answer(plain, test).changes[0].new.values)


def test_an_edit_that_makes_words_of_numbers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wordy_edits.py").write_text(
        "import polars as pl\ndef wordy(table, generator):\n    return table.with_columns(age=pl.lit('old'))\n"
    )
    dataset = dataset_of(people())
    test = planned("invariance", edit=("python", "wordy_edits:wordy"))
    context = context_of(dataset, [subject_of(Counting(), dataset)], [test], folder=str(tmp_path))
    with pytest.raises(DataError, match="made column 'age' String, where Int64 is expected"):
        answer(context, test)


def test_a_large_stack_is_asked_in_chunks() -> None:
    table = pl.DataFrame({"age": np.arange(CHUNK + 10), "sex": ["Male", "Female"] * (CHUNK // 2 + 5)})
    dataset, model = dataset_of(table), Counting()
    test = planned("directional", edit=("add", {"age": 100_000}), expect="increase")
    context = context_of(dataset, [subject_of(model, dataset)], [test], sample=CHUNK)
    found = answer(context, test)
    assert [part.height for part in model.asked] == [CHUNK, CHUNK]
    assert len(found.changes[0].cases) == CHUNK


def test_rows_are_equal_only_where_every_value_is() -> None:
    table = pl.DataFrame({"a": [1.0, 1.0, None, None, 0.0], "b": ["x", "x", None, "x", None]})
    first, inverse = distinct_rows(table)
    assert len(first) == 4
    assert table[first][inverse].equals(table)
    nested = pl.DataFrame({"a": [1, 1], "b": [[1], [1]]})
    first, inverse = distinct_rows(nested)
    assert nested[first][inverse].equals(nested)


def test_the_same_seed_gives_the_same_rows_whatever_else_is_asked() -> None:
    dataset = dataset_of(people(), BINARY)
    noise = SUITE[2]
    drawn = []
    for tests in ([noise], list(SUITE), [*SUITE[::-1]]):
        subject = subject_of(Counting(), dataset)
        found = answer(context_of(dataset, [subject], tests), noise)
        drawn.append(found.changes[1].new.probabilities)
    assert_array_equal(drawn[0], drawn[1])
    assert_array_equal(drawn[0], drawn[2])


def test_an_edit_that_a_type_cannot_hold_and_a_model_that_cannot_answer_are_sentences() -> None:
    def refuses(table: pl.DataFrame) -> Prediction:
        raise ValueError("Input X contains infinity\nand more")

    dataset = dataset_of(people())
    far = planned("directional", "far", edit=("add", {"since": 1e30}), expect="increase")
    for test, told in (
        (far, "^the edit cannot be made on these rows: "),
        (SUITE[1], "^the model cannot answer the edited rows: ValueError: Input X contains infinity$"),
    ):
        context = context_of(dataset, [subject_of(refuses, dataset)], (test,))
        with pytest.raises(DataError, match=told):
            answer(context, test)


def test_without_a_row_to_change_no_model_is_asked() -> None:
    dataset, model = dataset_of(people()), Counting()
    subjects = [subject_of(model, dataset)]
    none = context_of(dataset, subjects, SUITE, rows=np.arange(0))
    assert [whole(test, none).reason for test in SUITE[:2]] == ["there are no test rows"] * 2
    assert [finding.reason for finding in findings(SUITE[2], none)] == ["there are no test rows"]
    test = planned("invariance", "old", edit=("every_other_value", "sex"), where="age > 1000")
    nobody = whole(test, context_of(dataset, subjects, (test,)))
    assert (nobody.status, nobody.reason) == ("not_run", "`where` holds for none of the test rows")
    assert not model.asked


def test_a_column_that_no_model_reads_is_told_with_its_role() -> None:
    dataset, model = dataset_of(people()), Counting()
    subject = subject_of(model, dataset, features=("age",))
    reasons = {"race": "dropped", "sex": "sensitive"}
    tests = [planned("invariance", name, edit=("every_other_value", name)) for name in reasons]
    context = context_of(dataset, [subject], tests, withheld=reasons)
    dropped, withheld = (whole(test, context).reason for test in tests)
    assert dropped == "no model reads race (dropped)"
    assert withheld == "withheld from the model: sex; `proxies` tells what gives it away"
