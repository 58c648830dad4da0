"""From the searches' proposals to finished trials, round by round: reuse what is known, share fits, run the rest."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from mlrun import metrics
from mlrun.contest import Contest, mean_score, with_identity
from mlrun.course import Course
from mlrun.events import Event, FitFinished, FitStarted, Noted, RoundPlanned, TrialFinished
from mlrun.fit import FitValue, TrialAnswer
from mlrun.fit_jobs import Group, Jobs, make_job
from mlrun.pipelines import Blueprint
from mlrun.plan import PlannedModel, blueprint_of, budget_of, propose_trials, share_fits
from mlrun.records import Failure, Fold, Outcome, Trial, TrialResult


def run_level(course: Course, contests: Sequence[Contest]) -> Iterator[Event]:
    """Run the searches of models that wait for no other: round after round, until none proposes anything."""
    while True:
        proposed = {contest.model.name: propose(course, contest) for contest in contests}
        if not any(proposed.values()):
            return
        fitted = [contest for contest in contests if not contest.model.combines]
        cached = [closed for contest in contests for closed in reuse(course, contest)]
        kept = [closed for contest in fitted for closed in recall(course, contest)]
        groups = [group for contest in fitted for group in group_open(course, contest)]
        yield count_round(course, proposed, len(cached), len(groups))
        yield from (told(contest, result) for contest, result in (*cached, *kept))
        yield from run_combinations(course, contests)
        yield from run_groups(course, groups)


def count_round(course: Course, proposed: Mapping[str, Sequence[Trial]], cached: int, fits: int) -> RoundPlanned:
    """Count a round, and return what is told of it; unshared: the fits of its trials if none shared or combined."""
    counts = course.counts
    fitted = [trials for name, trials in proposed.items() if not course.contests[name].model.combines]
    counts.rounds += 1
    counts.reused += cached
    counts.planned += fits
    counts.unshared += len(course.split.folds) * sum(map(len, fitted))
    models = tuple(name for name, trials in proposed.items() if trials)
    return RoundPlanned(counts.rounds, sum(map(len, proposed.values())), cached, fits, models)


def propose(course: Course, contest: Contest) -> list[Trial]:
    """Ask the strategy for trials and open them; none when the budget is spent or a member has no champion.

    What the strategy takes to think is spent too: where fits take milliseconds, it is most of what there is to spend.
    """
    model, spec = contest.model, course.spec
    budget = budget_of(spec, model, course.split.folds, contest.cpu_seconds)
    if budget.is_spent and contest.best is not None:
        return []
    begun = time.process_time()
    proposed = propose_trials(spec, model, contest.history(), budget)
    contest.cpu_seconds += time.process_time() - begun
    missing = [name for name in model.spec.parts if not is_usable(course, model, name)]
    if missing:
        reason = Failure("member_failed", missing[0]).code
        for trial in proposed:
            contest.take_result(TrialResult(trial, "skipped", {}, reason, ""))
        return proposed
    champions = {name: champion_blueprint(course.contests[name]) for name in model.spec.parts}
    task, contamination = course.dataset.task, spec.anomaly.contamination
    for trial in proposed:
        blueprint = blueprint_of(model, trial.params, task, spec.folder, champions, contamination)
        contest.admit(trial, course.identity.of(blueprint, trial.fidelity), blueprint)
    return proposed


def is_usable(course: Course, model: PlannedModel, member: str) -> bool:
    """Say whether an ensemble can be made with a member: with its best trial, and what that predicted of every fold."""
    contest = course.contests[member]
    return contest.best is not None and (not model.combines or len(contest.best_predictions) == len(contest.folds))


def champion_blueprint(contest: Contest) -> Blueprint:
    """Return how to build the best trial of a model."""
    if contest.best is None:
        raise KeyError(contest.model.name)
    return contest.blueprints[contest.best.trial.id]


def reuse(course: Course, contest: Contest) -> list[tuple[Contest, TrialResult]]:
    """Close the open trials that an earlier run finished with all metrics asked for."""
    found = []
    for opened in list(contest.open.values()):
        stored = course.opened.known.get(opened.identity)
        if stored is not None and all(metric.label in stored.scores for metric in course.metrics):
            result = contest.take_result(with_identity(stored, opened.trial, opened.identity))
            found.append((contest, result))
    return found


def run_combinations(course: Course, contests: Sequence[Contest]) -> Iterator[Event]:
    """Score ensembles whose prediction follows from their members': no fit (spec.md section 4)."""
    for contest in contests:
        for opened in list(contest.open.values()) if contest.model.combines else ():
            for fold in course.split.folds:
                result = contest.take_answer(fold, combined(course, contest, opened.trial, fold))
                if result is not None:
                    yield told(contest, result)


def combined(course: Course, contest: Contest, trial: Trial, fold: Fold) -> TrialAnswer:
    """Return what an ensemble says of a fold's held-out rows, from what its members said of them."""
    dataset, spec, combine = course.dataset, course.spec, contest.model.entry.combine
    if combine is None:
        raise KeyError(contest.name)
    parts = [course.contests[name].best_predictions[fold.name] for name in contest.model.spec.members]
    if spec.target_transform == "log":  # the ensemble averages what its members are fitted to
        parts = [replace(part, values=np.log(part.values)) for part in parts]
    prediction = combine(trial.params, parts, dataset.task)
    if spec.target_transform == "log":
        prediction = replace(prediction, values=np.exp(prediction.values))
    scores: Mapping[str, float | None] = {}
    if dataset.truth is not None:
        scores = metrics.score(course.metrics, dataset.truth[fold.valid], prediction, dataset.task, spec.folder)
    return TrialAnswer(trial.id, prediction, scores)


def recall(course: Course, contest: Contest) -> list[tuple[Contest, TrialResult]]:
    """Give the open trials the scores that the journal of an interrupted run kept; return those that it closes."""
    found = []
    for opened in list(contest.open.values()):
        for fold in course.split.folds:
            kept = course.log.finished(opened.trial, fold)
            result = None if kept is None else contest.take_scores(fold, opened.trial.id, kept)
            if result is not None:
                found.append((contest, result))
    return found


def group_open(course: Course, contest: Contest) -> list[Group]:
    """Return the fits that the open trials still need."""
    groups: list[Group] = []
    opened = [opened.trial for opened in contest.open.values()]
    shared = share_fits(contest.model.entry, opened) if course.sharing else [(trial,) for trial in opened]
    for trials in shared:
        for fold in course.split.folds:
            missing = tuple(trial for trial in trials if course.log.finished(trial, fold) is None)
            if missing:
                groups.append(Group(contest, missing, fold))
    return groups


def run_groups(course: Course, groups: Sequence[Group]) -> Iterator[Event]:
    """Run fits on the executor; a shared fit that fails is taken apart once, so that only the guilty trials fail."""
    apart: list[Group] = []
    done = 0
    for group, outcome in run_jobs(course, groups):
        done += 1
        course.counts.run += 1
        group.contest.cpu_seconds += outcome.cpu_seconds
        yield FitFinished(group.key, group.contest.model.name, outcome.failure, outcome.wall_seconds, done, len(groups))
        if outcome.failure is not None and len(group.trials) > 1:
            apart.extend(Group(group.contest, (trial,), group.fold) for trial in group.trials)
            continue
        yield from settle(course, group, outcome)
    if apart:
        yield from run_groups(course, apart)


def settle(course: Course, group: Group, outcome: Outcome) -> Iterator[Event]:
    """Write a fit's outcome to the log, then close the trials that it completes."""
    contest, fold = group.contest, group.fold
    course.log.write_fit(group.key, group.trials, fold, outcome)
    if outcome.failure is not None:
        results = [contest.take_failure(fold, trial.id, outcome.failure) for trial in group.trials]
    else:
        value: FitValue = outcome.value
        results = [contest.take_answer(fold, answer) for answer in value.answers]
    for result in results:
        if result is not None:
            yield told(contest, result)


def run_jobs(course: Course, groups: Sequence[Group]) -> Iterator[tuple[Group, Outcome]]:
    """Yield the outcome of every group's fit, as they come in; those that take long begin first."""
    by_key = {group.key: group for group in groups}
    jobs = Jobs(groups, lambda group: make_job(course, group), course.pace)

    def on_start(key: str, pid: int, in_main: bool) -> None:
        if in_main:
            course.log.write_started(key)
        course.hear(FitStarted(key, by_key[key].contest.model.name, pid))

    for outcome in course.executor.run(jobs, on_start):
        group = by_key[outcome.key]
        if outcome.failure is None:
            course.pace.note(group.key, group.model, group.rows, outcome.wall_seconds)
        yield group, outcome
        course.log.write_ended(outcome.key)
    yield from jobs.broken


def told(contest: Contest, result: TrialResult) -> TrialFinished:
    """Return the event of a finished trial, with its mean and its model's best so far."""
    if not contest.metrics:
        return TrialFinished(result, "", None, None)
    first = contest.metrics[0]
    best = None if contest.best is None else mean_score(contest.best, first)
    return TrialFinished(result, first.label, mean_score(result, first), best)


def complete_predictions(course: Course, contests: Sequence[Contest]) -> Iterator[Event]:
    """Fit again what resumed or reused champions lack: their predictions of the folds (the same, by the same seeds)."""
    groups = [
        Group(contest, (contest.best.trial,), fold)
        for contest in contests
        if contest.best is not None
        for fold in course.split.folds
        if fold.name not in contest.best_predictions
    ]
    failures: dict[str, Failure] = {}
    for group, outcome in run_jobs(course, groups):
        if outcome.failure is None:
            group.contest.best_predictions[group.fold.name] = outcome.value.answers[0].prediction
        else:
            failures[group.key] = outcome.failure
    for group in groups:
        if group.key in failures:
            told = f"no predictions of fold {group.fold.name} ({failures[group.key].code})"
            yield Noted(f"{group.model}: {told}", warning=True)
