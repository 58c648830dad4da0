"""From best trials to their fits on all of train, on the executor at once: for champions, and for what asks again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mlrun.contest import Contest
from mlrun.course import Course
from mlrun.fit import FINAL, FitJob
from mlrun.fit_jobs import Jobs
from mlrun.fold_data import FoldData
from mlrun.process.jobs import OneThread, run_job
from mlrun.records import Outcome, Trial
from mlrun.rounds import champion_blueprint
from mlrun.schedule import outlasts, threads_for

if TYPE_CHECKING:
    from mlrun.prepare import Preparation
    from mlrun.records import Array

Fitted = tuple[Outcome, FoldData | None]  # a failure is an outcome, not an exception; None = it could not be prepared


@dataclass(frozen=True, slots=True, eq=False)
class FinalFit:
    """A model's best trial on these rows, asked about test; part: `final`, all of train, or `all` rows there are."""

    contest: Contest
    trial: Trial
    part: str
    at: Array

    @property
    def key(self) -> str:
        return f"{self.trial.id}@{self.part}"

    @property
    def model(self) -> str:
        return self.contest.name

    @property
    def rank(self) -> int:
        return self.contest.model.rank

    @property
    def rows(self) -> int:
        return len(self.at)


def final_fit(course: Course, contest: Contest) -> FinalFit:
    """Return the fit of a model's best trial, which there must be, on all of train."""
    return FinalFit(contest, best_trial(contest), "final", course.split.train)


def fit_of_all_rows(course: Course, contest: Contest) -> FinalFit:
    """Return the fit of a model's best trial on the rows of train and test."""
    rows = np.sort(np.concatenate([course.split.train, course.split.test]))
    return FinalFit(contest, best_trial(contest), "all", rows)


def best_trial(contest: Contest) -> Trial:
    if contest.best is None:
        raise KeyError(contest.name)
    return contest.best.trial


def run_finals(course: Course, finals: Sequence[FinalFit]) -> Mapping[str, Fitted]:
    """Fit all of them, those that take long first; return what became of each, by key."""
    data: dict[str, FoldData] = {}
    found: dict[str, Fitted] = {
        final.key: adopt(course, final) for final in finals if learned_by_members(course, final)
    }
    finals = [final for final in finals if final.key not in found]
    threads = inner_threads(course, finals)

    def make(final: FinalFit) -> FitJob:
        data[final.key] = data_of(course, final)
        return final_job(course, final, data[final.key], threads[final.key])

    def on_start(key: str, pid: int, in_main: bool) -> None:  # noqa: ARG001 - contracts.OnStart
        if in_main:
            course.log.write_started(key)

    jobs = Jobs(finals, make, course.pace)
    for outcome in course.executor.run(jobs, on_start):
        course.log.write_ended(outcome.key)
        found[outcome.key] = (outcome, data[outcome.key])
    found.update({final.key: (outcome, None) for final, outcome in jobs.broken})
    return found


def data_of(course: Course, final: FinalFit) -> FoldData:
    return course.store.get(champion_blueprint(final.contest).recipe, final.part, final.at, course.split.test)


def learned_by_members(course: Course, final: FinalFit) -> tuple[tuple[Preparation | None, Any], ...]:
    """Return what the champions of a committee's members learned from these rows; () where it must be fitted itself."""
    model = final.contest.model
    if not model.combines or model.isolated or final.part != "final" or not course.sharing:
        return ()
    champions = [course.contests[name].champion for name in model.spec.members]
    kept = [None if champion is None else champion.model for champion in champions]
    return tuple((each.preparation, each.estimator) for each in kept if each) if all(kept) else ()


def adopt(course: Course, final: FinalFit) -> Fitted:
    """Return a committee made of its members' champions, here: no fit. What it took to fit is what they took."""
    data = data_of(course, final)
    job = replace(final_job(course, final, data, threads=1), learned=learned_by_members(course, final))
    with OneThread() as threads:
        outcome = run_job(job, threads)
    if outcome.failure is None:
        members = [course.contests[name].champion for name in final.contest.model.spec.members]
        seconds = sum(member.fit_seconds or 0.0 for member in members if member)
        outcome = replace(outcome, value=replace(outcome.value, fit_seconds=seconds))
    return outcome, data


def inner_threads(course: Course, finals: Sequence[FinalFit]) -> Mapping[str, int]:
    """Return how many threads each fit has: cores that no other fit needs, where that changes no bit."""
    threads: dict[str, int] = {}
    cores, expected = course.executor.cores, {final.key: course.pace.seconds(final) or 0.0 for final in finals}
    for final in finals:
        entry, params = final.contest.model.entry, champion_blueprint(final.contest).params
        exact = entry.with_threads is not None and entry.thread_exact(params)
        seconds = expected[final.key]
        if exact and entry.threads_yield and outlasts(seconds, sum(expected.values()) - seconds, cores):
            threads[final.key] = cores
        else:
            threads[final.key] = threads_for(len(finals), cores, seconds) if exact else 1
    return threads


def final_job(course: Course, final: FinalFit, data: FoldData, threads: int) -> FitJob:
    """Return the fit as an executor runs it."""
    return FitJob(
        key=final.key,
        blueprint=champion_blueprint(final.contest),
        trials=((final.trial.id, final.trial.params),),
        data=data,
        metrics=(),
        spec_seed=course.spec.seed,
        repeat=FINAL,
        fold=FINAL,
        isolated=final.contest.model.isolated or final.key in course.log.suspects,
        timeout=course.spec.search.timeout,
        target_transform=course.spec.target_transform,
        keep=True,
        threads=threads,
    )
