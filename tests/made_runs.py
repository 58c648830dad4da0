"""Run folders for tests, written by the program's own functions without any training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlrun.records import Finding, Interval, Trial, TrialResult
from mlrun.runs import claim, finish, write_atomically, write_findings, write_trials
from mlrun.store.run_record import (
    BudgetRecord,
    FitCounts,
    FoldSummary,
    MetricRecord,
    ModelRecord,
    RunRecord,
    TaskRecord,
    VerdictRecord,
)

AUC, LOSS = MetricRecord("roc_auc", "maximize"), MetricRecord("log_loss", "minimize")
SPEC: dict[str, Any] = {
    "seed": 0,
    "data": {"source": "csv", "target": "income", "id": "person"},
    "split": {"test": 0.2, "folds": 5},
    "costs": {},
}
DATA: dict[str, Any] = {
    "data_id": "d" * 32,
    "rows_id": "e" * 32,
    "rows": 1000,
    "train_rows": 800,
    "test_rows": 200,
    "train": "a" * 32,
    "test": "b" * 32,
    "columns": {"age": "01", "income": "02"},
}


def model(name: str, auc: float, **changes: Any) -> ModelRecord:
    """Return a champion with this ROC AUC, on folds and on test."""
    made = ModelRecord(
        name=name,
        kind="model",
        family=name,
        params={"C": 0.1, "penalty": "l2"},
        cv={"roc_auc": FoldSummary(auc, 0.0123456789), "log_loss": FoldSummary(1 - auc, 0.02)},
        test={"roc_auc": Interval(auc - 0.01, auc - 0.03, auc + 0.01), "log_loss": Interval(1.01 - auc)},
        fit_seconds=1.234,
        p95_ms_1_row=0.7,
        size_bytes=20_480,
        budget=BudgetRecord(30, 4),
        trial=f"{name}/0001",
        simplicity_rank=1,
        file=f"models/{name}.skops",
    )
    return replace(made, **changes)


def baseline(name: str, auc: float) -> ModelRecord:
    return model(name, auc, kind="baseline", params={}, budget=None, trial="", file="", size_bytes=None)


def record(models: Sequence[ModelRecord], **changes: Any) -> RunRecord:
    """Return run.json of an experiment called income; the best is the first model."""
    made = RunRecord(
        experiment="income",
        version=1,
        status="complete",
        started="2026-01-02T03:04:05+00:00",
        finished="2026-01-02T03:08:15+00:00",
        spec_id="c" * 64,
        data_id="d" * 32,
        best=next((each.name for each in models if each.kind == "model" and each.status == "done"), None),
        models=tuple(models),
        verdict=VerdictRecord("not judged", "xgboost is best by roc_auc over the folds"),
        metrics=(AUC, LOSS),
        task=TaskRecord("classification", ("<=50K", ">50K"), ">50K"),
        fits=FitCounts(planned=60, run=60, unshared=180),
    )
    return replace(made, **changes)


USUAL = (
    model("xgboost", 0.93),
    model("logistic_regression", 0.91),
    baseline("zero_rule", 0.5),
    baseline("random", 0.49),
)


def make_run(
    root: Path,
    made: RunRecord | None = None,
    *,
    spec: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    predictions: Mapping[str, Any] | None = None,
    trials: Sequence[TrialResult] = (),
    findings: Sequence[Finding] = (),
    provenance: bool = True,
) -> Path:
    """Write a finished run below the root and return its folder; predictions: model → a polars frame."""
    made = made or record(USUAL)
    with claim(root, made.experiment) as folder:
        if provenance:
            write_provenance(folder.path, {**SPEC, **(spec or {})}, {**DATA, **(data or {})})
        write_trials(folder.path, trials)
        write_findings(folder.path, findings)
        for name, table in (predictions or {}).items():
            (folder.path / "predictions").mkdir(exist_ok=True)
            table.write_parquet(folder.path / "predictions" / f"{name}.parquet")
        finish(folder.path, replace(made, version=folder.version))
        return folder.path


def write_provenance(folder: Path, spec: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    code = {"git": {"commit": "f" * 40, "branch": "main", "dirty": False, "patch_sha256": None}, "user_code": ""}
    packages = {"python": "3.11.7", "numpy": "2.4.6"}
    files = {
        "spec.resolved.json": spec,
        "data.json": data,
        "code.json": code,
        "env.json": {"packages": packages, "machine": {"architecture": "x86_64"}},
    }
    for name, content in files.items():
        write_atomically(folder / name, json.dumps(content).encode())


def trial_of(name: str, scores: Sequence[float | None]) -> TrialResult:
    """Return the champion's trial of a model, with its ROC AUC on each fold."""
    return TrialResult(Trial(f"{name}/0001", name, name, {"C": 0.1}), "done", {"roc_auc": tuple(scores)})
