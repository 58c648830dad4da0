"""mlrun beside scikit-learn's GridSearchCV: the same grids, the same folds, the same scores; CPU and wall.

Three kinds of work: 100 logistic regressions (what a trial costs beyond its fit); a grid over three families with six
numbers of rounds each, 20,000 × 20; k nearest neighbours, 20 numbers × 2 weights, 30,000 × 20. With 5 rounds 3, 8 and
5 minutes; --only takes one of them.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import overhead
from alternating import Measured, alternate, by_round, cpu, wall
from telling import Section, options, ratio, table
from work import Work, apart, ask, difference, made_rows, scores_of_peer, scores_of_run, train

ROWS, MORE_ROWS = 20_000, 30_000
Grids = dict[str, dict[str, Any]]
SIDES = {
    "GridSearchCV, n_jobs=1": overhead.Side(lambda folder, work: ask(folder, work, "grid_search", jobs=1)),
    "GridSearchCV, n_jobs=2": overhead.Side(lambda folder, work: ask(folder, work, "grid_search", jobs=2)),
    "GridSearchCV, n_jobs=1, six metrics": overhead.Side(
        lambda folder, work: ask(folder, work, "grid_search", jobs=1), overhead.SIX
    ),
}


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--only", choices=PARTS, help="one kind of work")
    asked = parser.parse_args()
    for name, part in PARTS.items():
        if asked.only in (None, name):
            about = "Both fit the same combinations on the same folds and refit the best."
            section = Section(f"Against GridSearchCV: {name}", about, asked)
            part(section, asked)
            section.show()


def logistic(section: Section, asked: argparse.Namespace) -> None:
    overhead.measure(section, SIDES, asked.rounds, quick=asked.quick)


def families(section: Section, asked: argparse.Namespace) -> None:
    """Six numbers of rounds of three families: one fit holds all six, which mlrun makes use of."""
    of_forest, of_boosting = ([2, 4], [4, 8]) if asked.quick else (range(20, 121, 20), range(50, 301, 50))
    grids: Grids = {
        "random_forest": {"n_estimators": list(of_forest), "random_state": 7},
        "hist_gradient_boosting": {"max_iter": list(of_boosting), "early_stopping": False, "random_state": 7},
        "xgboost": {"n_estimators": list(of_boosting), "max_depth": 6, "learning_rate": 0.1, "random_state": 7},
    }
    side_by_side(section, "rounds of three families", grids, asked, ROWS)


def neighbours(section: Section, asked: argparse.Namespace) -> None:
    """Twenty numbers of neighbours with two weights: the nearest 60 hold all."""
    numbers = list(range(3, 61, 30 if asked.quick else 3))
    grids: Grids = {"k_nearest_neighbors": {"n_neighbors": numbers, "weights": ["uniform", "distance"]}}
    side_by_side(section, "k nearest neighbours", grids, asked, MORE_ROWS)


def side_by_side(section: Section, name: str, grids: Grids, asked: argparse.Namespace, count: int) -> None:
    """Put a table of mlrun and GridSearchCV on two cores into the section; every score must be the same."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        work = Work(name.replace(" ", "-"), made_rows(folder, 1_000 if asked.quick else count), grids)
        theirs, ours = "GridSearchCV, n_jobs=2", "mlrun train, 2 jobs"
        commands = {theirs: ask(folder, work, "grid_search", jobs=2), ours: train(folder, work, "--jobs", "2")}

        def after(measured: Measured) -> None:
            rows = [[side, f"{cpu(measured, side):.1f} s", f"{wall(measured, side):.1f} s"] for side in commands]
            for row, side in zip(rows, commands, strict=True):
                row.append(ratio(by_round(*([spent.wall for spent in measured[one]] for one in (side, theirs)))))
            header = [f"{name}, {work.rows.partition('-')[2]} × 20", "CPU", "wall", "wall of GridSearchCV's"]
            section.put(name, table(header, rows))

        alternate(commands, asked.rounds, folder, warm=False, after=after)
        largest = apart(scores_of_run(folder, work), scores_of_peer(folder, commands[theirs]))
        section.put(f"{name}: scores", f"The scores of all folds {difference(largest)}.")


PARTS = {"logistic": logistic, "families": families, "neighbours": neighbours}

if __name__ == "__main__":
    main()
