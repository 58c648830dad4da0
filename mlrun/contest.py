"""What is known of one model while its search runs: trials, their folds as they come in, the best so far."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mlrun.errors import DataError
from mlrun.fit import TrialAnswer
from mlrun.metrics import oriented
from mlrun.pipelines import Blueprint
from mlrun.plan import PlannedModel
from mlrun.records import Failure, Fold, MetricSpec, Prediction, Trial, TrialResult, TrialStatus
from mlrun.search_contracts import Tried
from mlrun.stored import StoredModel
from mlrun.wrapping import Wrapping


@dataclass(slots=True)
class OpenTrial:
    """A trial with folds still missing."""

    trial: Trial
    identity: str
    answers: dict[str, TrialAnswer] = field(default_factory=dict)
    scores: dict[str, Mapping[str, float | None]] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Champion:
    """A family's best trial, refitted on all of train; `failure` says why there is no model where there is none.

    test: prediction of the test rows, None when there are none. file: the stored model in the run folder.
    model: the one that predicted test, while the run goes on; None when it was taken over from an earlier run.
    wrapping: what is done to what it predicts; None = nothing. defaults: hyperparameters beyond those of its trial.
    """

    test: Prediction | None = None
    file: str = ""
    size_bytes: int | None = None
    fit_seconds: float | None = None
    p95_ms: float | None = None
    identity: str = ""
    failure: Failure | None = None
    model: StoredModel | None = None
    wrapping: Wrapping | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Contest:
    """A model's search: only the best trial keeps its predictions, so memory does not grow with the trials."""

    model: PlannedModel
    metrics: tuple[MetricSpec, ...]
    folds: tuple[Fold, ...]
    folder: str = ""
    results: list[TrialResult] = field(default_factory=list)
    open: dict[str, OpenTrial] = field(default_factory=dict)
    blueprints: dict[str, Blueprint] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    champion: Champion | None = None
    best: TrialResult | None = None
    best_predictions: dict[str, Prediction] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)  # our own sentences, by the code of the failure

    @property
    def name(self) -> str:
        return self.model.name

    def admit(self, trial: Trial, identity: str, blueprint: Blueprint) -> None:
        """Open a trial that the search proposed."""
        self.open[trial.id] = OpenTrial(trial, identity)
        self.blueprints[trial.id] = blueprint

    def take_answer(self, fold: Fold, answer: TrialAnswer) -> TrialResult | None:
        """Note a trial's answer on a fold; return the finished trial when it was the last."""
        opened = self.open[answer.trial]
        opened.answers[fold.name] = answer
        opened.scores[fold.name] = answer.scores
        return self._close_if_complete(opened)

    def take_scores(self, fold: Fold, trial: str, scores: Mapping[str, float | None]) -> TrialResult | None:
        """Note scores that a journal kept, without predictions."""
        opened = self.open[trial]
        opened.scores[fold.name] = scores
        return self._close_if_complete(opened)

    def take_failure(self, fold: Fold, trial: str, failure: Failure) -> TrialResult | None:
        """Note that a trial's fit failed on a fold."""
        opened = self.open[trial]
        opened.failures[fold.name] = failure
        if failure.error == DataError.__name__:
            self.refusals.setdefault(failure.code, failure.message)
        return self._close_if_complete(opened)

    def take_result(self, result: TrialResult) -> TrialResult:
        """Note a finished trial: from an earlier run, or one that was skipped."""
        self.open.pop(result.trial.id, None)
        self.results.append(result)
        if self._is_better(result):
            self.best, self.best_predictions = result, {}
        return result

    def history(self) -> Sequence[Tried]:
        """Return what the search strategy may know: finished trials in the order of their ids."""
        ordered = sorted(self.results, key=lambda result: (len(result.trial.id), result.trial.id))
        return tuple(Tried(each.trial.params, self._oriented(each), each.trial.fidelity) for each in ordered)

    def score(self, result: TrialResult) -> float | None:
        """Return the mean over folds of the first metric, turned so that higher is better; None = cannot win."""
        return self._oriented(result) if result.trial.fidelity == 1 else None

    @property
    def candidates(self) -> int:
        """Return how many different params were tried, on however many rows."""
        return len({repr(sorted(result.trial.params.items())) for result in self.results})

    def _oriented(self, result: TrialResult) -> float | None:
        if result.status != "done" or not self.metrics:
            return None
        mean = mean_score(result, self.metrics[0])
        return None if mean is None else oriented(self.metrics[0].name, mean, self.folder)

    def _close_if_complete(self, opened: OpenTrial) -> TrialResult | None:
        if len(opened.scores) + len(opened.failures) < len(self.folds):
            return None
        result = self._summarise(opened)
        self.take_result(result)
        if self.best is result:
            self.best_predictions = {name: answer.prediction for name, answer in opened.answers.items()}
        return result

    def _summarise(self, opened: OpenTrial) -> TrialResult:
        if opened.failures:
            first = min(opened.failures)
            failure = opened.failures[first]
            status: TrialStatus = "timeout" if failure.reason == "timeout" else "failed"
            scores = {metric.label: self._column(opened, metric) for metric in self.metrics}
            return TrialResult(opened.trial, status, scores, failure.code, opened.identity)
        scores = {metric.label: self._column(opened, metric) for metric in self.metrics}
        return TrialResult(opened.trial, "done", scores, "", opened.identity)

    def _column(self, opened: OpenTrial, metric: MetricSpec) -> tuple[float | None, ...]:
        return tuple(opened.scores.get(fold.name, {}).get(metric.label) for fold in self.folds)

    def _is_better(self, result: TrialResult) -> bool:
        """Say whether a trial beats the best so far; of equal ones the first proposed stays, whatever came in first."""
        if result.status != "done" or result.trial.fidelity < 1:
            return False
        if self.best is None:
            return True
        mine, theirs = self.score(result), self.score(self.best)
        if mine is None or theirs is None:
            return theirs is None and (mine is not None or _order(result) < _order(self.best))
        return mine > theirs or (mine == theirs and _order(result) < _order(self.best))


def _order(result: TrialResult) -> tuple[int, str]:
    return len(result.trial.id), result.trial.id


def mean_score(result: TrialResult, metric: MetricSpec) -> float | None:
    """Return the mean over the folds on which the metric is defined; None when it is on none."""
    known = [score for score in result.scores.get(metric.label, ()) if score is not None]
    return math.fsum(known) / len(known) if known else None


def with_identity(result: TrialResult, trial: Trial, identity: str) -> TrialResult:
    """Return a stored result as the result of this run's trial."""
    return replace(result, trial=trial, identity=identity)
