"""Small tables, written to a file and loaded through a spec as a user would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from mlrun import spec as specs
from mlrun.dataset import load
from mlrun.errors import DataError, UsageError
from mlrun.records import Dataset
from mlrun.spec import Spec


def spec_of(folder: Path, data: dict[str, Any], **sections: Any) -> Spec:
    """Write a spec (JSON is YAML) and read it."""
    family = "isolation_forest" if sections.get("task") == "anomaly" else "decision_tree"
    whole = {"experiment": "test", "data": data, "models": [family], **sections}
    (folder / "spec.yaml").write_text(json.dumps(whole), encoding="utf-8")
    return specs.load(folder / "spec.yaml")


def loaded(folder: Path, table: pl.DataFrame | str, sample: int | None = None, **said: Any) -> Dataset:
    """Load a table that a test made; `said` are keys of `data`, and sections of the spec."""
    content = table if isinstance(table, str) else table.write_csv()
    (folder / "rows.csv").write_text(content, encoding="utf-8")
    sections = {name: said.pop(name) for name in ("task", "split", "baselines", "seed") if name in said}
    return load(spec_of(folder, {"source": "csv", "path": "rows.csv", "target": "y", **said}, **sections), sample)


def refused(folder: Path, table: pl.DataFrame | str, **said: Any) -> str:
    with pytest.raises(UsageError) as told:
        loaded(folder, table, **said)
    if isinstance(told.value, DataError):
        assert "\n" not in str(told.value)
    return str(told.value)


def made(rows: int = 60, **columns: Any) -> pl.DataFrame:
    """Return a table with a number `x`, a binary target `y`, and what a test adds."""
    numbers = np.random.default_rng(0).normal(size=rows)
    return pl.DataFrame({"x": numbers, "y": np.arange(rows) % 2, **columns})


def kinds(dataset: Dataset) -> dict[str, str]:
    return {column.name: column.kind for column in dataset.features}
