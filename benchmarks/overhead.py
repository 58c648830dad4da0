"""What mlrun adds to the fits themselves: 100 logistic regressions × 5 folds on breast_cancer, against a bare loop.

overhead = (CPU of 100 trials − of 1) / (CPU of the bare loop of 100 − of 1), whole processes, user + system, in
alternation; the median of the rounds. With one metric and with six; the bare loop fits and scores once. About a minute.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from alternating import Measured, alternate, by_round
from telling import Section, options, ratio, table
from work import Work, apart, ask, breast_cancer, difference, scores_of_peer, scores_of_run, train

SIX = ("roc_auc", "accuracy", "log_loss", "f1", "brier", "average_precision")
TRIALS = 100


@dataclass(frozen=True, slots=True)
class Side:
    """make: from a folder and the work to the command that does it. same: its scores must be mlrun's."""

    make: Callable[[Path, Work], list[str]]
    metrics: tuple[str, ...] = SIX[:1]
    same: bool = True


BARE = "bare loop"
SIDES = {
    BARE: Side(lambda folder, work: ask(folder, work, "bare_loop")),
    "mlrun train": Side(lambda folder, work: train(folder, work, "--jobs", "1"), same=False),
    "mlrun train, six metrics": Side(lambda folder, work: train(folder, work, "--jobs", "1"), SIX, same=False),
}


def main() -> None:
    asked = options(__doc__).parse_args()
    section = Section("Overhead", "What 99 more trials cost beside a bare loop of fit and score.", asked)
    measure(section, {}, asked.rounds, quick=asked.quick)
    section.show()


def measure(section: Section, others: Mapping[str, Side], rounds: int, *, quick: bool) -> None:
    """Put a table of the bare loop, mlrun and others into the section, and whether their scores are the same."""
    sides, trials = {**SIDES, **others}, 10 if quick else TRIALS
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rows = breast_cancer(folder)
        commands = {
            (name, count): side.make(folder, logistic(rows, count, side.metrics))
            for count in (1, trials)
            for name, side in sides.items()
        }

        def after(measured: Measured) -> None:
            section.put("overhead", tell(measured, list(sides), trials))

        alternate({f"{name} × {count}": each for (name, count), each in commands.items()}, rounds, folder, after=after)
        ours = scores_of_run(folder, logistic(rows, trials, SIX))
        same = [name for name, side in sides.items() if side.same]
        largest = max(apart(ours, scores_of_peer(folder, commands[name, trials])) for name in same)
        section.put("scores", f"The scores of {', '.join(same)} {difference(largest)}.")


def logistic(rows: str, trials: int, metrics: tuple[str, ...]) -> Work:
    """Return a grid of so many strengths of the penalty, from 0.001 to 1000."""
    values = [10 ** (-3 + 6 * step / max(1, trials - 1)) for step in range(trials)]
    grid = {"logistic_regression": {"C": values, "max_iter": 1000}}
    return Work(f"logistic-{trials}-{len(metrics)}", rows, grid, metrics)


def tell(measured: Measured, names: list[str], trials: int) -> str:
    """Return the table: each side's seconds for the trials beyond the first, and how many times the bare loop's."""

    def beyond(name: str, what: str) -> list[float]:
        pairs = zip(measured[f"{name} × {trials}"], measured[f"{name} × 1"], strict=True)
        return [getattr(many, what) - getattr(one, what) for many, one in pairs]

    rows = []
    for name in names:
        figures = []
        for what in ("cpu", "wall"):
            seconds = beyond(name, what)
            figures += [f"{median(seconds):.2f} s", ratio(by_round(seconds, beyond(BARE, what)))]
        rows.append([name, *figures])
    header = [f"{trials} trials × 5 folds less 1 × 5", "CPU", "of the bare loop's", "wall", "of the bare loop's"]
    return table(header, rows)


if __name__ == "__main__":
    main()
