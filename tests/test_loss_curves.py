"""Loss curves: what the libraries' own metrics say round by round; the model is looked at, never changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from in_process import run, write_spec
from scipy import sparse
from sklearn.metrics import log_loss, mean_squared_error

from mlrun import catalog
from mlrun.contracts import ModelFamily, Staged
from mlrun.loss_curves import KEPT_ROUNDS, SHOWN_ROWS, Shown, asked, loss_curves, spaced, thinned
from mlrun.records import TaskKind
from mlrun.store.run_tracking import read_curves

BOOSTING = {"xgboost": "n_estimators", "hist_gradient_boosting": "max_iter", "gradient_boosting": "n_estimators"}
TASKS: dict[str, TaskKind] = {"binary": "classification", "many": "classification", "regression": "regression"}


def rows_of(kind: str, rows: int = 400) -> Shown:
    """Return 300 rows to fit and 100 that are held out."""
    draw = np.random.default_rng(3)
    matrix = draw.normal(size=(rows, 4))
    pull = matrix @ [2.0, -1.0, 0.5, 0.0] + draw.normal(size=rows)
    truth = {"binary": (pull > 0).astype(np.int64), "many": np.digitize(pull, [-1, 1]), "regression": pull}[kind]
    return Shown(matrix[:300], truth[:300], matrix[300:], truth[300:])


def fitted(name: str, kind: str, shown: Shown, rounds: int = 20, **params: Any) -> tuple[ModelFamily, Any]:
    family = catalog.find("models", name)
    estimator = family.build({BOOSTING[name]: rounds, **params}, 0, task=TASKS[kind])
    return family, estimator.fit(shown.train, shown.train_truth)


def loss(name: str, kind: str, estimator: Any, said: Any, truth: Any) -> float:
    """Return the loss of a round in the family's own unit, by scikit-learn's metrics."""
    if kind != "regression":
        double = 2 if name == "gradient_boosting" and kind == "binary" else 1  # it calls that the deviance
        return double * float(log_loss(truth, said, labels=estimator.classes_))
    return float(mean_squared_error(truth, said)) / (2 if name == "hist_gradient_boosting" else 1)


def staged(name: str, kind: str, estimator: Any, matrix: Any) -> Iterator[Any]:
    """Yield what an estimator's first rounds predict, by its library's public door."""
    if name != "xgboost":
        yield from (estimator.staged_predict if kind == "regression" else estimator.staged_predict_proba)(matrix)
        return
    for rounds in range(1, estimator.n_estimators + 1):
        ask = estimator.predict if kind == "regression" else estimator.predict_proba
        yield ask(matrix, iteration_range=(0, rounds))


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("name", BOOSTING)
def test_losses_are_those_of_the_librarys_own_predictions(name: str, kind: str) -> None:
    shown = rows_of(kind)
    family, estimator = fitted(name, kind, shown)
    (curves,) = loss_curves(family, estimator, [estimator], shown)
    parts = {"train": (shown.train, shown.train_truth), "validation": (shown.held_out, shown.held_out_truth)}
    assert set(curves.losses) == set(parts)
    for part, (matrix, truth) in parts.items():
        known = [loss(name, kind, estimator, said, truth) for said in staged(name, kind, estimator, matrix)]
        rounds = curves.rounds.get(part, tuple(range(1, len(curves.losses[part]) + 1)))
        assert rounds[0] == 1
        assert rounds[-1] == 20
        assert curves.losses[part] == pytest.approx([known[number - 1] for number in rounds], rel=1e-4)


@pytest.mark.parametrize("kind", TASKS)
def test_xgboosts_losses_are_those_that_it_reports_while_it_fits(kind: str) -> None:
    shown = rows_of(kind)
    family, estimator = fitted("xgboost", kind, shown)
    (curves,) = loss_curves(family, estimator, [estimator], shown)
    estimator.fit(shown.train, shown.train_truth, eval_set=[(shown.held_out, shown.held_out_truth)], verbose=False)
    (told,) = estimator.evals_result()["validation_0"].values()
    known = np.square(told) if kind == "regression" else np.asarray(told)
    assert curves.losses["validation"] == pytest.approx([known[at - 1] for at in curves.rounds["validation"]], rel=1e-4)


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("name", BOOSTING)
def test_a_model_that_was_looked_at_is_bit_for_bit_the_same(name: str, kind: str) -> None:
    shown = rows_of(kind)
    family, estimator = fitted(name, kind, shown)
    ask = estimator.predict if kind == "regression" else estimator.predict_proba
    before, said = joblib.hash(estimator), ask(shown.held_out).tobytes()
    model = bytes(estimator.get_booster().save_raw("ubj")) if name == "xgboost" else b""
    assert loss_curves(family, estimator, [estimator], shown)[0].losses
    assert joblib.hash(estimator) == before
    assert ask(shown.held_out).tobytes() == said
    assert not model or bytes(estimator.get_booster().save_raw("ubj")) == model
    assert joblib.hash(fitted(name, kind, shown)[1]) == before  # and of what a fit without curves gives


@pytest.mark.parametrize("name", BOOSTING)
def test_trials_that_share_a_fit_have_the_curves_of_fits_of_their_own(name: str) -> None:
    shown = rows_of("binary")
    family, whole = fitted(name, "binary", shown, 20)
    assert family.nested is not None
    trials = [{BOOSTING[name]: rounds} for rounds in (7, 20, 1)]
    shared = loss_curves(family, whole, [family.nested.restrict(whole, trial) for trial in trials], shown)
    for curves, trial in zip(shared, trials, strict=True):
        _, alone = fitted(name, "binary", shown, trial[BOOSTING[name]])
        (own,) = loss_curves(family, alone, [alone], shown)
        assert curves.rounds == own.rounds
        for part, losses in own.losses.items():
            assert curves.losses[part] == pytest.approx(losses, rel=1e-4)


@pytest.mark.parametrize("name", BOOSTING)
def test_a_class_that_was_never_fitted_is_left_out(name: str) -> None:
    shown = rows_of("binary")
    truth = np.asarray(shown.held_out_truth)
    odd = replace(shown, held_out_truth=np.where(np.arange(100) < 5, 7, truth))
    rest = replace(shown, held_out=shown.held_out[5:], held_out_truth=truth[5:])
    family, estimator = fitted(name, "binary", shown)
    curves, known = (loss_curves(family, estimator, [estimator], each)[0] for each in (odd, rest))
    assert curves.losses["validation"] == pytest.approx(known.losses["validation"])


def test_without_held_out_rows_there_is_the_curve_of_training_alone() -> None:
    shown = rows_of("regression")
    family, estimator = fitted("xgboost", "regression", shown)
    empty = replace(shown, held_out=shown.held_out[:0], held_out_truth=np.empty(0))
    assert set(loss_curves(family, estimator, [estimator], empty)[0].losses) == {"train"}
    unknown = replace(shown, held_out_truth=None)
    assert loss_curves(family, estimator, [estimator], unknown)[0].losses == {}


def test_sparse_rows_have_the_curves_of_dense_ones() -> None:
    shown = rows_of("binary")
    thin = replace(shown, train=sparse.csr_matrix(shown.train), held_out=sparse.csr_matrix(shown.held_out))
    family, estimator = fitted("xgboost", "binary", shown)
    dense, loose = (loss_curves(family, estimator, [estimator], each)[0] for each in (shown, thin))
    assert loose.losses["validation"] == pytest.approx(dense.losses["validation"], rel=1e-5)


@pytest.mark.parametrize(
    "params",
    [{"booster": "dart"}, {"booster": "gblinear"}, {"objective": "reg:gamma"}, {"objective": "count:poisson"}],
)
def test_rounds_that_do_not_stand_for_themselves_are_not_told(params: dict[str, str]) -> None:
    shown = rows_of("regression")
    shown = replace(shown, train_truth=np.exp(np.asarray(shown.train_truth)))
    family, estimator = fitted("xgboost", "regression", shown, 3, **params)
    assert loss_curves(family, estimator, [estimator], shown)[0].losses == {}


def test_a_curve_that_cannot_be_drawn_takes_nothing_away() -> None:
    def broken(estimator: Any, rows: Any, truth: Any, at: Sequence[int]) -> Iterator[Any]:
        raise MemoryError

    family = catalog.find("models", "gradient_boosting")
    shown = rows_of("binary")
    estimator = fitted("gradient_boosting", "binary", shown, 3)[1]
    found = loss_curves(replace(family, staged=Staged(lambda each: 3, broken)), estimator, [estimator], shown)
    assert set(found[0].losses) == {"train"}


def test_early_stopping_tells_its_own_rows_apart_from_the_fold() -> None:
    shown = rows_of("binary")
    family, estimator = fitted("hist_gradient_boosting", "binary", shown, 50, early_stopping=True)
    (curves,) = loss_curves(family, estimator, [estimator], shown)
    assert set(curves.losses) == {"train", "validation", "stopping"}
    assert len(curves.losses["stopping"]) == estimator.n_iter_
    assert curves.losses["stopping"] == pytest.approx(-estimator.validation_score_[1:])


@pytest.mark.parametrize("rounds", [1, 2, 3, 24, 25, 26, 199, 200, 201, 5000])
def test_of_many_rounds_some_are_told_the_first_and_the_last_among_them(rounds: int) -> None:
    for found, most in ((asked(rounds), 30), (spaced(rounds, KEPT_ROUNDS), KEPT_ROUNDS)):
        assert found[0] == 1
        assert found[-1] == rounds
        assert list(found) == sorted(set(found))
        assert len(found) <= most
    losses, kept = thinned([float(number) for number in range(1, rounds + 1)])
    assert losses == tuple(map(float, kept))


def test_at_most_so_many_rows_are_shown() -> None:
    seen: list[int] = []

    def count(estimator: Any, rows: Any, truth: Any, at: Sequence[int]) -> Iterator[Any]:
        seen.append(len(truth))
        yield from (np.zeros(len(truth)) for _ in at)

    family = replace(catalog.find("models", "ridge"), staged=Staged(lambda each: 2, count))
    many = rows_of("regression", 4 * SHOWN_ROWS)
    loss_curves(family, object(), [object()], many)
    assert seen == [300 + SHOWN_ROWS]


def test_a_runs_curves_can_be_read_back_and_scores_do_not_know_of_them(tmp_path: Path) -> None:
    spec = {
        "experiment": "curves",
        "data": {"source": "sklearn", "name": "breast_cancer"},
        "models": {"xgboost": {"n_estimators": [5, 40]}, "gaussian_nb": {}},
        "split": {"folds": 2},
    }
    done = run(write_spec(tmp_path, json.dumps(spec)))
    assert done.folder is not None
    lines = read_curves(done.folder)
    assert {(line.trial, line.fold) for line in lines} == {
        (f"xgboost/{trial:04d}", f"0.{fold}") for trial in (0, 1) for fold in (0, 1)
    }
    for line in lines:
        last = 40 if line.trial.endswith("1") else 5
        assert line.rounds.get("validation", range(1, 6))[-1] == last
        assert line.curves["train"][0] > line.curves["train"][-1]  # type: ignore[operator]  # finite here
    assert b"curves" not in done.trials
