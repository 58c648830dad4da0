"""Runs in MLflow: `make STORE RUNS.json` logs them, `best STORE` prints the 20 best by ROC AUC, `frame STORE` too."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"  # releases since 3.7 ask to be told that files are meant

from mlflow import MlflowClient
from mlflow.entities import Metric, Param


def main() -> None:
    what, store, *rest = sys.argv[1:]
    if what == "frame":
        frame(store)
        return
    client = MlflowClient(store)
    if what == "make":
        make(client, rest[0])
        return
    experiment = client.get_experiment_by_name("nightly")
    found = client.search_runs([experiment.experiment_id], order_by=["metrics.roc_auc DESC"], max_results=20)
    for run in found:
        print(run.info.run_name, run.data.params["family"], run.data.metrics)


def frame(store: str) -> None:
    """Ask as its guide does: `mlflow.search_runs`, which returns a data frame."""
    import mlflow

    mlflow.set_tracking_uri(store)
    found = mlflow.search_runs(experiment_names=["nightly"], order_by=["metrics.roc_auc DESC"], max_results=20)
    print(found.to_string())


def make(client: MlflowClient, runs: str) -> None:
    experiment = client.create_experiment("nightly")
    for run in json.loads(Path(runs).read_text()):
        made = client.create_run(experiment, run_name=run["name"]).info.run_id
        metrics = [Metric(name, value, 0, 0) for name, value in run["metrics"].items()]
        client.log_batch(made, metrics, [Param(name, str(value)) for name, value in run["params"].items()])
        client.set_terminated(made)


if __name__ == "__main__":
    main()
