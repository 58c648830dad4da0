"""Small runs of each task, made once for tests of what happens after a run: their tables, specs and findings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from in_process import Done, run, write_spec

from mlrun.records import Finding

Key = tuple[str, str, str, str]
ROWS = 260
MODELS: dict[str, Any] = {
    "binary": {
        "logistic_regression": {"C": 1},
        "calibrated": {"family": "gaussian_nb", "calibrate": "sigmoid"},
        "cut": {"family": "decision_tree", "max_depth": 3, "threshold": "from_costs"},
        "vote": {"family": "voting", "members": ["logistic_regression", "calibrated"], "voting": "soft"},
    },
    "multiclass": {"lda": {}, "gaussian_nb": {}},
    "regression": {"ridge": {"alpha": 1}, "k_nearest_neighbors": {"n_neighbors": 5}},
    "anomaly": {"isolation_forest": {"n_estimators": 10}, "knn_distance": {"n_neighbors": 5}},
}


def target(kind: str, pull: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """Return a target that follows from a number."""
    if kind == "regression":
        return 10 * pull
    if kind == "multiclass":
        return np.array(["low", "mid", "high"])[np.digitize(pull, [-0.5, 0.5])]
    if kind == "anomaly":
        return np.where(np.abs(pull) > 2.3, "odd", "usual")
    return np.where(pull > 0, "yes", "no")


def table(kind: str, rows: int = ROWS, seed: int = 0, first: int = 0, shift: float = 0.0) -> pl.DataFrame:
    """Return rows with ids from `first` on, whose target follows from a and b; shift: of `a`, and so of the target."""
    draw = np.random.default_rng(seed)
    a, b = draw.normal(size=rows) + shift, draw.normal(size=rows)
    sex = draw.choice(["f", "m"], rows)
    y = target(kind, a + 0.5 * b + draw.normal(size=rows))
    return pl.DataFrame({"id": np.arange(first, first + rows), "a": a, "b": b, "sex": sex, "y": y})


def trained(folder: Path, kind: str = "binary", rows: pl.DataFrame | None = None, **sections: Any) -> Done:
    """Run a spec on rows; `data` among the sections adds to the usual."""
    (table(kind) if rows is None else rows).write_csv(folder / "rows.csv")
    data = {"path": "rows.csv", "target": "y", "id": "id", "sensitive": ["sex"], **sections.pop("data", {})}
    whole: dict[str, Any] = {
        "experiment": "small",
        "data": {name: value for name, value in data.items() if value is not None},
        "models": MODELS[kind],
        "split": {"folds": 2},
        "evaluation": "auto",
        **({"task": "anomaly"} if kind == "anomaly" else {}),
        **({"costs": {"false_negative": 5, "false_positive": 1}} if kind == "binary" else {}),
        **sections,
    }
    return run(write_spec(folder, json.dumps(whole)))


def by_key(findings: tuple[Finding, ...]) -> dict[Key, Finding]:
    return {(each.check, each.test, each.model, each.variant): each for each in findings}


def statuses(findings: tuple[Finding, ...], model: str | None) -> dict[str, set[str]]:
    """Return check → how its tests of this model, or of the run, ended."""
    found: dict[str, set[str]] = {}
    for each in findings:
        if each.model in {"", model}:
            found.setdefault(each.check, set()).add(each.status)
    return found
