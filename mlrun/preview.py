"""From a spec to what its run would do, without a fit: trials, fits after sharing, what is reused, the time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlrun import runs
from mlrun.check_contracts import Check, Context, Subject
from mlrun.check_entries import find_check
from mlrun.comparison.differing import Today
from mlrun.comparison.origins import Data, Feature
from mlrun.errors import UsageError
from mlrun.origin.code_state import described
from mlrun.origin.identity import RESULT_VERSION
from mlrun.plan import PlannedModel, blueprint_of, foresee_rounds, share_fits
from mlrun.ready import Ready, make_ready
from mlrun.records import Params, PlannedTest, Trial
from mlrun.references import resolve_references
from mlrun.reuse import MEMBERS_FIRST, NO_CACHE, Reuse, earlier_runs, explain
from mlrun.run_identity import named_folds
from mlrun.run_options import TrainOptions
from mlrun.spec import canonical
from mlrun.suite import with_automatic, with_spec
from mlrun.wording import told_error, told_test


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A model of the plan; fits: after sharing and reuse; seconds: expected, or None.

    trials: of the first round; later: of the rounds after it, which depend on its scores and are in `fits`.
    sources: run → trials taken over from it; causes: why others must run → how many; why: the causes in a sentence.
    """

    model: str
    family: str
    rank: int
    trials: int
    cached: int
    unshared: int
    fits: int
    later: int
    why: str
    seconds: float | None
    sources: Mapping[str, int] = field(default_factory=dict)
    causes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlannedTrial:
    """A trial of the plan; reused: from `run`, else why not, beside `run`, the newest that tried the same params."""

    trial: str
    model: str
    params: Params
    reused: bool
    run: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class PlannedEvaluation:
    """The tests that follow the training; fits: theirs, 1 = a champion on all of train; left_out: those of `auto`."""

    tests: tuple[str, ...]
    fits: float
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What `mlrun plan` prints; cpu_seconds: the budget of each model beyond its first trials, None = trials count."""

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
    trials: tuple[PlannedTrial, ...] = ()
    cpu_seconds: float | None = None

    @property
    def seconds(self) -> float | None:
        known = [line.seconds for line in self.lines]
        return None if None in known else sum(second for second in known if second is not None)


def make_plan(path: Path, overrides: Sequence[str], options: TrainOptions) -> PlanReport:
    """Check a spec against its data and say what its run would do; raises SpecError, DataError as `train` does."""
    ready = make_ready(path, overrides, options.sample)
    root = runs.runs_root(ready.spec.folder, options.runs)
    references = resolve_references(ready.spec, root)
    measured = measured_seconds(root, ready.spec.experiment)
    rounds = {model.name: foresee_rounds(ready.spec, model, ready.split.folds) for model in ready.models}
    trials = plan_trials(ready, root, options, rounds)
    return PlanReport(
        experiment=ready.spec.experiment,
        task=ready.dataset.task.kind,
        train_rows=len(ready.split.train),
        test_rows=len(ready.split.test),
        folds=len(ready.split.folds),
        metrics=tuple(metric.label for metric in ready.metrics),
        notes=(*ready.dataset.notes, *ready.split.notes, *references.notes),
        lines=tuple(
            plan_line(ready, model, trials[model.name], rounds[model.name][1:], measured) for model in ready.models
        ),
        baselines=tuple(baseline.name for baseline in ready.spec.baselines),
        evaluation=plan_evaluation(ready, rounds),
        gates=tuple(map(str, ready.spec.gates)),
        trials=tuple(
            PlannedTrial(trial.id, trial.model, trial.params, reuse.reused, reuse.run, reuse.why)
            for each in trials.values()
            for trial, reuse in each
        ),
        cpu_seconds=ready.spec.search.cpu_seconds,
    )


def plan_trials(
    ready: Ready, root: Path, options: TrainOptions, rounds: Mapping[str, Sequence[Sequence[Trial]]]
) -> dict[str, list[tuple[Trial, Reuse]]]:
    """Return each model's first trials with what becomes of them; what an ensemble is made of is not known yet."""
    earlier = () if options.no_cache else earlier_runs(root, ready.spec.experiment)
    today = made_of(ready, options.sample)
    metrics = [metric.label for metric in ready.metrics]

    def reuse(model: PlannedModel, trial: Trial) -> Reuse:
        if model.spec.parts:
            return Reuse(False, why=MEMBERS_FIRST)
        if options.no_cache:
            return Reuse(False, why=NO_CACHE)
        return explain(trial, identity_of(ready, model, trial), metrics, earlier, today)

    return {
        model.name: [(trial, reuse(model, trial)) for trial in next(iter(rounds[model.name]), ())]
        for model in ready.models
    }


def made_of(ready: Ready, sample: int | None) -> Today:
    """Return what the run would be made of, as far as its trials depend on it."""
    identity = ready.identity
    return Today(
        spec=canonical(ready.spec),
        data=Data(
            data_id=identity.digests.data_id,
            rows_id=identity.digests.rows_id,
            rows=ready.dataset.table.height,
            columns=identity.digests.columns,
            schema=ready.dataset.schema,
            folds=named_folds(identity),
            features=tuple(Feature(column.name, column.kind, column.dtype) for column in ready.dataset.features),
        ),
        code_id=identity.code,
        modules=described(identity.modules),
        packages=identity.versions,
        architecture=identity.architecture,
        result_version=RESULT_VERSION,
        sampled=sample,
    )


def plan_line(
    ready: Ready,
    model: PlannedModel,
    trials: Sequence[tuple[Trial, Reuse]],
    later: Sequence[Sequence[Trial]],
    measured: Mapping[str, float],
) -> PlanLine:
    """Return a model's line, with the sums over its trials; later: those of the rounds after the first."""
    waiting = [trial for trial, reuse in trials if not reuse.reused]
    folds = len(ready.split.folds)
    shared = [group for part in (waiting, *later) for group in share_fits(model.entry, part)]
    fits = 0 if model.combines else len(shared) * folds
    each = 0.0 if fits == 0 else measured.get(model.name)
    whole = sum(group[0].fidelity for group in shared) * folds  # fits on all rows that these are worth
    causes = Counter(reuse.why for _, reuse in trials if not reuse.reused)
    return PlanLine(
        model=model.name,
        family=model.spec.family,
        rank=model.rank,
        trials=len(trials),
        cached=len(trials) - len(waiting),
        unshared=0 if model.combines else (len(trials) + sum(map(len, later))) * folds,
        fits=fits,
        later=sum(map(len, later)),
        why=told_causes(causes),
        seconds=None if each is None else each * (whole + 1),
        sources=Counter(reuse.run for _, reuse in trials if reuse.reused),
        causes=causes,
    )


def told_causes(causes: Mapping[str, int]) -> str:
    """Return the causes, the most frequent first; with numbers where there are several."""
    if len(causes) < 2:
        return next(iter(causes), "")
    order = sorted(causes, key=lambda cause: -causes[cause])
    return ", ".join(f"{causes[cause]:,} × {cause}" for cause in order)


def plan_evaluation(ready: Ready, rounds: Mapping[str, Sequence[Sequence[Trial]]]) -> PlannedEvaluation:
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
    fitted = [rounds[model.name] for model in ready.models if not model.combines]
    trials = [sum(trial.fidelity for each in searched for trial in each) for searched in fitted]
    context = Context(
        dataset=ready.dataset,
        rows=ready.split.test,
        train=ready.split.train,
        folds=ready.split.folds,
        metrics=ready.metrics,
        subjects=subjects,
        best=subjects[0].name if subjects else None,
        training_fits=float(sum(each * folds + 1 for each in trials)),
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
        blueprint_of(model, trial.params, ready.dataset.task, spec.folder, {}, spec.anomaly.contamination),
        trial.fidelity,
    )


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
