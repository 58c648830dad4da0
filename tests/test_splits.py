"""Splits are scikit-learn's where it has them; groups and times are never on both sides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_tables import loaded, made, spec_of
from numpy.testing import assert_array_equal
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, train_test_split

from mlrun.errors import DataError, SpecError
from mlrun.records import Dataset, Split, Task
from mlrun.spec import DataSpec, Spec, SplitSpec
from mlrun.splits import split


def dataset_of(truth: Any, task: str = "classification", **parts: Any) -> Dataset:
    values = np.asarray(truth, dtype=np.float64 if task == "regression" else np.int64)
    table = parts.pop("table", pl.DataFrame({"x": np.arange(len(values))}))
    labels = () if task == "regression" else tuple(f"label {code}" for code in range(int(values.max()) + 1))
    return Dataset(table, Task(task, labels), (), (), values, np.arange(len(values)), **parts)  # type: ignore[arg-type]


def split_of(dataset: Dataset, seed: int = 0, **said: Any) -> Split:
    return split(dataset, Spec("test", DataSpec("csv", {}), seed=seed, split=SplitSpec(**said)))


def refusal(dataset: Dataset, **said: Any) -> str:
    with pytest.raises(SpecError) as told:
        split_of(dataset, **said)
    return str(told.value)


def test_a_plain_split_is_scikit_learns_own() -> None:
    truth = np.arange(100) % 4 == 0
    found = split_of(dataset_of(truth), seed=7, repeats=2)
    train, test = train_test_split(np.arange(100), test_size=0.2, stratify=truth, random_state=7)
    assert_array_equal(found.train, np.sort(train))
    assert_array_equal(found.test, np.sort(test))
    expected = [
        (found.train[inside], found.train[valid])
        for repeat in (0, 1)
        for inside, valid in StratifiedKFold(5, shuffle=True, random_state=7 + repeat).split(
            found.train, truth[found.train]
        )
    ]
    assert [fold.name for fold in found.folds] == [f"{repeat}.{fold}" for repeat in (0, 1) for fold in range(5)]
    for fold, (inside, valid) in zip(found.folds, expected, strict=True):
        assert_array_equal(fold.train, inside)
        assert_array_equal(fold.valid, valid)


def test_a_regression_is_not_stratified() -> None:
    found = split_of(dataset_of(np.linspace(0, 1, 50), "regression"), folds=3)
    for fold, (inside, _) in zip(found.folds, KFold(3, shuffle=True, random_state=0).split(found.train), strict=True):
        assert_array_equal(fold.train, found.train[inside])


def test_the_splits_own_seed_wins_over_the_specs() -> None:
    dataset = dataset_of(np.arange(60) % 2)
    assert_array_equal(split_of(dataset, seed=1).test, split_of(dataset, seed=1).test)
    spec = Spec("test", DataSpec("csv", {}), seed=1, split=SplitSpec(seed=9))
    assert_array_equal(split(dataset, spec).test, split_of(dataset, seed=9).test)


def test_unshuffled_the_last_rows_test_and_folds_are_blocks() -> None:
    found = split_of(dataset_of(np.linspace(0, 1, 50), "regression"), shuffle=False, test=0.1, folds=3)
    assert_array_equal(found.test, np.arange(45, 50))
    assert_array_equal(np.concatenate([fold.valid for fold in found.folds]), np.arange(45))


def test_without_a_test_all_rows_train() -> None:
    found = split_of(dataset_of(np.arange(30) % 2), test=0.0)
    assert len(found.train) == 30
    assert len(found.test) == 0


def test_the_rows_of_a_test_file_are_the_test() -> None:
    found = split_of(dataset_of(np.arange(40) % 2, test_start=30))
    assert_array_equal(found.train, np.arange(30))
    assert_array_equal(found.test, np.arange(30, 40))


@pytest.mark.parametrize(("kind", "splitter"), [("regression", GroupKFold), ("classification", StratifiedGroupKFold)])
def test_groups_are_dealt_as_scikit_learn_deals_them(kind: str, splitter: Any) -> None:
    groups = np.repeat(np.arange(20), 3)
    found = split_of(dataset_of(np.arange(60) % 2, kind, groups=groups), folds=3)
    truth = (np.arange(60) % 2)[found.train]
    pairs = splitter(3, shuffle=True, random_state=0).split(found.train, truth, groups[found.train])
    for fold, (inside, valid) in zip(found.folds, pairs, strict=True):
        assert_array_equal(fold.train, found.train[inside])
        assert_array_equal(fold.valid, found.train[valid])


@settings(max_examples=30, deadline=None)
@given(
    groups=st.lists(st.integers(0, 12), min_size=40, max_size=80),
    share=st.sampled_from([0.1, 0.2, 0.4, 0.7]),
    timed=st.booleans(),
    kind=st.sampled_from(["classification", "regression"]),
    seed=st.integers(0, 3),
)
def test_a_group_is_never_on_both_sides(groups: list[int], share: float, timed: bool, kind: str, seed: int) -> None:
    members = np.asarray(groups)
    times = np.random.default_rng(seed).integers(0, 30, len(groups)) if timed else None
    dataset = dataset_of(np.arange(len(groups)) % 2, kind, groups=members, times=times)
    try:
        found = split_of(dataset, seed=seed, test=share, folds=2)
    except SpecError:
        return  # one sentence instead of a wrong split
    assert not set(members[found.train]) & set(members[found.test])
    for fold in found.folds:
        assert not set(members[fold.train]) & set(members[fold.valid])
        assert set(fold.train) | set(fold.valid) <= set(found.train)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.3, 0.4, 0.7])
def test_whole_groups_come_near_the_share_asked_for_and_the_reached_one_is_told(share: float) -> None:
    found = split_of(dataset_of(np.arange(400) % 2, groups=np.arange(400) // 4), test=share)
    assert len(found.test) / 400 == pytest.approx(share, abs=0.02)
    assert found.notes[0].startswith(f"test holds {len(found.test) / 400:.1%} of the rows, in whole groups")


def test_too_few_groups_are_a_sentence() -> None:
    truth = np.arange(60) % 2
    assert "one group only" in refusal(dataset_of(truth, groups=np.zeros(60, np.int64)))
    assert "2 groups in train are too few for 5 folds" in refusal(dataset_of(truth, groups=np.arange(60) // 20))


def test_a_class_that_lives_in_one_group_is_refused() -> None:
    truth = (np.arange(60) < 6).astype(int)
    told = refusal(dataset_of(truth, groups=np.arange(60) // 6), test=0.0)
    assert "would train without any row of class 'label 1'" in told


def test_the_past_trains_and_the_future_tests() -> None:
    times = np.random.default_rng(0).permutation(100)
    found = split_of(dataset_of(np.arange(100) % 2, times=times), folds=4)
    assert times[found.train].max() == 79
    assert times[found.test].min() == 80
    assert [len(fold.train) for fold in found.folds] == [16, 32, 48, 64]  # each holds all of the past
    for fold in found.folds:
        assert times[fold.train].max() + 1 == times[fold.valid].min()
        assert len(fold.valid) == 16


@settings(max_examples=40, deadline=None)
@given(
    times=st.lists(st.integers(0, 25), min_size=30, max_size=60),
    folds=st.integers(2, 4),
    gap=st.integers(0, 3),
    share=st.sampled_from([0.0, 0.2, 0.5]),
)
def test_equal_times_are_never_divided(times: list[int], folds: int, gap: int, share: float) -> None:
    when = np.asarray(times)
    try:
        found = split_of(dataset_of(when * 1.0, "regression", times=when), folds=folds, gap=gap, test=share)
    except SpecError:
        return
    if share:
        assert when[found.train].max() < when[found.test].min()
    for fold in found.folds:
        assert when[fold.train].max() < when[fold.valid].min()


def test_a_gap_leaves_out_the_rows_before_what_is_held_out() -> None:
    times = np.arange(100)
    found = split_of(dataset_of(np.arange(100) % 2, times=times), folds=3, gap=4)
    assert found.train.max() == 75
    assert found.test.min() == 80
    for fold in found.folds:
        assert fold.valid.min() - fold.train.max() == 5


def test_a_missing_time_is_an_error_that_names_the_row(tmp_path: Any) -> None:
    when = [f"2024-01-{day:02d}" for day in range(1, 31)] * 2
    with pytest.raises(DataError, match="row 5"):
        loaded(tmp_path, made(t=[*when[:4], None, *when[5:]]), time="t")


def test_groups_on_both_sides_of_a_split_in_time_leave_train_and_are_counted() -> None:
    groups = np.arange(100)
    groups[90] = groups[3] = groups[5] = 500
    found = split_of(dataset_of(np.arange(100) % 2, groups=groups, times=np.arange(100)), folds=3)
    assert not {3, 5} & set(found.train)
    assert found.notes == ("2 training rows were dropped, because their group is in test too",)


def test_groups_in_a_test_file_leave_train_and_are_counted() -> None:
    groups = np.arange(40)
    groups[35] = 2
    found = split_of(dataset_of(np.arange(40) % 2, groups=groups, test_start=30))
    assert 2 not in found.train
    assert found.notes == ("1 training rows were dropped, because their group is in the test file too",)


def test_a_test_file_that_begins_in_the_past_is_said() -> None:
    found = split_of(dataset_of(np.arange(40) % 2, times=np.arange(40) % 35, test_start=30))
    assert "not the future" in found.notes[0]


def test_a_column_of_folds_holds_each_value_out_and_is_no_feature(tmp_path: Any) -> None:
    table = made(f=[f"part {row // 2 % 3}" for row in range(60)])
    dataset = loaded(tmp_path, table, split={"folds": {"column": "f"}, "test": 0})
    found = split_of(dataset, fold_column="f", test=0.0)
    assert dict(dataset.withheld)["f"] == "folds"
    assert [set(table["f"].gather(fold.valid)) for fold in found.folds] == [{"part 0"}, {"part 1"}, {"part 2"}]


def test_a_column_of_folds_may_not_divide_groups_nor_have_gaps() -> None:
    truth = np.arange(40) % 2
    table = pl.DataFrame({"f": np.arange(40) // 2 % 2})
    told = refusal(dataset_of(truth, table=table, groups=np.arange(40) // 8), fold_column="f", test=0.0)
    assert "divides groups" in told
    gappy = pl.DataFrame({"f": [None, *range(2), *([0, 1] * 18), 1]})
    assert "has missing values" in refusal(dataset_of(truth, table=gappy), fold_column="f", test=0.0)
    single = pl.DataFrame({"f": [1] * 40})
    assert "has a single value" in refusal(dataset_of(truth, table=single), fold_column="f", test=0.0)


def test_a_column_of_folds_may_not_hide_a_class() -> None:
    truth = np.arange(40) // 20
    told = refusal(dataset_of(truth, table=pl.DataFrame({"f": truth})), fold_column="f", test=0.0)
    assert "fold 1 would train without any row of class 'label 0'" in told


def test_classes_too_rare_for_the_folds_are_refused_by_name() -> None:
    truth = np.array([0] * 50 + [1] * 3)
    told = refusal(dataset_of(truth), test=0.0)
    assert "too few training rows for 5 folds: 'label 1' (3). Use fewer folds (at most 3)" in told
    assert "class 'label 1' has a single row" in refusal(dataset_of([0] * 50 + [1]))
    assert "Drop these rows" in refusal(dataset_of([0] * 50 + [1]), test=0.0)


def test_too_few_rows_are_refused() -> None:
    assert "8 training rows are too few for 5 folds" in refusal(dataset_of(np.arange(10) % 2))


def test_a_refusal_points_at_the_line(tmp_path: Any) -> None:
    spec = spec_of(tmp_path, {"source": "csv", "path": "rows.csv", "target": "y"}, split={"folds": 9})
    with pytest.raises(SpecError) as told:
        split(dataset_of([0] * 50 + [1] * 8), spec)
    assert told.value.problems[0].place is not None
    assert told.value.problems[0].place.line == 1


def test_repeats_with_time_are_refused_when_the_spec_is_read(tmp_path: Any) -> None:
    with pytest.raises(SpecError, match="repeated"):
        spec_of(tmp_path, {"source": "csv", "path": "r.csv", "target": "y", "time": "t"}, split={"repeats": 2})


def test_a_test_that_leaves_no_training_rows_says_where_they_went() -> None:
    shared = dataset_of(np.arange(60) % 2, times=np.arange(60), groups=np.arange(60) % 3)
    assert "48 training rows were dropped, because their group is in test too" in refusal(shared)


def test_test_rows_with_the_ids_of_training_rows_are_told() -> None:
    dataset = dataset_of(np.arange(40) % 2, test_start=30)
    dataset = replace(dataset, row_ids=np.r_[np.arange(30), np.arange(25, 35)])
    named = Spec("test", DataSpec("csv", {}, id="k"))
    told = "5 of 10 test rows have the id of a training row"
    assert [note.startswith(told) for note in split(dataset, named).notes] == [True]
    assert not split_of(dataset).notes  # without an id, they are positions in two files
