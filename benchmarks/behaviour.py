"""What 20 behaviour tests of 2,000 rows cost, against one prediction of that many rows.

ratio = CPU of (make all edited rows, ask the model once, judge, 20 variants) / CPU of one prediction of those 42,000
rows (2,000 base rows and 20 edits of each), in alternation in one process; the median of the rounds. Once where
every edited row is another (noise on 14 columns), and once where half of them are the same as others.

    python benchmarks/behaviour.py [rounds]
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlrun import catalog, runs
from mlrun import spec as specs
from mlrun.change.engine import make_engine
from mlrun.check_contracts import Check, Context, Subject
from mlrun.cli import run as command
from mlrun.dataset import load
from mlrun.metrics import specify
from mlrun.predict import predict_alone
from mlrun.records import Dataset, PlannedTest
from mlrun.stored import from_payload

ROWS, VARIANTS = 2_000, 20
MODELS: dict[str, dict[str, Any]] = {
    "logistic_regression": {"C": 1.0},
    "hist_gradient_boosting": {"max_iter": 100},
    "random_forest": {"n_estimators": 100},
    "xgboost": {"n_estimators": 100},
}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as folder:
        dataset, models = trained(Path(folder))
        print(f"{'model':24}{'tests':10}{'s':>8}{'one prediction, s':>20}{'ratio':>8}")
        for name, predict in models.items():
            for kind, tests in (("all new", noise_tests()), ("half new", swap_tests())):
                measure(name, kind, predict, dataset, tests, rounds)


Predict = Callable[[pl.DataFrame], Any]


def measure(name: str, kind: str, predict: Predict, dataset: Dataset, tests: list[PlannedTest], rounds: int) -> None:
    """Print the median ratio of the CPU seconds, and the medians."""
    subject = Subject(name, "model", name, None, features=tuple(c.name for c in dataset.features), predict=predict)
    rows = np.arange(ROWS)
    table = make_engine(dataset, rows, tests, ROWS, 0, "").stack.table
    assert table.height == ROWS * (VARIANTS + 1)
    ours, theirs = [], []
    for number in range(rounds + 1):
        spent = cpu_seconds(lambda: ask_all(dataset, subject, tests, rows)), cpu_seconds(lambda: predict(table))
        if number:
            ours.append(spent[0])
            theirs.append(spent[1])
    ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
    print(f"{name:24}{kind:10}{statistics.median(ours):8.3f}{statistics.median(theirs):20.3f}{ratio:8.2f}")


def ask_all(dataset: Dataset, subject: Subject, tests: list[PlannedTest], rows: Any) -> None:
    """Run all tests as a run does: from no edited rows to findings."""
    engine = make_engine(dataset, rows, tests, ROWS, 0, "")
    context = Context(dataset, rows, rows[:0], (), (specify("roc_auc"),), (subject,), tests=tuple(tests), engine=engine)
    for test in tests:
        check: Check = catalog.find("checks", test.check)
        assert list(check.run(subject, context, test.params))


def cpu_seconds(work: Callable[[], Any]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def noise_tests() -> list[PlannedTest]:
    """Return 20 levels of noise, so that no two rows are equal."""
    levels = tuple(0.01 * (level + 1) for level in range(VARIANTS))
    return [planned("perturbation", ("noise", {"sd": levels}), max_drop=0.02)]


def swap_tests() -> list[PlannedTest]:
    """Return ten tests and the same again under other names."""
    return [
        planned("directional", ("add", {f"x{number}": 1.0}), name=f"x{number} {again}", expect="increase")
        for number in range(VARIANTS // 2)
        for again in ("once", "again")
    ]


def planned(check: str, edit: tuple[str, Any], name: str = "test", **params: Any) -> PlannedTest:
    entry: Check = catalog.find("checks", check)
    defaults = {key: parameter.default for key, parameter in entry.parameters.items()}
    return PlannedTest(check, name, {**defaults, "name": name, "edit": edit, "along": (), **params})


def trained(folder: Path) -> tuple[Dataset, dict[str, Predict]]:
    """Return made rows (14 numbers, 6 categories) and models that a run trained on them."""
    draw = np.random.default_rng(0)
    columns: dict[str, Any] = {f"x{number}": draw.normal(size=4_000) for number in range(14)}
    columns |= {f"c{number}": draw.choice(list("abcdefgh"), size=4_000) for number in range(6)}
    columns["y"] = (columns["x0"] + columns["x1"] + draw.normal(size=4_000) > 0).astype(np.int64)
    pl.DataFrame(columns).write_csv(folder / "rows.csv")
    (folder / "runs").mkdir()
    spec = {
        "experiment": "behaviour",
        "data": {"source": "csv", "path": "rows.csv", "target": "y"},
        "split": {"folds": 2},
        "models": MODELS,
        "baselines": [],
        "evaluation": "none",
    }
    (folder / "spec.yaml").write_text(json.dumps(spec))
    assert command(["train", str(folder / "spec.yaml"), "--quiet", "--jobs", "1", "--runs", str(folder / "runs")]) == 0
    path = runs.resolve(folder / "runs", "behaviour")
    stored = {name: from_payload(runs.load_model(path, name, ())) for name in MODELS}
    dataset = load(specs.load(folder / "spec.yaml"))
    return dataset, {name: partial(predict_alone, model) for name, model in stored.items()}


if __name__ == "__main__":
    main()
