"""Row conditions: what they select, and that they look at nothing but their own row."""

from __future__ import annotations

import datetime as dt
import sqlite3
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlrun.errors import UsageError
from mlrun.table.row_conditions import FUNCTIONS, LOOKING_AT_OTHER_ROWS, named_columns, select_rows

TABLE = pl.DataFrame(
    {
        "a": [1, 2, None],
        "b": [3.0, 2.0, 1.0],
        "s": ["x", "y", None],
        "cap-gain": [0, 1, 2],
        "d": [dt.date(2021, 1, 1), dt.date(2019, 6, 1), None],
        "t": [dt.datetime(2021, 1, 1, 12), dt.datetime(2021, 1, 1), None],  # noqa: DTZ001 - no zones here
    }
)
YES, NO = True, False


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("a > 1", [NO, YES, NO]),
        ("NOT a > 1", [YES, NO, NO]),  # NULL is false, and so is NOT NULL
        ("a IS NULL", [NO, NO, YES]),
        ("a = 1 OR b = 1", [YES, NO, YES]),
        ("a BETWEEN 2 AND 3", [NO, YES, NO]),
        ("a IN (1, 5)", [YES, NO, NO]),
        ("s = 'x'", [YES, NO, NO]),
        ("s LIKE 'X%'", [NO, NO, NO]),
        ("s ILIKE 'X%'", [YES, NO, NO]),
        ('"cap-gain" >= 1', [NO, YES, YES]),
        ("a + b = 4 AND s <> 'y'", [YES, NO, NO]),
        ("CASE WHEN a > 1 THEN TRUE ELSE FALSE END", [NO, YES, NO]),
        ("COALESCE(a, 0) < 1", [NO, NO, YES]),
        ("UPPER(s) = 'Y' AND ABS(a - 4) = 2", [NO, YES, NO]),
        ("d >= '2020-01-01'", [YES, NO, NO]),
        ("t > '2021-01-01'", [YES, NO, NO]),
        ("t = '2021-01-01T12:00'", [YES, NO, NO]),
        ("EXTRACT(YEAR FROM d) = 2019", [NO, YES, NO]),
        ("s = 'it''s; -- no comment'", [NO, NO, NO]),
        ("TRUE", [YES, YES, YES]),
        ("1 = 2", [NO, NO, NO]),
    ],
)
def test_a_condition_selects_rows(condition: str, expected: list[bool]) -> None:
    assert select_rows(TABLE, condition).tolist() == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("AVG(a) < a", "uses AVG, which looks at other rows"),
        ("avg (a) < a", "uses AVG"),
        ('"AVG"(a) < a', "a name in quotes before a parenthesis"),
        ("SUM(a) OVER () > 1", "uses SUM"),
        ("ROW_NUMBER() OVER (ORDER BY a) > 1", "uses ROW_NUMBER"),
        ("ABS(a) OVER () > 1", "uses OVER"),
        ("COUNT(*) > 1", "uses COUNT"),
        ("a > (SELECT 1)", "uses SELECT"),
        ("a IN (SELECT a FROM self)", "uses SELECT"),
        ("a > ALL(SELECT 1)", "uses SELECT|calls ALL"),
        ("EXISTS (SELECT 1)", "uses EXISTS"),
        ("a > 1; DROP TABLE x", "holds ';'"),
        ("a > 1 -- or not", "holds '--'"),
        ("a > 1 /* or not */", r"holds '/\*'"),
        ("s = 'x", 'holds "\'"'),
        ('"a > 1', "holds '\"'"),
        ("s = $1", r"holds '\$'"),
        ("x.a > 1", "holds '.'"),
        ("read_csv('/etc/passwd')", "calls READ_CSV"),
        ("a IN (read_csv('/etc/passwd'))", "calls READ_CSV"),
        ("COLUMNS('a') > 1", "uses COLUMNS"),
        ("t > CURRENT_TIMESTAMP", "uses CURRENT_TIMESTAMP"),
        ("RANDOM() > 0", "calls RANDOM"),
        ("aa > 1", "names 'aa', which is not a column"),
        ("A > 1", "did you mean 'a'"),
        ("s > 1", "cannot be evaluated on these columns .s: String"),
        ("a > 'x'", "cannot be evaluated"),
        ("s ~ '['", "cannot be evaluated"),
        ("a", "is not a condition"),
        ("a + 1", "is not a condition"),
        ("NULL", "is not a condition"),
        ("*", "not an SQL condition"),
        ("a >", "not an SQL condition"),
        ("a = 1 FROM x", "uses FROM"),
        ("(a = 1", "not an SQL condition"),
        ("", "must be a string"),
        ("a = 1" + " OR a = 1" * 20_000, "at most 2,000 characters"),
        ("a = 1" + " OR a = 1" * 30, "at most 50 operators"),
        ("NOT " * 51 + "a = 1", "at most 50 operators"),
        ("(" * 51 + "a = 1" + ")" * 51, "at most 50 pairs"),
        ("-" * 100 + "a = 1", "holds '--'"),
    ],
)
def test_what_is_no_condition_over_its_own_row_is_refused(condition: str, expected: str) -> None:
    with pytest.raises(UsageError, match=expected) as told:
        select_rows(TABLE, condition)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", sorted(LOOKING_AT_OTHER_ROWS))
def test_every_function_over_other_rows_is_refused_by_name(name: str) -> None:
    with pytest.raises(UsageError, match=f"uses {name}, which looks at other rows"):
        select_rows(TABLE, f"{name.lower()}(a) > 1")


ARGUMENTS = {
    "IF": "a > 1, 1, 2", "CAST": "a AS INT", "TRY_CAST": "a AS INT", "EXTRACT": "YEAR FROM d",
    "POW": "a, 2", "POWER": "a, 2",
    "MOD": "a, 2", "LOG": "b, 2", "GREATEST": "a, b", "LEAST": "a, b", "COALESCE": "a, b", "IFNULL": "a, 0",
    "NULLIF": "a, 9", "STARTS_WITH": "s, 'x'", "ENDS_WITH": "s, 'x'", "SUBSTR": "s, 1, 1", "LEFT": "s, 1",
    "RIGHT": "s, 1", "REPLACE": "s, 'x', 'z'", "CONCAT": "s, 'x'", "REGEXP_LIKE": "s, 'x'", "STRPOS": "s, 'x'",
}  # fmt: skip
OF_STRINGS = {"UPPER", "LOWER", "LENGTH", "CHAR_LENGTH", "TRIM", "LTRIM", "RTRIM", "REVERSE"}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_allowed_function_looks_at_its_own_row_only(name: str) -> None:
    called = f"{name}({ARGUMENTS.get(name, 's' if name in OF_STRINGS else 'a')}) IS NOT NULL"
    whole = select_rows(TABLE, called).tolist()
    assert whole == [select_rows(TABLE[row : row + 1], called).item() for row in range(TABLE.height)]
    assert whole[0]


COLUMNS = st.sampled_from(["a", "b"])
NUMBERS = st.integers(-3, 3).map(str)
COMPARED = st.tuples(st.one_of(COLUMNS, NUMBERS), st.sampled_from(["<", "<=", "=", "<>", ">", ">="]), COLUMNS).map(
    " ".join
)
CONDITIONS = st.recursive(
    st.one_of(
        COMPARED, COLUMNS.map("{} IS NULL".format), st.tuples(COLUMNS, NUMBERS).map("{0[0]} IN (1, {0[1]})".format)
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" AND ", " OR "]), inner).map(lambda parts: f"({''.join(parts)})"),
        inner.map("NOT ({})".format),
    ),
    max_leaves=6,
)
ROWS = st.lists(
    st.tuples(st.none() | st.integers(-2, 2), st.none() | st.floats(-2, 2, width=16)), min_size=1, max_size=8
)


@settings(deadline=None, max_examples=150)
@given(condition=CONDITIONS, rows=ROWS)
def test_conditions_mean_what_sqlite_says(condition: str, rows: list[tuple[Any, ...]]) -> None:
    table = pl.DataFrame(rows, schema={"a": pl.Int64, "b": pl.Float64}, orient="row")
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a INT, b REAL)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
    expected = [bool(row[0]) for row in connection.execute(f"SELECT COALESCE({condition}, 0) FROM t")]  # noqa: S608
    connection.close()
    assert select_rows(table, condition).tolist() == expected


@settings(deadline=None, max_examples=200)
@given(condition=st.text(st.sampled_from("ab1 '\"()<>=,+-*/;.$NOTANDIFCASE"), max_size=40))
def test_no_string_escapes_a_sentence(condition: str) -> None:
    try:
        holds = select_rows(TABLE, condition)
    except UsageError as told:
        assert str(told)  # noqa: PT017 - most strings are no conditions
        return
    assert holds.shape == (3,)
    assert holds.dtype == bool


def test_named_columns_are_found_without_a_table() -> None:
    assert named_columns("b > 1 AND \"cap-gain\" = a OR b < 2 AND s = 'c'") == ("a", "b", "cap-gain", "s")
