"""What starting costs: CPU seconds of mlrun's light commands beside those of a bare typer + rich program.

Run `python benchmarks/startup.py [RUNS_FOLDER]`, with a folder of runs to time `list`, `show` and `compare` too. Each
command is run alternately with the bare programs, so that a busy machine slows all alike; medians are told.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

REPEATS = 15
BARE = '''
import typer
from typing import Annotated

app = typer.Typer()


@app.command()
def train(spec: Annotated[str, typer.Argument(help="A file.")], jobs: Annotated[int, typer.Option()] = 1) -> None:
    """Train it."""


@app.command()
def show(run: Annotated[str, typer.Argument(help="A run.")]) -> None:
    """Show it."""
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "score")
    for number in range(5):
        table.add_row(run, str(number))
    Console().print(table)


app()
'''


def main() -> None:
    """Measure, and print milliseconds of CPU with the ratio to the bare program that does the same kind of thing."""
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        bare_help, bare_table = [sys.executable, str(bare), "--help"], [sys.executable, str(bare), "show", "x"]
        mlrun = [sys.executable, "-c", "from mlrun.cli import main; main()"]
        pairs = {"--help": (bare_help, [*mlrun, "--help"])}
        if len(sys.argv) > 1:
            place = ["--runs", sys.argv[1]]
            first, second = some_runs(Path(sys.argv[1]))
            pairs |= {
                "list": (bare_table, [*mlrun, "list", *place]),
                "show": (bare_table, [*mlrun, "show", first, *place]),
                "compare --no-tests": (bare_table, [*mlrun, "compare", first, second, "--no-tests", *place]),
            }
        for name, (reference, command) in pairs.items():
            one, other = alternately(reference, command)
            print(f"{name:<20} {other * 1000:6.0f} ms, bare {one * 1000:6.0f} ms, ratio {other / one:.2f}")


def some_runs(root: Path) -> tuple[str, str]:
    """Return two runs below a folder: the first ones found, or one of them twice."""
    found = sorted(path.parent for path in root.glob("*/*/run.json"))
    return str(found[0]), str(found[min(1, len(found) - 1)])


def alternately(first: Sequence[str], second: Sequence[str], repeats: int = REPEATS) -> tuple[float, float]:
    """Return the median CPU seconds of two commands that take turns, after one run of each that compiles bytecode."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats + 1):
        for command, measured in zip((first, second), seconds, strict=True):
            spent = cpu_seconds(command)
            if turn:
                measured.append(spent)
    return median(seconds[0]), median(seconds[1])


def cpu_seconds(command: Sequence[str]) -> float:
    """Return user + system seconds of a command; its bytecode is compiled, its output goes nowhere."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
