"""The estimators of scikit-learn and xgboost behind mlrun's names of families, as a user would write them by hand."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

STEP = "estimator__"


def estimator(family: str) -> tuple[Any, str]:
    """Return an estimator with one inner thread, and what its parameters' names begin with in a grid."""
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    made = MAKERS[family]()
    if family in ("logistic_regression", "k_nearest_neighbors"):
        return Pipeline([("scaler", StandardScaler()), (STEP.rstrip("_"), made)]), STEP
    return made, ""


def _logistic_regression() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression()


def _k_nearest_neighbors() -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier()


def _random_forest() -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier()


def _hist_gradient_boosting() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier()


def _xgboost() -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_jobs=1)


MAKERS: dict[str, Callable[[], Any]] = {
    "logistic_regression": _logistic_regression,
    "k_nearest_neighbors": _k_nearest_neighbors,
    "random_forest": _random_forest,
    "hist_gradient_boosting": _hist_gradient_boosting,
    "xgboost": _xgboost,
}
SIGNS = {"brier": -1, "log_loss": -1}  # of what scikit-learn turns so that higher is better


def scorer(metric: str) -> Any:
    """Return scikit-learn's scorer of a metric by its name in mlrun.

    Areas under curves are told to ask for probabilities, as mlrun does: by default they ask logistic regression for its
    decision function, which still orders rows whose probability is 1.0 in floating point.
    """
    from sklearn.metrics import average_precision_score, get_scorer, make_scorer, roc_auc_score

    if metric in ("roc_auc", "average_precision"):
        of = roc_auc_score if metric == "roc_auc" else average_precision_score
        return make_scorer(of, response_method="predict_proba")
    return get_scorer({"brier": "neg_brier_score", "log_loss": "neg_log_loss"}.get(metric, metric))


def asked() -> tuple[dict[str, Any], Any, Any, Any]:
    """Return what the JSON file on the command line asks for, the features, the labels, and the folds as a splitter."""
    from sklearn.model_selection import PredefinedSplit

    wanted = json.loads(Path(sys.argv[1]).read_text())
    with np.load(wanted["rows"]) as rows:
        return wanted, rows["features"], rows["labels"], PredefinedSplit(rows["folds"])


def lists(grid: dict[str, Any], prefix: str) -> dict[str, list[Any]]:
    """Return a grid as scikit-learn reads it: every parameter a list, with its step's prefix."""
    return {prefix + name: value if isinstance(value, list) else [value] for name, value in grid.items()}


def plain(params: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Return parameters as mlrun names them."""
    return {name.removeprefix(prefix): value for name, value in params.items()}


def answer(wanted: dict[str, Any], said: list[dict[str, Any]]) -> None:
    """Write what was found, one entry a trial: family, params, scores of each metric by fold."""
    Path(wanted["answer"]).write_text(json.dumps(said))
