"""A bare loop of fit and score, nothing else: each fold is scaled once, each combination fitted on it in turn."""

from __future__ import annotations

import numpy as np
from estimators import answer, asked, lists
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import ParameterGrid
from sklearn.preprocessing import StandardScaler


def main() -> None:
    wanted, features, labels, folds = asked()
    trials = list(ParameterGrid(lists(wanted["grids"]["logistic_regression"], "")))
    scores = np.zeros((len(trials), folds.get_n_splits()))
    for fold, (train, held_out) in enumerate(folds.split()):
        scaler = StandardScaler().fit(features[train])
        inside, outside = scaler.transform(features[train]), scaler.transform(features[held_out])
        for number, params in enumerate(trials):
            model = LogisticRegression(**params).fit(inside, labels[train])
            scores[number, fold] = roc_auc_score(labels[held_out], model.predict_proba(outside)[:, 1])
    said = [
        {"family": "logistic_regression", "params": params, "scores": {"roc_auc": scores[number].tolist()}}
        for number, params in enumerate(trials)
    ]
    answer(wanted, said)


if __name__ == "__main__":
    main()
