"""Whole runs against stored ones: what is printed, which files there are, what they say; clock and machine masked.

`MLRUN_UPDATE_GOLDEN=1 pytest tests/golden` writes what is stored anew: look at the difference before it is kept.
Numbers may differ in the last places between processors and versions of the libraries, words may not.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlrun.cli import run
from mlrun.provenance import packages

HERE = Path(__file__).parent
CASES = {"three_lines": 0, "a_failure": 4}  # folder → exit code
UPDATE = bool(os.environ.get("MLRUN_UPDATE_GOLDEN"))
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.]*\w)")
TIME = re.compile(r"(?<![\w.])\d+(\.\d+)?(e[-+]\d+)? (ms|s|min \d\d s)\b")
MASKED = (  # clock, machine, and digests into which versions enter
    *("spec_folder", "started", "finished", "fit_seconds", "p95_ms_1_row", "size_bytes", "manifest", "digest", "seal"),
    *("identity", "spec_id", "data_id", "rows_id", "code_id", "defaults"),
)
VERSIONS = ("scikit-learn", "xgboost", "numpy", "scipy")
NEAR, NEAR_IN_TEXT = 1e-4, 2e-3  # in text numbers are rounded
PRICED = re.compile(r"^(info|evaluation of) .*\n", re.MULTILINE)  # what a model costs is measured in seconds
PACE = re.compile(r"^ +([\d,]+/[\d,]+ fits|checks \d+/\d+).*\n", re.MULTILINE)  # only on slow machines


@pytest.mark.parametrize("case", CASES)
def test_a_whole_run_is_as_stored(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(
        HERE / case, tmp_path / case, ignore=shutil.ignore_patterns("*.txt", "*.json", "*.jsonl", "__pycache__")
    )
    monkeypatch.chdir(tmp_path / case)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("COLUMNS", "80")
    Path("runs").mkdir()
    assert run(["plan", "spec.yaml"]) == 0
    planned = capsys.readouterr().out
    assert run(["train", "spec.yaml", "--jobs", "1"]) == CASES[case]
    trained = capsys.readouterr()
    folder = next(Path("runs").glob("*/0001"))
    found = {
        "plan.txt": masked_text(planned),
        "stdout.txt": masked_text(trained.out),
        "stderr.txt": masked_text(trained.err),
        "files.txt": "".join(f"{path.relative_to(folder)}\n" for path in sorted(folder.rglob("*")) if path.is_file()),
        "run.json": as_text(masked(json.loads((folder / "run.json").read_text()))),
        "trials.jsonl": "".join(
            as_text(masked(json.loads(line)), indent=None)
            for line in (folder / "trials.jsonl").read_text().splitlines()
        ),
    }
    sys.modules.pop("own", None)
    if UPDATE:
        for name, text in found.items():
            (HERE / case / name).write_text(text, encoding="utf-8")
        (HERE / "versions.json").write_text(as_text(versions()), encoding="utf-8")
    expected = {name: (HERE / case / name).read_text(encoding="utf-8") for name in found}
    for name, text in found.items():
        assert NUMBER.sub("#", text) == NUMBER.sub("#", expected[name]), f"{case}/{name}: see the head of this file"
    assert "\x1b" not in planned + trained.out + trained.err
    assert max(map(len, table_lines(trained.out) + table_lines(planned))) <= 80
    if json.loads((HERE / "versions.json").read_text()) != versions():
        pytest.skip("words are equal; the stored numbers are those of other versions of the libraries")
    for name, text in found.items():
        near = NEAR_IN_TEXT if name.endswith(".txt") else NEAR
        assert numbers_in(text) == pytest.approx(numbers_in(expected[name]), abs=near, rel=near), f"{case}/{name}"


def numbers_in(text: str) -> list[float]:
    return [float(number) for number in NUMBER.findall(text)]


def versions() -> Mapping[str, str]:
    """Return major and minor version of what computes."""
    return {name: ".".join(packages()[name].split(".")[:2]) for name in VERSIONS}


def masked_text(text: str) -> str:
    """Return output without times and folders; runs of blanks and lines as one, since times move columns."""
    text = TIME.sub("TIME", PRICED.sub("", PACE.sub("", text.replace(str(Path.cwd()), "."))))
    text = re.sub(r"─+", "─", text)
    return re.sub(r"(?<=\S) {2,}", "  ", text)


def masked(value: Any) -> Any:
    """Return a record without times, sizes and digests, its numbers with six digits."""
    if isinstance(value, dict):
        return {
            key: ("masked" if key in MASKED and inner is not None else masked(inner)) for key, inner in value.items()
        }
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def as_text(value: Any, indent: int | None = 1) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False) + "\n"


def table_lines(text: str) -> list[str]:
    """Return the first table, up to a blank line or a line that a sentence fills."""
    lines = text.splitlines()
    rule = next(place for place, line in enumerate(lines) if line.startswith("─"))
    return lines[rule - 1 : rule + 4]
