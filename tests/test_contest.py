"""A model's search as results come in, in any order: who is best, what is kept, what the strategy may know."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from made_tables import spec_of

from mlrun import metrics
from mlrun.contest import Contest, mean_score
from mlrun.fit import TrialAnswer
from mlrun.leaderboard import summary, why_none
from mlrun.pipelines import Blueprint
from mlrun.plan import plan_models
from mlrun.records import Column, Dataset, Failure, Fold, Prediction, Task, Trial, TrialResult

FOLDS = tuple(Fold(0, index, np.arange(4), np.arange(4, 6)) for index in range(2))
TASK = Task("classification", ("no", "yes"))
AUC = metrics.specify("roc_auc")
LOSS = metrics.specify("log_loss")


def contest(folder: Path, *chosen: str) -> Contest:
    rows = pl.DataFrame({"x": np.linspace(0, 1, 60)})
    dataset = Dataset(rows, TASK, (Column("x", "numeric", "Float64"),), (), np.arange(60) % 2, np.arange(60))
    spec = spec_of(folder, {"source": "csv", "path": "rows.csv", "target": "y"}, models={"m": {"family": "lda"}})
    (model,) = plan_models(spec, dataset)
    return Contest(model, tuple(metrics.specify(name) for name in chosen), FOLDS)


def open_trials(found: Contest, count: int) -> list[Trial]:
    trials = [Trial(f"m/{number:04d}", "m", "lda", {"tol": number}) for number in range(count)]
    for trial in trials:
        found.admit(trial, f"identity {trial.id}", Blueprint("m", "lda", trial.params, None, TASK))
    return trials


def answer(trial: Trial, score: float | None, label: str = "roc_auc") -> TrialAnswer:
    return TrialAnswer(trial.id, Prediction(np.full(2, trial.params["tol"])), {label: score})


def play(found: Contest, trials: Sequence[Trial], scores: Sequence[float | None], label: str = "roc_auc") -> None:
    for trial, score in zip(trials, scores, strict=True):
        for fold in FOLDS:
            found.take_answer(fold, answer(trial, score, label))


def best(found: Contest) -> str:
    assert found.best is not None
    return found.best.trial.id


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_best_is_the_same_whatever_comes_in_first(tmp_path: Path, order: tuple[int, ...]) -> None:
    found = contest(tmp_path, "roc_auc")
    trials, scores = open_trials(found, 3), [0.7, 0.9, 0.9]
    play(found, [trials[place] for place in order], [scores[place] for place in order])
    assert best(found) == "m/0001"  # of equal ones the first that was proposed
    assert set(found.best_predictions) == {"0.0", "0.1"}
    assert found.best_predictions["0.0"].values[0] == 1
    assert [tried.params["tol"] for tried in found.history()] == [0, 1, 2]


def test_a_loss_is_better_when_it_is_smaller_and_the_search_sees_it_turned(tmp_path: Path) -> None:
    found = contest(tmp_path, "log_loss")
    play(found, open_trials(found, 3), [0.6, 0.2, 0.4], "log_loss")
    assert best(found) == "m/0001"
    assert [tried.score for tried in found.history()] == [-0.6, -0.2, -0.4]


def test_a_trial_with_a_failed_fold_is_failed_and_cannot_win(tmp_path: Path) -> None:
    found = contest(tmp_path, "roc_auc")
    trials = open_trials(found, 2)
    found.take_answer(FOLDS[0], answer(trials[0], 0.99))
    result = found.take_failure(FOLDS[1], trials[0].id, Failure("raised", "ValueError", "a secret"))
    assert result is not None
    assert (result.status, result.reason) == ("failed", "raised: ValueError")
    assert result.scores["roc_auc"] == (0.99, None)
    assert found.best is None
    assert found.history()[0].score is None
    play(found, trials[1:], [0.1])
    assert best(found) == "m/0001"


def test_a_timeout_is_told_apart(tmp_path: Path) -> None:
    found = contest(tmp_path, "roc_auc")
    (trial,) = open_trials(found, 1)
    found.take_failure(FOLDS[1], trial.id, Failure("raised", "ValueError"))
    result = found.take_failure(FOLDS[0], trial.id, Failure("timeout"))
    assert result is not None
    assert (result.status, result.reason) == ("timeout", "timeout")  # that of the first fold, whatever came first


def test_a_trial_that_is_defined_nowhere_wins_only_when_nobody_else_does(tmp_path: Path) -> None:
    found = contest(tmp_path, "roc_auc")
    trials = open_trials(found, 3)
    play(found, trials, [None, 0.2, None])
    assert best(found) == "m/0001"
    alone = contest(tmp_path, "roc_auc")
    play(alone, open_trials(alone, 2), [None, None])
    assert best(alone) == "m/0000"


def test_without_metrics_the_first_trial_is_taken(tmp_path: Path) -> None:
    found = contest(tmp_path)
    trials = open_trials(found, 2)
    play(found, trials[::-1], [None, None])
    assert best(found) == "m/0000"


def test_scores_that_a_journal_kept_count_without_their_predictions(tmp_path: Path) -> None:
    found = contest(tmp_path, "roc_auc")
    (trial,) = open_trials(found, 1)
    assert found.take_scores(FOLDS[0], trial.id, {"roc_auc": 0.4}) is None
    result = found.take_answer(FOLDS[1], answer(trial, 0.6))
    assert result is not None
    assert mean_score(result, AUC) == 0.5
    assert set(found.best_predictions) == {"0.1"}  # the other fold is fitted again


def test_only_the_best_trial_keeps_its_predictions(tmp_path: Path) -> None:
    found = contest(tmp_path, "roc_auc")
    play(found, open_trials(found, 3), [0.5, 0.9, 0.7])
    assert found.open == {}
    assert found.best_predictions["0.0"].values[0] == 1


def test_why_nothing_came_of_a_model_counts_the_reasons_and_passes_on_our_own_sentences_only(tmp_path: Path) -> None:
    found = contest(tmp_path, "roc_auc")
    trials = open_trials(found, 3)
    reasons = [Failure("raised", "ValueError", "a secret"), Failure("raised", "DataError", "column 't' holds no words")]
    for trial, failure in zip(trials, [*reasons, reasons[1]], strict=True):
        for fold in FOLDS:
            found.take_failure(fold, trial.id, failure)
    told = why_none(found)
    assert told.startswith("raised: DataError (2 of 3 trials): column 't' holds no words; raised: ValueError (1 of 3")
    assert "secret" not in told


def test_a_summary_is_mean_and_standard_deviation_of_what_is_defined() -> None:
    scores = (0.5, None, 0.7, 0.9)
    found = summary(scores)
    assert found.mean == pytest.approx(np.mean([0.5, 0.7, 0.9]))
    assert found.sd == pytest.approx(np.std([0.5, 0.7, 0.9], ddof=1))
    assert summary((None,)).mean is None
    assert summary((0.5,)).sd is None
    result = TrialResult(Trial("m/0000", "m", "lda", {}), "done", {"roc_auc": scores})
    assert mean_score(result, AUC) == pytest.approx(0.7)
    assert mean_score(result, LOSS) is None
