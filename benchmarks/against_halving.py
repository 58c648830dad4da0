"""mlrun's successive halving beside HalvingGridSearchCV: the same 81 combinations, folds and rows, on two cores.

Both thin out by three with more rows each time. What they chose is scored once more on all rows of the folds, outside
of what is measured. Four minutes with 5 rounds.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import mean

from alternating import Measured, alternate, by_round, cpu, spend, wall
from telling import Section, options, ratio, table
from work import Scores, Work, ask, made_rows, scores_of_peer, scores_of_run, train

FAMILY, ROWS = "hist_gradient_boosting", 20_000
THEIRS, OURS = "HalvingGridSearchCV, n_jobs=2", "mlrun train, strategy: halving, 2 jobs"
GRID = {
    "learning_rate": [0.03, 0.1, 0.3],
    "max_leaf_nodes": [7, 31, 127],
    "min_samples_leaf": [5, 20, 80],
    "l2_regularization": [0.0, 1.0, 10.0],
}
FIXED = {"max_iter": 30, "early_stopping": False, "random_state": 7}


def main() -> None:
    asked = options(__doc__).parse_args()
    section = Section("Against HalvingGridSearchCV", "Scores are ROC AUC on all rows, means of the folds.", asked)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rows = made_rows(folder, 2_000 if asked.quick else ROWS)
        search = {"strategy": "halving", "budget": {"trials": 81}}
        work = Work("halving", rows, {FAMILY: {**GRID, **FIXED}}, search=search)
        commands = {THEIRS: ask(folder, work, "halving_search", jobs=2), OURS: train(folder, work, "--jobs", "2")}

        def after(measured: Measured) -> None:
            lines = []
            for side in commands:
                found = by_round(*([spent.cpu for spent in measured[one]] for one in (side, THEIRS)))
                lines.append([side, f"{cpu(measured, side):.1f} s", ratio(found), f"{wall(measured, side):.1f} s"])
            header = [f"81 combinations of {FAMILY}, {rows.partition('-')[2]} × 20", "CPU", "of scikit-learn's", "wall"]
            section.put("cost", table(header, lines))

        alternate(commands, asked.rounds, folder, warm=False, after=after)
        ours = max(scores_of_run(folder, work).values(), key=score)
        theirs = chosen(folder, work, scores_of_peer(folder, commands[THEIRS]))
        section.put("chosen", f"Their choices score {score(ours):.5f} (mlrun) and {score(theirs):.5f} (scikit-learn).")
    section.show()


def score(scores: dict[str, list[float]]) -> float:
    return mean(scores["roc_auc"])


def chosen(folder: Path, work: Work, said: Scores) -> dict[str, list[float]]:
    """Return the scores on all rows of the combination that HalvingGridSearchCV chose."""
    ((_, params),) = said
    again = ask(folder, replace(work, name="chosen", grids={FAMILY: json.loads(params)}), "grid_search", jobs=1)
    spend(again, folder)
    (scores,) = scores_of_peer(folder, again).values()
    return scores


if __name__ == "__main__":
    main()
