"""Fits of xgboost that share the binned rows of a fold are what separate fits are, bit for bit; they go with it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import skops.io
from numpy.testing import assert_array_equal
from scipy import sparse
from threadpoolctl import threadpool_limits

from mlrun import catalog
from mlrun.estimator.shared_matrices import Kept, fit_on_shared_matrix
from mlrun.records import Params, TaskKind

if TYPE_CHECKING:
    from mlrun.records import Array

ROWS = 500
SETTINGS: dict[str, TaskKind] = {"binary": "classification", "multiclass": "classification", "regression": "regression"}
TRIALS: tuple[Params, ...] = (
    {"max_depth": 2},
    {"max_depth": 5, "learning_rate": 0.5},
    {"max_leaves": 7, "grow_policy": "lossguide", "reg_lambda": 3.0},
    {"subsample": 0.6, "colsample_bytree": 0.7},
    {"booster": "dart", "max_depth": 3},
    {"tree_method": "hist", "min_child_weight": 4, "num_parallel_tree": 2},
    {"early_stopping_rounds": 2, "n_estimators": 40},
    {"early_stopping_rounds": 4, "n_estimators": 40, "max_depth": 3},
)
FAMILY = catalog.find("models", "xgboost")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


def rows(seed: int = 0, *, gaps: bool = False, codes: bool = False) -> Array:
    drawn = np.random.default_rng(seed)
    matrix = drawn.normal(size=(ROWS, 5))
    if codes:
        matrix[:, 2] = drawn.integers(0, 12, size=ROWS)
    if gaps:
        matrix[::7, 0] = np.nan
    matrix.flags.writeable = False
    return matrix


def truth(setting: str) -> Array:
    drawn = np.random.default_rng(9)
    pull = rows()[:, 0] + rows()[:, 1] ** 2 + drawn.normal(size=ROWS)
    if setting == "regression":
        return np.asarray(pull)
    return np.asarray(np.digitize(pull, [1.0] if setting == "binary" else [0.3, 1.5]))


def made(setting: str, params: Params, seed: int, positions: tuple[int, ...] = ()) -> Any:
    estimator = FAMILY.build({"n_estimators": 8, **params}, seed, (), SETTINGS[setting])
    return FAMILY.with_categories(estimator, positions) if positions else estimator


def answers(estimator: Any, matrix: Any) -> Array:
    return np.asarray(getattr(estimator, "predict_proba", estimator.predict)(matrix))


def assert_one_model(shared: Any, separate: Any, matrix: Any) -> None:
    assert shared.get_booster().save_raw() == separate.get_booster().save_raw()
    assert_array_equal(answers(shared, matrix), answers(separate, matrix))


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("form", ["numbers", "gaps", "codes", "sparse"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_trials_on_one_matrix_are_what_separate_fits_are(setting: str, form: str, weighted: bool) -> None:
    matrix: Any = rows(gaps=form == "gaps", codes=form == "codes")
    if form == "sparse":
        matrix = sparse.csr_matrix(np.where(matrix > 0.5, matrix, 0.0))
    weights = np.random.default_rng(2).uniform(0.5, 2.0, size=ROWS) if weighted else None
    positions, kept = ((2,) if form == "codes" else ()), Kept()
    for seed in (0, 7):
        for params in TRIALS:
            shared, separate = (made(setting, params, seed, positions) for _ in range(2))
            fit_on_shared_matrix(shared, matrix, truth(setting), weights, kept)
            given = {} if weights is None else {"sample_weight": weights}
            assert_one_model(shared, separate.fit(matrix, truth(setting), **given), matrix)
    assert len(kept.all) == 3  # of plain fits; of those with early stopping, whose seed draws the rows, two


def test_only_fits_with_the_same_bins_share_a_matrix() -> None:
    kept, matrix, other = Kept(), rows(), rows(1)
    drawn = np.random.default_rng(3)
    fits: list[tuple[Params, Array, Array, Array | None]] = [
        ({}, matrix, truth("binary"), None),
        ({"max_bin": 16}, matrix, truth("binary"), None),
        ({"max_bin": 300}, matrix, truth("binary"), None),
        ({}, other, truth("binary"), None),
        ({}, matrix, 1 - truth("binary"), None),
        ({}, matrix, truth("binary"), drawn.uniform(0.5, 2, size=ROWS)),
        ({}, matrix, truth("binary"), drawn.uniform(0.5, 2, size=ROWS)),
        ({"early_stopping_rounds": 3}, matrix, truth("binary"), None),
        ({"early_stopping_rounds": 3, "validation_fraction": 0.3}, matrix, truth("binary"), None),
    ]
    for depth in (2, 4):
        for params, of, target, weights in fits:
            shared, separate = (made("binary", {**params, "max_depth": depth}, 0) for _ in range(2))
            fit_on_shared_matrix(shared, of, target, weights, kept)
            assert_one_model(shared, separate.fit(of, target, sample_weight=weights), of)
    assert len(kept.all) == len(fits)


@pytest.mark.parametrize("params", [{"tree_method": "exact"}, {"tree_method": "approx"}, {"booster": "gblinear"}])
def test_methods_that_bin_otherwise_share_nothing(params: Params) -> None:
    kept = Kept()
    shared = fit_on_shared_matrix(made("binary", params, 0), rows(), truth("binary"), None, kept)
    assert_one_model(shared, made("binary", params, 0).fit(rows(), truth("binary")), rows())
    assert not kept.all


def test_rows_that_may_change_share_nothing() -> None:
    kept, matrix = Kept(), rows().copy()
    fit_on_shared_matrix(made("binary", {}, 0), matrix, truth("binary"), None, kept)
    assert not kept.all


def test_a_matrix_is_dropped_with_its_rows() -> None:
    kept = Kept()
    first, second = rows(), rows(1)
    for matrix in (first, second):
        fit_on_shared_matrix(made("binary", {}, 0), matrix, truth("binary"), None, kept)
    assert len(kept.all) == 2
    del first, matrix
    gc.collect()
    assert [binned.rows() is second for binned in kept.all] == [True]


def test_what_is_kept_is_bounded_and_old_ones_make_room() -> None:
    folds = [rows(seed) for seed in range(4)]
    one = Kept()
    fit_on_shared_matrix(made("binary", {}, 0), folds[0], truth("binary"), None, one)
    size = one.all[0].size_bytes
    assert size >= 2 * ROWS * 5  # a byte for each value, by row and by column
    kept = Kept(most_bytes=2 * size)
    for matrix in folds * 2:
        fit_on_shared_matrix(made("binary", {}, 0), matrix, truth("binary"), None, kept)
        assert sum(binned.size_bytes for binned in kept.all) <= kept.most_bytes
    assert [binned.rows() for binned in kept.all] == folds[:2] or len(kept.all) == 2
    kept.fits += 1000
    fit_on_shared_matrix(made("binary", {}, 0), folds[3], truth("binary"), None, kept)
    assert [binned.rows() is folds[3] for binned in kept.all] == [True]


def test_a_model_keeps_nothing_of_the_sharing() -> None:
    kept, separate = Kept(), made("binary", {}, 0).fit(rows(), truth("binary"))
    matrix = rows()
    for _ in range(2):
        shared = fit_on_shared_matrix(made("binary", {}, 0), matrix, truth("binary"), None, kept)
        assert type(shared) is type(separate)
        assert vars(shared).keys() == vars(separate).keys()
        types = [skops.io.get_untrusted_types(data=skops.io.dumps(each)) for each in (shared, separate)]
        assert types[0] == types[1]


def test_a_fit_that_fails_leaves_nothing_behind() -> None:
    kept, matrix, estimator = Kept(), rows(), made("binary", {}, 0)
    with pytest.raises(ValueError, match="Invalid classes"):
        fit_on_shared_matrix(estimator, matrix, truth("binary") + 3, None, kept)
    assert not kept.all
    assert "_create_dmatrix" not in vars(estimator)
