"""What columns are, found from all of their values, and which are no features."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from made_tables import kinds, loaded, made, refused, spec_of

from mlrun.dataset import load


def test_kinds_come_from_the_values(tmp_path: Path) -> None:
    words = ["good value for the money", "it broke after only two days", "never again will I buy this"]
    table = made(
        whole=list(range(5, 65)),
        flag=[True, False, None] * 20,
        day=["2024-01-31", "2024-02-29", "2023-12-01"] * 20,
        moment=["2024-01-31T10:00:00", "2024-01-31 10:00", "2024-02-29"] * 20,
        word=["red", "green", None] * 20,
        zipcode=["00123", "04567", "99999"] * 20,
        review=[f"{words[row % 3]} number {row}" for row in range(60)],
        key=[f"K{row:03}" for row in range(60)],
        same=["s"] * 60,
        empty=[None] * 60,
    )
    dataset = loaded(tmp_path, table)
    assert kinds(dataset) == {
        "x": "numeric",
        "whole": "numeric",
        "flag": "boolean",
        "day": "date",
        "moment": "date",
        "word": "category",
        "zipcode": "category",
        "review": "text",
    }
    reasons = dict(dataset.withheld)
    assert reasons == {
        "y": "target",
        "key": "looks like an identifier: 60 distinct among 60",
        "same": "constant",
        "empty": "all values are missing",
    }
    missing = {column.name: column.missing for column in dataset.features}
    assert missing["flag"] == missing["word"] == 20
    assert dataset.table["moment"].to_list()[1].isoformat() == "2024-01-31T10:00:00"
    assert any(
        note.startswith("features: 8 (2 numeric, 1 boolean, 2 date, 2 category, 1 text)") for note in dataset.notes
    )


def test_zones_become_utc(tmp_path: Path) -> None:
    dataset = loaded(tmp_path, made(when=["2024-01-31T10:00:00Z", "2024-01-31T10:00:00+02:00", "2024-01-31"] * 20))
    assert [moment.hour for moment in dataset.table["when"].head(3)] == [10, 8, 0]


def test_types_override_what_is_found(tmp_path: Path) -> None:
    table = made(level=[1, 2, 3] * 20, version=["1.10", "1.1", "2.0"] * 20, key=[f"K{row}" for row in range(60)])
    dataset = loaded(tmp_path, table, types={"level": "category", "version": "category", "key": "text"})
    assert kinds(dataset) == {"x": "numeric", "level": "category", "version": "category", "key": "text"}
    assert dataset.table["level"].head(3).to_list() == ["1", "2", "3"]
    assert dataset.table["version"].head(3).to_list() == ["1.10", "1.1", "2.0"]  # as written, not as numbers
    assert "row 1, column 'key': the value is not a number" in refused(tmp_path, table, types={"key": "numeric"})
    assert "row 1, column 'key': the value is not a date" in refused(tmp_path, table, types={"key": "date"})
    assert "row 2, column 'level': the value is not true or false" in refused(
        tmp_path, table, types={"level": "boolean"}
    )


def test_infinities_are_missing_and_counted(tmp_path: Path) -> None:
    dataset = loaded(tmp_path, made(z=[1.5, float("inf"), float("-inf")] * 20))
    assert dataset.table["z"].null_count() == 40
    assert "column 'z': 40 infinite values taken as missing" in dataset.notes


def test_many_categories_cost_little(tmp_path: Path) -> None:
    many = pl.DataFrame({"k": [f"w{row % 40_000}" for row in range(100_000)], "y": [0, 1] * 50_000})
    assert kinds(loaded(tmp_path, many)) == {"k": "category"}
    unlike = pl.DataFrame({"k": [f"w{row}" for row in range(100_000)], "x": range(100_000), "y": [0, 1] * 50_000})
    assert kinds(loaded(tmp_path, unlike)) == {"x": "numeric"}


def test_types_that_no_model_reads_are_withheld(tmp_path: Path) -> None:
    table = made(parts=[[1, 2]] * 60, raw=[b"x"] * 60)
    table.write_parquet(tmp_path / "rows.parquet")
    dataset = load(spec_of(tmp_path, {"source": "parquet", "path": "rows.parquet", "target": "y"}))
    assert kinds(dataset) == {"x": "numeric"}
    assert "List(Int64)" in dict(dataset.withheld)["parts"]
    assert "Binary" in dict(dataset.withheld)["raw"]


def test_a_column_without_a_name_that_counts_rows_is_withheld(tmp_path: Path) -> None:
    table = "".join(f"{row},{row % 3},{row % 2}\n" for row in range(30))
    dataset = loaded(tmp_path, ",x,y\n" + table)
    assert dict(dataset.withheld)["(index)"] == "a saved row number without a name"
    assert "column 'n' counts the rows; if it names them, say `id: n`" in loaded(tmp_path, "n,x,y\n" + table).notes
