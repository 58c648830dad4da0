"""A run under way: what its rounds, champions and baselines share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlrun.contest import Contest
from mlrun.contracts import Executor
from mlrun.events import FitStarted
from mlrun.records import Dataset, MetricSpec, Split
from mlrun.schedule import Pace

if TYPE_CHECKING:
    from mlrun.fold_data import FoldStore
    from mlrun.opening import Opened
    from mlrun.recording import Recording
    from mlrun.run_identity import RunIdentity
    from mlrun.run_log import RunLog
    from mlrun.spec import Spec


Hear = Callable[[FitStarted], None]


def ignore(event: FitStarted) -> None:
    """Hear nothing: for callers that only take what is yielded."""


@dataclass(slots=True)
class Counts:
    """Fits of the rounds: planned after sharing, run, without any sharing; trials reused from earlier runs; rounds."""

    planned: int = 0
    run: int = 0
    reused: int = 0
    unshared: int = 0
    rounds: int = 0


@dataclass(frozen=True, slots=True)
class Course:
    """What all rounds of a run share."""

    spec: Spec
    dataset: Dataset
    split: Split
    metrics: tuple[MetricSpec, ...]
    contests: Mapping[str, Contest]
    store: FoldStore
    executor: Executor
    identity: RunIdentity
    opened: Opened
    hear: Hear  # told at once when a fit begins; all else is yielded
    recording: Future[Recording]
    sharing: bool = True  # one fit for the trials that it can answer for
    counts: Counts = field(default_factory=Counts)
    pace: Pace = field(default_factory=Pace)

    @property
    def log(self) -> RunLog:
        return self.opened.log
