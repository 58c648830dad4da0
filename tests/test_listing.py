"""The list: the runs that are asked for, in the order that is asked for, with the columns that were named."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from made_runs import USUAL, make_run, model, record

from mlrun import runs
from mlrun.cli import run as command
from mlrun.errors import UsageError
from mlrun.store.run_labels import Labels, write_labels
from mlrun.store.run_record import GateRecord, MetricRecord


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return four runs of `income` and one of `housing`."""
    for version, (auc, name) in enumerate([(0.9, "xgboost"), (0.95, "forest"), (0.85, "xgboost")], 1):
        started = f"2026-01-0{version}T10:00:00+00:00"
        finished = f"2026-01-0{version}T10:0{version}:00+00:00"
        make_run(tmp_path, record((model(name, auc), *USUAL[1:]), started=started, finished=finished))
    best = record((model("forest", 0.99), *USUAL[1:]), sampled=100, started="2026-01-04T10:00:00+00:00")
    make_run(tmp_path, best)
    loss = record((model("ridge", 0.5),), experiment="housing", metrics=(MetricRecord("log_loss", "minimize"),))
    make_run(tmp_path, loss)
    write_labels(tmp_path / "income" / "0001", Labels(("paper", "v1"), "the one in the paper"))
    return tmp_path


def listed(root: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert command(["list", *arguments, "--format", "json", "--runs", str(root)]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return rows


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--where", "roc_auc > 0.86 AND model = 'xgboost'"], ["income@1"]),
        (["--where", "roc_auc > 0.86", "--where", "NOT sampled"], ["income@2", "income@1"]),
        (["--sort", "roc_auc", "-e", "income"], ["income@4", "income@2", "income@1", "income@3"]),
        (["--sort", "-roc_auc", "-e", "income"], ["income@3", "income@1", "income@2", "income@4"]),
        (["--sort", "test.log_loss"], ["income@4", "income@2", "income@1", "income@3", "housing@1"]),
        (["--sort", "-started", "-n", "2", "-e", "income"], ["income@1", "income@2"]),
        (["--sort", "seconds", "-e", "income", "--where", "seconds < 300"], ["income@1", "income@2", "income@3"]),
        (["--best", "--sort", "experiment"], ["housing@1", "income@2"]),  # as @best: try-outs are none
        (["--best", "--where", "roc_auc > 0.99"], []),
        (["--tag", "paper", "--tag", "v1"], ["income@1"]),
        (["--tag", "paper", "--tag", "v2"], []),
        (["--status", "failed"], []),
    ],
)
def test_conditions_tags_sorting_and_the_best_go_together(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: list[str]
) -> None:
    assert [row["name"] for row in listed(root, capsys, *arguments)] == expected


def test_the_best_is_what_its_name_means(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (best,) = listed(root, capsys, "--best", "-e", "income")
    assert runs.resolve(root, "income@best").name == f"{best['version']:04d}"


def test_machines_get_lists_mappings_and_what_was_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = listed(root, capsys, "--where", "test.log_loss < 0.2 AND seconds > 1", "--tag", "paper")
    assert (row["tags"], row["note"]) == (["paper", "v1"], "the one in the paper")
    assert row["scores"]["log_loss"]["mean"] == pytest.approx(0.1)
    assert (row["test.log_loss"], row["seconds"]) == (pytest.approx(0.11), 60.0)
    assert command(["list", "--tag", "paper", "--format", "csv", "--runs", str(root)]) == 0
    (line,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert json.loads(line["tags"]) == ["paper", "v1"]


def test_what_is_named_is_shown_in_80_columns(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert command(["list", "-e", "income", "--sort", "log_loss", "--where", "seconds > 0", "--runs", str(root)]) == 0
    shown = capsys.readouterr().out
    assert {"log_loss ↓", "took"} <= {part.strip() for part in shown.splitlines()[0].split("  ") if part}
    assert "not shown at 80 columns" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "\x1b" not in shown


def test_stale_models_are_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(tmp_path, record((model("knn", 0.9, stale="contains-verbatim"),), erasures=("receipt",)))
    assert command(["list", "--where", "erased", "--runs", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "contains-verbatim" in shown
    assert "erased since" in shown


def test_the_worst_gate_can_be_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad, open_ = GateRecord("a", "pass"), GateRecord("b", "fail"), GateRecord("c", "undecided")
    for gates in ((good, good), (good, bad), (open_, good), ()):
        make_run(tmp_path, record(USUAL, gates=gates))
    found = [row["gates"] for row in listed(tmp_path, capsys, "--sort", "version")]
    assert found == ["pass", "fail", "undecided", ""]
    assert [row["version"] for row in listed(tmp_path, capsys, "--where", "gates != 'pass'")] == [3, 2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--where", "roc_auk > 0.9"], "did you mean 'roc_auc'?"),
        (["--where", "roc_auc > 'high'"], "cannot be compared"),
        (["--sort", "roc_auk"], "did you mean 'roc_auc'?"),
        (["--status", "done"], "no run has the status 'done'"),
        (["-e", "incom"], "did you mean 'income'?"),
    ],
)
def test_mistakes_are_told_with_the_nearest_name(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert command(["list", *arguments, "--runs", str(root)]) == UsageError.exit_code
    assert words in capsys.readouterr().err


def test_a_mistake_in_a_condition_is_shown_at_its_place(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["list", "--where", "version = 1 AND modle = 'x'", "--runs", str(root)]) == UsageError.exit_code
    lines = capsys.readouterr().err.splitlines()
    assert lines[1].strip() == "version = 1 AND modle = 'x'"
    assert lines[2].index("^") == lines[1].index("modle")


def test_no_runs_and_none_so_are_two_things(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["list", "--where", "anything", "--runs", str(tmp_path / "none")]) == 0
    assert "mlrun train SPEC makes the first" in capsys.readouterr().out
    assert command(["list", "--where", "version > 9", "--runs", str(root)]) == 0
    assert "none of 5 runs" in capsys.readouterr().out


def test_a_tag_that_no_run_has_is_answered_with_the_nearest(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["list", "--tag", "papr", "--runs", str(root)]) == 0
    assert "has the tag 'papr'; did you mean 'paper'?" in capsys.readouterr().out


def test_a_score_that_is_shown_anyway_has_no_second_column(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["list", "-e", "income", "--where", "test.roc_auc > 0", "--runs", str(root)]) == 0
    heading = capsys.readouterr().out.splitlines()[0]
    assert heading.count("test") == 1
