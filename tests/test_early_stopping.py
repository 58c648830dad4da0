"""Early stopping of xgboost: what the library does when it is handed the rows to watch, for every number of rounds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import run, write_spec
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits
from xgboost import XGBClassifier, XGBRegressor

from mlrun import catalog
from mlrun.records import TaskKind
from mlrun.store import model_files
from mlrun.store.run_tracking import read_curves
from mlrun.stored import from_payload

if TYPE_CHECKING:
    from mlrun.records import Array

ROWS = 300
SETTINGS: dict[str, TaskKind] = {"binary": "classification", "multiclass": "classification", "regression": "regression"}
FAMILY = catalog.find("models", "xgboost")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


def rows(seed: int = 0) -> Array:
    matrix = np.random.default_rng(seed).normal(size=(ROWS, 4))
    matrix[::9, 1] = np.nan
    matrix.flags.writeable = False
    return matrix


def truth(setting: str, seed: int = 0) -> Array:
    pull = rows(seed)[:, 0] + np.random.default_rng(1).normal(size=ROWS)
    if setting == "regression":
        return pull
    return np.digitize(pull, [0.0] if setting == "binary" else [-0.5, 0.8])


def weights() -> Array:
    return np.random.default_rng(2).uniform(0.2, 3.0, size=ROWS)


def fit(setting: str, seed: int = 0, weighted: bool = False, **params: Any) -> Any:
    estimator = FAMILY.build(params, seed, (), SETTINGS[setting])
    given = {"sample_weight": weights()} if weighted else {}
    return estimator.fit(rows(seed), truth(setting, seed), **given)


def answers(estimator: Any, matrix: Array) -> Array:
    return np.asarray(getattr(estimator, "predict_proba", estimator.predict)(matrix))


def assert_same(ours: Any, theirs: Any, matrix: Array) -> None:
    assert ours.best_iteration == theirs.best_iteration
    assert ours.best_score == theirs.best_score
    assert ours.evals_result_ == theirs.evals_result_
    assert_array_equal(answers(ours, matrix), answers(theirs, matrix))
    assert_array_equal(ours.predict(matrix), theirs.predict(matrix))


@pytest.mark.parametrize("fraction", [None, 0.3])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("seed", [0, 5])
@pytest.mark.parametrize("setting", SETTINGS)
def test_it_is_the_librarys_own_on_a_stratified_draw(
    setting: str, seed: int, weighted: bool, fraction: float | None
) -> None:
    given = {} if fraction is None else {"validation_fraction": fraction}
    ours = fit(setting, seed, weighted, n_estimators=60, early_stopping_rounds=4, max_depth=3, **given)
    y, number = truth(setting, seed), np.arange(ROWS)
    inside, aside = train_test_split(
        number, test_size=fraction or 0.1, stratify=None if setting == "regression" else y, random_state=seed
    )
    library = XGBRegressor if setting == "regression" else XGBClassifier
    theirs = library(n_estimators=60, early_stopping_rounds=4, max_depth=3, random_state=seed, n_jobs=1)
    theirs.fit(
        rows(seed)[inside],
        y[inside],
        sample_weight=weights()[inside] if weighted else None,
        eval_set=[(rows(seed)[aside], y[aside])],
        sample_weight_eval_set=[weights()[aside]] if weighted else None,
        verbose=False,
    )
    assert 1 <= theirs.best_iteration < theirs.get_booster().num_boosted_rounds() - 1 < 59
    assert_same(ours, theirs, rows(seed))
    assert ours.get_booster().num_boosted_rounds() == theirs.best_iteration + 1


@settings(max_examples=25, deadline=None)
@given(
    setting=st.sampled_from(tuple(SETTINGS)),
    patience=st.sampled_from((1, 2, 5, 30)),
    rate=st.sampled_from((0.05, 0.3, 1.0)),
    seed=st.integers(0, 3),
    fewer=st.integers(1, 30),
    weighted=st.booleans(),
)
def test_one_fit_answers_for_fewer_rounds(
    setting: str, patience: int, rate: float, seed: int, fewer: int, weighted: bool
) -> None:
    params = {"early_stopping_rounds": patience, "learning_rate": rate, "max_depth": 2, "subsample": 0.7}
    whole = fit(setting, seed, weighted, n_estimators=30, **params)
    before = answers(whole, rows(seed))
    narrow = FAMILY.nested.restrict(whole, {"n_estimators": fewer, **params})
    separate = fit(setting, seed, weighted, n_estimators=fewer, **params)
    assert_same(narrow, separate, rows(seed))
    assert narrow.get_booster().save_raw() == separate.get_booster().save_raw()
    assert FAMILY.curves(narrow) == FAMILY.curves(separate)
    assert FAMILY.staged.rounds(narrow) == FAMILY.staged.rounds(separate)
    assert_array_equal(answers(whole, rows(seed)), before)


def test_the_best_of_fewer_rounds_is_not_always_the_best_of_all() -> None:
    whole = fit("regression", n_estimators=40, early_stopping_rounds=40, learning_rate=0.3, max_depth=2)
    found = [FAMILY.nested.restrict(whole, {"n_estimators": rounds}).best_iteration for rounds in (1, 3, 40)]
    assert found[:2] == [0, 2]
    assert 2 < found[2] < 39


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_copy_and_a_stored_model_are_the_same(setting: str) -> None:
    model = fit(setting, n_estimators=40, early_stopping_rounds=3, validation_fraction=0.2)
    again = clone(model)
    assert again.get_params() == {**model.get_params(), "missing": again.missing, "objective": again.objective}
    assert_same(again.fit(rows(), truth(setting)), model, rows())
    stored = skops.io.dumps(model)
    unknown = skops.io.get_untrusted_types(data=stored)
    assert set(unknown) <= set(model_files.TRUSTED)
    assert_same(skops.io.loads(stored, trusted=unknown), model, rows())


@pytest.mark.parametrize("setting", SETTINGS)
def test_categories_and_early_stopping_go_together(setting: str) -> None:
    matrix = rows().copy()
    matrix[:, 2] = np.random.default_rng(0).integers(0, 9, size=ROWS)
    params = {"n_estimators": 40, "early_stopping_rounds": 3}
    first, second = (
        FAMILY.with_categories(FAMILY.build(params, 0, (), SETTINGS[setting]), (2,)).fit(matrix, truth(setting))
        for _ in range(2)
    )
    assert first.get_booster().feature_types == ["q", "q", "c", "q"]
    assert_same(first, second, matrix)


def test_the_curve_of_what_stopped_it_is_in_the_unit_of_the_others() -> None:
    model = fit("regression", n_estimators=50, early_stopping_rounds=3)
    curve = FAMILY.curves(model)["stopping"]
    _, aside = train_test_split(np.arange(ROWS), test_size=0.1, random_state=0)
    best = model.predict(rows()[aside])
    assert min(curve) == curve[model.best_iteration]
    assert min(curve) == pytest.approx(np.mean((best - truth("regression")[aside]) ** 2), rel=1e-5)
    assert FAMILY.curves(fit("regression", n_estimators=5)) == {}


@pytest.mark.parametrize("booster", ["dart", "gblinear"])
def test_boosters_that_change_earlier_rounds_are_refused(booster: str) -> None:
    told = FAMILY.check({"booster": booster, "early_stopping_rounds": 5})
    assert told is not None
    assert booster in told
    assert FAMILY.check({"booster": booster}) is None
    assert FAMILY.check({"booster": booster, "early_stopping_rounds": None}) is None


def test_a_fraction_without_early_stopping_is_refused_unless_a_grid_tries_both() -> None:
    assert "early_stopping_rounds" in (FAMILY.check({"validation_fraction": 0.2}) or "")
    assert FAMILY.check({"validation_fraction": 0.2, "early_stopping_rounds": None}) is None
    plain = FAMILY.build({"validation_fraction": 0.2, "early_stopping_rounds": None}, 0)
    assert type(plain) is XGBClassifier


def test_too_few_rows_to_keep_aside_is_said_with_the_way_out() -> None:
    estimator = FAMILY.build({"early_stopping_rounds": 3}, 0)
    with pytest.raises(ValueError, match="Leave early_stopping_rounds out"):
        estimator.fit(rows()[:12], np.array([0, 1] * 5 + [0, 2]))


def test_a_run_shares_the_fits_and_stores_its_champion(tmp_path: Path) -> None:
    drawn = np.random.default_rng(0)
    matrix = drawn.normal(size=(240, 3))
    target = np.where(matrix[:, 0] + drawn.normal(size=240) > 0, "yes", "no")
    table = pl.DataFrame({"a": matrix[:, 0], "b": matrix[:, 1], "c": matrix[:, 2], "y": target})
    table.write_csv(tmp_path / "rows.csv")
    grid = {"n_estimators": [2, 5, 40], "max_depth": [2, 3], "early_stopping_rounds": 3}
    spec = {
        "experiment": "stopped",
        "data": {"path": "rows.csv", "target": "y"},
        "models": {"xgboost": grid},
        "split": {"folds": 3},
    }
    done = run(write_spec(tmp_path, json.dumps(spec)))
    assert len(done.begun) == 2 * 3  # of six trials on three folds
    assert set(done.reasons.values()) == {"done"}
    folder = done.folder
    assert folder is not None
    assert len([curve for curve in read_curves(folder) if "stopping" in str(curve)]) == 6 * 3
    stored = from_payload(model_files.load(folder / "models" / "xgboost.skops"))
    assert type(stored.estimator).__name__ == "StoppedXGBClassifier"
    said = pl.read_parquet(folder / "predictions" / "xgboost.parquet").filter(pl.col("part") == "test")
    test = table[said["row"].cast(pl.Int64).to_list()]
    assert_array_equal(stored.predict(test).probabilities[:, 1], said["p_1"].to_numpy())  # type: ignore[index]
