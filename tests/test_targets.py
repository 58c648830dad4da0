"""What is to be predicted: task, labels in code order, truth; and every target that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from made_tables import kinds, loaded, made, refused, spec_of
from numpy.testing import assert_array_equal

from mlrun.dataset import load


@pytest.mark.parametrize(
    ("values", "said", "kind", "labels"),
    [
        (["no", "yes"] * 30, {}, "classification", ("no", "yes")),
        (["no", "yes"] * 30, {"positive": "no"}, "classification", ("yes", "no")),
        ([0, 1] * 30, {"positive": 0}, "classification", (1, 0)),
        ([0.0, 1.0] * 30, {}, "classification", (0, 1)),
        ([True, False] * 30, {}, "classification", (False, True)),
        ([True, False] * 30, {"positive": False}, "classification", (True, False)),
        ([5, 6, 7] * 20, {}, "classification", (5, 6, 7)),
        (["b", "c", "a"] * 20, {}, "classification", ("a", "b", "c")),
        ([5, 6, 7] * 20, {"task": "regression"}, "regression", ()),
        (list(range(60)), {}, "regression", ()),
        ([0.5, 1.5] * 30, {}, "regression", ()),
        ([0.5, 1.5] * 30, {"task": "classification"}, "classification", (0.5, 1.5)),
        ([0, 1] * 30, {"task": "anomaly"}, "anomaly", (0, 1)),
        (["outlier", "usual"] * 30, {"task": "anomaly"}, "anomaly", ("usual", "outlier")),
        (["a"] * 5 + ["b"] * 55, {"task": "anomaly"}, "anomaly", ("b", "a")),
        (["a"] * 5 + ["b"] * 55, {"task": "anomaly", "positive": "b"}, "anomaly", ("a", "b")),
    ],
)
def test_task_and_labels_come_from_the_target(
    tmp_path: Path, values: list[Any], said: dict[str, Any], kind: str, labels: tuple[Any, ...]
) -> None:
    dataset = loaded(tmp_path, pl.DataFrame({"x": np.linspace(0, 1, 60), "y": values}), **said)
    assert (dataset.task.kind, dataset.task.labels) == (kind, labels)
    assert [type(label) for label in dataset.task.labels] == [type(label) for label in labels]
    assert dataset.truth is not None
    if kind == "regression":
        assert_array_equal(dataset.truth, np.array(values, float))
    else:
        assert dataset.truth.dtype == np.int64
        assert [labels[code] for code in dataset.truth] == values
    assert any(note.startswith(f"task: {kind}") for note in dataset.notes) == ("task" not in said)


def test_anomalies_need_no_target(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(made().write_csv())
    dataset = load(spec_of(tmp_path, {"source": "csv", "path": "rows.csv"}, task="anomaly"))
    assert dataset.truth is None
    assert dataset.task.labels == ()
    assert set(kinds(dataset)) == {"x", "y"}


@pytest.mark.parametrize(
    ("values", "said", "expected"),
    [
        (
            [0, 1, None] * 20,
            {},
            "column 'y' is the target, but is missing in 20 of 60 rows (rows 3, 6, 9, ...)",
        ),
        ([0.5, 1.5, float("inf")] * 20, {}, "infinite in 20 rows (rows 3, 6, 9, ...)"),
        ([1] * 60, {}, "one class only, '1'"),
        (["a", "b"] * 30, {"positive": "c"}, "'c' is not a label of 'y'; known: a, b"),
        (["cat", "dog"] * 30, {"positive": "dogg"}, "did you mean 'dog'?"),
        (["a", "b", "c"] * 20, {"positive": "c"}, "is for two classes, and 'y' has 3"),
        (["a", "b"] * 30, {"task": "regression"}, "not a number in rows 1, 2, 3, ..."),
        ([f"n{row}" for row in range(60)], {}, "60 distinct values in 60 rows: too many for classes"),
        ([0, 1, 2] * 20, {"task": "anomaly"}, "has 3 values; anomaly detection needs two"),
        (["2024-01-01", "2024-01-02"] * 30, {}, "is a date"),
    ],
)
def test_a_target_that_cannot_be_predicted_is_refused(
    tmp_path: Path, values: list[Any], said: dict[str, Any], expected: str
) -> None:
    assert expected in refused(tmp_path, pl.DataFrame({"x": np.linspace(0, 1, 60), "y": values}), **said)


def test_the_cure_for_missing_targets_works(tmp_path: Path) -> None:
    table = made().with_columns(y=pl.Series([0, 1, None] * 20))
    dataset = loaded(tmp_path, table, where='"y" IS NOT NULL')
    assert dataset.table.height == 40
    assert_array_equal(dataset.row_ids[:4], [0, 1, 3, 4])
