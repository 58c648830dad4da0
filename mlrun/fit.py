"""One estimator fitted on one fold, here or in a worker: from a blueprint and a fold's data to scored predictions."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mlrun import metrics
from mlrun.fold_data import FoldData
from mlrun.loss_curves import Curves, Shown, loss_curves
from mlrun.pipelines import Blueprint, adopted, anomaly_scores, build, checked, coded, fit_estimator, predict_rows
from mlrun.provenance import fit_seed
from mlrun.records import MetricSpec, Params, Prediction

if TYPE_CHECKING:
    from mlrun.prepare import Preparation
    from mlrun.records import Array

FINAL = -1  # repeat and fold of a champion's refit, for its seed


@dataclass(frozen=True, slots=True)
class TrialAnswer:
    """What a fit says of one of the trials that share it."""

    trial: str
    prediction: Prediction
    scores: Mapping[str, float | None]
    curves: Curves = field(default_factory=Curves)


@dataclass(frozen=True, slots=True)
class FitValue:
    """What a fit gives: an answer a trial; for a refit also the estimator and the threshold of an anomaly score."""

    answers: tuple[TrialAnswer, ...]
    fit_seconds: float
    predict_seconds: float
    rows: int
    warnings: tuple[str, ...] = ()
    estimator: Any = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class FitJob:
    """A fit, as an executor runs it (contracts.Job); `blueprint.params` are the widest of its trials' params."""

    key: str
    blueprint: Blueprint
    trials: tuple[tuple[str, Params], ...]
    data: FoldData
    metrics: tuple[MetricSpec, ...]
    spec_seed: int
    repeat: int
    fold: int
    isolated: bool = False
    timeout: float | None = None
    target_transform: str | None = None
    keep: bool = False
    threads: int = 1  # of the fit alone; more only where that changes no bit (contracts.ModelFamily.thread_exact)
    learned: tuple[tuple[Preparation | None, Any], ...] = ()  # of a committee: by its members from these rows, already

    def load(self) -> None:
        """Import the family's library, so that neither the timeout nor the timing sees it."""
        build(self.blueprint, lambda model: 0)

    def run(self) -> FitValue:
        """Fit once, then answer for every trial; raises what the family raises."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            value = self._run()
        told = dict.fromkeys(f"{warning.category.__name__}: {_first_line(warning.message)}" for warning in caught)
        return replace(value, warnings=tuple(told)[:20])

    def _run(self) -> FitValue:
        data = self.data
        estimator = build(
            self.blueprint, lambda model: fit_seed(self.spec_seed, model, self.repeat, self.fold), self.spec_seed
        )
        estimator = coded(estimator, self.blueprint.family, self.blueprint.folder, data.category_positions)
        truth = np.log(data.truth) if self.target_transform == "log" and data.truth is not None else data.truth
        begun = time.perf_counter()
        estimator = self._fit_threaded(estimator, truth) if self.threads > 1 else self._fit(estimator, truth)
        fitted = time.perf_counter()
        threshold = self._threshold(estimator)
        parts = [self._part(estimator, params) for _, params in self.trials]
        asked = self._asked(estimator, parts)
        answers = [self._answer(each, trial, threshold) for each, (trial, _) in zip(asked, self.trials, strict=True)]
        answered = time.perf_counter()
        return FitValue(
            answers=self._with_curves(answers, estimator, parts, truth),
            fit_seconds=fitted - begun,
            predict_seconds=answered - fitted,
            rows=data.train.shape[0],
            estimator=estimator if self.keep else None,
            threshold=threshold,
        )

    def _fit_threaded(self, estimator: Any, truth: Array | None) -> Any:
        """Return the estimator fitted on several threads; afterwards it is as if it had been fitted on one."""
        from threadpoolctl import threadpool_limits

        with_threads = self.blueprint.entry.with_threads
        if with_threads is None:
            return self._fit(estimator, truth)
        with threadpool_limits(limits=self.threads, user_api="openmp"):
            estimator = self._fit(with_threads(estimator, self.threads), truth)
        return with_threads(estimator, 1)

    def _fit(self, estimator: Any, truth: Array | None) -> Any:
        """Return the estimator fitted; a champion's rows are fitted once, so nothing is kept of them."""
        entry, data = self.blueprint.entry, self.data
        if self.learned:
            return adopted(estimator, self.learned)
        weights = data.weights if entry.weights else None
        if entry.fit_in_turn is None or truth is None or self.keep:
            return fit_estimator(estimator, data.train, truth, weights)
        return entry.fit_in_turn(estimator, data.train, truth, weights)

    def _part(self, estimator: Any, params: Params) -> Any:
        """Return the estimator that a fit with these params alone would have given."""
        nested = self.blueprint.entry.nested
        return estimator if nested is None or len(self.trials) == 1 else nested.restrict(estimator, params)

    def _asked(self, estimator: Any, parts: Sequence[Any]) -> Sequence[Any]:
        """Return what is asked about the held-out rows: the parts, or what one pass found that they would say."""
        found = self.blueprint.entry.answers
        if found is None or self.data.valid.shape[0] == 0:
            return parts
        return found(estimator, [params for _, params in self.trials], self.data.valid)

    def _answer(self, estimator: Any, trial: str, threshold: float | None) -> TrialAnswer:
        prediction = self._predict(estimator, threshold)
        truth, task = self.data.valid_truth, self.blueprint.task
        scores: Mapping[str, float | None] = {}
        if truth is not None and len(truth) > 0:
            scores = metrics.score(self.metrics, truth, prediction, task, self.blueprint.folder)
        return TrialAnswer(trial, prediction, scores)

    def _predict(self, estimator: Any, threshold: float | None) -> Prediction:
        if self.data.valid.shape[0] == 0:
            return empty_prediction(self.blueprint)
        prediction = predict_rows(estimator, self.data.valid, self.blueprint, threshold)
        if self.target_transform == "log":
            return replace(prediction, values=checked(np.exp(prediction.values), self.data.valid))
        return prediction

    def _threshold(self, estimator: Any) -> float | None:
        """Return the (1 − contamination) quantile of the training rows' anomaly scores (spec: section 5)."""
        if self.blueprint.task.kind != "anomaly":
            return None
        own = self.blueprint.entry.training_scores  # of families to which a training row is its own neighbour
        scores = anomaly_scores(estimator, self.data.train, self.blueprint) if own is None else own(estimator)
        return float(np.quantile(checked(scores, self.data.train), 1 - self.blueprint.contamination))

    def _with_curves(
        self, answers: Sequence[TrialAnswer], whole: Any, parts: Sequence[Any], truth: Array | None
    ) -> tuple[TrialAnswer, ...]:
        """Return the answers with their loss curves; a fit that is not scored, such as a champion's, has none."""
        if not self.metrics:
            return tuple(answers)
        held_out = self.data.valid_truth
        if self.target_transform == "log" and held_out is not None:
            held_out = np.log(held_out)
        shown = Shown(self.data.train, truth, self.data.valid, held_out)
        curves = loss_curves(self.blueprint.entry, whole, parts, shown)
        return tuple(replace(answer, curves=each) for answer, each in zip(answers, curves, strict=True))


def empty_prediction(blueprint: Blueprint) -> Prediction:
    """Return the prediction of no rows."""
    kind = np.float64 if blueprint.task.kind == "regression" else np.int64
    return Prediction(np.empty(0, dtype=kind))


def take(prediction: Prediction, rows: Array | Sequence[int]) -> Prediction:
    """Return the prediction of some of its rows."""
    return Prediction(
        prediction.values[rows],
        None if prediction.probabilities is None else prediction.probabilities[rows],
        None if prediction.scores is None else prediction.scores[rows],
    )


def join(parts: Sequence[Prediction]) -> Prediction:
    """Return predictions of several sets of rows as one, in their order."""
    return Prediction(
        np.concatenate([part.values for part in parts]),
        _stack([part.probabilities for part in parts]),
        _stack([part.scores for part in parts]),
    )


def _stack(parts: Sequence[Array | None]) -> Array | None:
    present = [part for part in parts if part is not None]
    return np.concatenate(present) if len(present) == len(parts) else None


def _first_line(message: object) -> str:
    return str(message).strip().split(os.linesep, maxsplit=1)[0].strip()
