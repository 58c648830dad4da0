"""What changed between two tables, against plain counting in Python: whatever the order, the format, the types."""

from __future__ import annotations

import csv
import datetime as dt
import json
import statistics
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import Done, run, write_spec
from made_runs import make_run

from mlrun import cli
from mlrun.data_diff import Wish, diff, diff_of_tables, exit_code
from mlrun.diff.moves import cramers_v, mean_difference
from mlrun.diff.outcome import ColumnChanges, DataDiff
from mlrun.diff.sides import Side
from mlrun.errors import DataError, NothingConcluded, UsageError
from mlrun.store import snapshots

SHARED = Path(__file__).parents[2] / "shared" / "data"
TITANIC = SHARED / "titanic_kaggle" / "train.csv"
COMPAS = SHARED / "compas" / "compas-scores-two-years.csv"
DAY = dt.date(2024, 1, 1)


def side(table: pl.DataFrame, name: str = "a", **facts: Any) -> Side:
    return Side(name, "file", table, **facts)


def compared(first: pl.DataFrame, second: pl.DataFrame, column: str | None = None, examples: int = 0) -> DataDiff:
    return diff_of_tables(side(first, "a"), side(second, "b"), column, Wish(column, examples))


def column_of(found: DataDiff, name: str) -> ColumnChanges:
    return next(column for column in found.columns if column.name == name)


def people(rows: int, seed: int = 0) -> pl.DataFrame:
    """Return rows that are the same however many there are."""
    draw, others, third, last = (np.random.default_rng([seed, at]) for at in range(4))
    return pl.DataFrame(
        {
            "id": [f"p{at}" for at in range(rows)],
            "age": draw.integers(18, 90, rows),
            "weight": others.normal(70, 10, rows),
            "sex": third.choice(["f", "m"], rows),
            "since": [DAY + dt.timedelta(days=int(at)) for at in last.integers(0, 900, rows)],
        }
    )


# -- against plain counting -------------------------------------------------------------------------------------------

CELLS = st.one_of(st.none(), st.integers(-3, 3))
WORDS = st.one_of(st.none(), st.sampled_from(["a", "b", "", "é\u202e", "NaN"]))
FLOATS = st.one_of(st.none(), st.sampled_from([0.0, -0.0, 0.5, 1e300, -2.0]))
ROWS = st.lists(st.tuples(CELLS, WORDS, FLOATS), min_size=1, max_size=12)
SCHEMA = {"n": pl.Int64, "w": pl.String, "f": pl.Float64}


def table_of(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@given(ROWS, ROWS)
@settings(max_examples=60, deadline=None)
def test_rows_are_counted_as_a_multiset(first: list[tuple[Any, ...]], second: list[tuple[Any, ...]]) -> None:
    found = compared(table_of(first), table_of(second))
    one, two = Counter(first), Counter(second)
    assert found.rows.same == (one & two).total()
    assert (found.rows.removed, found.rows.added) == ((one - two).total(), (two - one).total())
    assert found.same == (one == two)


@given(st.dictionaries(st.integers(0, 20), st.tuples(CELLS, WORDS, FLOATS), min_size=1, max_size=12), st.data())
@settings(max_examples=60, deadline=None)
def test_rows_are_matched_by_id(first: dict[int, tuple[Any, ...]], data: st.DataObject) -> None:
    second = data.draw(st.dictionaries(st.integers(0, 20), st.tuples(CELLS, WORDS, FLOATS), min_size=1, max_size=12))
    kept = data.draw(st.sets(st.sampled_from(sorted(first))))
    second |= {key: first[key] for key in kept}
    tables = [
        pl.DataFrame([(key, *row) for key, row in rows.items()], schema={"id": pl.Int64, **SCHEMA}, orient="row")
        for rows in (first, second)
    ]
    found = compared(tables[0], tables[1], "id")
    both = [key for key in first if key in second]
    changed = [key for key in both if first[key] != second[key]]
    assert found.rows.method == "id"
    assert (found.rows.added, found.rows.removed) == (len(second) - len(both), len(first) - len(both))
    assert (found.rows.changed, found.rows.same) == (len(changed), len(both) - len(changed))
    if not found.same:
        for place, name in enumerate(SCHEMA):
            assert column_of(found, name).cells == sum(first[key][place] != second[key][place] for key in both)
    assert found.same == (first == second)


@given(ROWS, st.randoms())
@settings(max_examples=40, deadline=None)
def test_a_table_is_the_same_as_itself_in_any_order(rows: list[tuple[Any, ...]], draw: Any) -> None:
    found = compared(table_of(rows), table_of(rows))
    assert (found.same, found.same_order) == (True, True)
    shuffled = draw.sample(rows, len(rows))
    columns = draw.sample(list(SCHEMA), 3)
    again = compared(table_of(rows), table_of(shuffled).select(columns))
    assert again.same
    assert again.same_order == (shuffled == rows)


@given(ROWS, st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_so_many_rows_more_are_so_many_added(rows: list[tuple[Any, ...]], more: int) -> None:
    found = compared(table_of(rows), table_of(rows + rows[:1] * more))
    assert (found.rows.added, found.rows.removed, found.rows.same) == (more, 0, len(rows))
    back = compared(table_of(rows + rows[:1] * more), table_of(rows))
    assert (back.rows.added, back.rows.removed) == (0, more)


# -- effect sizes ------------------------------------------------------------------------------------------------------


def test_cramers_v_is_that_of_scipy() -> None:
    from scipy.stats.contingency import association

    draw = np.random.default_rng(0)
    for size in (2, 3, 7):
        counts = draw.integers(1, 90, (2, size))
        before, now = ({str(at): int(rows) for at, rows in enumerate(line)} for line in counts)
        assert cramers_v(before, now) == pytest.approx(association(counts, method="cramer"), rel=1e-12)
    assert cramers_v({"a": 10}, {"b": 10}) == pytest.approx(1.0)
    assert cramers_v({"a": 10}, {"a": 3}) == 0.0
    assert cramers_v({}, {"a": 3}) is None


def test_the_difference_of_means_is_in_standard_deviations() -> None:
    draw = np.random.default_rng(0)
    before, now = draw.normal(0, 2, 300), draw.normal(1, 3, 200)
    spread = ((statistics.variance(before.tolist()) + statistics.variance(now.tolist())) / 2) ** 0.5
    expected = (statistics.fmean(now.tolist()) - statistics.fmean(before.tolist())) / spread
    assert mean_difference(before, now) == pytest.approx(expected, rel=1e-12)
    assert mean_difference(np.ones(3), np.ones(4)) == 0.0
    assert mean_difference(np.ones(3), np.zeros(4)) is None
    assert mean_difference(np.ones(1), np.zeros(4)) is None


def test_a_column_that_moved_is_flagged_and_one_that_did_not_is_not() -> None:
    first, second = people(2000), people(2000, seed=1)
    moved = second.with_columns(weight=pl.col("weight") + 8, since=pl.col("since") + dt.timedelta(days=500))
    found = {column.name: column.move for column in compared(first, moved).columns}
    assert [name for name, move in found.items() if move is not None and move.drifted] == ["weight"]
    assert found["weight"] is not None
    assert found["weight"].effect == pytest.approx(0.8, abs=0.1)
    assert found["since"] is not None
    assert found["since"].psi > 0.25  # dates move on by themselves: measured, never flagged
    assert found["id"] is None


def test_few_rows_do_not_move_by_chance() -> None:
    found = compared(people(12), people(12, seed=1))
    assert not any(column.move is not None and column.move.drifted for column in found.columns)


# -- schema ------------------------------------------------------------------------------------------------------------


def test_columns_that_came_went_and_changed_their_type() -> None:
    first = pl.DataFrame({"id": [1, 2, 3], "gone": [1, 2, 3], "t": ["x", "y", "z"]})
    second = pl.DataFrame({"id": [1, 2, 3], "new": [1.5, 2.5, 3.5], "t": [1, 2, 3]})
    found = compared(first, second, "id")
    assert {column.name: (column.change, column.before, column.now) for column in found.columns} == {
        "id": ("same", "whole number", "whole number"),
        "t": ("type", "text", "whole number"),
        "gone": ("removed", "whole number", ""),
        "new": ("added", "", "number"),
    }
    assert not found.same


def test_a_renamed_column_is_guessed_from_its_values() -> None:
    first, second = people(30), people(30).rename({"weight": "kilograms"})
    found = column_of(compared(first, second), "kilograms")
    assert (found.change, found.renamed_from) == ("renamed", "weight")
    changed = second[5:].vstack(people(40)[35:].rename({"weight": "kilograms"}))
    by_id = compared(first, changed, "id")
    assert column_of(by_id, "kilograms").renamed_from == "weight"
    assert (by_id.rows.added, by_id.rows.removed, by_id.rows.changed) == (5, 5, 0)
    assert not by_id.same


def test_columns_that_could_be_either_are_not_guessed() -> None:
    first = pl.DataFrame({"id": [1, 2], "a": [5, 6], "b": [5, 6], "c": [0, 0]})
    second = pl.DataFrame({"id": [1, 2], "x": [5, 6], "y": [5, 6], "z": [0, 0]})
    assert not [column for column in compared(first, second).columns if column.change == "renamed"]


def test_rows_are_compared_by_the_columns_that_both_have() -> None:
    found = compared(people(30), people(30).drop("age"))
    assert (found.same, found.rows.added, found.rows.removed, found.rows.same) == (False, 0, 0, 30)


def test_tables_without_a_common_column_have_no_rows_in_common() -> None:
    found = compared(pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"b": [5, 6, 7]}))
    assert (found.same, found.rows.method) == (False, "")
    assert [column.change for column in found.columns] == ["removed", "added"]


def test_infinite_values_are_missing_ones_and_that_is_told(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1.0, float("inf"), 3]}).write_parquet(tmp_path / "one.parquet")
    pl.DataFrame({"a": [1.0, None, 3]}).write_parquet(tmp_path / "two.parquet")
    found = told(tmp_path, tmp_path / "one.parquet", tmp_path / "two.parquet")
    assert found.same
    assert [note for note in found.notes if "one.parquet: column 'a': 1 infinite value taken as missing" in note]


def test_lists_are_compared_too() -> None:
    first = pl.DataFrame({"id": [1, 2, 3], "l": [[1], [2, 3], None]})
    found = compared(first, first.with_columns(l=pl.Series([[1], [2, 4], None])), "id")
    assert (found.rows.changed, column_of(found, "l").cells) == (1, 1)


# -- ids ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        ([1, 1, 2], "one value of 'id' stands in 2 rows of b"),
        ([1, 1, 1], "one value of 'id' stands in 3 rows of b"),
        ([None, 1, 2], "1 row of b has no 'id'"),
    ],
)
def test_ids_that_name_no_single_row_are_told_and_rows_are_counted(ids: list[int | None], told: str) -> None:
    first = pl.DataFrame({"id": [1, 2, 3], "x": [1, 2, 3]})
    found = compared(first, first.with_columns(id=pl.Series(ids)), "id")
    assert found.rows.method == "multiset"
    assert any(note.startswith(told) for note in found.notes)


def test_ids_match_across_types() -> None:
    first = pl.DataFrame({"id": [1, 2, 3], "x": [1, 2, 3]})
    found = compared(first, first.with_columns(id=pl.col("id").cast(pl.Float64), x=pl.lit(1)), "id")
    assert (found.rows.changed, found.rows.same) == (2, 1)


def test_examples_are_ids_and_only_where_asked_for() -> None:
    second = people(12)[2:].with_columns(age=pl.when(pl.col("id") == "p7").then(0).otherwise(pl.col("age")))
    assert compared(people(10), second, "id").examples == compared(people(10), people(10)).examples
    found = compared(people(10), second, "id", examples=1).examples
    assert (found.added, found.removed, found.changed) == (("p10",), ("p0",), ("p7",))


# -- files -------------------------------------------------------------------------------------------------------------


def told(folder: Path, first: object, second: object, **wish: Any) -> DataDiff:
    return diff(str(first), str(second), folder / "runs", Wish(**wish))


ODD = pl.DataFrame(
    {
        "zip": ["01234", "00501", "99999", None],
        "n": pl.Series([1, 2, None, 2**53 + 1], dtype=pl.Int64),
        "f": [1.0, 2.0, 3.0, -0.0],
        "small": pl.Series([1, 2, 3, 4], dtype=pl.UInt8),
        "b": [True, False, None, True],
        "day": [DAY, None, DAY, DAY],
        "at": pl.Series(["2024-01-01T05:00", None, None, "1999-12-31T00:00"]).str.to_datetime(),
        "c": pl.Series(["x", "y", "x", "y"], dtype=pl.Categorical),
        "quoted": ['a "b"', "c,d", "é", "line\nbreak"],
    }
)


def test_a_table_as_csv_and_as_parquet_is_the_same(tmp_path: Path) -> None:
    ODD.write_csv(tmp_path / "t.csv")
    ODD.write_csv(tmp_path / "semicolons.csv", separator=";")
    ODD.reverse().write_parquet(tmp_path / "t.parquet")
    for first, second in (("t.csv", "t.parquet"), ("t.parquet", "t.csv"), ("semicolons.csv", "t.parquet")):
        found = told(tmp_path, tmp_path / first, tmp_path / second)
        assert (found.same, found.same_order) == (True, False), (first, found.columns)


def test_a_column_that_is_no_number_any_more_is_told_for_text_files(tmp_path: Path) -> None:
    pl.DataFrame({"id": [1, 2, 3], "x": [7, 8, 9]}).write_csv(tmp_path / "a.csv")
    pl.DataFrame({"id": [1, 2, 3], "x": ["7", "8", "nine"]}).write_csv(tmp_path / "b.csv")
    found = told(tmp_path, tmp_path / "a.csv", tmp_path / "b.csv", id="id")
    assert column_of(found, "x").change == "type"
    assert (column_of(found, "x").cells, found.rows.changed) == (1, 1)
    numbers = pl.DataFrame({"id": [1, 2, 3], "x": [7.0, 8.0, 9.0]})
    numbers.write_parquet(tmp_path / "c.parquet")
    assert told(tmp_path, tmp_path / "a.csv", tmp_path / "c.parquet").same


def test_text_that_became_numbers_in_typed_files_is_a_difference(tmp_path: Path) -> None:
    pl.DataFrame({"x": [7, 8, 9]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"x": ["7", "8", "9"]}).write_parquet(tmp_path / "b.parquet")
    found = told(tmp_path, tmp_path / "a.parquet", tmp_path / "b.parquet")
    assert not found.same
    assert column_of(found, "x").change == "type"


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        told(tmp_path, tmp_path / "no.csv", tmp_path / "no.csv")
    with pytest.raises(UsageError, match="no runs of an experiment 'income'"):
        told(tmp_path, "income@3", "income@4")
    trained(tmp_path, people(20))
    with pytest.raises(UsageError, match=r"'kapt' is neither a file here nor an experiment in .*did you mean 'kept'"):
        told(tmp_path, "kapt", "kept")


def test_a_wrong_id_is_answered_with_the_columns_that_there_are(tmp_path: Path) -> None:
    people(5).write_csv(tmp_path / "a.csv")
    with pytest.raises(UsageError, match="did you mean 'weight'"):
        told(tmp_path, tmp_path / "a.csv", tmp_path / "a.csv", id="wieght")
    with pytest.raises(UsageError, match="--id COLUMN"):
        told(tmp_path, tmp_path / "a.csv", tmp_path / "a.csv", examples=3)


# -- runs --------------------------------------------------------------------------------------------------------------

SPEC = """
experiment: kept
data: {path: rows.csv, target: weight, id: id, sensitive: [sex]}
models: [{ridge: {alpha: 1}}]
split: {folds: 2}
"""


def trained(folder: Path, rows: pl.DataFrame, *overrides: str, text: str = SPEC) -> Done:
    rows.write_csv(folder / "rows.csv")
    return run(write_spec(folder, text), *overrides)


def test_two_runs_are_compared_by_their_snapshots(tmp_path: Path) -> None:
    trained(tmp_path, people(40), "data.snapshot=true")
    later = people(45)[3:].with_columns(age=pl.when(pl.col("id") == "p9").then(0).otherwise(pl.col("age")))
    trained(tmp_path, later, "data.snapshot=true")
    (tmp_path / "rows.csv").unlink()
    found = told(tmp_path, "kept@1", "kept@2")
    assert (found.first.origin, found.second.origin) == ("snapshot", "snapshot")
    assert (found.rows.method, found.rows.id) == ("id", "id")
    assert (found.rows.added, found.rows.removed, found.rows.changed, found.rows.same) == (5, 3, 1, 36)
    assert found.first.data_id != found.second.data_id
    assert exit_code(found) == 1


def test_a_run_is_the_same_as_its_file_in_any_form(tmp_path: Path) -> None:
    done = trained(tmp_path, people(40))
    people(40).sample(fraction=1, shuffle=True, seed=3).write_parquet(tmp_path / "other.parquet")
    for name in ("rows.csv", "other.parquet"):
        found = told(tmp_path, "kept", tmp_path / name)
        assert (found.same, exit_code(found)) == (True, 0)
        assert found.first.data_id == found.second.data_id == done.record["data_id"]
    assert told(tmp_path, tmp_path / "other.parquet", "kept").same


def test_a_file_beside_a_run_is_read_as_the_run_reads(tmp_path: Path) -> None:
    text = SPEC.replace(
        "id: id,", "id: id, separator: ';', null_values: ['?'], where: 'age < 80', types: {age: numeric},"
    )
    rows = people(40).with_columns(pl.col("age").cast(pl.String))
    rows = rows.with_columns(age=pl.when(pl.col("id") == "p3").then(pl.lit("?")).otherwise(pl.col("age")))
    rows.write_csv(tmp_path / "rows.csv", separator=";")
    run(write_spec(tmp_path, text))
    found = told(tmp_path, "kept", tmp_path / "rows.csv")
    assert found.same, found.columns
    assert any("the run's condition does not hold" in note for note in found.notes)


def test_without_its_rows_a_run_is_compared_by_its_record(tmp_path: Path) -> None:
    trained(tmp_path, people(400))
    changed = people(400).with_columns(age=pl.col("age") + 30).rename({"sex": "gender"})
    trained(tmp_path, changed, text=SPEC.replace("sensitive: [sex]", "sensitive: [gender]"))
    found = told(tmp_path, "kept@1", "kept@2")
    assert (found.first.origin, found.second.origin) == ("", "source")
    assert found.rows.method == ""
    assert any("cannot be had any more" in note and "has changed since" in note for note in found.notes)
    assert {column.name: column.change for column in found.columns} == {
        "id": "same", "age": "values", "weight": "same", "since": "same", "gender": "renamed"}  # fmt: skip
    moved = column_of(found, "age").move
    assert moved is not None
    assert moved.drifted
    back = told(tmp_path, "kept@2", "kept@1")
    assert {column.name for column in back.columns if column.change == "values"} == {"age"}
    assert exit_code(found) == 1


def test_without_digests_of_columns_no_column_is_called_the_same(tmp_path: Path) -> None:
    """A run that somebody was erased from has none, and its rows may be gone."""
    done = trained(tmp_path, people(40))
    assert done.folder is not None
    data = done.folder / "data.json"
    data.write_text(json.dumps({**json.loads(data.read_bytes()), "columns": {}}))
    people(41).write_csv(tmp_path / "rows.csv")
    for pair in (("kept", tmp_path / "rows.csv"), (tmp_path / "rows.csv", "kept")):
        found = told(tmp_path, *pair)
        assert not found.same
        assert {column.change for column in found.columns} == {"untold"}
        assert (found.first.columns, found.second.columns) == (5, 5)
        assert any("erased from" in note for note in found.notes)


def test_equal_records_are_the_same_data_without_any_rows(tmp_path: Path) -> None:
    trained(tmp_path, people(40))
    trained(tmp_path, people(40).reverse())
    trained(tmp_path, people(40))
    people(9).write_csv(tmp_path / "rows.csv")
    found = told(tmp_path, "kept@1", "kept@2")
    assert (found.same, found.same_order) == (True, False)
    assert told(tmp_path, "kept@1", "kept@3").same_order
    people(40).reverse().write_parquet(tmp_path / "again.parquet")
    assert told(tmp_path, "kept@1", tmp_path / "again.parquet").same


def test_a_damaged_snapshot_is_not_compared(tmp_path: Path) -> None:
    done = trained(tmp_path, people(40), "data.snapshot=true")
    assert done.folder is not None
    place = next(snapshots.snapshots(tmp_path / "runs"))
    place.chmod(0o644)
    place.write_bytes(place.read_bytes()[:-9])
    people(41).write_csv(tmp_path / "rows.csv")
    found = told(tmp_path, str(done.folder), tmp_path / "rows.csv")
    assert found.first.origin == ""
    assert any("no whole snapshot" in note for note in found.notes)


def test_a_run_that_says_nothing_of_its_data_cannot_be_compared(tmp_path: Path) -> None:
    people(5).write_csv(tmp_path / "rows.csv")
    folder = make_run(tmp_path / "runs")
    (folder / "data.json").unlink()
    with pytest.raises(NothingConcluded, match=r"income@1: .*says nothing"):
        told(tmp_path, "income@1", tmp_path / "rows.csv")


def test_a_column_of_another_kind_has_no_drift_from_a_profile(tmp_path: Path) -> None:
    trained(tmp_path, people(100))
    changed = people(100).with_columns(age=pl.lit("old"), since=pl.col("age"), weight=pl.lit(None, pl.Float64))
    changed.write_csv(tmp_path / "rows.csv")
    found = told(tmp_path, "kept", tmp_path / "rows.csv")
    assert {column.name for column in found.columns if column.change == "type"} == {"age", "since"}
    assert column_of(found, "age").move is None


def test_a_run_that_was_cut_off_is_told(tmp_path: Path) -> None:
    done = trained(tmp_path, people(20))
    assert done.folder is not None
    (done.folder / "run.json").unlink()
    with pytest.raises(UsageError, match="not a finished run"):
        told(tmp_path, done.folder, tmp_path / "rows.csv")


def test_ids_that_are_sensitive_are_never_examples(tmp_path: Path) -> None:
    trained(tmp_path, people(40), text=SPEC.replace("[sex]", "[sex, id]"))
    with pytest.raises(UsageError, match="'id' is sensitive"):
        told(tmp_path, "kept", "kept", examples=1)


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_exit_code_says_whether_the_data_is_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people(40).write_csv(tmp_path / "a.csv")
    people(41).write_csv(tmp_path / "b.csv")
    first, second = str(tmp_path / "a.csv"), str(tmp_path / "b.csv")
    assert cli.run(["data", "diff", first, first]) == 0
    assert "same: 40 rows, 5 columns in the same order" in capsys.readouterr().out
    assert cli.run(["data", "diff", first, second, "--format", "json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert (content["same"], content["rows"]["removed"] - content["rows"]["added"]) == (False, -1)
    (tmp_path / "none.csv").write_text("")
    assert cli.run(["data", "diff", first, str(tmp_path / "none.csv")]) == 2
    folder = make_run(tmp_path / "runs", data={"data_id": ""})
    assert cli.run(["data", "diff", str(folder), first]) == 3


@pytest.mark.parametrize("form", ["table", "markdown", "json", "csv"])
def test_no_value_of_any_column_is_shown(tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    secret = people(30).with_columns(sex=pl.Series([f"secret{at % 4}" for at in range(30)]), age=pl.lit(987654))
    secret.write_csv(tmp_path / "a.csv")
    secret[5:].with_columns(sex=pl.lit("secretly"), age=pl.lit(876543)).write_csv(tmp_path / "b.csv")
    files = [str(tmp_path / name) for name in ("a.csv", "b.csv")]
    assert cli.run(["data", "diff", *files, "--id", "id", "--format", form]) == 1
    shown = capsys.readouterr()
    assert not [word for word in ("secret", "987654", "876543", "p12") if word in shown.out + shown.err]


def test_names_of_columns_are_shown_without_acting_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pl.DataFrame({"[/]\x1b[31m": [1, 2], "a": [1, 2]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"a": [1, 3]}).write_parquet(tmp_path / "b.parquet")
    for form in ("table", "markdown", "csv", "json"):
        cli.run(["data", "diff", str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet"), "--format", form])
        assert "\x1b" not in capsys.readouterr().out


# -- real data ---------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not TITANIC.exists(), reason="the data is not here")
def test_titanic_with_known_changes(tmp_path: Path) -> None:
    with TITANIC.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    later = [dict(row) for row in rows[10:]]
    touched = [row for row in later if row["Embarked"] == "Q"]
    for row in touched:
        row["Fare"] = str(float(row["Fare"]) + 1)
    with (tmp_path / "later.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(reversed(rows[0])))
        writer.writeheader()
        writer.writerows(reversed(later))
    found = told(tmp_path, TITANIC, tmp_path / "later.csv", id="PassengerId")
    assert (found.rows.added, found.rows.removed, found.rows.changed) == (0, 10, len(touched))
    assert column_of(found, "Fare").cells == len(touched) == sum(column.cells or 0 for column in found.columns)
    by_content = told(tmp_path, TITANIC, tmp_path / "later.csv")
    assert (by_content.rows.removed, by_content.rows.added) == (10 + len(touched), len(touched))
    pl.read_csv(TITANIC).write_parquet(tmp_path / "t.parquet")
    assert told(tmp_path, TITANIC, tmp_path / "t.parquet").same


@pytest.mark.skipif(not COMPAS.exists(), reason="the data is not here")
def test_the_two_halves_of_compas_have_not_moved_but_its_groups_are_apart(tmp_path: Path) -> None:
    table = pl.read_csv(COMPAS, infer_schema_length=None)
    table[::2].write_csv(tmp_path / "even.csv")
    table[1::2].write_csv(tmp_path / "odd.csv")
    halves = told(tmp_path, tmp_path / "even.csv", tmp_path / "odd.csv")
    assert not [column.name for column in halves.columns if column.move is not None and column.move.drifted]
    for name, chosen in (("young", pl.col("age") < 30), ("old", pl.col("age") >= 45)):
        table.filter(chosen).write_csv(tmp_path / f"{name}.csv")
    groups = told(tmp_path, tmp_path / "young.csv", tmp_path / "old.csv")
    drifted = {column.name for column in groups.columns if column.move is not None and column.move.drifted}
    assert {"age", "age_cat", "decile_score"} <= drifted
    assert column_of(groups, "age").cells is None
