"""The same work for mlrun and for a peer: rows with their folds, grids, metrics; whether both found the same scores.

mlrun gets rows.csv and a spec; a peer gets rows.npz and the grids as JSON. The folds stand in a column, so that both
sides hold out the same rows; inner threads are one on both sides.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from environments import mlrun

PEER = Path(__file__).parent / "peer"  # what runs in a peer's environment
FOLDS = 5
SHOWN = "--quiet", "--no-cache", "--fresh"


@dataclass(frozen=True, slots=True)
class Work:
    """grids: of each family by its name in mlrun; a value that is no list is fixed. search: mlrun's, {} = the grid."""

    name: str
    rows: str
    grids: Mapping[str, Mapping[str, Any]]
    metrics: tuple[str, ...] = ("roc_auc",)
    search: Mapping[str, Any] | None = None


def write_rows(folder: Path, name: str, features: Any, labels: Any) -> str:
    """Write features, labels and folds drawn by class, as CSV for mlrun and as arrays for peers; return the name."""
    from sklearn.model_selection import StratifiedKFold

    folds = np.zeros(len(labels), dtype=np.int64)
    for number, (_, held_out) in enumerate(
        StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(features, labels)
    ):
        folds[held_out] = number
    table = pl.DataFrame(features, schema=[f"x{column}" for column in range(features.shape[1])])
    table.with_columns(fold=pl.Series(folds), y=pl.Series(labels)).write_csv(folder / f"{name}.csv")
    np.savez(folder / f"{name}.npz", features=features, labels=labels, folds=folds)
    return name


def breast_cancer(folder: Path) -> str:
    """Write the 569 rows of 30 numbers that scikit-learn ships."""
    from sklearn.datasets import load_breast_cancer

    return write_rows(folder, "breast_cancer", *load_breast_cancer(return_X_y=True))


def made_rows(folder: Path, rows: int, columns: int = 20) -> str:
    """Write made rows: half of the columns say something of the label, one label in ten is wrong."""
    from sklearn.datasets import make_classification

    features, labels = make_classification(
        n_samples=rows, n_features=columns, n_informative=columns // 2, flip_y=0.1, random_state=0
    )
    return write_rows(folder, f"made-{rows}", features, labels)


def train(folder: Path, work: Work, *flags: str) -> list[str]:
    """Write the spec and return the command that trains it: nothing tested, no baselines, nothing reused."""
    spec = {
        "experiment": work.name,
        "data": {"path": f"{work.rows}.csv", "target": "y"},
        "split": {"test": 0, "folds": {"column": "fold"}},
        "metrics": list(work.metrics),
        "baselines": [],
        "evaluation": "none",
        "models": work.grids,
        **({"search": work.search} if work.search else {}),
    }
    (folder / f"{work.name}.yaml").write_text(json.dumps(spec))
    (folder / "runs").mkdir(exist_ok=True)
    return [mlrun(), "train", f"{work.name}.yaml", *SHOWN, *flags]


def ask(folder: Path, work: Work, script: str, python: str = sys.executable, **more: Any) -> list[str]:
    """Write what a peer's script is asked for and return its command; its answer will stand in `answer(...)`."""
    name = "-".join([work.name, script, *(str(value) for value in more.values())])
    asked = {
        "rows": f"{work.rows}.npz",
        "grids": work.grids,
        "metrics": work.metrics,
        "answer": f"{name}.answer",
        **more,
    }
    (folder / f"{name}.json").write_text(json.dumps(asked))
    return [python, str(PEER / f"{script}.py"), f"{name}.json"]


Scores = dict[tuple[str, str], dict[str, list[float]]]  # of (family, params as JSON): each metric's score by fold


def scores_of_run(folder: Path, work: Work) -> Scores:
    """Return the scores of the newest run's trials on all rows."""
    run = newest_run(folder, work)
    trials = [json.loads(line) for line in (run / "trials.jsonl").read_text().splitlines()]
    assert all(trial["status"] == "done" for trial in trials)
    return {key(trial["family"], trial["params"]): trial["scores"] for trial in trials if trial["fidelity"] == 1}


def newest_run(folder: Path, work: Work) -> Path:
    return max((folder / "runs" / work.name).iterdir())


def scores_of_peer(folder: Path, command: Sequence[str]) -> Scores:
    """Return what a peer's script answered."""
    said = json.loads((folder / json.loads((folder / command[-1]).read_text())["answer"]).read_text())
    return {key(each["family"], each["params"]): each["scores"] for each in said}


def key(family: str, params: Mapping[str, Any]) -> tuple[str, str]:
    return family, json.dumps(params, sort_keys=True)


def apart(ours: Scores, theirs: Scores) -> float:
    """Return the largest difference between scores of the same trials; fail beyond rounding (1e-12)."""
    assert ours.keys() == theirs.keys(), f"{len(ours)} and {len(theirs)} trials, not the same ones"
    pairs = [(ours[trial][metric], scores) for trial in ours for metric, scores in theirs[trial].items()]
    largest = float(np.max(np.abs(np.subtract(*map(np.asarray, zip(*pairs, strict=True))))))
    assert largest <= 1e-12, f"scores differ by {largest}"
    return largest


def difference(largest: float) -> str:
    """Return a largest difference in words."""
    return f"differ from mlrun's by at most {largest:.0e}" if largest else "are mlrun's to the last bit"
