"""What each edit does to rows, and what it says of values that make no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from behaviour_cases import dataset_of, people
from hypothesis import given
from hypothesis import strategies as st

from mlrun import catalog
from mlrun.check_contracts import Edit
from mlrun.edits.clip import clipped
from mlrun.edits.typos import misspelt
from mlrun.errors import DataError
from mlrun.records import Dataset


def find(name: str) -> Edit:
    found: Edit = catalog.find("edits", name)
    return found


def edited(name: str, value: Any, table: pl.DataFrame, dataset: Dataset | None = None, seed: int = 0) -> pl.DataFrame:
    """Return the rows after the only variant."""
    (variant,) = find(name).variants(value, dataset or dataset_of(table))
    return variant.apply(table, np.random.default_rng(seed))


def told(name: str, value: Any, **changes: Any) -> list[tuple[tuple[str | int, ...], str]]:
    return list(find(name).problems(value, dataset_of(people(), **changes)))


def test_a_swap_has_a_variant_for_each_value_and_leaves_the_others_alone() -> None:
    table = pl.DataFrame({"sex": ["Male", "Female", None, "Other"]})
    variants = find("swap").variants({"sex": {"Male": "Female", "Female": "Male"}}, dataset_of(table))
    assert [variant.name for variant in variants] == ["sex: Male → Female", "sex: Female → Male"]
    after = [variant.apply(table, None)["sex"].to_list() for variant in variants]
    assert after == [["Female", "Female", None, "Other"], ["Male", "Male", None, "Other"]]


def test_a_swap_of_two_columns_exchanges_all_values_at_once() -> None:
    table = pl.DataFrame({"a": ["x", "y"], "b": [1, 2]})
    after = edited("swap", {"a": {"x": "y", "y": "x"}, "b": {"1": "2", "2": "1"}}, table)
    assert after.to_dict(as_series=False) == {"a": ["y", "x"], "b": [2, 1]}
    assert after.schema == table.schema


def test_a_swap_of_values_that_never_occur_is_told_with_the_nearest_one() -> None:
    found = told("swap", {"sex": {"Mal": "Female", "Female": "Femalle"}})
    assert [path for path, _ in found] == [("sex", "Mal"), ("sex", "Female")]
    assert "never occurs in the column 'sex'; did you mean 'Male'?" in found[0][1]
    assert "'Femalle' never occurs" in found[1][1]
    assert "holds numbers, not 'old'" in told("swap", {"age": {"old": 3}})[0][1]


def test_every_other_value_does_not_fill_gaps_and_needs_values_to_go_through() -> None:
    table = pl.DataFrame({"race": ["A", None, "B", "A"]})
    variants = find("every_other_value").variants("race", dataset_of(table))
    assert [variant.name for variant in variants] == ["race = A", "race = B"]
    assert variants[1].apply(table, None)["race"].to_list() == ["B", None, "B", "B"]
    assert "distinct values; name some with swap, set or add" in told("every_other_value", "income")[0][1]
    assert "holds texts, which have no list of values" in told("every_other_value", "said")[0][1]


def test_whole_numbers_stay_whole_until_a_fraction_comes() -> None:
    table = pl.DataFrame({"n": [1, 2, None]})
    assert edited("add", {"n": 10}, table)["n"].to_list() == [11, 12, None]
    assert edited("add", {"n": 10}, table).schema["n"] == pl.Int64
    assert edited("add", {"n": 0.5}, table)["n"].to_list() == [1.5, 2.5, None]
    assert edited("scale", {"n": 3}, table)["n"].to_list() == [3, 6, None]
    assert edited("set", {"n": "7"}, table)["n"].to_list() == [7, 7, 7]
    assert edited("set", {"n": 7.5}, table)["n"].to_list() == [7.5, 7.5, 7.5]


def test_dates_and_flags_are_set_and_moved() -> None:
    table = pl.DataFrame({"on": [True, False], "since": ["2024-02-28", "2024-12-31"]}).with_columns(
        pl.col("since").str.to_date()
    )
    assert edited("add", {"since": 2}, table)["since"].cast(pl.String).to_list() == ["2024-03-01", "2025-01-02"]
    assert edited("set", {"since": "2020-01-01", "on": True}, table).row(1)[0] is True
    assert edited("set", {"since": "2020-01-01"}, table)["since"].cast(pl.String).to_list() == ["2020-01-01"] * 2
    assert "holds dates, not 'soon'" in told("set", {"since": "soon"})[0][1]


def test_round_goes_to_tens_and_keeps_whole_numbers() -> None:
    table = pl.DataFrame({"n": [14, 26, None], "x": [1.26, 2.34, None]})
    after = edited("round", {"n": -1, "x": 1}, table)
    assert after["n"].to_list() == [10, 30, None]
    assert after["x"].to_list() == [1.3, 2.3, None]


def test_noise_has_the_spread_that_is_asked_for_by_level_and_kind() -> None:
    table = pl.DataFrame({"x": np.random.default_rng(1).normal(0, 20, 20_000), "n": np.arange(20_000)})
    for kind in ("gaussian", "uniform"):
        variants = find("noise").variants({"columns": ("x",), "sd": (0.05, 0.25), "kind": kind}, dataset_of(table))
        assert [(variant.name, variant.level) for variant in variants] == [("sd 0.05", 0.05), ("sd 0.25", 0.25)]
        for variant in variants:
            moved = variant.apply(table, np.random.default_rng(0))["x"].to_numpy() - table["x"].to_numpy()
            assert moved.std() == pytest.approx(variant.level * table["x"].to_numpy().std(), rel=0.03)
            assert abs(moved.mean()) < 0.2
            widest = 1.75 if kind == "uniform" else 3.5  # √3, and beyond what 20,000 draws of a uniform reach
            assert (np.abs(moved).max() < widest * (variant.level or 0) * 20 * 1.02) == (kind == "uniform")


def test_noise_takes_all_numeric_features_where_no_columns_are_named() -> None:
    assert find("noise").columns({}, dataset_of(people())) == ("age", "income")
    assert "holds no numbers" in told("noise", {"columns": ("race",), "sd": 0.1})[0][1]


def test_a_lost_text_is_empty_and_a_lost_value_is_missing() -> None:
    after = edited("blank", ("said", "age"), people())
    assert after["said"].unique().to_list() == [""]
    assert after["age"].null_count() == after.height


def test_shuffled_columns_stay_together_and_keep_their_values() -> None:
    table = people()
    after = edited("shuffle", ("sex", "role"), table)
    assert after.select("sex", "role").sort("sex").equals(table.select("sex", "role").sort("sex"))
    assert not after["sex"].equals(table["sex"])


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("case", "upper", "IT IS 1ST, NO?"),
        ("case", "lower", "it is 1st, no?"),
        ("strip", "punctuation", "It is 1st No"),
        ("strip", "digits", "It is st, No?"),
        ("append", "At all", "It is 1st, No? At all"),
        ("replace", {"regex": r"(\d)st", "by": "first ($1)"}, "It is first (1), No?"),
        ("replace", {"regex": r"\d"}, "It is st, No?"),
        ("clip", 10, "It is 1st, No?"),
    ],
)
def test_edits_of_text(name: str, value: Any, expected: str) -> None:
    table = pl.DataFrame({"said": ["It is 1st, No?", None]})
    assert edited(name, value, table)["said"].to_list() == [expected, None]


def test_a_text_edit_may_name_its_columns_and_have_levels() -> None:
    table = pl.DataFrame({"said": ["a b c"], "more": ["d e f"]})
    assert edited("case", {"case": "upper", "columns": ("more",)}, table).row(0) == ("a b c", "D E F")
    variants = find("typos").variants((0.1, 0.5), dataset_of(table))
    assert [variant.level for variant in variants] == [0.1, 0.5]


@given(st.text(alphabet="ab ", max_size=40), st.integers(1, 6), st.floats(0, 1, exclude_max=True))
def test_a_clipped_text_is_a_run_of_its_words(text: str, size: int, draw: float) -> None:
    words, kept = text.split(), clipped(text, size, draw).split()
    assert len(kept) == min(size, len(words))
    assert any(words[place : place + len(kept)] == kept for place in range(len(words) + 1))


@given(st.text(max_size=60), st.integers(0, 1000))
def test_typos_change_letters_only_and_about_as_many_as_asked(text: str, seed: int) -> None:
    assert misspelt(text, 0.0, np.random.default_rng(seed)) == text
    after = misspelt(text, 0.3, np.random.default_rng(seed))
    others = [sign for sign in text if not sign.isalpha()]
    assert [sign for sign in after if not sign.isalpha()] == others
    assert abs(len(after) - len(text)) <= len(text)


def test_an_expression_that_does_not_compile_or_finds_nothing_is_told() -> None:
    assert "is no regular expression" in told("replace", {"regex": "(a"})[0][1]
    assert "finds nothing in said" in told("replace", {"regex": "zzz"})[0][1]


def test_text_edits_need_a_text() -> None:
    (only,) = find("typos").problems(0.1, dataset_of(people().drop("said")))
    assert "the data has no text column" in only[1]
    assert "holds no text" in told("case", {"case": "upper", "columns": ("age",)})[0][1]


# -- templates ---------------------------------------------------------------------------------------------------------

FILL = {"relation": ("mother", "father", "aunt"), "mood": ("glad", "sad")}


def test_a_template_makes_groups_that_differ_in_one_word() -> None:
    value = {"template": "My {relation} is {mood}", "fill": FILL}
    dataset = dataset_of(people())
    edit = find("template")
    assert edit.own_rows is not None
    rows = edit.own_rows(value, dataset)
    assert rows["said"].to_list() == ["My mother is glad", "My mother is sad"]
    variants = edit.variants(value, dataset)
    assert [variant.name for variant in variants] == ["relation = father", "relation = aunt"]
    assert variants[1].apply(rows, None)["said"].to_list() == ["My aunt is glad", "My aunt is sad"]


def test_the_other_columns_of_a_template_are_as_usual() -> None:
    table = people()
    edit = find("template")
    assert edit.own_rows is not None
    rows = edit.own_rows({"template": "{a}", "fill": {"a": ("x", "y")}}, dataset_of(table))
    assert rows["age"][0] == table["age"].sort()[(table.height - 1) // 2]
    assert rows["race"][0] == "A"
    assert rows.schema == table.schema


def test_words_may_come_from_a_file_and_are_taken_evenly(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("\n".join(f"name{number}" for number in range(500)) + "\n\n", "utf-8")
    value = {"template": "{name} is {mood}", "fill": {"name": "names.txt", "mood": ("glad", "sad")}}
    variants = find("template").variants(value, dataset_of(people(), folder=str(tmp_path)))
    assert len(variants) == 49
    assert variants[0].name == "name = name10"
    assert not told("template", value, folder=str(tmp_path))


@pytest.mark.parametrize(
    ("value", "path", "sentence"),
    [
        ({"template": "My {relatoin} {mood}", "fill": FILL}, ("template",), "no words for 'relatoin'; did you mean"),
        ({"template": "My {mood}", "fill": FILL}, ("template",), "has no {relation}, which is what varies"),
        ({"template": "{relation}", "fill": FILL}, ("fill", "mood"), "no template has a {mood}"),
        ({"template": "{relation", "fill": FILL}, ("template",), "braces"),
        ({"template": "{relation:99999999}", "fill": FILL}, ("template",), "braces"),
        ({"template": "{relation}", "fill": {"relation": "no.txt"}}, ("fill", "relation"), "there is no such file"),
        ({"template": "{relation} {mood}", "fill": FILL, "vary": "moood"}, ("vary",), "did you mean 'mood'?"),
        ({"template": "{relation} {mood}", "fill": FILL, "column": "age"}, ("column",), "holds no text"),
    ],
)
def test_what_is_wrong_with_a_template_is_told(value: Any, path: tuple[str, ...], sentence: str) -> None:
    found = told("template", value)
    assert any(where == path and sentence in said for where, said in found), found


# -- the user's own ----------------------------------------------------------------------------------------------------


def test_a_function_of_the_users_is_found_beside_the_spec_and_its_failure_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "my_made_edits.py").write_text(
        "def fine(table, generator):\n    return table.with_columns(age=table['age'] + generator.integers(1, 3))\n"
        "def broken(table, generator):\n    raise ValueError('no')\n"
        "def quits(table, generator):\n    raise SystemExit(3)\n"
        "def wrong(table, generator):\n    return 3\n"
    )
    table = people()
    dataset = dataset_of(table, folder=str(tmp_path))
    assert edited("python", "my_made_edits:fine", table, dataset)["age"].to_list() != table["age"].to_list()
    for name, said in (("broken", "ValueError: no"), ("quits", "SystemExit"), ("wrong", "returned int")):
        with pytest.raises(DataError, match=said):
            edited("python", f"my_made_edits:{name}", table, dataset)
    (only,) = find("python").problems("my_made_edits:nothing", dataset)
    assert "has no 'nothing'" in only[1]


def test_whole_numbers_that_become_too_large_turn_into_fractions_and_never_wrap_around() -> None:
    table = pl.DataFrame({"n": [4, 2**40]})
    for name, value, most in (("add", 2e18, 2e18), ("add", 1e300, 1e300), ("scale", 2.0**30, 2.0**70)):
        after = edited(name, {"n": value}, table)["n"]
        assert after.dtype == pl.Float64
        assert after.max() == pytest.approx(most, rel=1e-5)
    assert edited("set", {"n": 10**30}, table)["n"].to_list() == [1e30, 1e30]
    assert edited("add", {"n": 2}, table)["n"].to_list() == [6, 2**40 + 2]


def test_a_template_without_words_is_told() -> None:
    found = told("template", {"template": "{x}", "fill": {}})
    assert found == [(("fill",), "there are no words to fill a template with; write {name: [words]}")]


def test_a_column_of_one_value_or_of_none_has_no_other() -> None:
    table = people().with_columns(pl.lit("x").alias("race"), pl.lit(None, dtype=pl.String).alias("sex"))
    dataset = dataset_of(table)
    (one,), (none,) = (list(find("every_other_value").problems(name, dataset)) for name in ("race", "sex"))
    assert one[1] == "the column 'race' has one value, so there is no other"
    assert none[1] == "the column 'sex' has no value, so there is no other"
