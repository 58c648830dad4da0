"""What families say of threads, and of one pass for many answers, holds to the last bit; found through the catalog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_limits

from mlrun import catalog
from mlrun.contracts import ModelFamily
from mlrun.records import Params, TaskKind

if TYPE_CHECKING:
    from mlrun.records import Array

ROWS = 3000  # more than a block of rows that a thread takes
TASK_OF: Mapping[str, TaskKind] = {
    "binary": "classification",
    "multiclass": "classification",
    "regression": "regression",
}
FAMILIES: dict[str, ModelFamily] = {name: catalog.find("models", name) for name in catalog.names("models")}
DRAWS: Mapping[str, Params] = {  # what draws at random in a fit
    "xgboost": {"subsample": 0.7, "colsample_bynode": 0.7},
    "hist_gradient_boosting": {"max_features": 0.7},
    "random_forest": {"max_features": 0.7, "max_samples": 0.5},
    "extra_trees": {"max_features": 0.7, "bootstrap": True},
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


def cases(names: Sequence[str]) -> list[Any]:
    return [
        pytest.param(name, setting, id=f"{name}-{setting}")
        for name in names
        for setting, task in TASK_OF.items()
        if task in FAMILIES[name].tasks
    ]


def problem(setting: str, seed: int, rows: int = ROWS) -> tuple[Array, Array, Array]:
    """Return rows whose third column holds codes, some values missing; targets; weights over orders of magnitude."""
    drawn = np.random.default_rng(seed)
    matrix = drawn.normal(size=(rows, 5))
    matrix[:, 2] = drawn.integers(0, 9, size=rows)
    pull = matrix[:, 0] + np.sin(matrix[:, 2]) + drawn.normal(size=rows)
    matrix[::7, 0] = np.nan
    matrix.flags.writeable = False
    target = np.exp(2 * pull) if setting == "regression" else np.digitize(pull, [0.0, 1.5][: 1 + (setting != "binary")])
    return matrix, np.asarray(target), drawn.lognormal(0, 2, size=rows)


def assert_same(first: Any, second: Any, matrix: Array) -> None:
    assert_array_equal(first.predict(matrix), second.predict(matrix))
    if hasattr(second, "predict_proba"):
        assert_array_equal(first.predict_proba(matrix), second.predict_proba(matrix))


@pytest.mark.parametrize("form", ["numbers", "weights", "codes"])
@pytest.mark.parametrize(("name", "setting"), cases([name for name in FAMILIES if FAMILIES[name].with_threads]))
def test_threads_change_no_bit_where_the_family_says_so(name: str, setting: str, form: str) -> None:
    entry, task, size = FAMILIES[name], TASK_OF[setting], FAMILIES[name].nested
    assert entry.with_threads is not None
    assert size is not None
    for seed in (0, 1):
        matrix, target, weights = problem(setting, seed)
        params = {size.parameters[0]: 3, **DRAWS[name]}
        assert entry.thread_exact(params)
        fitted = []
        for threads in (1, 2, 4):
            estimator = entry.build(params, seed, (), task)
            if form == "codes" and entry.with_categories is not None:
                estimator = entry.with_categories(estimator, (2,))
            with threadpool_limits(threads, user_api="openmp"):
                estimator = entry.with_threads(estimator, threads)
                estimator.fit(matrix, target, **({"sample_weight": weights} if form == "weights" else {}))
            fitted.append(entry.with_threads(estimator, 1))
        for other in fitted[1:]:
            assert_same(other, fitted[0], matrix)
            assert other.get_params().get("n_jobs") in (1, None)


@pytest.mark.parametrize(
    "params",
    [{"booster": "gblinear"}, {"tree_method": "exact"}, {"tree_method": "approx"}, {"early_stopping_rounds": 3}],
)
def test_xgboost_promises_nothing_of_other_methods(params: Params) -> None:
    assert not FAMILIES["xgboost"].thread_exact(params)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("stops", [False, True], ids=["all rounds", "early stopping"])
@pytest.mark.parametrize(("name", "setting"), cases([name for name in FAMILIES if FAMILIES[name].answers]))
def test_one_pass_says_what_each_estimator_would(name: str, setting: str, stops: bool, weighted: bool) -> None:
    entry, task = FAMILIES[name], TASK_OF[setting]
    assert entry.answers is not None
    assert entry.nested is not None
    (parameter,) = entry.nested.parameters
    extra = {"early_stopping": stops, "n_iter_no_change": 2, "max_leaf_nodes": 5}
    for seed, positions in ((0, ()), (1, (2,))):
        matrix, target, weights = problem(setting, seed, 300)
        given = {"sample_weight": weights} if weighted else {}
        for counts in ((5, 12, 1, 12, 8), (12,), (None,)):
            trials: list[Params] = [{**extra, **({} if count is None else {parameter: count})} for count in counts]
            every = [entry.build(params, seed, (), task) for params in (entry.nested.widest(trials), *trials)]
            if positions and entry.with_categories is not None:
                every = [entry.with_categories(estimator, positions) for estimator in every]
            whole, *separate = (estimator.fit(matrix, target, **given) for estimator in every)
            for said, alone in zip(entry.answers(whole, trials, matrix), separate, strict=True):
                assert_same(said, alone, matrix)
