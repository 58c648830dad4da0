"""A table of new rows becomes a dataset as the run's own were read: types, labels, conditions, roles."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from in_process import run, write_spec
from numpy.testing import assert_array_equal

from mlrun.dataset import load
from mlrun.errors import DataError, StorageError, UsageError
from mlrun.new_rows import read_new_rows
from mlrun.records import Dataset
from mlrun.run_spec import spec_of
from mlrun.runs import read_run

ROWS = 80
SPEC = """
experiment: rows
data:
  {path: rows.csv, target: y, id: person, time: day, weight: w, types: {zip: category}, drop: [junk], where: size > -2}
split: {folds: 2}
models: {gaussian_nb: {}}
evaluation: none
"""


def rows(count: int = ROWS, first: int = 0) -> pl.DataFrame:
    numbers = np.arange(first, first + count)
    draw = np.random.default_rng(first)
    size = draw.normal(size=count).clip(-1.9, None)
    return pl.DataFrame(
        {
            "person": [f"p{number}" for number in numbers],
            "size": size,
            "zip": [("01234", "98765", "00001")[number % 3] for number in numbers],
            "day": [dt.date(2026, 1, 1) + dt.timedelta(days=int(number) % 200) for number in numbers],
            "w": 1.0 + numbers % 2,
            "junk": ["x"] * count,
            "y": np.where(size + draw.normal(size=count) > 0, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    rows().write_csv(folder / "rows.csv")
    done = run(write_spec(folder, SPEC)).folder
    assert done is not None
    return done


def read(made: Path, data: Path) -> Dataset:
    return read_new_rows(made, read_run(made), spec_of(made), str(data))


def reading(made: Path, folder: Path, table: pl.DataFrame) -> Dataset:
    table.write_csv(folder / "new.csv")
    return read(made, folder / "new.csv")


def refusal(made: Path, folder: Path, table: pl.DataFrame) -> str:
    with pytest.raises(DataError) as told:
        reading(made, folder, table)
    assert "\n" not in str(told.value)
    return str(told.value)


def test_the_run_s_own_file_is_read_as_the_run_read_it(made: Path) -> None:
    spec = spec_of(made)
    ours, theirs = read(made, made.parents[2] / "rows.csv"), load(spec)
    assert ours.table.select(theirs.table.columns).equals(theirs.table)
    assert (ours.task, ours.withheld, dict(ours.schema)) == (theirs.task, theirs.withheld, dict(theirs.schema))
    assert [(each.name, each.kind) for each in ours.features] == [(each.name, each.kind) for each in theirs.features]
    for name in ("truth", "row_ids", "times", "weights"):
        assert_array_equal(getattr(ours, name), getattr(theirs, name))
    assert (ours.target, ours.folder, ours.notes) == (theirs.target, theirs.folder, ())


def test_zeros_in_front_of_a_category_are_kept(made: Path, tmp_path: Path) -> None:
    found = reading(made, tmp_path, rows(30, first=900).filter(pl.col("zip") != "98765"))
    assert set(found.table["zip"]) == {"01234", "00001"}


def test_a_parquet_file_of_other_types_is_cast_to_those_of_the_run(made: Path, tmp_path: Path) -> None:
    whole = rows(30, first=900).with_columns(pl.col("size").cast(pl.Float32), pl.col("zip").cast(pl.Categorical))
    whole.write_parquet(tmp_path / "new.parquet")
    found = read(made, tmp_path / "new.parquet")
    assert dict(found.table.schema)["size"] == pl.Float64
    assert found.table["zip"].dtype == pl.String


def test_rows_for_which_the_run_s_condition_does_not_hold_are_left_out_and_told(made: Path, tmp_path: Path) -> None:
    table = rows(40, first=900).with_columns(size=pl.when(pl.int_range(40) < 3).then(-5.0).otherwise("size"))
    found = reading(made, tmp_path, table)
    assert found.table.height == 37
    assert found.notes == ("3 rows are left out: the run's own condition does not hold for them (size > -2)",)
    assert found.row_ids.tolist() == [f"p{number}" for number in range(903, 940)]


def test_rows_without_a_label_are_left_out_and_ids_times_and_weights_follow(made: Path, tmp_path: Path) -> None:
    table = rows(40, first=900)
    some = table.with_columns(y=pl.when(pl.int_range(40) % 2 == 0).then("y"))
    found = reading(made, tmp_path, some)
    kept = table.gather_every(2)
    assert found.notes == ("20 rows are left out: they have no 'y' yet",)
    assert found.row_ids.tolist() == kept["person"].to_list()
    assert found.weights is not None
    assert found.weights.tolist() == kept["w"].to_list()
    assert found.times is not None
    assert len(found.times) == 20
    assert found.truth is not None
    assert [found.task.labels[code] for code in found.truth] == kept["y"].to_list()


@pytest.mark.parametrize("how", ["no column", "no value"])
def test_without_labels_there_is_no_truth_and_every_row_stays(made: Path, tmp_path: Path, how: str) -> None:
    table = rows(20, first=900)
    blind = table.drop("y") if how == "no column" else table.with_columns(y=pl.lit(None, dtype=pl.String))
    found = reading(made, tmp_path, blind)
    assert found.truth is None
    assert (found.table.height, found.notes) == (20, ())


def test_only_the_features_must_be_there(made: Path, tmp_path: Path) -> None:
    found = reading(made, tmp_path, rows(20, 900).select("zip", "size", "day"))
    assert (found.weights, found.truth) == (None, None)
    assert found.row_ids.tolist() == list(range(20))
    assert "'size'" in refusal(made, tmp_path, rows(20, 900).drop("size"))


def test_columns_that_the_run_never_saw_do_no_harm(made: Path, tmp_path: Path) -> None:
    found = reading(made, tmp_path, rows(20, 900).with_columns(new=pl.lit(3)))
    assert found.table.height == 20


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"y": pl.when(pl.int_range(20) == 4).then(pl.lit("maybe")).otherwise("y")}, "labels that the run never saw"),
        ({"size": pl.lit("big")}, "'size'"),
        ({"size": pl.lit(-9.0)}, "there are no rows to evaluate"),
    ],
)
def test_what_cannot_be_read_as_the_run_s_is_one_sentence(
    made: Path, tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    assert told in refusal(made, tmp_path, rows(20, first=900).with_columns(**change))


def test_the_row_of_an_unknown_label_is_that_of_the_file(made: Path, tmp_path: Path) -> None:
    table = rows(20, first=900).with_columns(
        size=pl.when(pl.int_range(20) < 3).then(-5.0).otherwise("size"),
        y=pl.when(pl.int_range(20) == 4).then(pl.lit("maybe")).otherwise("y"),
    )
    assert "row 5" in refusal(made, tmp_path, table)


def test_a_file_of_no_known_kind_or_none_at_all_is_told(made: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the name of a table ends in one of \.csv"):
        read(made, tmp_path / "rows.xlsx")
    with pytest.raises(UsageError, match="nowhere"):
        read(made, tmp_path / "nowhere.csv")


def test_a_run_whose_data_json_is_gone_cannot_read_rows(made: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(made, tmp_path / "0001")
    (tmp_path / "0001" / "data.json").unlink()
    with pytest.raises(StorageError, match=r"data\.json is missing or damaged"):
        read_new_rows(tmp_path / "0001", read_run(made), spec_of(made), str(tmp_path / "any.csv"))


@pytest.mark.parametrize(("labels", "written"), [((0, 1), ["1", "0"]), ((False, True), ["true", "false"])])
def test_labels_that_are_no_words_are_the_same_labels(tmp_path: Path, labels: tuple[Any, Any], written: Any) -> None:
    rows().with_columns(y=pl.Series([labels[number % 2] for number in range(ROWS)])).write_csv(tmp_path / "rows.csv")
    done = run(write_spec(tmp_path, SPEC)).folder
    assert done is not None
    found = reading(done, tmp_path, rows(2, 900).with_columns(y=pl.Series(written)))
    assert found.truth is not None
    assert [found.task.labels[code] for code in found.truth] == [labels[1], labels[0]]
