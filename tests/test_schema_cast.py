"""A test file and rows to predict: cast to what was recorded, never inferred again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from made_tables import loaded, made, refused
from numpy.testing import assert_array_equal

from mlrun.dataset import apply_schema, load_rows
from mlrun.errors import DataError


def test_a_test_file_is_cast_to_the_types_of_the_training_rows(tmp_path: Path) -> None:
    table = made(code=["007", "b1", "b2"] * 20, whole=[1, 2, 3] * 20, note=["x"] * 60)
    (tmp_path / "test.csv").write_text("whole,y,extra,code,x\n1,0,9,007,1\n2.5,1,9,008,2\n")
    dataset = loaded(tmp_path, table, split={"test": {"path": "test.csv"}})
    assert dataset.test_start == 60
    assert dataset.table.height == 62
    assert dataset.table["code"].tail(2).to_list() == ["007", "008"]  # 008 alone would be read as text too, 8 would not
    assert dataset.table["whole"].tail(2).to_list() == [1.0, 2.5]
    assert_array_equal(dataset.row_ids[58:], [58, 59, 0, 1])
    assert "extra" not in dataset.table.columns
    assert dataset.source["test_files"] == (str(tmp_path / "test.csv"),)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("x,y,coed\n1,0,a\n", "test.csv: column 'code' is missing; did you mean 'coed'?"),
        ("x,code,y\n1,a,0\nlow,a,1\n", "test.csv: row 2, column 'x': the value is not a number"),
        ("x,code,y\n1,a,0\n1,a,7\n", "has the label '7' (row 2), which no training row has"),
        ("x,code,y\n1,a\n", "test.csv:2: this row has 2 fields"),
    ],
)
def test_a_test_file_that_does_not_fit_is_refused(tmp_path: Path, content: str, expected: str) -> None:
    (tmp_path / "test.csv").write_text(content)
    assert expected in refused(tmp_path, made(code=["a", "b"] * 30), split={"test": {"path": "test.csv"}})


def test_rows_to_predict_are_cast_never_inferred(tmp_path: Path) -> None:
    table = made(code=["007", "b1", "b2"] * 20, flag=[True, False] * 30, day=["2024-01-31", "2024-02-01"] * 30)
    dataset = loaded(tmp_path, table)
    assert dataset.schema == {"x": "Float64", "code": "String", "flag": "Boolean", "day": "Date"}
    (tmp_path / "new.csv").write_text("day,flag,code,x\n2024-05-01,1,007,3\n,,,\n")
    rows = load_rows("csv", {"path": "new.csv"}, str(tmp_path), dataset.schema)
    assert rows.columns == list(dataset.schema)
    assert rows["code"].to_list() == ["007", None]
    assert rows["flag"].to_list() == [True, None]
    assert rows.null_count().row(0) == (1, 1, 1, 1)
    assert [str(dtype) for dtype in rows.dtypes] == ["Float64", "String", "Boolean", "Date"]


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([1, 2], "Float64", [1.0, 2.0]),
        ([1.0, 2.0], "Int64", [1, 2]),
        ([1.0, 2.5], "Int64", [1.0, 2.5]),
        ([1.0, float("inf")], "Int64", [1.0, None]),
        ([1, 2], "String", ["1", "2"]),
        ([1.0, 2.0], "String", ["1", "2"]),
        ([0, 1], "Boolean", [False, True]),
        (["true", "False"], "Boolean", [True, False]),
        ([None, None], "Date", [None, None]),
        ([float("inf"), float("nan")], "Float64", [None, None]),
        (["1.5", None], "Float64", [1.5, None]),
    ],
    ids=str,
)
def test_apply_schema_casts_what_means_the_same(values: list[Any], dtype: str, expected: list[Any]) -> None:
    assert apply_schema(pl.DataFrame({"a": values}), {"a": dtype}, "new.csv")["a"].to_list() == expected


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([1, 2], "Boolean", "row 2, column 'a': the value is not true or false"),
        (["1", "secret"], "Int64", "row 2, column 'a': the value is not a number"),
        (["2024-01-31", "secret"], "Date", "row 2, column 'a': the value is not a date"),
        ([17, 18], "Date", "row 1, column 'a': the value is not a date"),
        ([[1], [2]], "Float64", "column 'a' is of type List(Int64), Float64 is expected"),
    ],
    ids=str,
)
def test_apply_schema_names_row_and_column_and_no_value(values: list[Any], dtype: str, expected: str) -> None:
    with pytest.raises(DataError) as told:
        apply_schema(pl.DataFrame({"a": values}), {"a": dtype}, "new.csv")
    assert f"new.csv: {expected}" in str(told.value)
    assert "secret" not in str(told.value)
