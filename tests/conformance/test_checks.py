"""Every check of the shelf keeps the contract, found through the catalog; and whole runs let them all speak."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from in_process import Done, run, write_spec

from mlrun import catalog
from mlrun.check_contracts import Check
from mlrun.kinds import Fields, Parameter
from mlrun.records import Finding
from mlrun.runs import read_findings
from mlrun.suite import AUTOMATIC

NAMES = catalog.names("checks")
STATUSES = {"pass", "warn", "fail", "info", "vacuous", "not_run", "error"}
RNG = np.random.default_rng(0)
ROWS = 400
NUMBERS = RNG.normal(size=(ROWS, 3))
SEX = RNG.choice(["f", "m"], ROWS)
PULL = NUMBERS[:, 0] + 0.5 * NUMBERS[:, 1] + RNG.normal(size=ROWS)
WORDS = np.where(PULL > 0, "a fine good day", "a poor bad night")
MORE = RNG.choice(["with rain in the morning", "and the wind blew all along the coast", "that nobody saw"], ROWS)
TARGETS = {
    "binary": np.where(PULL > 0, "yes", "no"),
    "multiclass": np.array(["low", "mid", "high"])[np.digitize(PULL, [-0.5, 0.5])],
    "regression": PULL * 10,
    "anomaly": np.where(np.abs(NUMBERS[:, 0]) > 1.9, "odd", "usual"),
    "unlabelled": np.zeros(ROWS),
    "text": np.where(PULL > 0, "yes", "no"),
}
MODELS = {
    "binary": ["logistic_regression", "decision_tree"],
    "multiclass": ["lda", "gaussian_nb"],
    "regression": ["ridge", "k_nearest_neighbors"],
    "anomaly": ["isolation_forest", "knn_distance"],
    "unlabelled": ["isolation_forest"],
    "text": ["multinomial_nb"],
}


def entry(name: str) -> Check:
    found: Check = catalog.find("checks", name)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_plain_data_and_admit_their_own_defaults(name: str) -> None:
    for key, parameter in entry(name).parameters.items():
        assert isinstance(parameter, Parameter), key
        assert parameter.caption, f"{name}.{key} says nothing of itself"
        if parameter.default is not None and not isinstance(parameter.kind, Fields):
            assert parameter.kind.admits(parameter.default), f"{name}.{key}"
        json.dumps(parameter.default)


def test_what_auto_runs_is_on_the_shelf() -> None:
    assert set(AUTOMATIC) <= set(NAMES)


def test_a_list_of_checks_needs_no_heavy_import() -> None:
    code = (
        "import sys; from mlrun import catalog\n"
        "for shelf in ('checks', 'edits'):\n"
        "    for name in catalog.names(shelf): catalog.find(shelf, name)\n"
        "print(sorted({'numpy', 'polars', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert told.strip() == "[]"


def whole_run(folder: Path, kind: str) -> Done:
    """Run a spec of this kind with everything that `auto` asks for."""
    columns: dict[str, Any] = {"a": NUMBERS[:, 0], "b": NUMBERS[:, 1], "c": NUMBERS[:, 2], "sex": SEX}
    if kind == "text":
        columns = {"words": [f"{word} {more}" for word, more in zip(WORDS, MORE, strict=True)], "sex": SEX}
    data: dict[str, Any] = {"path": "rows.csv", "sensitive": ["sex"]}
    if kind != "unlabelled":
        columns["y"], data["target"] = TARGETS[kind], "y"
    if kind == "text":
        data["text"] = ["words"]
    pl.DataFrame(columns).write_csv(folder / "rows.csv")
    spec: dict[str, Any] = {"experiment": "small", "data": data, "models": MODELS[kind], "evaluation": "auto"}
    if kind in {"anomaly", "unlabelled"}:
        spec["task"] = "anomaly"
    if kind == "binary":
        spec["costs"] = {"false_negative": 5, "false_positive": 1}
        data["positive"] = "yes"
    return run(write_spec(folder, json.dumps(spec)), "split.folds=3")


@pytest.fixture(scope="module", params=sorted(TARGETS))
def findings(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, tuple[Finding, ...]]:
    done = whole_run(tmp_path_factory.mktemp(request.param), request.param)
    assert done.folder is not None
    return request.param, read_findings(done.folder)


def test_no_check_breaks_whatever_the_task(findings: tuple[str, tuple[Finding, ...]]) -> None:
    kind, found = findings
    broken = [f"{each.check} {each.test} {each.model}: {each.reason}" for each in found if each.status == "error"]
    assert broken == [], kind
    assert {each.status for each in found} <= STATUSES
    assert found, kind


def test_what_was_not_run_says_why(findings: tuple[str, tuple[Finding, ...]]) -> None:
    _, found = findings
    assert [each for each in found if each.status in {"not_run", "vacuous"} and not each.reason] == []


def test_a_judgement_names_its_measure_and_its_rows(findings: tuple[str, tuple[Finding, ...]]) -> None:
    _, found = findings
    judged = [each for each in found if each.status in {"pass", "warn", "fail"} and each.check != "assumptions"]
    assert [f"{each.check} {each.test}" for each in judged if not each.measure or each.value is None] == []
    for each in judged:
        if each.low is not None and each.high is not None and each.value is not None and each.check != "calibration":
            assert each.low <= each.high, each
