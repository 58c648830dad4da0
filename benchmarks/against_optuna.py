"""mlrun beside Optuna: 100 logistic regressions × 5 folds, the same values of C in the same order, in CPU and wall.

Optuna walks the grid (GridSampler) and keeps its study in memory, or in SQLite as mlrun keeps its journal; each trial
is cross_val_score of scikit-learn. Two minutes with 5 rounds.
"""

from __future__ import annotations

import overhead
from environments import interpreter, release
from telling import Section, options
from work import ask


def main() -> None:
    asked = options(__doc__).parse_args()
    python = interpreter("optuna")
    title = "Against Optuna"
    about = f"Optuna {release('optuna', 'optuna')} with a GridSampler over the same values, on the same folds."
    sides = {
        f"Optuna, {storage}": overhead.Side(
            lambda folder, work, storage=storage: ask(folder, work, "optuna_search", python, storage=storage)  # type: ignore[misc]  # bound now
        )
        for storage in ("memory", "sqlite")
    }
    section = Section(title, about, asked)
    overhead.measure(section, sides, asked.rounds, quick=asked.quick)
    section.show()


if __name__ == "__main__":
    main()
