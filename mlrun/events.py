"""What happens during a run, as `train` tells it while it happens; the command line draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlrun.records import Failure, TrialResult


@dataclass(frozen=True, slots=True)
class Hook:
    """What is to be run (a command), or told (a URL), when a run ends; `${ENV:NAME}` in it is not filled in yet.

    event: done, failed, regressed or always. name: where it stands, such as done.0. body: None = the run's facts.
    """

    event: str
    name: str
    command: tuple[str, ...] = ()
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class SpecRead:
    """The spec could be read; the data has not been looked at yet. folder: that of the spec, absolute."""

    experiment: str
    folder: str
    hooks: tuple[Hook, ...]


@dataclass(frozen=True, slots=True)
class DataLoaded:
    """The table is read and typed; `notes` are sentences worth printing."""

    experiment: str
    task: str
    train_rows: int
    test_rows: int
    features: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunClaimed:
    """The run has its folder; `finished_fits` are those that an interrupted run left."""

    name: str
    folder: str
    resumed: bool
    finished_fits: int


@dataclass(frozen=True, slots=True)
class RoundPlanned:
    """The trials that the searches propose at once; `cached` of them need no fit."""

    number: int
    trials: int
    cached: int
    fits: int
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FitStarted:
    """A fit begins, in the main process or in a worker."""

    key: str
    model: str
    pid: int


@dataclass(frozen=True, slots=True)
class FitFinished:
    """A fit ended; `done` of `total` fits of the round."""

    key: str
    model: str
    failure: Failure | None
    wall_seconds: float
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class TrialFinished:
    """All folds of a trial are there; mean: of the first metric; best: the best mean of its model so far."""

    result: TrialResult
    metric: str
    mean: float | None
    best: float | None


@dataclass(frozen=True, slots=True)
class ChampionStarted:
    """A family's best trial is fitted on all of train."""

    model: str


@dataclass(frozen=True, slots=True)
class CheckStarted:
    """An evaluation test begins: the number `done` + 1 of `total`."""

    check: str
    test: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Noted:
    """A sentence that the user should see: a winner on the edge of its grid, a spent budget, a failed family."""

    text: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing has changed since an earlier run, so that there is no new one; exit_code: the earlier run's."""

    run: str
    folder: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class RunFinished:
    """run.json is written; `folder` holds everything."""

    folder: str
    exit_code: int


Event = (
    SpecRead
    | DataLoaded
    | RunClaimed
    | RoundPlanned
    | FitStarted
    | FitFinished
    | TrialFinished
    | ChampionStarted
    | CheckStarted
    | Noted
    | Unchanged
    | RunFinished
)
