"""What is tracked of a run beside its scores: the cost of each fit, its loss curves, the load of the system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Timing:
    """A line of timings.jsonl: what one fit cost, for all the trials that shared it.

    fit: its trials and its fold, such as xgboost/0003@0.2. status: done, or the reason of its failure.
    rows_per_second: training rows over fit_seconds. wall_seconds, cpu_seconds: predicting and scoring included.
    peak_bytes: the most resident memory that its process had had by then; null where the platform does not tell.
    error, message: class and message of the exception, of a failed fit.
    """

    fit: str
    model: str
    status: str
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    fit_seconds: float | None = None
    predict_seconds: float | None = None
    rows_per_second: float | None = None
    peak_bytes: int | None = None
    warnings: tuple[str, ...] = ()
    error: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class LossCurves:
    """A line of curves.jsonl: how the losses of one trial went on one fold, round by round (epoch, iteration).

    curves: name → losses, null where one is not finite. `train` is about rows that the model was fitted on,
    `validation` about rows of the fold that was held out; a curve of any other name is as its library keeps it.
    rounds: name → the round of each loss; a curve that is not named there has one a round, from round 1 on.
    """

    trial: str
    fold: str
    curves: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    rounds: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SystemSample:
    """A line of system.jsonl: the load of the run's processes, workers and all, once a second.

    seconds: since the run began. A run that was cut off and went on has a gap there.
    cpu_percent: since the line before, of one core, summed: 200 = two cores busy. null in the first line of each
    process that worked on the run, so that a resume can be seen.
    memory_bytes: resident, summed; pages that processes share count in each.
    read_bytes, write_bytes: from and to the disk, since the run began; null where the system does not tell.
    """

    seconds: float
    cpu_percent: float | None
    memory_bytes: int
    read_bytes: int | None
    write_bytes: int | None
    processes: int
