"""How near a long grid comes to its fits over the cores: wall on two jobs, half the CPU of the same fits in one.

Three families on 20,000 × 20, no two trials of which share a fit. Eight minutes with 5 rounds.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from alternating import Measured, alternate, by_round, cpu, wall
from telling import Section, options, ratio, table
from work import Work, made_rows, train

ROWS, JOBS = 20_000, 2
SERIAL, PARALLEL = "mlrun train --executor serial", f"mlrun train --jobs {JOBS}"
GRIDS: dict[str, dict[str, Any]] = {
    "random_forest": {"n_estimators": [40], "min_samples_leaf": [1, 2, 3, 5, 10, 20]},
    "hist_gradient_boosting": {"max_iter": [60], "learning_rate": [0.05, 0.1, 0.2], "max_leaf_nodes": [7, 15, 31, 63]},
    "xgboost": {"n_estimators": [60], "learning_rate": [0.05, 0.1, 0.2], "max_depth": [3, 4, 6, 8]},
}


def main() -> None:
    asked = options(__doc__).parse_args()
    about = f"The floor is the CPU seconds of the fits of the serial run, over {JOBS} cores."
    section = Section("A long grid on two cores", about, asked)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        work = Work("long", made_rows(folder, 500 if asked.quick else ROWS), GRIDS)
        commands = {
            SERIAL: train(folder, work, "--executor", "serial", "--runs", "serial"),
            PARALLEL: train(folder, work, "--jobs", str(JOBS)),
        }
        floors: list[float] = []

        def after(measured: Measured) -> None:
            floors.append(seconds_of_fits(max((folder / "serial" / work.name).iterdir())) / JOBS)
            lines = [["the floor", "", f"{median(floors):.1f} s", "1"]]
            for side in commands:
                found = ratio(by_round([spent.wall for spent in measured[side]], floors))
                lines.append([side, f"{cpu(measured, side):.1f} s", f"{wall(measured, side):.1f} s", found])
            header = [f"30 trials × 5 folds, {work.rows.partition('-')[2]} × 20", "CPU", "wall", "of the floor"]
            section.put("long grid", table(header, lines))

        alternate(commands, asked.rounds, folder, warm=False, after=after)
    section.show()


def seconds_of_fits(run: Path) -> float:
    """Return the CPU seconds of all fits of a run, those of its champions too: in one process, wall is CPU."""
    timings = [json.loads(line) for line in (run / "timings.jsonl").read_text().splitlines()]
    champions = [model["fit_seconds"] or 0.0 for model in json.loads((run / "run.json").read_text())["models"]]
    return sum(float(timing["cpu_seconds"]) for timing in timings) + sum(champions)


if __name__ == "__main__":
    main()
