"""One search for the most neighbours answers for every number of them, bit for bit as a search of its own would."""

from __future__ import annotations

import gc
import pickle
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from threadpoolctl import threadpool_limits

from mlrun import catalog
from mlrun.estimator.shared_neighbours import SEARCHES
from mlrun.pipelines import says_likeliest
from mlrun.records import Params, TaskKind

if TYPE_CHECKING:
    from mlrun.records import Array

ENTRY = catalog.find("models", "k_nearest_neighbors")
COUNTS = (1, 2, 3, 8, 13, 29, 39, 40)
WEIGHTS = ("uniform", "distance", None)
HOW: tuple[Params, ...] = (
    {},
    {"algorithm": "ball_tree", "leaf_size": 5},
    {"algorithm": "kd_tree", "leaf_size": 3},
    {"algorithm": "brute"},
    {"p": 3},
    {"p": 3, "algorithm": "brute"},
    {"metric": "manhattan", "algorithm": "brute"},
    {"metric": "chebyshev"},
    {"metric": "cosine"},
    {"metric": "canberra"},
    {"metric": "hamming", "algorithm": "brute"},
)
# scikit-learn warns of a tree, has no such metric, or does by brute force what it does anyway.
REFUSE_NO_SPARSE_ROWS: tuple[Params, ...] = ({}, {"metric": "manhattan", "algorithm": "brute"}, {"metric": "cosine"})
KINDS = ("drawn", "wide", "whole", "duplicated", "one_hot", "constant", "uneven", "sparse")
SETTINGS = ("binary", "multiclass", "regression", "counts")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


def rows_of(kind: str, drawn: np.random.Generator, count: int) -> Any:
    """Return (count, columns) rows: without ties, or with many of them."""
    normal = drawn.normal(size=(count, 5))
    sparsely = np.where(drawn.random((count, 20)) < 0.7, 0.0, drawn.integers(1, 4, (count, 20)))
    choices: dict[str, Any] = {
        "drawn": normal,
        "wide": drawn.normal(size=(count, 19)),
        "whole": drawn.integers(0, 4, (count, 4)).astype(np.float64),
        "duplicated": normal[drawn.integers(0, count // 4, count)],
        "one_hot": np.eye(6)[drawn.integers(0, 6, (count, 3))].reshape(count, 18),
        "constant": np.ones((count, 2)),
        "uneven": normal * [1, 1e8, 1e-8, 1, 1],
        "sparse": sparse.csr_matrix(sparsely),
    }
    return choices[kind]


def truth_of(setting: str, drawn: np.random.Generator, count: int) -> Array:
    truths = {
        "binary": drawn.integers(0, 2, count),
        "multiclass": drawn.integers(0, 4, count) + 3,
        "regression": drawn.normal(size=count),
        "counts": drawn.integers(0, 5, count).astype(np.float64),
    }
    return truths[setting]


def task_of(setting: str) -> TaskKind:
    return "regression" if setting in ("regression", "counts") else "classification"


def said(estimator: Any, rows: Any) -> list[Array]:
    methods = ("predict_proba", "predict")
    return [getattr(estimator, method)(rows) for method in methods if hasattr(estimator, method)]


def assert_one_search_is_many(setting: str, always: Params, train: Any, truth: Array, held_out: Any) -> None:
    trials = [{**always, "n_neighbors": k, "weights": how} for k in COUNTS if k <= len(truth) for how in WEIGHTS]
    shared = ENTRY.build(ENTRY.nested.widest(trials), 0, (), task_of(setting)).fit(train, truth)
    for params in trials:
        separate = ENTRY.build(params, 0, (), task_of(setting)).fit(train, truth)
        narrow = ENTRY.nested.restrict(shared, params)
        assert narrow.get_params() == separate.get_params()
        assert narrow._fit_method == separate._fit_method
        if hasattr(separate, "predict_proba") and says_likeliest(ENTRY, separate):
            likeliest = separate.classes_.take(separate.predict_proba(held_out).argmax(axis=1))
            assert_array_equal(separate.predict(held_out), likeliest, err_msg=repr(params))
        for ours, theirs in zip(said(narrow, held_out), said(separate, held_out), strict=True):
            assert ours.dtype == theirs.dtype
            assert_array_equal(ours, theirs, err_msg=repr(params))


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("always", HOW, ids=lambda params: "-".join(str(value) for value in params.values()) or "auto")
def test_every_trial_says_what_it_would_say_alone(setting: str, kind: str, always: Params) -> None:
    if kind == "sparse" and always not in REFUSE_NO_SPARSE_ROWS:
        return
    drawn = np.random.default_rng(len(kind))
    train, held_out = rows_of(kind, drawn, 75), rows_of(kind, drawn, 40)
    assert_one_search_is_many(setting, always, train, truth_of(setting, drawn, 75), held_out)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("kind", ["one_hot", "wide"])
def test_brute_force_by_blocks_of_rows_is_the_same(setting: str, kind: str) -> None:
    drawn = np.random.default_rng(3)
    train, held_out = rows_of(kind, drawn, 500), rows_of(kind, drawn, 600)  # scikit-learn's blocks are 256 rows
    if kind == "wide":
        held_out[300] = train[5]  # of all held-out rows one has a tie
        train[6] = train[5]
    truth = truth_of(setting, drawn, 500)
    assert_one_search_is_many(setting, {}, train, truth, held_out)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    setting=st.sampled_from(SETTINGS),
    seed=st.integers(0, 10**6),
    count=st.integers(2, 45),
    columns=st.integers(1, 17),
    values=st.integers(1, 6),
    step=st.sampled_from([1.0, 0.1, 1e-9, 1e12]),
    algorithm=st.sampled_from(["auto", "ball_tree", "kd_tree", "brute"]),
)
def test_no_pattern_of_ties_makes_a_difference(
    setting: str, seed: int, count: int, columns: int, values: int, step: float, algorithm: str
) -> None:
    drawn = np.random.default_rng(seed)
    train, held_out = (drawn.integers(0, values, (size, columns)) * step for size in (count, 12))
    truth = truth_of(setting, drawn, count)
    assert_one_search_is_many(setting, {"algorithm": algorithm}, train, truth, held_out)


def test_more_neighbours_than_rows_fail_only_who_asks_for_them() -> None:
    drawn = np.random.default_rng(0)
    train, truth = rows_of("drawn", drawn, 30), truth_of("binary", drawn, 30)
    shared = ENTRY.build({"n_neighbors": 31}, 0).fit(train, truth)
    assert ENTRY.nested.restrict(shared, {"n_neighbors": 30}).predict(train).shape == (30,)
    for method in ("predict", "predict_proba"):
        with pytest.raises(ValueError, match="n_neighbors = 31, n_samples_fit = 30"):
            getattr(ENTRY.nested.restrict(shared, {"n_neighbors": 31}), method)(train)


def test_one_search_is_made_for_all_where_nothing_ties(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = np.random.default_rng(0)
    train, truth, held_out = rows_of("drawn", drawn, 90), truth_of("binary", drawn, 90), rows_of("drawn", drawn, 30)
    shared = ENTRY.build({"n_neighbors": 20}, 0).fit(train, truth)
    asked: list[int] = []
    search = KNeighborsClassifier.kneighbors

    def count(estimator: Any, rows: Any = None, n_neighbors: int | None = None, return_distance: bool = True) -> Any:
        asked.append(len(rows))
        return search(estimator, rows, n_neighbors, return_distance)

    monkeypatch.setattr(KNeighborsClassifier, "kneighbors", count)
    for k in (3, 20, 11):
        for how in WEIGHTS:
            said(ENTRY.nested.restrict(shared, {"n_neighbors": k, "weights": how}), held_out)
    assert asked == [30]
    said(ENTRY.nested.restrict(shared, {"n_neighbors": 3}), held_out[:7])  # other rows are searched for anew
    assert asked == [30, 7]


def test_nothing_of_a_search_is_stored_or_outlives_the_fit() -> None:
    drawn = np.random.default_rng(0)
    train, truth = rows_of("drawn", drawn, 60), truth_of("regression", drawn, 60)
    shared = ENTRY.build({"n_neighbors": 9}, 0, (), "regression").fit(train, truth)
    narrow = ENTRY.nested.restrict(shared, {"n_neighbors": 4})
    before = len(pickle.dumps(shared))
    predicted = narrow.predict(train)
    stored = pickle.dumps(narrow)
    for kept in (stored, pickle.dumps(shared)):
        assert abs(len(kept) - before) < 200  # names of classes, no arrays
    loaded = pickle.loads(stored)  # noqa: S301 - our own
    assert loaded.shared is None
    assert_array_equal(loaded.predict(train), predicted)
    assert shared in SEARCHES
    count = len(SEARCHES)
    del shared, narrow
    gc.collect()
    assert len(SEARCHES) == count - 1


def test_what_is_fitted_alone_is_scikit_learns_own() -> None:
    assert type(ENTRY.build({}, 0)) is KNeighborsClassifier
    assert type(ENTRY.build({}, 0, (), "regression")) is KNeighborsRegressor
