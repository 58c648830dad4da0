"""The specs in configs/ run as they are, on a few rows, without a failed model; their tables are equal everywhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrun.cli import run
from mlrun.runs import read_findings, read_run

CONFIGS = Path(__file__).parents[1] / "configs"
SPECS = sorted(path.name for path in CONFIGS.glob("*.yaml"))
FOR_SPEED = ["--set", "split.folds=2", "--set", "split.repeats=1"]
NO_GATES = ["--set", "gates=[]"]  # a few rows conclude nothing, and are not meant to
FEWER = {"income.yaml": ["--set", "search.budget.trials=2"], "diabetes.yaml": ["--set", "models.random_forest={}"]}
OWN_MODULES = ("make_data", "own_family")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a copy of configs/ with the tables that its README says to make."""
    copy = tmp_path_factory.mktemp("repository") / "configs"
    shutil.copytree(CONFIGS, copy, ignore=shutil.ignore_patterns("__pycache__", "*.csv"))
    subprocess.run([sys.executable, copy / "make_data.py"], check=True, capture_output=True)
    yield copy
    sys.path[:] = [place for place in sys.path if place != str(copy)]
    for name in OWN_MODULES:
        sys.modules.pop(name, None)


def test_every_task_has_its_spec() -> None:
    assert {"quickstart.yaml", "income.yaml", "diabetes.yaml", "messages.yaml", "sensors.yaml"} <= set(SPECS)
    readme = (CONFIGS / "README.md").read_text()
    assert all(f"`{name}`" in readme for name in SPECS)


@pytest.mark.parametrize("name", SPECS)
def test_a_config_runs_and_no_model_fails(name: str, folder: Path, tmp_path: Path) -> None:
    arguments = [str(folder / name), "--runs", str(tmp_path), "--jobs", "1", "--sample", "160", "-q"]
    assert run(["train", *arguments, *FOR_SPEED, *NO_GATES, *FEWER.get(name, [])]) == 0
    folder = next(tmp_path.glob("*/0001"))
    record, findings = read_run(folder), read_findings(folder)
    assert [(finding.test, finding.reason) for finding in findings if finding.status == "error"] == []
    assert record.status == "complete"
    assert [model.name for model in record.models if model.status != "done"] == []
    assert record.failed_trials == 0
    assert record.best


@pytest.mark.parametrize("name", SPECS)
def test_a_config_says_what_it_is_for(name: str) -> None:
    first, *rest = (CONFIGS / name).read_text().splitlines()
    assert first.startswith("# ")
    assert any(f"mlrun train configs/{name}" in line for line in rest)
    assert max(map(len, [first, *rest])) <= 120


def test_the_tables_are_equal_everywhere(folder: Path) -> None:
    """The first rows and the shares of the classes, as written when the specs were; numpy keeps its streams."""
    people = (folder / "data" / "people.csv").read_text().splitlines()
    assert people[1] == "100000,H00000,49.0,male,primary,transport,38.0,0.0,2020-02-24,4.0,,single,<=50K"
    assert sum(line.endswith(",>50K") for line in people) == 947
    assert sum(line.endswith(",yes") for line in (folder / "data" / "messages.csv").read_text().splitlines()) == 523


def test_editors_accept_the_configs() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    import yaml

    from mlrun.spec import json_schema

    schema = json.loads(json.dumps(json_schema()))
    for name in SPECS:
        jsonschema.validate(yaml.safe_load((CONFIGS / name).read_text()), schema)
