"""Conditions over runs: they mean what SQLite makes of the same text, and nothing that is typed breaks the parser."""

from __future__ import annotations

import json
import sqlite3
import time
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlrun.errors import SpecError, UsageError
from mlrun.run_conditions import parse, select
from mlrun.run_fields import FIELDS, Names, ordered
from mlrun.store.run_row import IndexRow
from mlrun.three_valued import like


def written(scores: dict[str, list[object]]) -> str:
    """Return scores as the index keeps them."""
    return json.dumps(scores, separators=(",", ":"))


ROWS = (
    IndexRow(
        "income", 1, "complete", started="2026-01-30T10:00:00+00:00", finished="2026-01-30T10:01:40+00:00",
        best="xgboost", family="xgboost", metric="roc_auc", direction="maximize", cv=0.93, test=0.92, verdict="good",
        tags="production v1.2", note="the first one", failed_trials=2, sampled=None, gates="pass",
        scores=written({"roc_auc": ["maximize", 0.93, 0.01, 0.92, 0.9, 0.94],
                           "precision_at(k=0.05)": ["maximize", 0.5, None, 0.4, None, None]}),
    ),
    IndexRow(
        "income", 2, "complete", started="2026-01-31T10:00:00+00:00", finished="2026-01-31T10:00:10+00:00",
        best="forest", family="random_forest", metric="roc_auc", direction="maximize", cv=0.91, test=0.95, sampled=100,
        stale="influenced", erasures=1, scores=written({"roc_auc": ["maximize", 0.91, 0.01, 0.95, 0.9, 0.96]}),
    ),
    IndexRow("housing", 1, "complete", metric="rmse", direction="minimize", cv=3.5, best="ridge",
             scores=written({"rmse": ["minimize", 3.5, 0.1, None, None, None]})),
    IndexRow("housing", 2, "running"),
)  # fmt: skip


def names_of(condition: str, rows: tuple[IndexRow, ...] = ROWS) -> list[str]:
    return [row.name for row in select(rows, [parse(condition, Names(rows))])]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("roc_auc > 0.9 AND model = 'xgboost'", ["income@1"]),
        ("roc_auc > 0.9", ["income@1", "income@2"]),
        ("NOT roc_auc > 0.92", ["income@2"]),  # of runs without a score it is not known
        ("roc_auc <= 0.92 or rmse < 4", ["income@2", "housing@1"]),
        ("test.roc_auc > folds.roc_auc", ["income@2"]),
        ("0.92 < roc_auc", ["income@1"]),
        ("roc_auc BETWEEN 0.91 AND 0.92", ["income@2"]),
        ("roc_auc NOT BETWEEN 0.91 AND 0.92", ["income@1"]),
        ('"precision_at(k=0.05)" = 0.5', ["income@1"]),
        ('test."precision_at(k=0.05)" < .45e0', ["income@1"]),
        ("experiment = 'housing' AND version >= 2", ["housing@2"]),
        ("status IN ('running', 'interrupted')", ["housing@2"]),
        ("status not in ('running') and model is not null and not sampled", ["income@1", "housing@1"]),
        ("family LIKE '%forest'", ["income@2"]),
        ("model NOT LIKE '%o%'", ["housing@1"]),
        ("tag = 'production'", ["income@1"]),
        ("tag != 'production'", ["income@2", "housing@1", "housing@2"]),
        ("tag LIKE 'v1.%'", ["income@1"]),
        ("tag IN ('a', 'v1.2')", ["income@1"]),
        ("tag IS NULL AND note IS NULL AND experiment = 'income'", ["income@2"]),
        ("sampled", ["income@2"]),
        ("sampled = FALSE AND erased = false AND version = 1", ["income@1", "housing@1"]),
        ("stale IS NOT NULL", ["income@2"]),
        ("seconds <= 10", ["income@2"]),
        ("failed_trials > 0", ["income@1"]),
        ("gates <> 'pass'", []),
        ("note = 'the first one' AND (version = 1 OR version = 2)", ["income@1"]),
        ("run = 'income@2'", ["income@2"]),
        ("folds > 3", ["housing@1"]),
        ("TRUE AND version = 2", ["income@2", "housing@2"]),
        ("NOT NOT NOT version == 2", ["income@1", "housing@1"]),
        ("model =\n'ridge'", ["housing@1"]),
    ],
)
def test_a_condition_means_what_sql_makes_of_it(condition: str, expected: list[str]) -> None:
    assert names_of(condition) == expected


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("started = '2026-01-31'", 1),
        ("started > '2026-01-30'", 1),
        ("started >= '2026-01-30'", 2),
        ("started < '2026-01-31'", 1),
        ("started <= '2026-01-31'", 2),
        ("started BETWEEN '2026-01-30' AND '2026-01-31'", 2),
        ("started IN ('2026-01-29', '2026-01-31')", 1),
        ("started = '2026-01-31 10:00'", 1),
        ("started = '2026-01-31T10:00:00Z'", 1),
        ("started = '2026-01-31 11:00+01:00'", 1),
        ("started > '2026-01-31T10:00:00Z'", 0),
        ("started != '2026-01-31'", 1),
        ("'2026-01-31' <= started", 1),
    ],
)
def test_a_date_means_all_of_its_day_in_the_readers_own_time_zone(
    condition: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    try:
        assert len(names_of(condition)) == count
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("condition", "column", "words"),
    [
        ("roc_au > 0.9", 1, "no field or metric 'roc_au'; did you mean 'roc_auc'"),
        ("version = 1 AND modle = 'x'", 17, "did you mean 'model'"),
        ("model = xgboost", 9, "If it is no name but text: 'xgboost'"),
        ('model = "xgboost"', 9, "If it is no name but text: 'xgboost'"),
        ("model = 3", 9, "model is text and 3 is a number"),
        ("roc_auc > '0.9'", 11, "Numbers stand bare"),
        ("model = NULL", 9, "Write IS NULL"),
        ("sampled > false", 9, "no order"),
        ("tag < 'x'", 5, "no order"),
        ("tag = model", 7, "cannot be compared"),
        ("started > 'yesterday'", 11, "Write '2026-01-31'"),
        ("started > '2026-02-30'", 11, "is no date"),
        ("(version = 1", 13, "')' is missing"),
        ("version = 1)", 12, "no place here"),
        ("version", 8, "must be compared"),
        ("version = ", 11, "a name or a value is missing at the end"),
        ("model = “xgboost”", 9, "straight single quotes"),
        ("version = 1 model = 'x'", 13, "AND, OR or the end"),
        ("version NOT 3", 13, "after NOT comes IN"),
        ("version IS 3", 12, "'NULL' is missing after IS"),
        ("version IN 3", 12, "'(' is missing after IN"),
        ("version IN ()", 13, "a name or a value is missing"),
        ("version IN (1, 'a')", 16, "cannot be compared"),
        ("version IN (models)", 13, "IN takes values"),
        ("version LIKE '1%'", 14, "LIKE takes a text"),
        ("version BETWEEN 1 OR 3", 19, "'AND' is missing"),
        ("model = 'x", 9, "not closed"),
        ("precision_at(k=0.05) > 0.4", 1, "Quote such a name"),
        ("version = 1; DROP TABLE run", 12, "no place here"),
        ("version = (SELECT 1)", 11, "a name or a value is missing"),
        ("__import__('os').system('true')", 1, "followed by a parenthesis"),
        ("version = 1e", 11, "missing"),
        ("", 1, "missing at the end"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_the_way_out(condition: str, column: int, words: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse(condition, Names(ROWS))
    (problem,) = refused.value.problems
    assert words in str(problem)
    assert problem.place is not None
    assert problem.place.column == column


def test_long_and_deep_conditions_are_refused_and_long_chains_work() -> None:
    with pytest.raises(UsageError, match="at most 2,000 characters"):
        parse("version = 1 OR " * 200 + "version = 1", Names(ROWS))
    with pytest.raises(SpecError, match="more than 50 parentheses"):
        parse("(" * 60 + "version = 1" + ")" * 60, Names(ROWS))
    assert len(names_of("(" * 50 + "version = 1" + ")" * 50)) == 2
    assert len(names_of(" OR ".join(["version=1"] * 140))) == 2
    assert len(names_of("NOT " * 400 + "version = 1")) == 2


def test_a_pattern_that_tries_much_takes_no_time() -> None:
    begun = time.process_time()
    assert not like("%a" * 200 + "b")("a" * 5_000)
    assert like("%a" * 200 + "%")("a" * 5_000)
    assert time.process_time() - begun < 1


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=60) | st.lists(st.sampled_from(
    ["roc_auc", "model", "tag", "started", "sampled", "'x'", "'2026-01-01'", "0.9", "-1", "(", ")", ",", "=", "<", ">=",
     "!=", "AND", "OR", "NOT", "IN", "LIKE", "BETWEEN", "IS", "NULL", "TRUE", '"', "'", '"rmse"', "test.", ".", "%"]
), max_size=14).map(" ".join))  # fmt: skip
def test_nothing_that_is_typed_breaks_the_parser(condition: str) -> None:
    try:
        select(ROWS, [parse(condition, Names(ROWS))])
    except UsageError as error:
        assert str(error)  # noqa: PT017 - most of what is typed here is refused; how, is tested above


# -- SQLite evaluates the same text on the same rows -------------------------------------------------------------------

NUMBERS = st.none() | st.integers(-3, 3) | st.sampled_from([-0.5, 0.25, 1.5, 1e-9, 1e300])
TEXTS = st.none() | st.sampled_from(["a", "A", "ab", "b%", "a_c", "", "é", "ﬀ", "it's", "10", "\U0001f600"]).filter(
    bool
)
LITERALS = st.sampled_from(["0", "1", "-2", "2.5", "1e-9", ".25", "3.", "1E300"])
QUOTED = st.sampled_from(["'a'", "'A'", "'it''s'", "'é'", "'b%'", "''", "'10'", "'\U0001f600'"])
PATTERNS = st.sampled_from(["'a%'", "'%'", "'_'", "'%b%'", "'a_c'", "'%%a'", "''", "'_%_'", "'%é'", "'a%c%'"])
SIGNS = st.sampled_from(["=", "==", "!=", "<>", "<", "<=", ">", ">="])
NUMERIC, TEXTUAL = st.sampled_from(["version", "models", "cv"]), st.sampled_from(["family", "verdict"])
MADE = st.tuples(NUMBERS, NUMBERS, NUMBERS, TEXTS, TEXTS)


def spelled(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(" ".join)


WORD = st.sampled_from
NOT = WORD(["", "NOT", "not"])
LIST = st.lists(LITERALS, min_size=1, max_size=3).map(lambda items: f"({', '.join(items)})")
TEXT_LIST = st.lists(QUOTED, min_size=1, max_size=3).map(lambda items: f"({','.join(items)})")
COMPARISON = st.one_of(
    spelled(NUMERIC | LITERALS, SIGNS, NUMERIC | LITERALS),
    spelled(TEXTUAL | QUOTED, SIGNS, TEXTUAL | QUOTED),
    spelled(NUMERIC, NOT, WORD(["IN"]), LIST),
    spelled(TEXTUAL, NOT, WORD(["in"]), TEXT_LIST),
    spelled(TEXTUAL, NOT, WORD(["LIKE"]), PATTERNS),
    spelled(NUMERIC, NOT, WORD(["BETWEEN"]), LITERALS | NUMERIC, WORD(["AND"]), LITERALS | NUMERIC),
    spelled(TEXTUAL, NOT, WORD(["BETWEEN"]), QUOTED, WORD(["and"]), QUOTED | TEXTUAL),
    spelled(NUMERIC | TEXTUAL, WORD(["IS NULL", "IS NOT NULL", "is not null"])),
    WORD(["TRUE", "false"]),
)
CONDITIONS = st.recursive(
    COMPARISON,
    lambda inner: (
        spelled(inner, WORD(["AND", "OR", "and"]), inner)
        | inner.map("({})".format)
        | inner.map("NOT ({})".format)
        | inner.map("NOT {}".format)
    ),
    max_leaves=8,
)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(condition=CONDITIONS, made=st.lists(MADE, min_size=1, max_size=6))
def test_conditions_hold_for_the_rows_that_sqlite_finds(condition: str, made: list[tuple[object, ...]]) -> None:
    with sqlite3.connect(":memory:") as base:
        base.execute("PRAGMA case_sensitive_like = ON")
        base.execute("CREATE TABLE run (place, version, models, cv, family, verdict)")
        base.executemany("INSERT INTO run VALUES (?, ?, ?, ?, ?, ?)", [(at, *row) for at, row in enumerate(made)])
        expected = [at for (at,) in base.execute(f"SELECT place FROM run WHERE {condition} ORDER BY place")]  # noqa: S608 - the oracle
    base.close()
    rows = tuple(
        IndexRow(str(at), version, "complete", models=models, cv=cv, family=family, verdict=verdict, metric="cv")  # type: ignore[arg-type]  # None is missing
        for at, (version, models, cv, family, verdict) in enumerate(made)
    )
    found = [int(row.experiment) for row in select(rows, [parse(condition, Names(rows))])]
    assert found == expected, condition


# -- sorting -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("roc_auc", ["income@1", "income@2", "housing@1", "housing@2"]),
        ("test.roc_auc", ["income@2", "income@1", "housing@1", "housing@2"]),
        ("-roc_auc", ["income@2", "income@1", "housing@1", "housing@2"]),  # what has none stays last
        ("rmse", ["housing@1", "income@1", "income@2", "housing@2"]),
        ("score", ["housing@1", "income@1", "income@2", "housing@2"]),
        ("started", ["income@2", "income@1", "housing@1", "housing@2"]),
        ("-started", ["income@1", "income@2", "housing@1", "housing@2"]),
        ("seconds", ["income@2", "income@1", "housing@1", "housing@2"]),
        ("model", ["income@2", "housing@1", "income@1", "housing@2"]),
        ("-version", ["income@2", "housing@2", "income@1", "housing@1"]),
        ("tag", ["income@1", "income@2", "housing@1", "housing@2"]),
    ],
)
def test_the_best_and_the_newest_come_first_and_what_is_missing_last(key: str, expected: list[str]) -> None:
    field = Names(ROWS).find(key.removeprefix("-"))
    assert [row.name for row in ordered(ROWS, field, turned=key.startswith("-"))] == expected


def test_every_field_can_be_named_compared_and_sorted_by() -> None:
    for name, field in FIELDS.items():
        value = {"text": "'x'", "number": "1", "time": "'2026-01-01'", "flag": "TRUE", "tags": "'x'"}[field.kind]
        parse(f"{name} = {value} AND {name} IS NULL", Names(ROWS))
        assert len(ordered(ROWS, field, turned=True)) == len(ROWS)


def test_a_label_that_ends_like_another_is_another() -> None:
    numbers = [None, None, None, None]
    scores = written({'x"auc': ["maximize", 0.1, *numbers], "auc": ["maximize", 0.2, *numbers]})
    rows = (IndexRow("a", 1, "complete", scores=scores),)
    assert names_of("auc = 0.2", rows) == ["a@1"]
    assert names_of('"x""auc" = 0.1', rows) == ["a@1"]


def test_a_broken_cache_of_scores_leaves_the_run_out() -> None:
    broken = ('{"roc_auc":["maximize",x', "[", '{"roc_auc":[]}', '{"roc_auc":["maximize",1,2]}')
    rows = (ROWS[0], *(IndexRow("b", at, "complete", scores=text) for at, text in enumerate(broken)))
    assert names_of("roc_auc > 0.9", rows)[0] == "income@1"
    assert len(names_of("roc_auc IS NULL", rows)) >= 3


def test_times_of_a_run_are_read_as_they_are_written() -> None:
    read = FIELDS["started"].read
    assert read(ROWS[0]) == datetime(2026, 1, 30, 10, tzinfo=UTC).timestamp()
    assert read(IndexRow("a", 1, "running", started="soon")) is None
