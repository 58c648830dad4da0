"""Every baseline of the table keeps the contract, found through the catalog: a new row is tested with no edit."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from mlrun import catalog
from mlrun.baselines import Baseline, Question
from mlrun.language.baselines import BASELINES
from mlrun.records import Column, Dataset, Label, Task

ROWS = 60
LABELS: dict[str, tuple[Label, ...]] = {
    "binary": ("no", "yes"),
    "multiclass": ("a", "b", "c"),
    "regression": (),
    "anomaly": (False, True),
    "unlabelled": (),
}
KINDS = {"binary": "classification", "multiclass": "classification", "unlabelled": "anomaly"}
PAIRS = [
    (name, setting)
    for name in catalog.names("baselines")
    for setting in LABELS
    if KINDS.get(setting, setting) in catalog.find("baselines", name).tasks
]


def entry(name: str) -> Baseline:
    found: Baseline = catalog.find("baselines", name)
    return found


def dataset_of(setting: str) -> Dataset:
    labels, rng = LABELS[setting], np.random.default_rng(0)
    truth = rng.normal(size=ROWS) if setting == "regression" else np.arange(ROWS) % max(2, len(labels))
    said = [labels[code] for code in truth] if labels else list(truth if setting == "regression" else truth % 2)
    table = pl.DataFrame({"x": rng.normal(size=ROWS), "said": [None, *said[1:]]})
    return Dataset(
        table,
        Task(KINDS.get(setting, setting), labels),  # type: ignore[arg-type]
        (Column("x", "numeric", "Float64"),),
        (),
        None if setting == "unlabelled" else truth,
        np.arange(ROWS),
        times=np.arange(ROWS),
    )


def params_of(name: str, setting: str) -> dict[str, Any]:
    """Return what a spec would have to say, and no more."""
    labels = LABELS[setting] or (0, 1)
    sides = {"predict": labels[0], "otherwise": labels[1]} if setting in ("multiclass", "regression") else {}
    known: dict[str, dict[str, Any]] = {
        "rule": {"when": "x > 0", **sides},
        "constant": {"value": labels[0]},
        "human": {"column": "said"},
        "existing": {"column": "said"},
    }
    return known.get(name, {})


@pytest.mark.parametrize(("name", "setting"), PAIRS)
def test_an_answer_has_a_place_for_every_row_in_the_shapes_of_the_task(name: str, setting: str) -> None:
    dataset, rows = dataset_of(setting), np.arange(40, ROWS)[::-1]
    answer = entry(name).answer(params_of(name, setting), Question(dataset, np.arange(40), rows, 1))
    said, classes = answer.prediction, len(LABELS[setting])
    assert answer.answered.shape == rows.shape
    assert answer.answered.dtype == bool
    assert said.values.shape == rows.shape
    assert said.values.dtype == (np.float64 if setting == "regression" else np.int64)
    assert np.isfinite(said.values).all()
    if said.probabilities is not None:
        assert said.probabilities.shape == (len(rows), classes)
        np.testing.assert_allclose(said.probabilities.sum(axis=1), 1)
    if said.scores is not None:
        assert said.scores.shape == ((len(rows), classes) if setting == "multiclass" else rows.shape)


@pytest.mark.parametrize(("name", "setting"), PAIRS)
def test_equal_questions_have_equal_answers_and_nothing_is_seen_of_other_rows_labels(name: str, setting: str) -> None:
    dataset, params = dataset_of(setting), params_of(name, setting)
    rows = np.arange(40, ROWS)
    first, second = (entry(name).answer(params, Question(dataset, np.arange(40), rows, 1)) for _ in range(2))
    assert_array_equal(first.prediction.values, second.prediction.values)
    if dataset.truth is None or name == "previous":  # which looks at the past, and at nothing else
        return
    changed = dataset.truth.copy()
    changed[40:] = changed[40:][::-1]
    blind = Dataset(**{name: getattr(dataset, name) for name in Dataset.__slots__} | {"truth": changed})
    again = entry(name).answer(params, Question(blind, np.arange(40), rows, 1))
    assert_array_equal(first.prediction.values, again.prediction.values)


@pytest.mark.parametrize("name", catalog.names("baselines"))
def test_what_a_spec_may_say_of_a_baseline_is_what_its_entry_explains(name: str) -> None:
    fields = {field.alias or key for key, field in BASELINES[name].model_fields.items()} - {"name"}
    assert fields == set(entry(name).parameters)
    assert set(entry(name).required) <= fields
    assert entry(name).caption
