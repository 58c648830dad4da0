"""What starting costs: mlrun's light commands beside a bare typer + rich program, and beside dvc, MLflow and Hydra.

Every command is a process of its own and all take turns; two runs are made for `list`, `show` and `compare`. Two
minutes with 15 rounds; --alone leaves the peers out.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from alternating import Measured, alternate, by_round, cpu, spend, wall
from environments import interpreter, mlrun, release
from telling import Section, options, ratio, table
from work import PEER, Work, breast_cancer, train

REFERENCES = ("bare --help", "bare table")
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
    parser = options(__doc__, rounds=15)
    parser.add_argument("--alone", action="store_true", help="without the peers")
    asked = parser.parse_args()
    about = "`bare` is a program of typer and rich that shows its help, or prints a table of five rows."
    section = Section("Start-up", about, asked)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        commands = {**bare_commands(folder), **light_commands(folder), **({} if asked.alone else peers())}

        def after(measured: Measured) -> None:
            section.put("start-up", tell(measured, list(commands)))

        alternate(commands, 2 if asked.quick else asked.rounds, folder, after=after)
    section.show()


def bare_commands(folder: Path) -> dict[str, list[str]]:
    (folder / "bare.py").write_text(BARE)
    program = [sys.executable, "bare.py"]
    return dict(zip(REFERENCES, ([*program, "--help"], [*program, "show", "x"]), strict=True))


def light_commands(folder: Path) -> dict[str, list[str]]:
    """Make two runs; return the commands that look at them."""
    work = Work("two", breast_cancer(folder), {"gaussian_nb": {}, "decision_tree": {}})
    for _ in range(2):
        spend(train(folder, work), folder)
    return {
        "mlrun --help": [mlrun(), "--help"],
        "mlrun list": [mlrun(), "list"],
        "mlrun show": [mlrun(), "show", "two@2"],
        "mlrun compare --no-tests": [mlrun(), "compare", "two@1", "two@2", "--no-tests"],
    }


def peers() -> dict[str, list[str]]:
    """Return --help of programs; Hydra is a library, so that a program of one option stands for it."""
    of_hydra = [interpreter("hydra"), str(PEER / "hydra_program.py")]
    return {
        f"dvc {release('dvc', 'dvc')} --help": [program("dvc"), "--help"],
        f"mlflow {release('mlflow', 'mlflow')} --help": [program("mlflow"), "--help"],
        f"hydra {release('hydra', 'hydra-core')} --help": [*of_hydra, "--help"],
    }


def program(name: str) -> str:
    return str(Path(interpreter(name)).with_name(name))


def tell(measured: Measured, names: Sequence[str]) -> str:
    """Return the table: milliseconds, and how many times those of the bare program that does such a thing."""
    rows = []
    for name in names:
        reference = REFERENCES[0] if name.endswith("--help") else REFERENCES[1]
        found = by_round(*([spent.cpu for spent in measured[one]] for one in (name, reference)))
        rows.append(
            [name, f"{cpu(measured, name) * 1000:.0f} ms", f"{wall(measured, name) * 1000:.0f} ms", ratio(found)]
        )
    return table(["command", "CPU", "wall", "CPU of the bare program's"], rows)


if __name__ == "__main__":
    main()
