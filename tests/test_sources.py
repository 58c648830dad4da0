"""Parquet files, databases, bundled tables and functions of the user's own."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlrun.errors import DataError, UsageError
from mlrun.table.loading import find_source, load_table, source_files

# -- Parquet ----------------------------------------------------------------------------------------------------------


def test_parquet_files_are_read_alone_or_together(tmp_path: Path) -> None:
    for number in range(3):
        pl.DataFrame({"a": [number], "b": [f"w{number}"]}).write_parquet(tmp_path / f"part{number}.parquet")
    params = {"path": "part*.parquet"}
    assert load_table("parquet", {"path": "part1.parquet"}, str(tmp_path)).rows() == [(1, "w1")]
    assert load_table("parquet", params, str(tmp_path))["a"].to_list() == [0, 1, 2]
    assert load_table("parquet", {"path": "."}, str(tmp_path)).height == 3
    assert source_files("parquet", params, str(tmp_path))[2] == str(tmp_path / "part2.parquet")
    pl.DataFrame({"c": [1]}).write_parquet(tmp_path / "part9.parquet")
    with pytest.raises(DataError, match=r"part9\.parquet has other columns than .*part0\.parquet: a, b, c"):
        load_table("parquet", params, str(tmp_path))


@pytest.mark.parametrize(("cut", "expected"), [(slice(-10), "is cut off"), (slice(5, None), "is no Parquet file")])
def test_a_damaged_parquet_file_is_a_sentence(tmp_path: Path, cut: slice, expected: str) -> None:
    pl.DataFrame({"a": [1, 2]}).write_parquet(tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "b.parquet").write_bytes(content[cut])
    (tmp_path / "c.parquet").write_bytes(content[:-30] + b"\xff" * 22 + content[-8:])
    with pytest.raises(DataError, match=expected):
        load_table("parquet", {"path": "b.parquet"}, str(tmp_path))
    with pytest.raises(DataError, match="is a damaged Parquet file"):
        load_table("parquet", {"path": "c.parquet"}, str(tmp_path))


# -- SQL --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "people.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE people (age INT, job TEXT, pay REAL)")
    connection.executemany("INSERT INTO people VALUES (?, ?, ?)", [(30, "nurse", 2.5), (None, None, 3)])
    connection.commit()
    connection.close()
    return path


def test_a_query_gives_typed_columns(database: Path) -> None:
    table = load_table("sql", {"path": database.name, "query": "SELECT * FROM people"}, str(database.parent))
    assert table.to_dict(as_series=False) == {"age": [30, None], "job": ["nurse", None], "pay": [2.5, 3.0]}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT * FROM peple", "did you mean 'people'"),
        ("SELECT ag FROM people", "names the column 'ag'"),
        ("SELEC 1", "near 'SELEC'"),
        ("SELECT 1; SELECT 2", "must be one statement"),
        ("DROP TABLE people", "may only read"),
        ("INSERT INTO people VALUES (1, 'x', 2)", "may only read"),
        ("ATTACH 'other.db' AS other", "may only read"),
        ("PRAGMA journal_mode = WAL", "may only read"),
        ("SELECT load_extension('x')", "may only read"),
        ("SELECT age, age FROM people", "two columns named 'age'"),
        ("SELECT CASE WHEN age = 30 THEN 1 ELSE 'x' END AS z FROM people", "'z' mixes numbers and words"),
        ("SELECT * FROM people WHERE 1 = 0", "has 0 rows"),
        ("", "must be a SELECT statement"),
        ("-- nothing", "must be a SELECT statement"),
    ],
)
def test_a_query_that_does_not_read_is_refused(database: Path, query: str, expected: str) -> None:
    before = database.read_bytes()
    with pytest.raises(DataError, match=expected):
        load_table("sql", {"path": database.name, "query": query}, str(database.parent))
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir()] == ["people.db"]


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("a,b\n1,2\n")
    params = {"path": "a.db", "query": "SELECT 1"}
    with pytest.raises(DataError, match="neither an SQLite nor a DuckDB database"):
        load_table("sql", params, str(tmp_path))
    (tmp_path / "a.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    with pytest.raises(DataError, match="damaged"):
        load_table("sql", params, str(tmp_path))


@pytest.fixture
def duck(tmp_path: Path) -> Path:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "people.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE people (age INT, job TEXT, pay DECIMAL(5, 2), born DATE, here BOOLEAN)")
        connection.execute(
            "INSERT INTO people VALUES (30, 'nurse', 2.5, '2000-01-02', true), (NULL, NULL, NULL, NULL, NULL)"
        )
    return path


def test_duckdb_gives_typed_columns(duck: Path) -> None:
    table = load_table("sql", {"path": duck.name, "query": "SELECT * FROM people"}, str(duck.parent))
    assert table.null_count().row(0) == (1, 1, 1, 1, 1)
    assert table.row(0)[:3] == (30, "nurse", 2.5)
    assert str(table["born"][0]) == "2000-01-02 00:00:00"
    assert table["here"].dtype == pl.Boolean


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT * FROM read_csv('/etc/passwd')", "may only read from this database"),
        ("SELECT * FROM '/etc/passwd'", "may only read from this database|is not there"),
        ("COPY people TO 'out.csv'", "one SELECT statement"),
        ("SELECT 1; SELECT 2", "one SELECT statement"),
        ("INSTALL httpfs", "one SELECT statement"),
        ("SELECT CAST(job AS INT) FROM people", "cannot be run"),
        ("SELECT nothing FROM people", "not there"),
    ],
)
def test_duckdb_reads_its_own_file_only(duck: Path, query: str, expected: str) -> None:
    with pytest.raises(DataError, match=expected) as told:
        load_table("sql", {"path": duck.name, "query": query}, str(duck.parent))
    assert "nurse" not in str(told.value)


# -- scikit-learn, functions ------------------------------------------------------------------------------------------


def test_bundled_tables_have_their_names_and_classes() -> None:
    iris = load_table("sklearn", {"name": "iris"}, "")
    assert iris.columns == ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)", "target"]
    assert iris["target"].unique().sort().to_list() == ["setosa", "versicolor", "virginica"]
    assert load_table("sklearn", {"name": "digits"}, "")["target"].dtype == pl.Int64
    raw = load_table("sklearn", {"name": "diabetes", "scaled": False}, "")
    assert raw["age"].max() == 79  # years, in scikit-learn's description of the data
    assert find_source("sklearn", "").task({"name": "diabetes"}) == "regression"
    with pytest.raises(DataError, match="did you mean 'iris'"):
        load_table("sklearn", {"name": "irirs"}, "")


FUNCTIONS = """
import numpy as np
import polars as pl

def frame(): return pl.DataFrame({"a": [1, 2]})
def lazy(): return frame().lazy()
def columns(rows=2): return {"a": range(rows), "b": ["x"] * rows}
def pair(): return np.eye(2), [0, 1]
def nothing(): return 7
def fails(): raise RuntimeError("the server is away")
def leaves(): raise SystemExit(3)
"""


def test_a_function_of_the_users_is_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tables_of_mine.py").write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(str(tmp_path))

    def asked(name: str, **params: Any) -> pl.DataFrame:
        return load_table(f"tables_of_mine:{name}", params, str(tmp_path))

    assert asked("frame").rows() == asked("lazy").rows() == [(1,), (2,)]
    assert asked("columns", rows=3)["a"].to_list() == [0, 1, 2]
    assert asked("pair").columns == ["x0", "x1", "target"]
    with pytest.raises(DataError, match="returned int; return a polars DataFrame"):
        asked("nothing")
    with pytest.raises(DataError, match="failed with RuntimeError: the server is away"):
        asked("fails")
    with pytest.raises(DataError, match="failed with SystemExit: 3"):
        asked("leaves")
    with pytest.raises(UsageError, match="has no 'missing'"):
        asked("missing")


def test_environment_variables_are_filled_in_at_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    params = {"path": "${ENV:WHICH_TABLE}.csv"}
    monkeypatch.setenv("WHICH_TABLE", "secret")
    assert load_table("csv", params, str(tmp_path)).rows() == [(1, 2)]
    assert params == {"path": "${ENV:WHICH_TABLE}.csv"}
    monkeypatch.delenv("WHICH_TABLE")
    with pytest.raises(DataError, match="WHICH_TABLE, which `data` names, is not set"):
        load_table("csv", params, str(tmp_path))
