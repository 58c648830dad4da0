"""From champions and baselines to the lines of the leaderboard: cv mean and sd, test value with interval."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mlrun import intervals, metrics
from mlrun.baselines import ENTRIES, Answer, Question
from mlrun.contest import Contest
from mlrun.errors import DataError, MlrunError
from mlrun.fit import take
from mlrun.plan import budget_of
from mlrun.predictions import PredictedPart
from mlrun.provenance import fit_seed
from mlrun.records import Interval, Prediction
from mlrun.sensitivity import sensitivity_of
from mlrun.store.run_record import BudgetRecord, FoldSummary, ModelRecord

if TYPE_CHECKING:
    from mlrun.course import Course
    from mlrun.records import Array
    from mlrun.spec import BaselineSpec


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the leaderboard with the predictions behind it; parts () where there are none to write."""

    record: ModelRecord
    parts: tuple[PredictedPart, ...] = ()

    @property
    def test(self) -> PredictedPart | None:
        return next((part for part in self.parts if part.fold is None), None)

    @property
    def shown(self) -> tuple[PredictedPart, ...]:
        """The parts that the line's shown score is about: test, without one every fold."""
        return self.parts if self.test is None else (self.test,)


def model_line(course: Course, contest: Contest) -> Line:
    """Return the line of a model, or why it has no champion."""
    record = searched_record(course, contest)
    champion = contest.champion
    if contest.best is None:
        return Line(replace(record, status="failed", reason=why_none(contest)))
    if champion is None or champion.failure is not None:
        failure = None if champion is None else champion.failure
        told = "" if failure is None else f": {failure.code}"
        if failure is not None and failure.error == DataError.__name__:  # our own sentence, no library's
            told += f": {failure.message}"
        return Line(replace(record, status="failed", reason=f"the refit on all of train failed{told}"))
    record = replace(
        record,
        fit_seconds=None if champion.fit_seconds is None else round(champion.fit_seconds, 6),
        p95_ms_1_row=champion.p95_ms,
        size_bytes=champion.size_bytes,
        file=champion.file,
        identity=champion.identity,
        defaults=champion.defaults,
    )
    parts = [
        PredictedPart(fold.valid, contest.best_predictions[fold.name], fold)
        for fold in course.split.folds
        if fold.name in contest.best_predictions
    ]
    if champion.test is not None:
        record = replace(record, test=test_scores(course, course.split.test, champion.test))
        parts.append(PredictedPart(course.split.test, champion.test))
    return Line(record, tuple(parts))


def searched_record(course: Course, contest: Contest) -> ModelRecord:
    """Return what the search alone says of a model: its best trial, what it was granted and used."""
    model, best = contest.model, contest.best
    record = ModelRecord(
        name=model.name,
        kind="model",
        family=model.spec.family,
        budget=BudgetRecord(granted=budget_of(course.spec, model).trials, used=contest.candidates),
        simplicity_rank=model.rank,
        notes=tuple(model_notes(course, contest)),
    )
    if best is None:
        return record
    scores = {metric.label: summary(best.scores.get(metric.label, ())) for metric in course.metrics}
    ordered = sorted(contest.results, key=lambda result: (len(result.trial.id), result.trial.id))
    scored = [(result.trial.params, score) for result in ordered if (score := contest.score(result)) is not None]
    found = sensitivity_of(scored)
    return replace(record, params=dict(best.trial.params), trial=best.trial.id, cv=scores, sensitivity=found)


def baseline_line(course: Course, baseline: BaselineSpec) -> Line:
    """Return the line of a baseline: asked about each fold and about test like the models; a refusal is a reason."""
    record = ModelRecord(name=baseline.name, kind="baseline", family=baseline.kind, params=dict(baseline.params))
    if baseline.params.get("run") is not None:
        note = "an earlier run's model: it was trained on rows of these folds, and of test too if the split was another"
        record = replace(record, notes=(note,))
    entry, split = ENTRIES[baseline.kind], course.split
    test: Answer | None = None
    try:
        answers = [
            (fold, entry.answer(baseline.params, question_of(course, baseline, fold.train, fold.valid, fold.name)))
            for fold in split.folds
        ]
        if len(split.test):
            test = entry.answer(baseline.params, question_of(course, baseline, split.train, split.test, "test"))
    except MlrunError as error:
        return Line(replace(record, status="failed", reason=str(error)))
    except ValueError as error:  # an earlier run's model may refuse rows of today; the library's words may quote them
        return Line(replace(record, status="failed", reason=f"raised: {type(error).__name__}"))
    parts = [PredictedPart(fold.valid, answer.prediction, fold, answer.answered) for fold, answer in answers]
    scored = [answered_scores(course, fold.valid, answer) for fold, answer in answers]
    record = replace(
        record,
        cv={metric.label: summary([scores.get(metric.label) for scores in scored]) for metric in course.metrics},
        coverage=coverage_of([answer for _, answer in answers] if test is None else [test]),
    )
    if test is not None:
        said = np.flatnonzero(test.answered)
        record = replace(record, test=test_scores(course, split.test[said], take(test.prediction, said)))
        parts.append(PredictedPart(split.test, test.prediction, None, test.answered))
    return Line(record, tuple(parts))


def question_of(course: Course, baseline: BaselineSpec, train: Array, rows: Array, part: str) -> Question:
    """Return what a baseline is asked on one fold, or on test."""
    seed = fit_seed(course.spec.seed, f"baseline {baseline.name} {part}", 0, 0)
    return Question(course.dataset, train, rows, seed, course.spec.folder, course.spec.anomaly.contamination)


def answered_scores(course: Course, rows: Array, answer: Answer) -> Mapping[str, float | None]:
    """Score a baseline on the rows on which it says anything."""
    truth, said = course.dataset.truth, np.flatnonzero(answer.answered)
    if truth is None or len(said) == 0:
        return {}
    return metrics.score(
        course.metrics, truth[rows[said]], take(answer.prediction, said), course.dataset.task, course.spec.folder
    )


def coverage_of(answers: Sequence[Answer]) -> float | None:
    """Return the share of rows on which a baseline says anything; None when that is all."""
    said = np.concatenate([answer.answered for answer in answers])
    return None if said.all() else float(said.mean())


def test_scores(course: Course, rows: Array, prediction: Prediction) -> dict[str, Interval]:
    """Return each metric on test rows with its 95 % interval."""
    truth, task = course.dataset.truth, course.dataset.task
    if truth is None or len(rows) == 0:
        return {}
    return {
        metric.label: intervals.interval(
            intervals.Question(metric, truth[rows], task, seed=course.spec.seed, folder=course.spec.folder), prediction
        )
        for metric in course.metrics
    }


def summary(scores: Sequence[float | None]) -> FoldSummary:
    """Return mean and standard deviation (n − 1) over the folds on which a metric is defined."""
    known = [score for score in scores if score is not None]
    if not known:
        return FoldSummary(None)
    return FoldSummary(statistics.fmean(known), statistics.stdev(known) if len(known) > 1 else None)


def model_notes(course: Course, contest: Contest) -> Iterator[str]:
    """Yield what should be known beside a model's numbers: an optimistic score, what it left out, fits that warned."""
    model = contest.model
    if contest.champion is not None and contest.champion.wrapping is not None:
        yield f"{contest.champion.wrapping}; its cv is without"
    if model.spec.members:
        yield "cv is optimistic: the members were chosen on the same folds"
    if course.dataset.weights is not None and not model.entry.weights:
        yield f"{model.spec.family} takes no weights: it was fitted without them"
    ranked = course.metrics and course.dataset.truth is not None
    if ranked and contest.best is not None and contest.score(contest.best) is None:
        soft = "; `voting: soft` gives probabilities" if model.spec.family == "voting" else ""
        yield f"{course.metrics[0].label} is not defined for what it predicts, so it cannot be best{soft}"
    if model.recipe is not None and model.spec.prepare.category.encode == "native" != model.recipe.encode:
        yield f"{model.spec.family} takes no categories as they are: {model.recipe.encode} in their stead"
    for warning, count in sorted(course.log.warnings(contest.name).items()):
        yield f"{count} fit{'s' if count > 1 else ''} warned: {warning}"


def why_none(contest: Contest) -> str:
    """Return why a model has no champion: the reasons of its trials, the most frequent first."""
    reasons = [result.reason for result in contest.results if result.reason]
    if not reasons:
        return "no trial was run"
    counted = sorted(set(reasons), key=lambda reason: (-reasons.count(reason), reason))
    return "; ".join(
        f"{reason} ({reasons.count(reason)} of {len(contest.results)} trials)"
        + (f": {contest.refusals[reason]}" if reason in contest.refusals else "")
        for reason in counted[:3]
    )
