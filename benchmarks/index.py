"""What looking at many runs costs: CPU seconds of list, compare, show and history over 10,000 runs, beside --help.

Run `python benchmarks/index.py [FOLDER]`. Two folders of runs are made below FOLDER (by default a temporary one; what
is there is used again): one experiment with 10,000 versions, and 1,000 experiments with 10 each. Commands take turns,
so that a busy machine slows all alike; medians are told, and the median of what each costs beyond --help in its turn.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from statistics import median

from alternating import spend
from environments import mlrun

from mlrun.records import Interval
from mlrun.store.run_record import (
    BudgetRecord,
    FoldSummary,
    GateRecord,
    MetricRecord,
    ModelRecord,
    RunRecord,
    TaskRecord,
    VerdictPart,
    VerdictRecord,
)
from mlrun.store.run_seal import sealed, to_json

REPEATS = 9
MODELS = ("logistic_regression", "random_forest", "hist_gradient_boosting", "xgboost")
BASELINES = ("zero_rule", "random")
METRICS = (
    MetricRecord("roc_auc", "maximize"),
    MetricRecord("accuracy", "maximize"),
    MetricRecord("log_loss", "minimize"),
)
NEWEST = 10_000


def main() -> None:
    """Make the runs, measure, and print a line a command."""
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(temporary)
        one, many = place / "one", place / "many"
        for root, experiments, versions in ((one, 1, NEWEST), (many, 1_000, 10)):
            if not root.exists():
                make_runs(root, experiments, versions)
        for name, root in (("one experiment with 10,000 versions", one), ("1,000 experiments with 10 versions", many)):
            print(f"\n{name}")
            (root / ".index.sqlite").unlink(missing_ok=True)
            tell("first list, which makes the index", [spend([mlrun(), "list", "--runs", str(root)], place).cpu])
            measure(root)


def measure(root: Path) -> None:
    """Time the commands in turn; the index is refreshed after a new run in one of them."""
    first = min(path.name for path in root.iterdir() if path.is_dir())
    newest = len(list((root / first).iterdir()))
    two = [f"{first}@{newest}", f"{first}@{newest - 1}"]
    commands = {
        "--help": ["--help"],
        "list": ["list"],
        "list --where": ["list", "--where", "roc_auc > 0.9 AND model = 'xgboost'"],
        "list --where (tag, date)": ["list", "--where", "tag = 'good' OR started >= '2026-01-01'"],
        "list --sort test.log_loss": ["list", "--sort", "test.log_loss"],
        "list --best": ["list", "--best"],
        "compare --no-tests": ["compare", *two, "--no-tests"],
        "show @latest": ["show", f"{first}@latest"],
        "show @best": ["show", f"{first}@best"],
        "history": ["history", first],
        "gc (dry run)": ["gc", "-e", first],
    }
    measured: dict[str, list[float]] = {name: [] for name in [*commands, "list after a new run"]}
    for turn in range(REPEATS + 1):
        for name, arguments in commands.items():
            place = [] if name == "--help" else ["--runs", str(root)]
            seconds = spend([mlrun(), *arguments, *place], root.parent).cpu
            if turn:
                measured[name].append(seconds)
        if turn:
            os.utime(root / first / f"{newest:04d}" / "run.json")
            measured["list after a new run"].append(spend([mlrun(), "list", "--runs", str(root)], root.parent).cpu)
    for name, spent in measured.items():
        tell(name, spent, measured["--help"])


def tell(name: str, spent: Sequence[float], floors: Sequence[float] = ()) -> None:
    more = [each - floor for each, floor in zip(spent, floors, strict=False)]
    beyond = f"   {median(more):+.3f} s beyond --help" if more else ""
    print(f"  {name:<34} {median(spent):6.3f} s{beyond}", flush=True)


def make_runs(root: Path, experiments: int, versions: int) -> None:
    """Write finished runs with all that is looked at: run.json and the files of their provenance."""
    draw = random.Random(0)  # noqa: S311 - made scores are no secrets
    for number in range(experiments):
        name = f"nightly-{number:04d}"
        for version in range(1, versions + 1):
            folder = root / name / f"{version:04d}"
            folder.mkdir(parents=True)
            record = made_record(name, version, draw)
            files = {file: json.dumps(content).encode() for file, content in provenance(record).items()}
            digests = {file: sha256(content).hexdigest() for file, content in files.items()}
            files["manifest.json"] = json.dumps({"format": 1, "files": digests}).encode()
            record = sealed(replace(record, manifest=sha256(files["manifest.json"]).hexdigest()), own=True)
            for file, content in {**files, "run.json": to_json(record)}.items():
                (folder / file).write_bytes(content)
            if version % 10 == 0:
                (folder / "labels.json").write_text(json.dumps({"format": 1, "tags": ["good"], "note": "kept"}))


def made_record(experiment: str, version: int, draw: random.Random) -> RunRecord:
    """Return a run of four models and two baselines on the data of its week."""
    started = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=2 * version)
    models = [made_model(name, 0.9 + draw.gauss(0, 0.01), "model") for name in MODELS]
    models += [made_model(name, 0.5, "baseline") for name in BASELINES]
    best = max(models, key=lambda model: model.cv["roc_auc"].mean or 0.0)
    parts = tuple(
        VerdictPart(code, "is it better than guessing?", "yes", "roc_auc", 0.4, 0.3, 0.5, 0.8, "by much")
        for code in ("G0", "G1", "G2", "G3", "U1", "U2", "U3", "U4")
    )
    return RunRecord(
        experiment=experiment,
        version=version,
        status="complete",
        started=started.isoformat(timespec="seconds"),
        finished=(started + timedelta(minutes=10)).isoformat(timespec="seconds"),
        spec_id="c" * 64,
        data_id=f"{version // 7:032x}",
        rows_id=f"{version // 7:032x}",
        code_id="e" * 64,
        best=best.name,
        models=tuple(models),
        verdict=VerdictRecord("good", f"{best.name} beats all baselines", parts),
        gates=(GateRecord("beats zero_rule", "pass"), GateRecord("roc_auc at least 0.85", "pass")),
        metrics=METRICS,
        task=TaskRecord("classification", ("<=50K", ">50K"), ">50K"),
        notes=("3 rows without a target are left out",),
        manifest="f" * 64,
    )


def made_model(name: str, auc: float, kind: str) -> ModelRecord:
    whole = ModelRecord(
        name=name,
        kind="model",
        family=name,
        params={"C": 0.1, "penalty": "l2", "max_iter": 1000},
        cv={
            "roc_auc": FoldSummary(auc, 0.01),
            "accuracy": FoldSummary(auc - 0.05, 0.01),
            "log_loss": FoldSummary(1 - auc, 0.01),
        },
        test={
            "roc_auc": Interval(auc - 0.01, auc - 0.03, auc + 0.01),
            "accuracy": Interval(auc - 0.06, auc - 0.08, auc - 0.04),
            "log_loss": Interval(1.01 - auc, 1 - auc, 1.02 - auc),
        },
        fit_seconds=1.2345,
        p95_ms_1_row=0.7,
        size_bytes=20_480,
        budget=BudgetRecord(30, 12),
        trial=f"{name}/0007",
        simplicity_rank=2,
        file=f"models/{name}.skops",
        identity="a" * 64,
    )
    return whole if kind == "model" else replace(whole, kind="baseline", params={}, budget=None, trial="", file="")


def provenance(record: RunRecord) -> Mapping[str, object]:
    """Return data.json, code.json, env.json and the resolved spec; the columns of the data are thirty."""
    columns = {f"column_{number}": f"{number:032x}" for number in range(30)}
    return {
        "spec.resolved.json": {"seed": 0, "data": {"source": "csv", "target": "income"}, "split": {"folds": 5}},
        "data.json": {
            "data_id": record.data_id,
            "rows_id": record.rows_id,
            "rows": 1000 + record.version,
            "train_rows": 800,
            "test_rows": 200,
            "train": "a" * 32,
            "test": record.data_id,
            "columns": columns,
        },
        "code.json": {"git": {"commit": f"{record.version // 5:040x}", "branch": "main"}, "user_code": ""},
        "env.json": {"packages": {"python": "3.11.7", "numpy": "2.4.6", "scikit-learn": "1.9.0"}, "machine": {}},
    }


if __name__ == "__main__":
    main()
