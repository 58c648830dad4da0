"""What mlrun adds to the fits themselves: 100 logistic regressions × 5 folds on breast_cancer, against a bare loop.

overhead = (CPU of train with 100 trials − with 1) / (CPU of the bare loop of 100 − of 1), whole processes, user +
system, in alternation; the median of the rounds. With one metric and with six; the bare loop fits and scores once.

    python benchmarks/overhead.py [rounds]
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ONE = ["roc_auc"]
SIX = ["roc_auc", "accuracy", "log_loss", "f1", "brier", "average_precision"]
BARE = """
import sys
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.metrics import roc_auc_score

X, y = load_breast_cancer(return_X_y=True)
X, _, y, _ = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)
for train, valid in StratifiedKFold(5, shuffle=True, random_state=0).split(X, y):
    scaler = StandardScaler().fit(X[train])
    inside, held_out = scaler.transform(X[train]), scaler.transform(X[valid])
    for C in np.logspace(-3, 3, int(sys.argv[1])):
        model = LogisticRegression(C=C, max_iter=1000).fit(inside, y[train])
        roc_auc_score(y[valid], model.predict_proba(held_out)[:, 1])
"""


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        commands = {
            f"{name} {trials}": command
            for trials in (1, 100)
            for name, command in (
                ("bare", [sys.executable, str(bare), str(trials)]),
                ("one metric", mlrun(Path(folder), ONE, trials)),
                ("six metrics", mlrun(Path(folder), SIX, trials)),
            )
        }
        seconds = measure(commands, rounds)
    print(f"{'command':16}{'CPU s, median':>16}")
    for name, measured in seconds.items():
        print(f"{name:16}{statistics.median(measured):16.3f}")
    for name in ("one metric", "six metrics"):
        ratios = [
            (ours - ours_one) / (theirs - theirs_one)
            for ours, ours_one, theirs, theirs_one in zip(
                seconds[f"{name} 100"], seconds[f"{name} 1"], seconds["bare 100"], seconds["bare 1"], strict=True
            )
        ]
        print(f"overhead, {name}: {statistics.median(ratios):.3f} (of {', '.join(f'{ratio:.3f}' for ratio in ratios)})")


def mlrun(folder: Path, metrics: list[str], trials: int) -> list[str]:
    """Return the command that trains so many logistic regressions."""
    values = [10 ** (-3 + 6 * step / max(1, trials - 1)) for step in range(trials)]
    spec = folder / f"overhead-{len(metrics)}-{trials}.yaml"
    spec.write_text(
        f"experiment: overhead-{len(metrics)}-{trials}\n"
        "data: {source: sklearn, name: breast_cancer}\n"
        f"metrics: {metrics}\n"
        "baselines: []\n"
        f"models: {{logistic_regression: {{C: {values}, max_iter: 1000}}}}\n"
    )
    program = str(Path(sys.executable).with_name("mlrun"))
    return [program, "train", str(spec), "--no-cache", "--quiet", "--jobs", "1", "--runs", str(folder / "runs")]


def measure(commands: dict[str, list[str]], rounds: int) -> dict[str, list[float]]:
    """Return CPU seconds of each command, in alternation, after one round that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for round_number in range(rounds + 1):
        for name, command in commands.items():
            spent = cpu_seconds(command)
            if round_number:
                seconds[name].append(spent)
    return seconds


def cpu_seconds(command: list[str]) -> float:
    """Return user + system seconds of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
