"""What commands cost that take turns, so that a busy machine slows all alike: CPU seconds and wall of processes."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from environments import environment


@dataclass(frozen=True, slots=True)
class Spent:
    """What one process and all that it started cost: user + system seconds, and seconds by the clock."""

    cpu: float
    wall: float


Commands = Mapping[str, Sequence[str]]
Measured = Mapping[str, list[Spent]]


def alternate(
    commands: Commands,
    rounds: int,
    folder: Path,
    *,
    warm: bool = True,
    after: Callable[[Measured], None] = lambda measured: None,
) -> Measured:
    """Return what each command cost in each round; in a round every command runs once, in the order given.

    warm: run all of them once before, uncounted, so that files are in memory. after: told what there is at the end of
    each round, to keep it if a later one is cut off.
    """
    measured: dict[str, list[Spent]] = {name: [] for name in commands}
    for number in range(0 if warm else 1, rounds + 1):
        for name, command in commands.items():
            spent = spend(command, folder)
            print(
                f"  round {number}: {name:<32} {spent.cpu:8.3f} s CPU {spent.wall:8.3f} s", file=sys.stderr, flush=True
            )
            if number:
                measured[name].append(spent)
        if number:
            after(measured)
    return measured


def spend(command: Sequence[str], folder: Path, cores: set[int] | None = None) -> Spent:
    """Run a command in a folder, on these cores only if any are named; return what it cost with its children.

    What it says goes to a file beside, and is shown when it fails. Raises CalledProcessError then.
    """
    said = folder / "said.log"
    with said.open("w") as file:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )
        if cores:
            os.sched_setaffinity(process.pid, cores)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)  # waited for here: Popen must not try again
        wall = time.perf_counter() - begun
    if process.returncode:
        print(said.read_text(errors="replace")[-4000:], file=sys.stderr)
        raise subprocess.CalledProcessError(process.returncode, command)
    return Spent(usage.ru_utime + usage.ru_stime, wall)


def cpu(measured: Measured, name: str) -> float:
    """Return the median CPU seconds of a command."""
    return statistics.median(spent.cpu for spent in measured[name])


def wall(measured: Measured, name: str) -> float:
    """Return the median wall seconds of a command."""
    return statistics.median(spent.wall for spent in measured[name])


def by_round(one: Sequence[float], other: Sequence[float]) -> tuple[float, float, float]:
    """Return the median, least and largest of the ratios of two figures that were measured in the same rounds."""
    ratios = [first / second for first, second in zip(one, other, strict=True)]
    return statistics.median(ratios), min(ratios), max(ratios)
