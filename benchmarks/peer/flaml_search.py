"""FLAML with its defaults: so many seconds, one thread; the score of its best model on the rows of the other file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from flaml import AutoML
from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error


def main() -> None:
    wanted = json.loads(Path(sys.argv[1]).read_text())
    train, test = pd.read_csv("train.csv"), pd.read_csv("test.csv")
    truth = train.pop("target"), test.pop("target")
    automl = AutoML()
    automl.fit(
        train,
        truth[0],
        task=wanted["task"],
        metric=wanted["metric"],
        time_budget=wanted["seconds"],
        n_jobs=1,
        seed=wanted["seed"],
        verbose=0,
    )
    if wanted["metric"] == "rmse":
        score = root_mean_squared_error(truth[1], automl.predict(test))
    else:
        probabilities = np.asarray(automl.predict_proba(test))
        if wanted["metric"] == "roc_auc":
            score = roc_auc_score(truth[1], probabilities[:, 1])
        else:
            score = log_loss(truth[1], probabilities, labels=automl.classes_)
    Path(wanted["answer"]).write_text(json.dumps({"model": automl.best_estimator, "score": float(score)}))


if __name__ == "__main__":
    main()
