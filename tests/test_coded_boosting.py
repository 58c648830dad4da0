"""Boosting on category codes: sets of categories in one split, from a plain matrix, storable without a function."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import skops.io
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from mlrun import catalog
from mlrun.records import TaskKind

if TYPE_CHECKING:
    from mlrun.records import Array

FAMILIES = [name for name in catalog.names("models") if "categories" in catalog.find("models", name).takes]
TASKS: tuple[TaskKind, ...] = ("classification", "regression")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


def rows() -> tuple[Array, Array]:
    """Return rows whose third column holds codes 0..19 with no order in them, and whether the code is in a set."""
    drawn = np.random.default_rng(0)
    matrix = drawn.normal(size=(600, 4))
    matrix[:, 2] = drawn.permutation(np.arange(600) % 20)
    inside = np.isin(matrix[:, 2], drawn.permutation(20)[:10]).astype(np.int64)
    matrix[::50, 2] = np.nan
    matrix[::30, 0] = np.nan
    matrix.flags.writeable = False
    return matrix, inside


def coded(name: str, task: TaskKind, params: dict[str, Any]) -> Any:
    entry = catalog.find("models", name)
    return entry.with_categories(entry.build(params, 0, (), task), (2,))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(("name", "size"), list(zip(FAMILIES, ("max_iter", "n_estimators"), strict=True)))
def test_one_split_separates_a_set_of_categories(name: str, size: str, task: TaskKind) -> None:
    matrix, inside = rows()
    known = ~np.isnan(matrix[:, 2])
    params = {size: 1, "max_depth": 1, "learning_rate": 1.0}
    entry = catalog.find("models", name)
    with_codes = coded(name, task, params).fit(matrix, inside)
    as_numbers = entry.build(params, 0, (), task).fit(matrix, inside)
    right = [((model.predict(matrix) > 0.5) == inside)[known].mean() for model in (with_codes, as_numbers)]
    assert right[0] == 1.0
    assert right[1] < 0.8


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", FAMILIES)
def test_unknown_and_new_categories_are_predicted(name: str, task: TaskKind) -> None:
    matrix, inside = rows()
    strange = matrix[:3].copy()
    strange[:, 2] = (np.nan, 20, 254)
    assert np.isfinite(coded(name, task, {}).fit(matrix, inside).predict(strange)).all()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", FAMILIES)
def test_a_model_of_codes_is_stored_without_a_function(name: str, task: TaskKind) -> None:
    matrix, inside = rows()
    model = coded(name, task, {}).fit(matrix, inside, sample_weight=np.ones(600))
    stored = skops.io.dumps(model)
    unknown = skops.io.get_untrusted_types(data=stored)
    assert functools.partial.__name__ not in " ".join(unknown)
    assert not [found for found in unknown if "function" in found or "check_array" in found]
    loaded = skops.io.loads(stored, trusted=unknown)
    assert_array_equal(loaded.predict(matrix), model.predict(matrix))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", FAMILIES)
def test_a_copy_of_a_model_of_codes_is_one_too(name: str, task: TaskKind) -> None:
    matrix, inside = rows()
    model = coded(name, task, {"learning_rate": 0.3})
    first, second = model.fit(matrix, inside), clone(model).fit(matrix, inside)
    assert_array_equal(first.predict(matrix), second.predict(matrix))
    assert second.get_params()["learning_rate"] == 0.3


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", FAMILIES)
def test_one_fit_of_codes_answers_for_many(name: str, task: TaskKind) -> None:
    nested, (matrix, inside) = catalog.find("models", name).nested, rows()
    (size,) = nested.parameters
    narrow = nested.restrict(coded(name, task, {size: 20}).fit(matrix, inside), {size: 6})
    assert_array_equal(narrow.predict(matrix), coded(name, task, {size: 6}).fit(matrix, inside).predict(matrix))


@pytest.mark.parametrize("library", [HistGradientBoostingClassifier, HistGradientBoostingRegressor])
def test_without_its_function_scikit_learns_model_predicts_the_same(library: Any) -> None:
    matrix, inside = rows()
    theirs = library(categorical_features=[2], random_state=0).fit(matrix, inside)
    task: TaskKind = "classification" if library is HistGradientBoostingClassifier else "regression"
    ours = coded("hist_gradient_boosting", task, {}).fit(matrix, inside)
    assert_array_equal(ours.predict(matrix), theirs.predict(matrix))


def test_columns_may_all_be_categories() -> None:
    matrix, inside = rows()
    for name in FAMILIES:
        entry = catalog.find("models", name)
        model = entry.with_categories(entry.build({}, 0), (0,)).fit(matrix[:, 2:3], inside)
        assert model.predict(matrix[:, 2:3]).shape == (600,)
