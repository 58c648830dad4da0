"""Optuna over a grid of logistic regressions: one study, a trial for each value, cross_val_score in each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
from estimators import answer, asked, estimator, lists, plain, scorer
from sklearn.model_selection import cross_val_score


def main() -> None:
    wanted, features, labels, folds = asked()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    ((family, grid),) = wanted["grids"].items()
    model, prefix = estimator(family)
    values = lists(grid, prefix)
    (metric,) = wanted["metrics"]
    scoring = scorer(metric)

    def objective(trial: Any) -> float:
        params = {name: trial.suggest_categorical(name, choices) for name, choices in values.items()}
        scores = cross_val_score(model.set_params(**params), features, labels, scoring=scoring, cv=folds)
        trial.set_user_attr("scores", scores.tolist())
        return float(scores.mean())

    database = Path(wanted["answer"] + ".sqlite")
    database.unlink(missing_ok=True)
    storage = f"sqlite:///{database}" if wanted["storage"] == "sqlite" else None
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.GridSampler(values), storage=storage)
    study.optimize(objective)  # until the grid is done
    model.set_params(**study.best_params).fit(features, labels)
    said = [
        {"family": family, "params": plain(trial.params, prefix), "scores": {metric: trial.user_attrs["scores"]}}
        for trial in study.trials
    ]
    answer(wanted, said)


if __name__ == "__main__":
    main()
