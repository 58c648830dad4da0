"""One trained run for the tests of exports: numbers, categories, dates with gaps; a model of each kind of wrapping."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from in_process import run, write_spec

ROWS = 240
MODELS: dict[str, Any] = {
    "logistic_regression": {"C": [0.1, 1]},
    "hist_gradient_boosting": {"max_iter": 10},
    "calibrated": {"family": "gaussian_nb", "calibrate": "isotonic"},
    "cut": {"family": "decision_tree", "max_depth": 3, "threshold": "from_costs"},
    "vote": {"family": "voting", "members": ["logistic_regression", "cut"], "voting": "soft"},
    "native": {"family": "hist_gradient_boosting", "max_iter": 5, "prepare": {"category": {"encode": "native"}}},
}


def people(rows: int = ROWS) -> pl.DataFrame:
    """Return people of whom some things are not known; who is paid follows from degree and hours."""
    draw = np.random.default_rng(3)
    degree, hours = draw.choice(["none", "school", "college"], rows), draw.normal(38, 8, rows)
    days = draw.integers(10_000, 19_000, rows)
    pull = (degree == "college") * 1.5 + (hours - 38) / 8 + draw.normal(size=rows)
    table = pl.DataFrame(
        {
            "person": [f"secret-{number:04d}" for number in range(rows)],
            "degree": degree,
            "hours": hours,
            "hired": pl.Series(days.astype(np.int32)).cast(pl.Date),
            "sex": draw.choice(["f", "m"], rows),
            "paid": np.where(pull > 0.8, "well", "badly"),
        }
    )
    gone = pl.Series(draw.random(rows) < 0.08)
    return table.with_columns(
        pl.when(gone).then(None).otherwise(pl.col(name)).alias(name) for name in ("degree", "hours", "hired")
    )


def spec(**changes: Any) -> str:
    whole = {
        "experiment": "pay",
        "data": {"path": "people.csv", "target": "paid", "positive": "well", "id": "person", "sensitive": ["sex"]},
        "split": {"folds": 3},
        "metrics": ["roc_auc", "log_loss", {"precision_at": {"k": 0.1}}],
        "costs": {"false_negative": 5, "false_positive": 1},
        "useful": {"target": {"roc_auc": 0.6}, "budget": {"p95_ms_per_row": 1000}},
        "models": MODELS,
        "evaluation": {"slices": {"by": ["sex"]}, "calibration": {}, "assumptions": {}},
        **changes,
    }
    return json.dumps({name: value for name, value in whole.items() if value is not None})


def trained(folder: Path, table: pl.DataFrame | None = None, **changes: Any) -> Path:
    """Train on the people, return the run's folder."""
    (people() if table is None else table).write_csv(folder / "people.csv")
    done = run(write_spec(folder, spec(**changes)))
    assert done.folder is not None
    return done.folder
