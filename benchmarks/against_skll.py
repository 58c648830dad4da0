"""mlrun beside SKLL: 100 logistic regressions × 5 folds on breast_cancer, in CPU seconds and wall.

SKLL tunes one learner on the same values and folds. It is held to an older scikit-learn, whose fits cost another
price: so the bare loop runs in its environment too. SKLL scales all rows before it draws folds, so that its scores are
not the same. Two minutes with 5 rounds.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import overhead
import polars as pl
from environments import interpreter, release
from telling import Section, options
from work import Work, ask

LEARNER = "LogisticRegression"


def main() -> None:
    asked = options(__doc__).parse_args()
    library = release("skll", "scikit-learn")
    sides = {
        f"bare loop, scikit-learn {library}": overhead.Side(
            lambda folder, work: ask(folder, work, "bare_loop", interpreter("skll"), library="older"), same=False
        ),
        f"SKLL, scikit-learn {library}": overhead.Side(experiment, same=False),
    }
    about = f"SKLL {release('skll', 'skll')} (`run_experiment --local`) on the same values of C and the same folds."
    section = Section("Against SKLL", about, asked)
    overhead.measure(section, sides, asked.rounds, quick=asked.quick)
    section.show()


def experiment(folder: Path, work: Work) -> list[str]:
    """Write what SKLL reads, one file each for rows, folds and the experiment, and return its command."""
    with np.load(folder / f"{work.rows}.npz") as rows:
        names = [f"EXAMPLE_{row}" for row in range(len(rows["labels"]))]
        table = pl.DataFrame(rows["features"], schema=[f"x{column}" for column in range(rows["features"].shape[1])])
        table.insert_column(0, pl.Series("id", names)).with_columns(y=rows["labels"]).write_csv(folder / "skll.csv")
        pl.DataFrame({"id": names, "fold": rows["folds"]}).write_csv(folder / "skll-folds.csv")
    grid = work.grids["logistic_regression"]
    searched = {name: value for name, value in grid.items() if isinstance(value, list)}
    fixed = {"solver": "lbfgs", **{name: value for name, value in grid.items() if name not in searched}}
    file = folder / f"{work.name}.cfg"
    file.write_text(
        f"""[General]
experiment_name={work.name}
task=train
[Input]
train_file=skll.csv
folds_file=skll-folds.csv
learners={json.dumps([LEARNER])}
feature_scaling=both
fixed_parameters={json.dumps([fixed])}
[Tuning]
grid_search=true
param_grids={json.dumps([searched])}
objectives={json.dumps(list(work.metrics))}
grid_search_jobs=1
[Output]
probability=true
models=skll-models
logs=skll-logs
"""
    )
    return [str(Path(interpreter("skll")).with_name("run_experiment")), "--local", file.name]


if __name__ == "__main__":
    main()
