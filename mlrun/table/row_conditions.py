"""From an SQL condition over the columns to the rows that it holds for; it can read nothing else and run nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from mlrun.catalog import suggestion
from mlrun.errors import DataError, UsageError

if TYPE_CHECKING:
    from mlrun.records import Array

# ruff: noqa: SIM905 - tables of words read better as words
LENGTH_AT_MOST = 2_000
OPERATORS_AT_MOST = 50  # a chain of 20,000 ORs kills the process inside the data frame library
PARENTHESES_AT_MOST = 50

TOKEN = re.compile(
    r"""(?P<blank>\s+) | (?P<comment>--|/\*) | (?P<string>'(?:[^']|'')*') | (?P<name>"(?:[^"]|"")+"|`[^`]+`)
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?) | (?P<word>[^\W\d]\w*)
      | (?P<operator><=>|<>|<=|>=|!=|==|\|\||::|!~\*|!~|~\*|[<>=+\-*/%~]) | (?P<mark>[(),]) | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
SPOKEN_OPERATORS = frozenset("AND OR NOT IN IS LIKE ILIKE BETWEEN WHEN XOR RLIKE REGEXP".split())
WORDS = SPOKEN_OPERATORS | frozenset("NULL TRUE FALSE CASE THEN ELSE END AS FROM YEAR MONTH DAY HOUR ESCAPE".split())
FUNCTIONS = frozenset(
    """ABS CEIL CEILING FLOOR ROUND SQRT EXP LN LOG LOG10 LOG2 POW POWER SIGN MOD GREATEST LEAST COALESCE IFNULL NULLIF
    UPPER LOWER LENGTH CHAR_LENGTH TRIM LTRIM RTRIM STARTS_WITH ENDS_WITH SUBSTR LEFT RIGHT REPLACE REVERSE CONCAT
    CAST TRY_CAST EXTRACT REGEXP_LIKE IF STRPOS""".split()
)
LOOKING_AT_OTHER_ROWS = frozenset(
    """AVG MEAN SUM MIN MAX COUNT MEDIAN FIRST LAST STDDEV STDEV STDDEV_SAMP STDDEV_POP VARIANCE VAR VAR_SAMP VAR_POP
    CORR COVAR COVAR_SAMP COVAR_POP QUANTILE_CONT QUANTILE_DISC MODE ANY_VALUE ARRAY_AGG STRING_AGG LISTAGG BOOL_AND
    BOOL_OR LAG LEAD RANK DENSE_RANK ROW_NUMBER NTILE PERCENT_RANK CUME_DIST FIRST_VALUE LAST_VALUE NTH_VALUE UNNEST
    EXPLODE""".split()
)
REFUSED_WORDS = frozenset(
    """SELECT OVER EXISTS ANY SOME DISTINCT UNION WITH COLUMNS INTERVAL CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP
    LOCALTIME LOCALTIMESTAMP""".split()
)
ISO_DATE = re.compile(r"'(\d{4}-\d\d-\d\d)(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?'")


def select_rows(table: pl.DataFrame, condition: str) -> Array:
    """Return for each row whether the condition holds: (n,) bool; a condition that is NULL does not hold.

    Raises UsageError when the condition is too long, looks at other rows, or is no condition over these columns.
    """
    tokens = _read(condition)
    expression = _parse(condition, _with_dates(tokens, table))
    _refuse_unknown_columns(expression, table, condition)
    try:
        answer = table.lazy().select(expression.alias("holds")).collect().to_series()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise UsageError(
            f"the condition `{condition}` cannot be evaluated on these columns ({_types(expression, table)}); "
            f"write numbers bare and words in single quotes."
        ) from error
    if answer.dtype != pl.Boolean or len(answer) not in (1, table.height):
        raise UsageError(
            f"`{condition}` is not a condition: it must be true or false for each row, such as `age > 30`."
        )
    holds = answer.fill_null(value=False)
    if len(holds) != table.height:  # no column is named: the same for all rows
        holds = holds.new_from_index(0, table.height)
    return holds.to_numpy()


def named_columns(condition: str) -> tuple[str, ...]:
    """Return the columns that a condition names, sorted; raise UsageError when it is no condition at all."""
    sql = " ".join(text for _, text in _read(condition))
    return tuple(sorted(set(_parse(condition, sql).meta.root_names())))


def _read(condition: str) -> list[tuple[str, str]]:
    """Split into (kind, text), and refuse what is not element-wise before any library sees it."""
    if not isinstance(condition, str) or not condition.strip():
        raise UsageError('a condition must be a string such as "age > 30".')
    if len(condition) > LENGTH_AT_MOST:
        raise UsageError(f"a condition has at most {LENGTH_AT_MOST:,} characters; this one has {len(condition):,}.")
    tokens = [token for token in _split(condition) if token[0] != "blank"]
    operators = sum(
        kind == "operator" or (kind == "word" and text.upper() in SPOKEN_OPERATORS) for kind, text in tokens
    )
    if operators > OPERATORS_AT_MOST:
        raise UsageError(
            f"a condition has at most {OPERATORS_AT_MOST} operators; this one has {operators}. "
            f"`x IN (...)` counts once; a longer rule belongs in a column of its own."
        )
    if sum(text == "(" for _, text in tokens) > PARENTHESES_AT_MOST:
        raise UsageError(f"a condition has at most {PARENTHESES_AT_MOST} pairs of parentheses.")
    for here, after in zip(tokens, [*tokens[1:], ("end", "")], strict=True):
        _refuse(here, after[1] == "(", condition)
    words = [text.upper() for kind, text in tokens if kind == "word"]
    if words.count("FROM") > words.count("EXTRACT"):
        raise UsageError(f"the condition `{condition}` uses FROM; a condition is one expression over its own row.")
    return tokens


def _split(condition: str) -> Iterator[tuple[str, str]]:
    for match in TOKEN.finditer(condition):
        yield str(match.lastgroup), match[0]


def _refuse(token: tuple[str, str], called: bool, condition: str) -> None:
    kind, text = token
    name = text.upper()
    if kind in ("comment", "other"):
        cure = 'close each quote; quote a column\'s name that is not one word: "capital-gain".'
        raise UsageError(f"the condition `{condition}` holds {text!r}, which has no place there; {cure}")
    if kind == "name" and called:
        raise UsageError(
            f"the condition `{condition}` has a name in quotes before a parenthesis; write functions bare."
        )
    if kind != "word" or (called and name in FUNCTIONS):
        return
    if called and name in LOOKING_AT_OTHER_ROWS:
        raise UsageError(
            f"the condition `{condition}` uses {name}, which looks at other rows; "
            f"a condition may look at its own row only (otherwise test rows would leak into training)."
        )
    if name in REFUSED_WORDS:
        raise UsageError(
            f"the condition `{condition}` uses {name}; a condition is one expression over its own row "
            f"(write a column of this name in double quotes)."
        )
    if called and name not in WORDS:
        raise UsageError(f"the condition `{condition}` calls {name}{suggestion(name, FUNCTIONS)}")


def _with_dates(tokens: list[tuple[str, str]], table: pl.DataFrame) -> str:
    """Join the tokens again; beside a date column a quoted ISO date is a date."""
    dates = {name for name, dtype in table.schema.items() if dtype.is_temporal()}
    named = {text.strip('"`') for kind, text in tokens if kind in ("word", "name")}
    if not dates & named:
        return " ".join(text for _, text in tokens)
    return " ".join(_as_date(text) if kind == "string" else text for kind, text in tokens)


def _as_date(text: str) -> str:
    if not ISO_DATE.fullmatch(text):
        return text
    return f"CAST({text} AS DATE)" if len(text) == len("'2020-01-01'") else f"CAST({text} AS TIMESTAMP)"


def _parse(condition: str, sql: str) -> pl.Expr:
    try:
        return pl.sql_expr(sql)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise UsageError(
            f"`{condition}` is not an SQL condition; write one such as `age > 30 AND job = 'nurse'`: "
            f"words in single quotes, names of columns bare or in double quotes."
        ) from error


def _refuse_unknown_columns(expression: pl.Expr, table: pl.DataFrame, condition: str) -> None:
    for name in expression.meta.root_names():
        if name not in table.columns:
            raise DataError(
                f"the condition `{condition}` names '{name}', which is not a column{suggestion(name, table.columns)}"
            )


def _types(expression: pl.Expr, table: pl.DataFrame) -> str:
    return (
        ", ".join(f"{name}: {table.schema[name]}" for name in sorted(set(expression.meta.root_names()))) or "none named"
    )
