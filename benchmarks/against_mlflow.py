"""`mlrun list` with 10,000 runs beside MLflow's search_runs: the 20 best by a metric, whole processes, CPU and wall.

MLflow keeps its runs in files or in SQLite; both are made through its own client, once, and are kept for the next time
(three minutes), as are mlrun's. A run of MLflow's has one model's 3 metrics and 4 params, mlrun's has six models. Five
minutes more with 5 rounds.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from alternating import Measured, alternate, by_round, cpu, spend, wall
from environments import CACHE, environment, interpreter, mlrun, release
from index import make_runs
from telling import Section, options, ratio, table
from work import PEER

OURS = "mlrun list"


def main() -> None:
    asked = options(__doc__).parse_args()
    runs = 200 if asked.quick else 10_000
    folder = CACHE / f"mlflow-{runs}-runs"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        make(folder, runs)
    stores = {"files": (folder / "files").as_uri(), "SQLite": f"sqlite:///{folder / 'runs.sqlite'}"}
    script = [interpreter("mlflow"), str(PEER / "mlflow_runs.py")]
    commands = {
        OURS: [mlrun(), "list", "--sort", "roc_auc", "-n", "20", "--runs", "mlrun"],
        **{f"mlflow.search_runs, {name}": [*script, "frame", store] for name, store in stores.items()},
        **{f"MlflowClient.search_runs, {name}": [*script, "best", store] for name, store in stores.items()},
    }
    about = (
        f"The 20 best by ROC AUC of {runs:,} runs: `mlrun list --sort roc_auc`; `mlflow.search_runs` and "
        f"`MlflowClient.search_runs` of MLflow {release('mlflow', 'mlflow')} with `order_by` and `max_results`."
    )
    section = Section("Against MLflow: the best of many runs", about, asked)

    def after(measured: Measured) -> None:
        rows = []
        for name in commands:
            times = [ratio(by_round(*(_of(measured, one, what) for one in (name, OURS)))) for what in ("cpu", "wall")]
            rows.append([name, f"{cpu(measured, name):.2f} s", times[0], f"{wall(measured, name):.2f} s", times[1]])
        section.put("best", table(["command", "CPU", "of mlrun's", "wall", "of mlrun's"], rows))

    alternate(commands, asked.rounds, folder, after=after)
    section.show()


def _of(measured: Measured, name: str, what: str) -> list[float]:
    return [getattr(spent, what) for spent in measured[name]]


def make(folder: Path, runs: int) -> None:
    """Make mlrun's runs, and MLflow's with what the best model of each says, in both of its stores."""
    make_runs(folder / "mlrun", 1, runs)
    said = []
    for path in sorted((folder / "mlrun").glob("*/*/run.json")):
        run = json.loads(path.read_text())
        best = next(model for model in run["models"] if model["name"] == run["best"])
        metrics = {name: each["mean"] for name, each in best["cv"].items()}
        params = {"family": best["family"], **best["params"]}
        said.append({"name": f"{run['experiment']}@{run['version']}", "metrics": metrics, "params": params})
    (folder / "runs.json").write_text(json.dumps(said))
    for store in ((folder / "files").as_uri(), f"sqlite:///{folder / 'runs.sqlite'}"):
        making = [interpreter("mlflow"), str(PEER / "mlflow_runs.py"), "make", store, "runs.json"]
        subprocess.run(making, cwd=folder, env=environment(), check=True)
    spend([mlrun(), "list", "--runs", "mlrun"], folder)  # the first one makes the index
    (folder / "complete").touch()


if __name__ == "__main__":
    main()
