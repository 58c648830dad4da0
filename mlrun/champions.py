"""From each family's best trial to its champion: fitted on all of train, asked about test, stored."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mlrun import latency, predictions, runs
from mlrun.contest import Champion, Contest
from mlrun.course import Course
from mlrun.errors import DataError, MlrunError, StorageError
from mlrun.estimator.hyperparameters import left_open
from mlrun.events import ChampionStarted, Event, Noted
from mlrun.final_fits import Fitted, final_fit, fit_of_all_rows, run_finals
from mlrun.fit import FitValue, join
from mlrun.fold_data import FoldData
from mlrun.records import Failure
from mlrun.rounds import champion_blueprint
from mlrun.store import model_files
from mlrun.store.run_folder import sha256_of
from mlrun.stored import StoredModel, as_payload, from_payload
from mlrun.table.schema_cast import schema_of
from mlrun.wrap.cuts import objective_of
from mlrun.wrapping import Wish, Wrapping, learn

if TYPE_CHECKING:
    from pathlib import Path


def take_over_champions(course: Course, contests: Sequence[Contest]) -> None:
    """Give each model whose equal champion an earlier run has stored that one, predictions of the folds and all."""
    for contest in contests:
        if contest.best is not None:
            contest.champion = take_over(course, contest)


def crown(course: Course, contests: Sequence[Contest]) -> Iterator[Event]:
    """Give each model with a best trial and no champion yet its champion: a refit on all of train.

    All are fitted at once, then asked and stored one by one, so that nothing else runs while a prediction is timed.
    """
    entrants = [contest for contest in contests if contest.best is not None and contest.champion is None]
    yield from (ChampionStarted(contest.name) for contest in entrants)
    finals = [final_fit(course, contest) for contest in entrants]
    if course.spec.final.refit_on == "all" and len(course.split.test):
        finals += [fit_of_all_rows(course, contest) for contest in entrants]
    fitted = dict(run_finals(course, finals))
    for contest in entrants:
        parts = [fitted.pop(final.key) for final in finals if final.contest is contest]
        contest.champion, notes = make_champion(course, contest, parts)
        yield from (Noted(note, warning=True) for note in notes)


def make_champion(course: Course, contest: Contest, parts: Sequence[Fitted]) -> tuple[Champion, list[str]]:
    """Return the champion, stored, with sentences on what went wrong; parts: fitted on train, and on all if asked."""
    outcome, data = parts[0]
    if outcome.failure is not None:
        told = f"{contest.name}: the refit on all of train failed ({outcome.failure.code})"
        return Champion(failure=outcome.failure), [told]
    try:
        wrapping = learn_wrapping(course, contest, outcome.value)
    except DataError as error:
        return Champion(failure=Failure("raised", "DataError", str(error))), [f"{contest.name}: {error}"]
    test = outcome.value.answers[0].prediction if len(course.split.test) else None
    champion = Champion(
        test=test if test is None or wrapping is None else wrapping.apply(test),
        fit_seconds=outcome.value.fit_seconds,
        identity=champion_identity(course, contest),
        model=None if data is None else as_stored(course, contest, outcome.value, data, wrapping),
        wrapping=wrapping,
        defaults={} if contest.best is None else left_open(outcome.value.estimator, contest.best.trial.params),
    )
    outcome, data = parts[-1]
    if outcome.failure is not None or data is None:
        return champion, [f"{contest.name}: the refit on all rows failed: no model is stored"]
    return store(course, contest, champion, outcome.value, data)


def champion_identity(course: Course, contest: Contest) -> str:
    """Return the digest of all that a refit depends on."""
    identity = "" if contest.best is None else contest.best.identity
    return course.identity.of_champion(identity, course.spec.final.refit_on, str(wish_of(course, contest)))


def wish_of(course: Course, contest: Contest) -> Wish:
    """Return what the spec asks of a champion beyond its fit."""
    spec, task = contest.model.spec, course.dataset.task
    objective = objective_of(course.metrics, task, course.spec.folder) if spec.threshold == "tuned" else None
    return Wish(spec.calibrate, spec.threshold, objective)


def learn_wrapping(course: Course, contest: Contest, value: FitValue) -> Wrapping | None:
    """Return what calibrates and cuts a champion, learned from its predictions of the folds; None = nothing.

    Raises DataError when there is nothing to learn from.
    """
    wish, truth = wish_of(course, contest), course.dataset.truth
    if wish.is_empty:
        return None
    folds = [fold for fold in course.split.folds if fold.name in contest.best_predictions]
    if truth is None or not folds:
        raise DataError("there are no predictions of folds to learn `calibrate` or `threshold` from")
    return learn(
        wish,
        join([contest.best_predictions[fold.name] for fold in folds]),
        truth[np.concatenate([fold.valid for fold in folds])],
        course.dataset.task,
        logistic=hasattr(value.estimator, "decision_function"),
        folder=course.spec.folder,
    )


def take_over(course: Course, contest: Contest) -> Champion | None:
    """Return the equal champion of an earlier run, its model and predictions copied; None when there is none whole."""
    found = course.opened.champions.get(champion_identity(course, contest))
    if found is None:
        return None
    earlier, record = found
    folder = course.opened.folder.path
    file = f"models/{contest.name}.skops"
    try:
        manifest = runs.read_manifest(earlier)
        stored = [f"{predictions.FOLDER}/{record.name}.parquet", record.file]
        if any(sha256_of(earlier / name) != manifest[name] for name in stored):
            return None
        parts = predictions.read_parts(earlier / stored[0], course.dataset.task, course.split)
        wrapping = None if wish_of(course, contest).is_empty else load(course, contest, earlier / record.file).wrapping
        (folder / "models").mkdir(exist_ok=True)
        shutil.copyfile(earlier / record.file, folder / file)
    except (MlrunError, OSError, KeyError, ValueError):  # not whole any more: fit it again
        return None
    contest.best_predictions.update(parts.folds)
    return Champion(
        test=parts.test,
        file=file,
        size_bytes=record.size_bytes,
        fit_seconds=record.fit_seconds,
        p95_ms=record.p95_ms_1_row,
        identity=record.identity,
        defaults=record.defaults,
        wrapping=wrapping,
    )


def load(course: Course, contest: Contest, path: Path) -> StoredModel:
    """Return a champion that this run or an equal one stored; its family may be the author's own."""
    folder, module = course.spec.folder, contest.model.spec.family.partition(":")[0]
    trusted = [module] if ":" in contest.model.spec.family else []
    return from_payload(
        model_files.load(path, sha256=sha256_of(path), foreign=False, trust=trusted, folder=folder), folder
    )


def store(
    course: Course, contest: Contest, champion: Champion, value: FitValue, data: FoldData
) -> tuple[Champion, list[str]]:
    """Write models/NAME.skops and measure one-row predictions; return a sentence when the model cannot be stored."""
    folder = course.opened.folder.path
    model = as_stored(course, contest, value, data, champion.wrapping)
    (folder / "models").mkdir(exist_ok=True)
    file = f"models/{contest.name}.skops"
    p95_ms, notes = measure(course, contest, model)
    try:
        model_files.store(folder / file, as_payload(model))
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001 - skops calls the user's class, which may raise anything
        told = f"{contest.name}: its model cannot be stored ({type(error).__name__}: {error})"
        return replace(champion, p95_ms=p95_ms), [*notes, told]
    return replace(champion, file=file, size_bytes=(folder / file).stat().st_size, p95_ms=p95_ms), notes


def as_stored(
    course: Course, contest: Contest, value: FitValue, data: FoldData, wrapping: Wrapping | None
) -> StoredModel:
    """Return a fitted champion with all that it needs to read new rows."""
    return StoredModel(
        blueprint=replace(champion_blueprint(contest), recipe=None, members=(), meta=None),
        estimator=value.estimator,
        preparation=data.preparation,
        features=tuple(column.name for column in course.dataset.features),
        schema=stored_schema(course),
        threshold=value.threshold,
        target_transform=course.spec.target_transform,
        wrapping=wrapping,
    )


def stored_schema(course: Course) -> dict[str, str]:
    """Return the type of every column that a prediction reads: the features, and the one that names the rows."""
    schema, row_id = dict(course.dataset.schema), course.spec.data.id
    if row_id is not None:
        schema[row_id] = schema_of(course.dataset.table.select(row_id))[row_id]
    return schema


def measure(course: Course, contest: Contest, model: StoredModel) -> tuple[float | None, list[str]]:
    """Return the 95th percentile of one-row predictions in milliseconds, or a sentence on why there is none."""
    table = course.dataset.table[course.split.train[: latency.CALLS]]
    if not contest.model.isolated:
        return latency.one_row_latency(model, table), []
    job = latency.LatencyJob(f"{contest.name}@one-row", model, table)
    (outcome,) = course.executor.run([job], lambda key, pid, in_main: None)
    if outcome.failure is not None:
        return None, [f"{contest.name}: it cannot predict single rows ({outcome.failure.code})"]
    return outcome.value, []
