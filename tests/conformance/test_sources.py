"""Every source of the shelf keeps the contract, found through the catalog: a new file is tested with no edit."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mlrun import catalog
from mlrun.contracts import Source
from mlrun.errors import DataError

NAMES = catalog.names("sources")


def entry_of(name: str) -> Source:
    entry = catalog.find("sources", name)
    assert isinstance(entry, Source)
    return entry


@pytest.mark.parametrize("name", NAMES)
def test_it_explains_every_parameter(name: str) -> None:
    entry = entry_of(name)
    assert set(entry.required) <= set(entry.parameters)
    assert all(text and text[0] != " " and not text.endswith(".") for text in entry.parameters.values())


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_there_is_one_sentence(name: str, tmp_path: object) -> None:
    entry = entry_of(name)
    params = dict.fromkeys(entry.required, "nothing-of-this-name")
    with pytest.raises(DataError) as told:
        entry.load(params, str(tmp_path))
    assert "\n" not in str(told.value)
    assert "nothing-of-this-name" in str(told.value)


@pytest.mark.parametrize("name", NAMES)
def test_what_it_says_of_itself_needs_no_library(name: str) -> None:
    heavy = ["sklearn", "polars", "numpy", "pandas", "duckdb"]
    code = f"import sys; import mlrun.sources.{name}; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
