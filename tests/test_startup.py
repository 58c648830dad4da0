"""Starting is quick: light commands load no heavy library, on a real run; --help costs what typer and rich cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"sklearn", "scipy", "xgboost", "pandas", "joblib", "skops"}
ARRAYS = {"numpy", "polars"}
SPEC = """
experiment: startup
data: {source: sklearn, name: breast_cancer}
models: [gaussian_nb]
"""
PROBE = """
import json, sys
from mlrun.cli import run
code = run(sys.argv[1:])
sys.stdout.flush()
print("\\n" + json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def start(*arguments: str, cwd: Path) -> tuple[int, set[str]]:
    """Run a command in a fresh interpreter; return its exit code and the packages that it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments], cwd=cwd, capture_output=True, text=True, check=True, timeout=120
    )
    code, loaded = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    return code, set(loaded)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a spec and two real runs of it."""
    place = tmp_path_factory.mktemp("startup")
    (place / "runs").mkdir()
    (place / "spec.yaml").write_text(SPEC)
    for extra in ([], ["--fresh"]):
        start("train", "spec.yaml", "--executor", "serial", *extra, cwd=place)
    return place


@pytest.mark.parametrize(
    "command",
    [
        ["--help"],
        ["train", "--help"],
        ["list"],
        ["list", "--format", "json"],
        ["list", "--where", "accuracy > 0.5 AND model LIKE '%nb'", "--sort", "seconds", "--best"],
        ["history", "startup"],
        ["tag", "startup@best", "good"],
        ["note", "startup", "a note"],
        ["gc"],
        ["verify", "--help"],
        ["reproduce", "--help"],
        ["export", "--help"],
        ["data", "diff", "--help"],
        ["data", "erase", "--help"],
        ["--version"],
    ],
)
def test_help_and_list_load_neither_arrays_nor_learners(folder: Path, command: list[str]) -> None:
    loaded = start(*command, cwd=folder)[1]
    assert not loaded & (HEAVY | ARRAYS)


@pytest.mark.parametrize(
    "command",
    [
        ["show", "startup"],
        ["compare", "startup@1", "startup@2", "--no-tests"],
        ["verify", "startup@1", "--no-models"],
        ["export", "startup@1", "--to", "model-card", "--force"],
        ["schema", "--run"],
    ],
)
def test_looking_at_runs_loads_no_arrays(folder: Path, command: list[str]) -> None:
    loaded = start(*command, cwd=folder)[1]
    assert not loaded & (HEAVY | ARRAYS)


@pytest.mark.parametrize(
    "command",
    [
        ["compare", "startup@1", "startup@2"],
        ["schema"],
        ["catalog"],
        ["catalog", "models"],
        ["catalog", "models", "xgboost"],
        ["catalog", "metrics"],
        ["catalog", "baselines"],
        ["catalog", "searches"],
        ["catalog", "sources"],
        ["catalog", "executors"],
        ["catalog", "exports"],
        ["catalog", "exports", "onnx"],
        ["show", "startup", "--all"],
        ["show", "startup", "--html", "startup.html"],
    ],
)
def test_light_commands_load_no_learner(folder: Path, command: list[str]) -> None:
    loaded = start(*command, cwd=folder)[1]
    assert not loaded & HEAVY


def test_light_commands_spare_the_validation_library(folder: Path) -> None:
    """Typer converts values with pydantic, which costs more than the rest of a start together."""
    assert "pydantic" not in start("list", cwd=folder)[1]
    assert "pydantic" not in start("show", "startup", cwd=folder)[1]


def test_completion_loads_neither_arrays_nor_learners(folder: Path) -> None:
    """The same module that answers the command line answers the shell."""
    environment = {**os.environ, "_MLRUN_COMPLETE": "complete_bash", "COMP_WORDS": "mlrun sh", "COMP_CWORD": "1"}
    probe = "import atexit, json, sys; atexit.register(lambda: print(sorted(sys.modules), file=sys.stderr))\n"
    probe += "from mlrun.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "show" in done.stdout
    assert not {f"'{name}'" for name in HEAVY | ARRAYS} & set(done.stderr.strip("[]\n").split(", "))
