"""From a planned trial to the earlier run that it is taken over from, or to what keeps it from that, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlrun import runs
from mlrun.comparison.differing import Today, what_differs
from mlrun.comparison.origins import Origins, read_origins
from mlrun.opening import EARLIER_RUNS, whole_trials
from mlrun.origin.identity import canonical_json
from mlrun.records import Trial, TrialResult
from mlrun.store.run_record import RunRecord

Key = tuple[str, bytes]  # family, params
NO_CACHE, NO_RUN, NEW_PARAMS = "--no-cache", "no earlier run", "params not tried before"
MEMBERS_FIRST = "its members are chosen first"
UNKNOWN = "something that the run's record does not tell"


@dataclass(frozen=True, slots=True)
class Reuse:
    """What becomes of a trial. reused: from `run`; else why not, beside `run`, the newest one that tried the same."""

    reused: bool
    run: str = ""
    why: str = ""


@dataclass(slots=True)
class EarlierRun:
    """An earlier run with its trials; own: made by this user, and not changed since."""

    record: RunRecord
    path: Path
    own: bool
    trials: Mapping[str, TrialResult]
    tried: Mapping[Key, tuple[TrialResult, ...]]
    _origins: Origins | None = field(default=None)

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def origins(self) -> Origins:
        if self._origins is None:
            self._origins = read_origins(self.path)
        return self._origins


def earlier_runs(root: Path, experiment: str) -> tuple[EarlierRun, ...]:
    """Return the newest runs of an experiment, newest first; trials that cannot be read count as not tried."""
    found = []
    for record in runs.iter_runs(root, experiment):
        if record.erasures:  # as in opening: what a person was erased from gives nothing on
            continue
        path = runs.run_path(root, record.experiment, record.version)
        results = whole_trials(path)
        tried: dict[Key, tuple[TrialResult, ...]] = {}
        for result in results:
            key = key_of(result.trial)
            tried[key] = (*tried.get(key, ()), result)
        found.append(EarlierRun(record, path, runs.is_own(path), {each.identity: each for each in results}, tried))
        if len(found) == EARLIER_RUNS:
            break
    return tuple(found)


def key_of(trial: Trial) -> Key:
    return trial.family, canonical_json(trial.params)


def explain(trial: Trial, identity: str, metrics: Sequence[str], earlier: Sequence[EarlierRun], today: Today) -> Reuse:
    """Say whether a trial will be taken over, and from which run; else what keeps it from that."""
    same = next((run for run in earlier if run.own and is_done(run, identity)), None)
    if same is not None:
        missing = [label for label in metrics if label not in same.trials[identity].scores]
        if not missing:
            return Reuse(True, same.name)
        return Reuse(False, same.name, f"{', '.join(missing)} not scored there")
    if not earlier:
        return Reuse(False, "", NO_RUN)
    for run in earlier:
        if result := like(run, trial):
            return Reuse(False, run.name, why_not(run, result, trial, identity, today))
    return Reuse(False, "", NEW_PARAMS)


def is_done(run: EarlierRun, identity: str) -> bool:
    return identity in run.trials and run.trials[identity].status == "done"


def like(run: EarlierRun, trial: Trial) -> TrialResult | None:
    """Return the run's trial of this family with these params: the one of this model, else of one of another name."""
    found = run.tried.get(key_of(trial), ())
    return next((result for result in found if result.trial.model == trial.model), found[0] if found else None)


def why_not(run: EarlierRun, result: TrialResult, trial: Trial, identity: str, today: Today) -> str:
    """Return why a run's trial with these params is not this one."""
    if result.identity == identity:
        if result.status != "done":
            return f"it failed there ({result.reason or result.status}), and is tried again"
        return "that run was made elsewhere, by an older mlrun, or changed since"
    causes = tuple(distinct(run, result, trial, today))
    return "; ".join(causes) if causes else UNKNOWN


def distinct(run: EarlierRun, result: TrialResult, trial: Trial, today: Today) -> Iterator[str]:
    """Yield each thing that differs."""
    if result.trial.model != trial.model:
        yield f"the model was called {result.trial.model}, and seeds follow the name"
    yield from what_differs(run.record, run.origins, result.trial.model, trial.model, today)
