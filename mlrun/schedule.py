"""From what fits took to the order of those to come, the longest first, and to how many threads each may have."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from mlrun import runs

WORTH_THREADS_SECONDS = 5.0  # of a fit; shorter ones gain nothing that another thread does not cost
BUSY_CORES = 0.3  # that others may use while a fit has several threads
LOOK_SECONDS = 0.2


class Ahead(Protocol):
    """A fit that is to come; rank: the simplicity of its family; rows: of training."""

    @property
    def key(self) -> str: ...

    @property
    def model(self) -> str: ...

    @property
    def rank(self) -> int: ...

    @property
    def rows(self) -> int: ...


AheadT = TypeVar("AheadT", bound=Ahead)


@dataclass(slots=True)
class Pace:
    """Seconds for each row of training, by model and by the trials that shared a fit; this run's before an earlier's.

    Only the order in which fits run comes from it, never what they give, so it may be wrong.
    """

    earlier: dict[str, float] = field(default_factory=dict)
    _taken: dict[str, tuple[float, int]] = field(default_factory=dict)  # the sum, and of how many
    _models: set[str] = field(default_factory=set)

    @property
    def measured(self) -> int:
        """Return of how many models a fit of this run was measured."""
        return len(self._models)

    def note(self, fit: str, model: str, rows: int, seconds: float) -> None:
        """Learn what a fit of this run took."""
        if rows > 0:
            self._models.add(model)
            for name in (trials_of(fit), model):
                total, count = self._taken.get(name, (0.0, 0))
                self._taken[name] = (total + seconds / rows, count + 1)

    def seconds(self, fit: Ahead) -> float | None:
        """Return what a fit will probably take: as the same trials on other rows, else as its model's; None = unknown.

        A champion's fit is one trial, which may have shared a wider one.
        """
        for name in (trials_of(fit.key), fit.model):
            for known in (self._mean(name), self.earlier.get(name)):
                if known is not None:
                    return known * fit.rows
        return None

    def _mean(self, name: str) -> float | None:
        total, count = self._taken.get(name, (0.0, 0))
        return total / count if count else None


def trials_of(fit: str) -> str:
    """Return which trials a fit is of: its key but for the fold."""
    return fit.rpartition("@")[0]


def longest_first(fits: Sequence[AheadT], pace: Pace) -> list[AheadT]:
    """Return the fits in the order in which they should run, so that none is left running alone for long.

    Those of which nothing is known come first, of the least simple family first: they may be the longest. Equal ones
    stay as they were proposed. (Graham 1969, "Bounds on multiprocessing timing anomalies": at most 4/3 of the best.)
    """

    def place(fit: Ahead) -> tuple[bool, float]:
        seconds = pace.seconds(fit)
        return (False, -fit.rank) if seconds is None else (True, -seconds)

    return sorted(fits, key=place)


def threads_for(fits: int, cores: int, seconds: float | None) -> int:
    """Return how many threads each of some fits may have, when they give the same on any number: often just one.

    fits: that run at the same time. seconds: what one will probably take, None = unknown. Threads on cores that others
    use wait for each other: a fit of .3 s took 14.6 s on two of them; so the machine is looked at first.
    """
    threads = cores // max(1, fits)
    if threads < 2 or seconds is None or seconds < WORTH_THREADS_SECONDS:
        return 1
    return threads if idle_cores() >= cores - BUSY_CORES else 1


def outlasts(seconds: float, others: float, cores: int) -> bool:
    """Say whether a fit would run on alone for long, when all others (their seconds together) are done."""
    return cores > 1 and seconds - others / (cores - 1) > WORTH_THREADS_SECONDS / 2


def idle_cores() -> float:
    """Return how many of the cores that this process may use nobody uses now; looks for a moment."""
    import psutil

    used = psutil.cpu_percent(LOOK_SECONDS, percpu=True)
    ours = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(len(used))
    return sum(1 - used[core] / 100 for core in ours if core < len(used))


def earlier_pace(root: Path, experiment: str) -> dict[str, float]:
    """Return the seconds for each row of an experiment's newest run that has timings, by model and by trials."""
    for run in runs.iter_runs(root, experiment):
        taken: dict[str, list[float]] = defaultdict(list)
        for fit, model, rows, seconds in timed(runs.run_path(root, run.experiment, run.version) / "timings.jsonl"):
            for name in (trials_of(fit), model):
                taken[name].append(seconds / rows)
        if taken:
            return {name: sum(each) / len(each) for name, each in taken.items()}
    return {}


def timed(file: Path) -> Iterator[tuple[str, str, float, float]]:
    """Yield (fit, model, rows, seconds) of the fits that succeeded; lines that cannot be read are left out."""
    try:
        lines: Iterable[bytes] = file.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            said: dict[str, Any] = json.loads(line)
            rows = float(said["rows_per_second"]) * float(said["fit_seconds"])
            if said["status"] == "done" and rows > 0:
                yield str(said["fit"]), str(said["model"]), rows, float(said["wall_seconds"])
        except (ValueError, TypeError, KeyError):
            continue
