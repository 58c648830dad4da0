"""Every edit of the shelf keeps the contract, found through the catalog: a new file is tested with one example."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from behaviour_cases import dataset_of, people

from mlrun import catalog
from mlrun.change.stack import conformed, differing
from mlrun.check_contracts import Edit
from mlrun.records import Dataset

NAMES = catalog.names("edits")
EXAMPLES: dict[str, Any] = {  # a value that changes rows of the made people
    "swap": {"sex": {"Male": "Female", "Female": "Male"}},
    "every_other_value": "race",
    "set": {"age": 30, "sex": "Male"},
    "add": {"age": 1, "income": 0.5, "since": 30},
    "scale": {"age": 2, "income": 1.1},
    "noise": {"columns": ("age", "income"), "sd": (0.1, 0.5)},
    "blank": ("race", "income", "said"),
    "shuffle": ("sex", "role"),
    "round": {"age": -1, "income": 0},
    "typos": 0.1,
    "case": "upper",
    "strip": "digits",
    "append": "indeed",
    "replace": {"regex": "[0-9]+", "by": "#"},
    "clip": 3,
    "template": {"template": "{name} is {mood}", "fill": {"name": ("Ann", "Bob"), "mood": ("glad", "sad")}},
    "python": "behaviour_edit_of_a_user:older",
}
UNKNOWN: dict[str, Any] = {  # the same with a column that is not there
    "swap": {"sexx": {"Male": "Female"}},
    "every_other_value": "racce",
    "set": {"agge": 30},
    "add": {"agge": 1},
    "scale": {"agge": 2},
    "noise": {"columns": ("agge",), "sd": (0.1,)},
    "blank": ("agge",),
    "shuffle": ("agge",),
    "round": {"agge": 1},
    "typos": {"rate": 0.1, "columns": ("saidd",)},
    "case": {"case": "upper", "columns": ("saidd",)},
    "strip": {"strip": "digits", "columns": ("saidd",)},
    "append": {"text": "x", "columns": ("saidd",)},
    "replace": {"regex": "a", "columns": ("saidd",)},
    "clip": {"words": 3, "columns": ("saidd",)},
    "template": {"template": "{a}", "fill": {"a": ("b", "c")}, "column": "saidd"},
}


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    (tmp_path / "behaviour_edit_of_a_user.py").write_text(
        "def older(table, generator):\n    return table.with_columns(age=table['age'] + 1)\n"
    )
    return dataset_of(people(), folder=str(tmp_path))


def rows_for(edit: Edit, value: Any, dataset: Dataset) -> pl.DataFrame:
    return dataset.table if edit.own_rows is None else edit.own_rows(value, dataset)


def test_every_edit_has_an_example() -> None:
    assert set(EXAMPLES) == set(NAMES)
    assert set(UNKNOWN) == set(NAMES) - {"python"}


@pytest.mark.parametrize("name", NAMES)
def test_an_edit_takes_its_example_and_finds_nothing_wrong_with_it(name: str, dataset: Dataset) -> None:
    edit: Edit = catalog.find("edits", name)
    assert edit.value.admits(EXAMPLES[name])
    assert list(edit.problems(EXAMPLES[name], dataset)) == []


@pytest.mark.parametrize("name", NAMES)
def test_an_edit_keeps_rows_and_columns_and_changes_only_those_that_it_says(name: str, dataset: Dataset) -> None:
    edit: Edit = catalog.find("edits", name)
    table = rows_for(edit, EXAMPLES[name], dataset)
    before = table.clone()
    written = edit.columns(EXAMPLES[name], dataset)
    variants = edit.variants(EXAMPLES[name], dataset)
    assert variants
    assert len({variant.name for variant in variants}) == len(variants)
    for variant in variants:
        edited = conformed(variant.apply(table, np.random.default_rng(0)), table, name)
        assert table.equals(before)
        assert differing(table, edited, written).any()
        others = [column for column in table.columns if column not in written]
        assert edited.select(others).equals(table.select(others))


@pytest.mark.parametrize("name", NAMES)
def test_an_edit_is_a_pure_function_of_table_and_generator(name: str, dataset: Dataset) -> None:
    edit: Edit = catalog.find("edits", name)
    table = rows_for(edit, EXAMPLES[name], dataset)
    for variant in edit.variants(EXAMPLES[name], dataset):
        twice = [variant.apply(table, np.random.default_rng(7)) for _ in range(2)]
        assert twice[0].equals(twice[1])


@pytest.mark.parametrize("name", NAMES)
def test_an_edit_bears_missing_values_and_no_rows(name: str, dataset: Dataset) -> None:
    edit: Edit = catalog.find("edits", name)
    if edit.own_rows is not None:
        return
    empty = dataset.table.with_columns(
        pl.lit(None, dtype=dtype).alias(column) for column, dtype in dataset.table.schema.items()
    )
    for table in (empty, dataset.table[:0], dataset.table[:1]):
        for variant in edit.variants(EXAMPLES[name], dataset):
            edited = conformed(variant.apply(table, np.random.default_rng(0)), table, name)
            assert edited.height == table.height


@pytest.mark.parametrize("name", sorted(UNKNOWN))
def test_a_column_that_is_not_there_is_told_with_the_nearest_name(name: str, dataset: Dataset) -> None:
    edit: Edit = catalog.find("edits", name)
    told = [sentence for _, sentence in edit.problems(UNKNOWN[name], dataset)]
    assert any("there is no column" in sentence and "did you mean" in sentence for sentence in told), told


def test_the_shelf_is_read_without_arrays() -> None:
    probe = (
        "import sys; from mlrun import catalog\n"
        "for kind in ('edits',):\n    [catalog.find(kind, name) for name in catalog.names(kind)]\n"
        "for name in ('invariance', 'directional', 'perturbation', 'minimum_functionality', 'proxies'):\n"
        "    catalog.find('checks', name)\n"
        "print(sorted({'numpy', 'polars', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
