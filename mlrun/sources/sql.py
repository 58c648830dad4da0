"""The answer to one SQL query over a database file: SQLite, or DuckDB when it is installed; read-only."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mlrun.catalog import suggestion
from mlrun.contracts import Source
from mlrun.errors import DataError
from mlrun.records import Params
from mlrun.table.files import resolve_file

if TYPE_CHECKING:
    import polars as pl

SQLITE_MAGIC = b"SQLite format 3\0"
DUCKDB_MAGIC = b"DUCK"  # at byte 8
READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
MISSING = re.compile(r"no such (table|column|function): (.+)")
NEAR = re.compile(r'near "(.{1,40})": syntax error')


def load(params: Params, folder: str) -> pl.DataFrame:
    """Run a query that reads, and return its rows.

    Raises DataError when the file is no database, the query is not a single SELECT or names what is not there, or a
    column mixes numbers and words.
    """
    path, query = resolve_file(params["path"], folder), params["query"]
    if not isinstance(query, str) or not query.strip():
        raise DataError("`query` must be a SELECT statement.")
    with path.open("rb") as file:
        start = file.read(16)
    if start == SQLITE_MAGIC:
        return _query_sqlite(path, query)
    if start[8:12] == DUCKDB_MAGIC:
        return _query_duckdb(path, query)
    raise DataError(f"{path} is neither an SQLite nor a DuckDB database.")


# -- SQLite -----------------------------------------------------------------------------------------------------------


def _query_sqlite(path: Path, query: str) -> pl.DataFrame:
    tables: list[str] = []
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            tables = _tables(connection)
            connection.set_authorizer(_allow_reading)
            cursor = connection.execute(query)
            if cursor.description is None:
                raise DataError("`query` returns no table; it must be a SELECT statement.")
            return _table([str(column[0]) for column in cursor.description], cursor.fetchall())
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise DataError(f"{path}: {_told(error, tables)}") from error


def _tables(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")]


def _allow_reading(action: int, *_names: str | None) -> int:
    """Allow SELECT and what it is made of: no ATTACH, no PRAGMA, nothing that writes."""
    return sqlite3.SQLITE_OK if action in READING else sqlite3.SQLITE_DENY


def _told(error: Exception, tables: list[str]) -> str:
    """Say what SQLite means in a sentence of our own; its messages may hold values."""
    said = str(error)
    if found := MISSING.search(said):
        near = suggestion(found[2], tables) if found[1] == "table" else ""
        return f"the query names the {found[1]} '{found[2]}', which is not there{near}"
    if found := NEAR.search(said):
        return f"the query is not SQL that SQLite understands, near '{found[1]}'."
    if "one statement" in said:
        return "`query` must be one statement; leave out what follows the first."
    if "not authorized" in said or "prohibited" in said:
        return "`query` may only read from this database: one SELECT statement."
    if "malformed" in said or "not a database" in said:
        return "the database is damaged, or encrypted."
    if "locked" in said or "unable to open" in said:
        return "the database cannot be opened for reading; another program may hold it."
    return "the query cannot be run; try it in the sqlite3 program."


def _table(names: list[str], rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    import polars as pl

    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError(f"the query returns two columns named '{doubled[0]}'; name one with AS.")
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return pl.DataFrame([_series(name, values) for name, values in zip(names, columns, strict=True)])


def _series(name: str, values: tuple[Any, ...]) -> pl.Series:
    """Return a column of one type; SQLite lets every value have its own."""
    import polars as pl

    kinds = {type(value) for value in values} - {type(None)}
    if kinds <= {int}:
        return pl.Series(name, values, dtype=pl.Int64)
    if kinds <= {int, float}:
        return pl.Series(name, values, dtype=pl.Float64, strict=False)
    if len(kinds) == 1:
        return pl.Series(name, values, dtype=pl.String if kinds == {str} else pl.Binary)
    row = next(row for row, value in enumerate(values, 1) if value is not None and type(value) is not type(values[0]))
    raise DataError(f"the query's column '{name}' mixes numbers and words (row {row}); CAST it in the query.")


# -- DuckDB -----------------------------------------------------------------------------------------------------------


def _query_duckdb(path: Path, query: str) -> pl.DataFrame:
    try:
        import duckdb
    except ModuleNotFoundError as error:
        raise DataError(f"{path} is a DuckDB database; install it: pip install 'mlrun-cli[duckdb]'.") from error
    limits: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": "false",
        "lock_configuration": "true",
        "threads": "1",
    }
    try:
        statements = duckdb.extract_statements(query)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise DataError("`query` must be one SELECT statement.")
        with duckdb.connect(str(path), read_only=True, config=limits) as connection:
            columns = connection.execute(query).fetchnumpy()
    except duckdb.Error as error:
        raise DataError(f"{path}: {_told_duckdb(error)}") from error
    return _of_numpy(columns)


def _told_duckdb(error: Exception) -> str:
    kind = type(error).__name__
    if kind == "ParserException":
        return "the query is not SQL that DuckDB understands."
    if kind in ("BinderException", "CatalogException"):
        return "the query names a table, column or function that is not there."
    if kind == "PermissionException":
        return "`query` may only read from this database: no other files, no extensions."
    if kind in ("IOException", "SerializationException"):
        return "the database cannot be opened: it is damaged, of a newer version, or held by another program."
    return f"the query cannot be run ({kind}); try it in the duckdb program."


def _of_numpy(columns: dict[str, Any]) -> pl.DataFrame:
    import numpy as np
    import polars as pl

    series = []
    for name, values in columns.items():
        absent, plain = np.ma.getmaskarray(values), np.ma.getdata(values)
        if plain.dtype == object:
            words = [None if gone else word for word, gone in zip(plain.tolist(), absent, strict=True)]
            if not all(word is None or isinstance(word, str) for word in words):
                raise DataError(
                    f"the query's column '{name}' holds neither numbers, words nor dates; CAST it to VARCHAR."
                )
            series.append(pl.Series(name, words, dtype=pl.String))
            continue
        column = pl.Series(name, plain)
        series.append(pl.select(pl.when(~pl.Series(absent)).then(column).alias(name)).to_series())
    return pl.DataFrame(series)


def _files(params: Params, folder: str) -> tuple[str, ...]:
    return (str(resolve_file(params["path"], folder)),)


ENTRY = Source(
    load=load,
    files=_files,
    required=("path", "query"),
    parameters={
        "path": "an SQLite file, or a DuckDB file (extra: duckdb)",
        "query": "one SELECT statement",
    },
)
