"""The whole flow on one page: spec, dataset, split, rounds of trials, champions, evaluation, verdict, run folder."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun import catalog, runs
from mlrun.champions import crown, take_over_champions
from mlrun.contest import Contest
from mlrun.course import Course, Hear, ignore
from mlrun.events import DataLoaded, Event, Noted, RunClaimed, SpecRead, Unchanged
from mlrun.fold_data import FoldStore
from mlrun.leaderboard import baseline_line, model_line
from mlrun.opening import Opened, open_run, told_erased, told_foreign
from mlrun.plan import PlannedModel
from mlrun.ready import Ready, join_to_data
from mlrun.recording import Beginning, begin_recording
from mlrun.references import resolve_references
from mlrun.rounds import complete_predictions, run_level
from mlrun.run_options import TrainOptions
from mlrun.sampling import sampled
from mlrun.schedule import Pace, earlier_pace
from mlrun.sealing import seal
from mlrun.snapshot import keep_data
from mlrun.spec import load as load_spec
from mlrun.subjects import context_of
from mlrun.suite import evaluate
from mlrun.turn import in_turn
from mlrun.unchanged import same_as_latest
from mlrun.wording import count

if TYPE_CHECKING:
    from mlrun.contracts import Executor


def train(
    path: Path, overrides: Sequence[str], options: TrainOptions, hear: Hear = ignore
) -> Generator[Event, None, None]:
    """Run a spec; yield what happens. The last event is RunFinished, unless nothing had changed.

    hear: told at once when a fit begins, which may take long; everything else is yielded.
    Raises SpecError and DataError before anything is written; StorageError and Interrupted later, when the same command
    can go on.
    """
    spec = load_spec(path, overrides)
    yield SpecRead(spec.experiment, spec.folder, spec.hooks)
    with in_turn(spec, options) as waiting:
        yield from waiting
        ready = join_to_data(spec, options.sample)
        yield told(ready)
        if options.if_changed and (same := same_as_latest(ready.spec, ready.identity, options)):
            latest, folder = same
            if latest.erasures:
                yield Noted(told_erased(latest.name), warning=True)
            yield Unchanged(latest.name, str(folder), latest.exit_code)
            return
        yield from run(ready, options, hear)


def run(ready: Ready, options: TrainOptions, hear: Hear = ignore) -> Iterator[Event]:
    """Run a spec that is joined to its data; yield what happens, RunFinished last."""
    references = resolve_references(ready.spec, runs.runs_root(ready.spec.folder, options.runs))
    yield from (Noted(note, warning=True) for note in references.notes)
    with open_run(ready.spec, ready.identity, options) as opened:
        yield RunClaimed(opened.folder.name, str(opened.folder.path), opened.resumed, opened.log.resumed_fits)
        if opened.log.damaged:
            told = count(opened.log.damaged, "damaged line")
            yield Noted(f"the journal has {told}: what stood there is done again", warning=True)
        yield from keep_data(ready, options.sample, opened.folder.path)
        if opened.foreign:
            yield Noted(told_foreign(opened.foreign))
        if opened.erased:
            yield Noted(told_erased(opened.erased), warning=True)
        kind, since = catalog.find("executors", options.executor), opened.started if opened.resumed else ""
        with sampled(opened.folder.path, since) as sampling, kind.make(options.jobs or physical_cores()) as executor:
            course = make_course(ready, opened, executor, hear, sharing=not options.no_sharing)
            yield from search(course, ready.models)
            lines = [model_line(course, contest) for contest in course.contests.values()]
            lines += [baseline_line(course, baseline) for baseline in references.baselines]
            suite = ready.spec.evaluation
            context = context_of(course, lines, references.baselines)
            findings = yield from evaluate(context, suite.tests, suite.auto, suite.without)
        if sampling.trouble:
            yield Noted(sampling.trouble, warning=True)
        yield from seal(course, lines, findings, references, options)


def search(course: Course, models: Sequence[PlannedModel]) -> Iterator[Event]:
    """Search level by level, members before what is made of them; crown each model's champion."""
    for level in sorted({model.level for model in models}):
        entrants = [course.contests[model.name] for model in models if model.level == level]
        yield from run_level(course, entrants)
        take_over_champions(course, entrants)
        yield from complete_predictions(course, entrants)
        yield from crown(course, entrants)
        course.store.drop({model.recipe for model in models if model.level > level})


def make_course(ready: Ready, opened: Opened, executor: Executor, hear: Hear, *, sharing: bool = True) -> Course:
    """Return what all rounds share; what an interrupted run had spent is spent."""
    spec, spent, root = ready.spec, opened.log.spent_cpu_seconds(), opened.folder.path.parent.parent
    return Course(
        spec=spec,
        dataset=ready.dataset,
        split=ready.split,
        metrics=ready.metrics,
        contests={
            model.name: Contest(model, ready.metrics, ready.split.folds, spec.folder, cpu_seconds=spent[model.name])
            for model in ready.models
        },
        store=FoldStore(
            ready.dataset, spec.seed, opened.folder.path / "scratch", train_on_normal=spec.anomaly.train_on == "normal"
        ),
        executor=executor,
        identity=ready.identity,
        opened=opened,
        hear=hear,
        sharing=sharing,
        recording=begin_recording(
            Beginning(spec, ready.dataset, ready.split.train, ready.identity.modules, ready.loading_ns),
            root,
        ),
        pace=Pace(earlier_pace(root, spec.experiment)),
    )


def told(ready: Ready) -> DataLoaded:
    """Return what the data turned out to be."""
    return DataLoaded(
        experiment=ready.spec.experiment,
        task=ready.dataset.task.kind,
        train_rows=len(ready.split.train),
        test_rows=len(ready.split.test),
        features=len(ready.dataset.features),
        notes=(*ready.dataset.notes, *ready.split.notes),
    )


def physical_cores() -> int:
    """Return the number of processes to use: the physical cores that this process may use."""
    import os

    import psutil

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or allowed, allowed))
