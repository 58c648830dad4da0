"""From a spec to what its run would do, without a fit: trials, fits after sharing, what is reused, the time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlrun import runs
from mlrun.check_contracts import Check, Context, Subject
from mlrun.check_entries import find_check
from mlrun.errors import UsageError
from mlrun.opening import earlier_results
from mlrun.plan import PlannedModel, blueprint_of, propose_trials, share_fits
from mlrun.ready import Ready, make_ready
from mlrun.records import PlannedTest, Trial, TrialResult
from mlrun.references import resolve_references
from mlrun.run_options import TrainOptions
from mlrun.suite import with_automatic, with_spec
from mlrun.wording import told_error, told_test


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A model of the plan; fits: after sharing and reuse; why: of those not reused; seconds: expected, or None."""

    model: str
    family: str
    rank: int
    trials: int
    cached: int
    unshared: int
    fits: int
    why: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class PlannedEvaluation:
    """The tests that follow the training; fits: theirs, 1 = a champion on all of train; left_out: those of `auto`."""

    tests: tuple[str, ...]
    fits: float
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What `mlrun plan` prints."""

    experiment: str
    task: str
    train_rows: int
    test_rows: int
    folds: int
    metrics: tuple[str, ...]
    notes: tuple[str, ...]
    lines: tuple[PlanLine, ...]
    baselines: tuple[str, ...]
    evaluation: PlannedEvaluation
    gates: tuple[str, ...] = ()

    @property
    def seconds(self) -> float | None:
        known = [line.seconds for line in self.lines]
        return None if None in known else sum(second for second in known if second is not None)


def make_plan(path: Path, overrides: Sequence[str], options: TrainOptions) -> PlanReport:
    """Check a spec against its data and say what its run would do; raises SpecError, DataError as `train` does."""
    ready = make_ready(path, overrides, options.sample)
    root = runs.runs_root(ready.spec.folder, options.runs)
    references = resolve_references(ready.spec, root)
    known = {} if options.no_cache else earlier_results(root, ready.spec, ready.identity)[0]
    measured = measured_seconds(root, ready.spec.experiment)
    why = why_not_reused(root, ready, options)
    return PlanReport(
        experiment=ready.spec.experiment,
        task=ready.dataset.task.kind,
        train_rows=len(ready.split.train),
        test_rows=len(ready.split.test),
        folds=len(ready.split.folds),
        metrics=tuple(metric.label for metric in ready.metrics),
        notes=(*ready.dataset.notes, *ready.split.notes, *references.notes),
        lines=tuple(plan_line(ready, model, known, why, measured) for model in ready.models),
        baselines=tuple(baseline.name for baseline in ready.spec.baselines),
        evaluation=plan_evaluation(ready),
        gates=tuple(map(str, ready.spec.gates)),
    )


def plan_line(
    ready: Ready, model: PlannedModel, known: Mapping[str, TrialResult], why: str, measured: Mapping[str, float]
) -> PlanLine:
    """Return a model's line; what an ensemble is made of is not known yet, so nothing of it counts as reused."""
    trials = propose_trials(ready.spec, model, ())
    folds = len(ready.split.folds)
    waiting = trials
    if not model.spec.parts:
        waiting = [trial for trial in trials if identity_of(ready, model, trial) not in known]
    fits = 0 if model.combines else len(share_fits(model.entry, waiting)) * folds
    each = 0.0 if fits == 0 else measured.get(model.name)
    return PlanLine(
        model=model.name,
        family=model.spec.family,
        rank=model.rank,
        trials=len(trials),
        cached=len(trials) - len(waiting),
        unshared=0 if model.combines else len(trials) * folds,
        fits=fits,
        why="" if not waiting else "its members are chosen first" if model.level else why,
        seconds=None if each is None else each * (fits + 1),
    )


def plan_evaluation(ready: Ready) -> PlannedEvaluation:
    """Return which tests will be run, and what they will fit."""
    spec, folds = ready.spec, len(ready.split.folds)
    subjects = tuple(
        Subject(
            name=model.name,
            kind="model",
            family=model.spec.family,
            test=None,
            features=tuple(column.name for column in ready.dataset.features),
            rank=model.rank,
            assumptions=model.entry.assumptions,
            members=model.spec.parts,
            refit=lambda parts: (),  # it will be possible; nothing is fitted here
        )
        for model in ready.models
    )
    trials = {model.name: len(propose_trials(spec, model, ())) for model in ready.models if not model.combines}
    context = Context(
        dataset=ready.dataset,
        rows=ready.split.test,
        train=ready.split.train,
        folds=ready.split.folds,
        metrics=ready.metrics,
        subjects=subjects,
        best=subjects[0].name if subjects else None,
        training_fits=float(sum(each * folds + 1 for each in trials.values())),
    )
    context = with_spec(context, spec)
    suite = spec.evaluation
    tests, refused = with_automatic(context, suite.tests, suite.without) if suite.auto else (suite.tests, [])
    checks = [find_check(test.check, spec.folder) for test in tests]
    return PlannedEvaluation(
        tests=tuple(told_test(test.check, test.name) for test in tests),
        fits=sum(fits_of(check, context, test) for check, test in zip(checks, tests, strict=True)),
        left_out=tuple(dict.fromkeys(told_test(finding.check, finding.test) for finding in refused)),
    )


def fits_of(check: Check, context: Context, test: PlannedTest) -> float:
    """Return how many fits a test will cost; raise UsageError where a check of the user's own cannot say."""
    try:
        return check.fits(context, test.params)
    except Exception as error:
        raise UsageError(f"check '{test.check}' cannot say what it costs: {told_error(error)}") from error


def identity_of(ready: Ready, model: PlannedModel, trial: Trial) -> str:
    """Return the identity that a trial will have."""
    spec = ready.spec
    return ready.identity.of(
        blueprint_of(model, trial.params, ready.dataset.task, spec.folder, {}, spec.anomaly.contamination)
    )


def why_not_reused(root: Path, ready: Ready, options: TrainOptions) -> str:
    """Return the plainest reason why trials must run: what differs from the newest complete run."""
    if options.no_cache:
        return "--no-cache"
    latest = runs.latest_complete(root, ready.spec.experiment)
    if latest is None:
        return "no earlier run"
    if latest.rows_id != ready.identity.digests.rows_id:
        same = latest.data_id == ready.identity.digests.data_id
        return (
            f"the data is not that of {latest.name}"
            if not same
            else f"the rows are in another order than in {latest.name}"
        )
    if latest.code_id != ready.identity.code:
        return f"the code is not that of {latest.name}"
    return f"not in {latest.name} with these params, preparation, folds and packages"


def measured_seconds(root: Path, experiment: str) -> dict[str, float]:
    """Return the mean wall seconds of a fit of each model, from the newest run that has timings."""
    for run in runs.iter_runs(root, experiment):
        file = runs.run_path(root, run.experiment, run.version) / "timings.jsonl"
        if not file.is_file():
            continue
        seconds: dict[str, list[float]] = {}
        for timing in read_timings(file):
            seconds.setdefault(timing[0], []).append(timing[1])
        if seconds:
            return {model: sum(each) / len(each) for model, each in seconds.items()}
    return {}


def read_timings(file: Path) -> Iterator[tuple[str, float]]:
    """Yield (model, wall seconds) of the fits that succeeded; lines that cannot be read are left out."""
    for line in file.read_bytes().splitlines():
        try:
            timing = json.loads(line)
        except ValueError:
            continue
        if timing.get("status") == "done":
            yield str(timing["model"]), float(timing["wall_seconds"])
