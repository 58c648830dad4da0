"""From what was tracked of a run to a few lines and two small pictures: how long, how busy, how much memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from mlrun.comparison.origins import Environment, read_as
from mlrun.picture.load import load_picture, pauses
from mlrun.picture.losses import loss_picture
from mlrun.picture.shapes import Chart
from mlrun.screen.pages import Section
from mlrun.screen.standings import ranked
from mlrun.store.run_record import RunRecord
from mlrun.store.run_tracking import read_curves, read_system, read_timings
from mlrun.tracked import LossCurves, SystemSample, Timing
from mlrun.wording import count, duration, seconds_between, size

ASK = "more with show --all: every curve, fit and trial, predictions beside the truth"


@dataclass(frozen=True, slots=True)
class Tracked:
    """All that was tracked of a run; cores: of the machine, None where that is not known."""

    timings: tuple[Timing, ...]
    curves: tuple[LossCurves, ...]
    samples: tuple[SystemSample, ...]
    cores: int | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run's processes used in all; None where it was not tracked.

    seconds: while a process worked on it. peak_memory_bytes: of all processes at once, or, without samples, of one.
    rows_per_second: training rows over the seconds of the fits alone. paused_seconds: between a cut and the resume.
    """

    fits: int
    failed_fits: int
    seconds: float | None
    cpu_seconds: float | None
    cores_busy: float | None
    cores: int | None
    peak_memory_bytes: int | None
    processes: int | None
    read_bytes: int | None
    written_bytes: int | None
    fits_per_second: float | None
    rows_per_second: float | None
    slowest_model: str | None
    slowest_model_seconds: float | None
    paused_seconds: float


def read_tracked(folder: Path) -> Tracked:
    """Read what was tracked of a run; older runs, and damaged files, have less."""
    environment = read_as(Environment, folder / "env.json")
    machine = {} if environment is None else environment.machine
    cores = next((machine[name] for name in ("cores_allowed", "cores") if name in machine), None)
    return Tracked(
        read_timings(folder), read_curves(folder), read_system(folder), cores if isinstance(cores, int) else None
    )


def tracking(record: RunRecord, tracked: Tracked, *, ask: bool) -> list[Section]:
    """Return the section of a run that was tracked; ask: say how more is seen."""
    if not tracked.timings and not tracked.samples:
        return []
    lines = [*told(summary(record, tracked)), *([ASK] if ask else [])]
    best = next((each for each in ranked(record) if curves_of(tracked, each.trial)), None)
    drawn = [
        None if best is None else model_picture(tracked, best.name, best.trial, small=True),
        load_picture(tracked.samples, tracked.cores),
    ]
    return [Section("tracking", None, tuple(lines), pictures=tuple(each for each in drawn if each is not None))]


def curves_of(tracked: Tracked, trial: str) -> list[LossCurves]:
    return [line for line in tracked.curves if line.trial == trial]


def model_picture(tracked: Tracked, model: str, trial: str, *, small: bool = False) -> Chart | None:
    """Return the loss curves of a model's best trial."""
    return loss_picture(model, curves_of(tracked, trial), small=small)


def summary(record: RunRecord, tracked: Tracked) -> Summary:
    """Return what was used in all."""
    timings, samples = tracked.timings, tracked.samples
    done = [timing for timing in timings if timing.status == "done"]
    paused = sum(after.seconds - before.seconds for before, after in pauses(samples))
    seconds = samples[-1].seconds - paused if samples else seconds_between(record.started, record.finished)
    cpu = used_cpu(samples) if samples else sum(timing.cpu_seconds for timing in timings)
    slowest, its_seconds = slowest_model(timings)
    fit_seconds = sum(timing.fit_seconds or 0 for timing in done)
    rows = sum((timing.rows_per_second or 0) * (timing.fit_seconds or 0) for timing in done)
    last = samples[-1] if samples else None
    return Summary(
        fits=len(timings),
        failed_fits=len(timings) - len(done),
        seconds=seconds,
        cpu_seconds=cpu,
        cores_busy=cpu / seconds if samples and seconds else None,
        cores=tracked.cores,
        peak_memory_bytes=max((each.memory_bytes for each in samples), default=None)
        or max((timing.peak_bytes or 0 for timing in timings), default=0)
        or None,
        processes=max((each.processes for each in samples), default=None),
        read_bytes=None if last is None else last.read_bytes,
        written_bytes=None if last is None else last.write_bytes,
        fits_per_second=len(timings) / seconds if timings and seconds else None,
        rows_per_second=rows / fit_seconds if fit_seconds > 0 else None,
        slowest_model=slowest,
        slowest_model_seconds=its_seconds,
        paused_seconds=paused,
    )


def used_cpu(samples: Sequence[SystemSample]) -> float:
    """Return the CPU seconds of all processes."""
    steps = pairwise(samples)
    return sum((after.cpu_percent or 0) / 100 * (after.seconds - before.seconds) for before, after in steps)


def slowest_model(timings: Sequence[Timing]) -> tuple[str | None, float | None]:
    """Return the model whose fits took longest in all, and how long."""
    taken: dict[str, float] = defaultdict(float)
    for timing in timings:
        taken[timing.model] += timing.wall_seconds
    slowest = max(taken, key=lambda model: taken[model], default=None)
    return slowest, None if slowest is None else taken[slowest]


def told(used: Summary) -> Iterator[str]:
    """Yield a line for each question: how fast, how busy, how much memory and disk."""
    if used.fits:
        line = count(used.fits, "fit") + (f" in {duration(used.seconds)}" if used.seconds else "")
        paces = [
            f"{amount:,.3g} {noun} a second" if amount < 100 else f"{amount:,.0f} {noun} a second"
            for amount, noun in ((used.fits_per_second, "fits"), (used.rows_per_second, "training rows"))
            if amount is not None
        ]
        yield "; ".join([line, *paces, *([f"{used.failed_fits:,} failed"] if used.failed_fits else [])])
    if used.slowest_model is not None:
        yield f"slowest model: {used.slowest_model}, {duration(used.slowest_model_seconds)} for all of its fits"
    if used.cpu_seconds:
        line = f"CPU: {duration(used.cpu_seconds)}" + ("" if used.cores_busy is not None else " for the fits")
        of_cores = f" of {used.cores}" if used.cores else ""
        yield line + (f", {used.cores_busy:.1f}{of_cores} cores busy on average" if used.cores_busy is not None else "")
    if used.peak_memory_bytes:
        many = f" in {count(used.processes, 'process', 'processes')}" if used.processes else " in one process"
        yield f"memory: {size(used.peak_memory_bytes)} at most{many}"
    if used.read_bytes is not None and used.written_bytes is not None:
        yield f"disk: {size(used.read_bytes)} read, {size(used.written_bytes)} written"
    if used.paused_seconds:
        yield f"cut off and gone on with: {duration(used.paused_seconds)} without a process"
