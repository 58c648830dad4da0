"""Prepared columns hold the numbers of scikit-learn's transformers; rows to come never stop a model."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from mlrun import catalog
from mlrun.errors import DataError
from mlrun.pipelines import Blueprint, coded, find_family
from mlrun.prepare import Preparation, _codes, learn
from mlrun.recipes import Recipe, recipe_for
from mlrun.records import Column, Task
from mlrun.spec import CategoryPrepare, NumericPrepare, PrepareSpec, TextPrepare
from mlrun.store import model_files
from mlrun.stored import StoredModel, as_payload, from_payload
from mlrun.table.column_types import settle_table

ROWS = 60
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(ROWS, 2)) * [1, 100]
NUMBERS[::7, 0] = np.nan
COLOURS = ["blue", "green", "red", None] * 14 + ["rare", "seldom", "seldom", "blue"]
TRUTH = np.arange(ROWS) % 2
WORDS = ["a good film", "a bad film", "Good GOOD acting", "", "nothing here but words"] * 12


def recipe(*columns: tuple[str, Any], family: str = "logistic_regression", **changes: Any) -> Recipe:
    given = tuple(Column(name, kind, "") for name, kind in columns)
    found = recipe_for(catalog.find("models", family), PrepareSpec(), given, "classification")
    return replace(found, **changes)


def dense(matrix: Any) -> Any:
    return matrix.toarray() if sparse.issparse(matrix) else matrix


@pytest.mark.parametrize("encode", ["one_hot", "ordinal", "native", "target"])
@pytest.mark.parametrize("rare", [1, 3])
@pytest.mark.parametrize("classes", [2, 3])
def test_categories_that_are_looked_up_are_what_the_encoder_says(encode: str, rare: int, classes: int) -> None:
    table = pl.DataFrame({"colour": COLOURS, "same": ["one"] * ROWS, "size": ["s", "m", None, "m"] * 15})
    columns: list[tuple[str, Any]] = [(name, "category") for name in table.columns]
    learned, _ = learn(recipe(*columns, encode=encode, rare=rare), table, np.arange(ROWS) % classes, 0)
    colours = ["never", None, "blue", "rare", "seldom"]
    later = pl.DataFrame({"colour": colours, "same": ["one", "two", None, "one", "one"], "size": ["s", *"smms"]})
    for rows in (later, later[:1], table):
        expected = learned.transformers["category"].transform(_codes(learned, rows))
        assert_array_equal(learned.matrix(rows), expected)


# -- what a family needs ----------------------------------------------------------------------------------------------


def test_where_the_spec_is_silent_the_family_gets_what_it_needs() -> None:
    assert recipe(("x", "numeric")).scale == "standard"
    assert recipe(("x", "numeric"), family="multinomial_nb").scale == "minmax"
    forest = recipe(("x", "numeric"), family="random_forest")
    assert (forest.scale, forest.impute) == ("none", "median")
    boosted = recipe(("x", "numeric"), family="hist_gradient_boosting")
    assert (boosted.scale, boosted.impute, boosted.dense) == ("none", "none", True)


def test_what_the_spec_says_wins_over_what_the_family_needs() -> None:
    said = PrepareSpec(
        NumericPrepare("zero", "robust"),
        CategoryPrepare("target", 3),
        TextPrepare("hashing", (1, 2), 64, lowercase=False),
    )
    found = recipe_for(catalog.find("models", "xgboost"), said, (), "classification")
    assert (found.impute, found.scale, found.encode, found.rare) == ("zero", "robust", "target", 3)
    assert (found.text, found.ngrams, found.max_terms, found.lowercase) == ("hashing", (1, 2), 64, False)


def test_native_codes_go_only_to_families_that_take_categories() -> None:
    said = PrepareSpec(category=CategoryPrepare("native"))
    encoded = {
        name: recipe_for(catalog.find("models", name), said, (), "classification").encode
        for name in ("hist_gradient_boosting", "xgboost", "logistic_regression")
    }
    assert encoded == {"hist_gradient_boosting": "native", "xgboost": "native", "logistic_regression": "one_hot"}


# -- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("impute", ["median", "mean", "most_frequent"])
@pytest.mark.parametrize(
    ("scale", "scaler"), [("standard", StandardScaler), ("minmax", MinMaxScaler), ("robust", RobustScaler)]
)
def test_numbers_are_filled_and_scaled_as_scikit_learn_does(impute: str, scale: str, scaler: Any) -> None:
    table = pl.DataFrame(NUMBERS, schema=["a", "b"]).fill_nan(None)
    preparation, matrix = learn(recipe(("a", "numeric"), ("b", "numeric"), impute=impute, scale=scale), table, TRUTH, 0)
    expected = scaler().fit_transform(SimpleImputer(strategy=impute).fit_transform(NUMBERS))
    assert_array_equal(matrix, expected)
    assert_array_equal(preparation.matrix(table), matrix)
    assert matrix.dtype == np.float64
    assert matrix.flags.c_contiguous


def test_families_that_take_missing_values_get_them() -> None:
    table = pl.DataFrame(NUMBERS, schema=["a", "b"]).fill_nan(None)
    _, matrix = learn(recipe(("a", "numeric"), family="xgboost"), table, TRUTH, 0)
    assert_array_equal(matrix[:, 0], NUMBERS[:, 0])


def test_minmax_keeps_rows_to_come_non_negative() -> None:
    table = pl.DataFrame({"a": [0.0, 10.0]})
    preparation, _ = learn(recipe(("a", "numeric"), family="multinomial_nb"), table, np.array([0, 1]), 0)
    assert_array_equal(preparation.matrix(pl.DataFrame({"a": [-5.0, 5.0, 99.0]})).ravel(), [0, 0.5, 1])


@pytest.mark.parametrize("impute", ["median", "mean", "most_frequent", "zero"])
def test_a_column_without_values_in_a_fold_is_zero_and_stays(impute: str) -> None:
    table = pl.DataFrame({"a": [None] * 4, "b": [1.0, 2.0, 3.0, 4.0]}, schema={"a": pl.Float64, "b": pl.Float64})
    preparation, matrix = learn(
        recipe(("a", "numeric"), ("b", "numeric"), impute=impute, scale="none"), table, np.array([0, 1, 0, 1]), 0
    )
    assert_array_equal(matrix[:, 0], np.zeros(4))
    assert preparation.matrix(pl.DataFrame({"a": [7.0], "b": [None]}, schema=table.schema)).shape == (1, 2)


def test_a_constant_column_scales_to_zero() -> None:
    _, matrix = learn(recipe(("a", "numeric")), pl.DataFrame({"a": [3] * 5}), np.arange(5) % 2, 0)
    assert_array_equal(matrix, np.zeros((5, 1)))


def test_booleans_are_numbers_and_their_gaps_are_filled() -> None:
    table = pl.DataFrame({"b": [True, None, False, True]})
    _, matrix = learn(recipe(("b", "boolean"), scale="none"), table, np.array([0, 1, 0, 1]), 0)
    assert_array_equal(matrix.ravel(), [1, 1, 0, 1])  # the median of 1, 0, 1


def test_a_date_gives_its_days_and_the_parts_that_repeat() -> None:
    when = [dt.date(1970, 1, 1), dt.date(2024, 2, 29), None]
    _, matrix = learn(recipe(("d", "date"), impute="none", scale="none"), pl.DataFrame({"d": when}), None, 0)
    # days since 1970, month, day, ISO weekday; 1970-01-01 was a Thursday, 2024-02-29 too
    assert_array_equal(matrix, [[0, 1, 1, 4], [(when[1] - when[0]).days, 2, 29, 4], [np.nan] * 4])  # type: ignore[operator]


def test_a_moment_has_its_hour_and_fractions_of_a_day_in_utc() -> None:
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    raw = pl.DataFrame({"d": [dt.datetime(2024, 7, 1, 8, 30, tzinfo=berlin)] * 2}, strict=False)
    table, _, _ = settle_table(raw, {}, None, "made")  # as the dataset does: 8:30 there is 6:30 UTC
    _, matrix = learn(recipe(("d", "date"), impute="none", scale="none"), table, None, 0)
    days = (dt.date(2024, 7, 1) - dt.date(1970, 1, 1)).days + 6.5 / 24
    assert_allclose(matrix[0], [days, 7, 1, 1, 6], rtol=1e-15)


# -- categories -------------------------------------------------------------------------------------------------------


def as_objects(values: list[str | None]) -> Any:
    return np.array(
        [["" if value is None else value] for value in values], dtype=object
    )  # '' sorts first, as null does


@pytest.mark.parametrize("rare", [1, 3])
def test_one_hot_is_scikit_learns_with_a_column_for_null(rare: int) -> None:
    table = pl.DataFrame({"c": COLOURS})
    _, matrix = learn(recipe(("c", "category"), encode="one_hot", rare=rare), table, TRUTH, 0)
    minimum = rare if rare > 1 else None
    expected = OneHotEncoder(sparse_output=False, min_frequency=minimum).fit_transform(as_objects(COLOURS))
    assert_array_equal(matrix, expected)


@pytest.mark.parametrize("rare", [1, 3])
def test_ordinal_codes_are_scikit_learns(rare: int) -> None:
    table = pl.DataFrame({"c": COLOURS})
    _, matrix = learn(recipe(("c", "category"), encode="ordinal", rare=rare), table, TRUTH, 0)
    expected = OrdinalEncoder(min_frequency=rare if rare > 1 else None).fit_transform(as_objects(COLOURS))
    assert_array_equal(matrix, expected)


def test_target_codes_are_scikit_learns_and_no_rows_own_label_enters_its_code() -> None:
    table = pl.DataFrame({"c": COLOURS})
    truth = (RNG.random(ROWS) < 0.4).astype(int)
    preparation, matrix = learn(recipe(("c", "category"), encode="target"), table, truth, 5)
    cv = StratifiedKFold(5, shuffle=True, random_state=5)
    try:
        encoder = TargetEncoder(target_type="auto", cv=cv)
        crosswise = encoder.fit_transform(as_objects(COLOURS), truth)
    except ValueError:  # before scikit-learn 1.9
        encoder = TargetEncoder(target_type="auto", cv=5, shuffle=True, random_state=5)
        crosswise = encoder.fit_transform(as_objects(COLOURS), truth)
    assert_array_equal(matrix, crosswise)
    assert_array_equal(preparation.matrix(table), encoder.transform(as_objects(COLOURS)))
    assert not np.array_equal(matrix, preparation.matrix(table))
    assert preparation.matrix(pl.DataFrame({"c": ["never seen"]}))[0, 0] == truth.mean()


def test_target_codes_need_labels_that_models_may_see() -> None:
    with pytest.raises(DataError, match="use one_hot or ordinal"):
        learn(recipe(("c", "category"), encode="target"), pl.DataFrame({"c": COLOURS}), None, 0)


def test_several_classes_give_a_target_code_each() -> None:
    _, matrix = learn(recipe(("c", "category"), encode="target"), pl.DataFrame({"c": COLOURS}), np.arange(ROWS) % 3, 0)
    assert matrix.shape == (ROWS, 3)


def test_a_category_never_seen_is_nothing_or_one_of_the_rare() -> None:
    table, new = pl.DataFrame({"c": COLOURS}), pl.DataFrame({"c": ["violet", None, "blue"]})
    preparation, _ = learn(recipe(("c", "category"), rare=1), table, TRUTH, 0)
    assert_array_equal(preparation.matrix(new).sum(axis=1), [0, 1, 1])
    with_rare, _ = learn(recipe(("c", "category"), rare=3), table, TRUTH, 0)
    assert_array_equal(with_rare.matrix(new)[:, -1], [1, 0, 0])
    assert_array_equal(with_rare.matrix(pl.DataFrame({"c": ["rare"]}))[0], with_rare.matrix(new)[0])
    ordinal, _ = learn(recipe(("c", "category"), encode="ordinal", rare=1), table, TRUTH, 0)
    assert ordinal.matrix(new)[0, 0] == -1
    native, _ = learn(recipe(("c", "category"), family="xgboost", encode="native", rare=1), table, TRUTH, 0)
    assert np.isnan(native.matrix(new)[0, 0])


@pytest.mark.parametrize("encode", ["one_hot", "ordinal", "target", "native"])
def test_a_category_without_values_in_a_fold_stops_nothing(encode: str) -> None:
    table = pl.DataFrame({"c": [None] * 20, "x": range(20)}, schema={"c": pl.String, "x": pl.Int64})
    columns = (("c", "category"), ("x", "numeric"))
    preparation, matrix = learn(recipe(*columns, family="xgboost", encode=encode), table, np.arange(20) % 2, 0)
    new = preparation.matrix(pl.DataFrame({"c": ["red", None], "x": [1, 2]}))
    assert new.shape == (2, matrix.shape[1])


def test_wide_one_hot_stays_sparse_unless_the_family_needs_numbers_side_by_side() -> None:
    table = pl.DataFrame({"c": [f"town {number % 300}" for number in range(900)], "x": np.arange(900.0)})
    truth = np.arange(900) % 2
    columns = (("x", "numeric"), ("c", "category"))
    _, wide = learn(recipe(*columns, rare=1), table, truth, 0)
    _, together = learn(recipe(*columns, family="gaussian_nb", rare=1, scale="standard"), table, truth, 0)
    _, narrow = learn(recipe(*columns, rare=10), table, truth, 0)
    assert sparse.issparse(wide)
    assert wide.format == "csr"
    assert not sparse.issparse(together)
    assert_array_equal(wide.toarray(), together)
    assert not sparse.issparse(narrow)


def test_dense_families_are_refused_thousands_of_columns_in_a_sentence() -> None:
    table = pl.DataFrame({"c": [f"town {number}" for number in range(5_200)]})
    with pytest.raises(DataError, match=r"'c' give 5,200 columns.*0\.2 GB a fold.*encode: ordinal"):
        learn(recipe(("c", "category"), family="gaussian_nb", rare=1), table, np.arange(5_200) % 2, 0)


# -- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encode", "vectorizer"),
    [
        ("tfidf", TfidfVectorizer(ngram_range=(1, 2))),
        ("counts", CountVectorizer(ngram_range=(1, 2))),
        ("binary", CountVectorizer(ngram_range=(1, 2), binary=True)),
        ("hashing", HashingVectorizer(ngram_range=(1, 2), n_features=64, alternate_sign=False)),
    ],
)
def test_terms_are_scikit_learns_and_null_is_no_word(encode: str, vectorizer: Any) -> None:
    texts = [word or None for word in WORDS]
    terms = 64 if encode == "hashing" else None
    plan = recipe(("t", "text"), text=encode, ngrams=(1, 2), max_terms=terms)
    preparation, matrix = learn(plan, pl.DataFrame({"t": texts}), TRUTH, 0)
    expected = vectorizer.fit_transform(WORDS)
    assert_array_equal(matrix.toarray(), expected.toarray())
    new = preparation.matrix(pl.DataFrame({"t": [None, "unheard of", "good film"]}))
    assert_array_equal(new.toarray(), vectorizer.transform(["", "unheard of", "good film"]).toarray())


def test_case_and_the_number_of_terms_are_as_the_spec_says() -> None:
    _, matrix = learn(
        recipe(("t", "text"), text="counts", lowercase=False, max_terms=3), pl.DataFrame({"t": WORDS}), TRUTH, 0
    )
    assert_array_equal(
        matrix.toarray(), CountVectorizer(lowercase=False, max_features=3).fit_transform(WORDS).toarray()
    )


def test_text_for_a_dense_family_is_bounded_in_a_sentence_that_names_the_memory() -> None:
    words = [f"word{number} other{number}" for number in range(2_600)]
    table = pl.DataFrame({"t": words})
    with pytest.raises(DataError, match=r"the terms of 't' give 5,200 columns.*0\.1 GB a fold.*max_terms: 5000"):
        learn(recipe(("t", "text"), family="gaussian_nb"), table, np.arange(2_600) % 2, 0)
    bounded = recipe(("t", "text"), family="gaussian_nb", max_terms=100)
    assert learn(bounded, table, np.arange(2_600) % 2, 0)[1].shape == (2_600, 100)


def test_a_text_without_words_is_a_sentence() -> None:
    with pytest.raises(DataError, match="column 't' holds no words"):
        learn(recipe(("t", "text")), pl.DataFrame({"t": ["!", "?", None, "..."]}), np.array([0, 1, 0, 1]), 0)


# -- all together, and stored -----------------------------------------------------------------------------------------


def mixed(rows: int = ROWS) -> tuple[pl.DataFrame, tuple[tuple[str, Any], ...]]:
    table = pl.DataFrame(
        {
            "x": [None if row % 9 == 0 else float(row) for row in range(rows)],
            "b": [True, False, None] * (rows // 3),
            "c": (COLOURS * 9)[:rows],
            "d": [dt.date(2024, 1, 1) + dt.timedelta(days=row) for row in range(rows)],
            "t": (WORDS * 9)[:rows],
        }
    )
    return table, (("x", "numeric"), ("b", "boolean"), ("c", "category"), ("d", "date"), ("t", "text"))


@pytest.mark.parametrize("encode", ["one_hot", "ordinal", "target", "native"])
@pytest.mark.parametrize("family", ["logistic_regression", "hist_gradient_boosting"])
def test_a_preparation_comes_back_from_its_state(encode: str, family: str) -> None:
    table, columns = mixed()
    preparation, _ = learn(recipe(*columns, family=family, encode=encode), table, TRUTH, 0)
    again = Preparation.restore(preparation.state())
    assert again == preparation
    assert_array_equal(dense(again.matrix(table)), dense(preparation.matrix(table)))


def test_blocks_stand_in_the_order_numbers_categories_text() -> None:
    table, columns = mixed()
    preparation, matrix = learn(
        recipe(*reversed(columns), family="hist_gradient_boosting", encode="native", rare=1), table, TRUTH, 0
    )
    assert preparation.category_positions == (6,)  # x, b and four parts of a date come before
    assert set(matrix[:, 6]) == set(range(6))


@pytest.mark.parametrize("family", ["hist_gradient_boosting", "xgboost"])
def test_native_codes_are_split_as_sets_not_as_numbers(family: str, tmp_path: Path) -> None:
    # even codes are positive: one split by sets tells them apart, one split by order cannot
    codes = RNG.integers(0, 20, 400)
    table = pl.DataFrame({"c": [f"{code:02d}" for code in codes]})
    truth = (codes % 2 == 0).astype(np.int64)
    entry = find_family(family)
    stump = {"max_depth": 1, "n_estimators" if family == "xgboost" else "max_iter": 1}
    plan = recipe(("c", "category"), family=family, encode="native", rare=1)
    preparation, matrix = learn(plan, table, truth, 0)
    by_sets = coded(entry.build(stump, 0), family, "", preparation.category_positions).fit(matrix, truth)
    by_order = entry.build(stump, 0).fit(matrix, truth)
    assert (by_sets.predict(matrix) == truth).mean() == 1
    assert (by_order.predict(matrix) == truth).mean() < 0.8

    task = Task("classification", ("no", "yes"))
    blueprint = Blueprint("m", family, stump, None, task)
    model = StoredModel(blueprint, by_sets, preparation, ("c",), {"c": "String"})
    model_files.store(tmp_path / "m.skops", as_payload(model))
    stored = from_payload(model_files.load(tmp_path / "m.skops"))
    new = pl.DataFrame({"c": ["04", "05", None, "never seen"]})
    assert_array_equal(stored.predict(new).probabilities, model.predict(new).probabilities)
    assert_array_equal(stored.predict(new).values[:2], [1, 0])
