"""From champions and baselines to the context of their evaluation: what each said, and how to ask it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlrun.baseline_subjects import baseline_subject
from mlrun.baselines import Answer
from mlrun.champions import as_stored, load
from mlrun.check_contracts import Context, Refit, Subject
from mlrun.contest import Contest
from mlrun.course import Course
from mlrun.errors import DataError, StorageError
from mlrun.final_fits import final_fit, run_finals
from mlrun.fit import FINAL, FitJob, FitValue, take
from mlrun.leaderboard import Line
from mlrun.predict import predict_alone
from mlrun.process.jobs import raised
from mlrun.records import Fold, Outcome, Prediction
from mlrun.rounds import champion_blueprint
from mlrun.stored import StoredModel
from mlrun.suite import with_spec
from mlrun.verdict import best_line

if TYPE_CHECKING:
    import polars as pl

    from mlrun.records import Array
    from mlrun.spec import BaselineSpec

PATIENCE_SECONDS = 300.0  # of a user's model, which may hang


@dataclass(frozen=True, slots=True)
class PredictJob:
    """The prediction of a table as an executor runs it (contracts.Job): for a user's model, which may do anything."""

    key: str
    model: StoredModel
    table: pl.DataFrame
    isolated: bool = True
    timeout: float | None = PATIENCE_SECONDS

    def run(self) -> Prediction:
        return self.model.predict(self.table)


def context_of(course: Course, lines: Sequence[Line], baselines: Sequence[BaselineSpec]) -> Context:
    """Return what checks may know of a run whose champions are crowned."""
    spec, dataset, split = course.spec, course.dataset, course.split
    best = best_line(course, lines)
    context = Context(
        dataset=dataset,
        rows=split.test,
        train=split.train,
        folds=split.folds,
        metrics=course.metrics,
        subjects=subjects_of(course, lines, baselines),
        best=None if best is None else best.record.name,
        training_fits=float(sum(training_fits(contest) for contest in course.contests.values())),
    )
    return with_spec(context, spec)


def training_fits(contest: Contest) -> float:
    """Return the fits of a model's search without any sharing, and its champion's; a voting model needs none.

    A fit on a share of the rows counts as that share of one.
    """
    if contest.model.combines:
        return 0.0
    return sum(result.trial.fidelity for result in contest.results) * len(contest.folds) + 1


def subjects_of(course: Course, lines: Sequence[Line], baselines: Sequence[BaselineSpec]) -> tuple[Subject, ...]:
    """Return the models that have a champion, then the baselines that said something, in the order of the lines."""
    specs = {baseline.name: baseline for baseline in baselines}
    done = [line for line in lines if line.record.status == "done"]
    models = [
        model_subject(course, course.contests[line.record.name], line) for line in done if line.record.kind == "model"
    ]
    known = course.dataset, course.split.train
    rest = [
        baseline_subject(course.spec, specs[line.record.name], line.record, known, said_of_test(line), folds_of(line))
        for line in done
        if line.record.kind == "baseline"
    ]
    return (*models, *rest)


def model_subject(course: Course, contest: Contest, line: Line) -> Subject:
    """Return a champion: it can be asked about any rows, and fitted again on others."""
    record, entry = line.record, contest.model.entry
    return Subject(
        name=record.name,
        kind="model",
        family=record.family,
        test=None if line.test is None else line.test.prediction,
        folds=wrapped_folds(contest, line),
        features=tuple(column.name for column in course.dataset.features),
        predict=asker(course, contest),
        refit=lambda parts: refit(course, contest, parts),
        rank=record.simplicity_rank,
        assumptions=entry.assumptions,
        members=contest.model.spec.parts,
        fit_seconds=record.fit_seconds,
        size_bytes=record.size_bytes,
        p95_ms_1_row=record.p95_ms_1_row,
        cv={label: summary.mean for label, summary in record.cv.items()},
    )


def said_of_test(line: Line) -> Answer | None:
    """Return what a baseline said of test; None where there is no test."""
    if line.test is None or line.test.answered is None:
        return None
    return Answer(line.test.prediction, line.test.answered)


def wrapped_folds(contest: Contest, line: Line) -> tuple[tuple[Fold, Prediction, Array | None], ...]:
    """Return a champion's held-out predictions on the scale of what it says of test."""
    return tuple((fold, wrapped(contest, prediction), answered) for fold, prediction, answered in folds_of(line))


def folds_of(line: Line) -> tuple[tuple[Fold, Prediction, Array | None], ...]:
    """Return a line's held-out predictions, each with its fold."""
    return tuple((part.fold, part.prediction, part.answered) for part in line.parts if part.fold is not None)


def asker(course: Course, contest: Contest) -> Callable[[pl.DataFrame], Prediction]:
    """Return a function that lets a champion predict a table; a user's model is asked in a worker."""
    known: list[StoredModel] = []

    def ask(table: pl.DataFrame) -> Prediction:
        if not known:
            known.append(model_of(course, contest))
        if not contest.model.isolated:
            return predict_alone(known[0], table)
        job = PredictJob(f"{contest.name}@evaluation", known[0], table)
        (outcome,) = course.executor.run([job], lambda key, pid, in_main: None)
        if outcome.failure is not None:
            raise DataError(f"it cannot predict these rows ({outcome.failure.code})")
        prediction: Prediction = outcome.value
        return prediction

    return ask


def model_of(course: Course, contest: Contest) -> StoredModel:
    """Return the model that predicted test: kept since its fit, read from the run folder, or fitted again.

    Where the stored one was fitted on all rows, test among them, it is not the one to be judged.
    """
    champion = contest.champion
    if champion is not None and champion.model is not None:
        return champion.model
    if course.spec.final.refit_on == "all" and len(course.split.test):
        final = final_fit(course, contest)
        outcome, data = run_finals(course, [final])[final.key]
        if outcome.failure is not None or data is None:
            raise DataError("its model could not be fitted again")
        return as_stored(course, contest, outcome.value, data, None if champion is None else champion.wrapping)
    if champion is None or not champion.file:
        raise DataError("its model is not stored")
    return load(course, contest, course.opened.folder.path / champion.file)


def refit(course: Course, contest: Contest, parts: Sequence[tuple[Array, Sequence[Array]]]) -> tuple[Refit, ...]:
    """Fit a champion's blueprint again on each set of rows and predict others, as the search fitted it."""
    blueprint, jobs, found = champion_blueprint(contest), {}, {}
    for number, (rows, asked) in enumerate(parts):
        key = f"{contest.name}@refit-{number}"
        try:
            data = course.store.once(blueprint.recipe, rows, np.concatenate(list(asked)))
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 - to prepare is a part of the fit: this one fails, the others go on
            found[key] = Outcome(key, failure=raised(error))
            continue
        jobs[key] = FitJob(
            key=key,
            blueprint=blueprint,
            trials=((key, blueprint.params),),
            data=data,
            metrics=(),
            spec_seed=course.spec.seed,
            repeat=FINAL,
            fold=FINAL,
            isolated=contest.model.isolated,
            timeout=course.spec.search.timeout,
            target_transform=course.spec.target_transform,
        )
    for outcome in course.executor.run(list(jobs.values()), lambda key, pid, in_main: None):
        found[outcome.key] = outcome
    return tuple(
        refitted(contest, found[f"{contest.name}@refit-{number}"], asked) for number, (_, asked) in enumerate(parts)
    )


def refitted(contest: Contest, outcome: Outcome, asked: Sequence[Array]) -> Refit:
    """Return one outcome with its prediction, wrapped, divided into the sets of rows that were asked about."""
    if outcome.failure is not None:
        return Refit(failure=outcome.failure.code)
    value: FitValue = outcome.value
    return Refit(tuple(divided(wrapped(contest, value.answers[0].prediction), asked)), value.fit_seconds)


def wrapped(contest: Contest, prediction: Prediction) -> Prediction:
    """Return a prediction as the champion would show it: calibrated and cut, where the spec asks for that."""
    wrapping = None if contest.champion is None else contest.champion.wrapping
    return prediction if wrapping is None else wrapping.apply(prediction)


def divided(prediction: Prediction, asked: Sequence[Array]) -> Iterator[Prediction]:
    begin = 0
    for rows in asked:
        yield take(prediction, np.arange(begin, begin + len(rows)))
        begin += len(rows)
