"""Pictures of the system's load while a run lived: CPU, memory and disk, second by second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mlrun.picture.shapes import Axis, Chart, Curve, Picture, Point, axis
from mlrun.tracked import SystemSample
from mlrun.wording import size

PLACES = 120  # along the time: of more samples the mean is drawn, of memory the most
SMALL = 6  # rows of a picture that only hints
MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class Loads:
    """What is drawn, by seconds: percent of a core, MiB, MiB since the start; zero while the run was cut off."""

    cpu: tuple[Point, ...]
    memory: tuple[Point, ...]
    read: tuple[Point, ...]
    written: tuple[Point, ...]


def load_picture(samples: Sequence[SystemSample], cores: int | None) -> Picture | None:
    """Return CPU and memory in one small picture, each against its peak; None where there are too few samples."""
    loads = loads_of(samples)
    if len(loads.cpu) < 2:
        return None
    cpu, memory = (max(y for _, y in points) for points in (loads.cpu, loads.memory))
    most = size(round(memory * MEBIBYTE))
    told = f"At most {cpu / 100:.1f}{f' of {cores}' if cores else ''} cores busy, {most} of memory at once."
    curves = (
        Curve(f"CPU, 100 = {cpu / 100:.1f} cores", shares(loads.cpu, cpu)),
        Curve(f"memory, 100 = {most}", shares(loads.memory, memory)),
    )
    scale = Axis("percent of the peak", 0, 105)
    return Chart("System load", told, seconds(samples), scale, curves, rows=SMALL)


def load_pictures(samples: Sequence[SystemSample], cores: int | None) -> Iterator[Picture]:
    """Yield the load in its own units: CPU, memory, what was read from and written to the disk."""
    loads, time = loads_of(samples), seconds(samples)
    if len(loads.cpu) < 2:
        return
    most = max(y for _, y in loads.cpu)
    told = f"{most:,.0f} % at most; 100 % is one core" + (f", of {cores}." if cores else ".")
    yield Chart("CPU of all processes", told, time, upwards("percent", loads.cpu), (Curve("CPU", loads.cpu),))
    most = max(y for _, y in loads.memory)
    told = f"{size(round(most * MEBIBYTE))} at most; pages that processes share count in each."
    curve = Curve("memory", loads.memory)
    yield Chart("Memory of all processes", told, time, upwards("MiB", loads.memory), (curve,))
    curves = tuple(
        Curve(name, points) for name, points in (("written", loads.written), ("read", loads.read)) if len(points) > 1
    )
    if curves:
        told = " and ".join(f"{size(round(curve.points[-1][1] * MEBIBYTE))} {curve.name}" for curve in curves)
        points = [point for curve in curves for point in curve.points]
        yield Chart("Bytes to and from the disk", f"{told}.", time, upwards("MiB since the start", points), curves)


def seconds(samples: Sequence[SystemSample]) -> Axis:
    return axis("seconds since the start", (sample.seconds for sample in samples), low=0)


def upwards(label: str, points: Sequence[Point]) -> Axis:
    """Return an axis from zero up."""
    return axis(label, [1e-3, *(y for _, y in points)], low=0)


def shares(points: Sequence[Point], most: float) -> tuple[Point, ...]:
    """Return the points in percent of the most."""
    return tuple((x, 100 * y / most if most > 0 else 0.0) for x, y in points)


def loads_of(samples: Sequence[SystemSample]) -> Loads:
    """Return what is drawn of samples in the order of their time."""
    cut_off, steps = pauses(samples), parts(samples)
    begun = [*samples[:1], *(after for _, after in cut_off)]
    nothing = [(before.seconds, 1, 0.0) for before, _ in cut_off] + [(after.seconds, -1, 0.0) for _, after in cut_off]
    memory = [(each.seconds, 0, each.memory_bytes / MEBIBYTE) for each in begun]
    memory += [(step[-1][1].seconds, 0, max(after.memory_bytes for _, after in step) / MEBIBYTE) for step in steps]
    cpu = [(step[-1][1].seconds, 0, mean_cpu(step)) for step in steps]
    ends = [*samples[:1], *(step[-1][1] for step in steps)]
    return Loads(
        in_order([*cpu, *nothing]),
        in_order([*memory, *nothing]),
        tuple((each.seconds, each.read_bytes / MEBIBYTE) for each in ends if each.read_bytes is not None),
        tuple((each.seconds, each.write_bytes / MEBIBYTE) for each in ends if each.write_bytes is not None),
    )


def in_order(places: Sequence[tuple[float, int, float]]) -> tuple[Point, ...]:
    """Return points by their x; of several at one x as their second number says."""
    return tuple((x, y) for x, _, y in sorted(places))


def mean_cpu(steps: Sequence[tuple[SystemSample, SystemSample]]) -> float:
    """Return the mean percent of a core over some steps."""
    passed = sum(after.seconds - before.seconds for before, after in steps)
    used = sum((after.cpu_percent or 0) * (after.seconds - before.seconds) for before, after in steps)
    return used / passed if passed > 0 else 0.0


def parts(samples: Sequence[SystemSample]) -> list[list[tuple[SystemSample, SystemSample]]]:
    """Return the steps from sample to sample, within one process each, those that share a place together."""
    wide = (samples[-1].seconds - samples[0].seconds) / PLACES if samples else 0.0
    found: list[list[tuple[SystemSample, SystemSample]]] = []
    for before, after in pairwise(samples):
        if after.cpu_percent is None:
            continue
        if found and found[-1][-1][1] is before and after.seconds - found[-1][0][0].seconds <= wide:
            found[-1].append((before, after))
        else:
            found.append([(before, after)])
    return found


def pauses(samples: Sequence[SystemSample]) -> list[tuple[SystemSample, SystemSample]]:
    """Return the last sample before, and the first one after, each time that no process worked on the run."""
    return [(before, after) for before, after in pairwise(samples) if after.cpu_percent is None]
