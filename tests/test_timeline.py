"""The history of an experiment: what changed with each run, and the run since which the score is another."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from made_runs import USUAL, make_run, model, record

from mlrun import runs
from mlrun.cli import run as command
from mlrun.errors import UsageError
from mlrun.timeline import timeline


def nightly(root: Path, scores: list[float], *, rows: str = "", **changes: Any) -> None:
    """Write a run a score, each on rows of its own unless `rows` says which."""
    first = len(runs.list_versions(root, "income"))
    for number, score in enumerate(scores, first):
        own = rows or f"{number:032x}"
        made = record((model("xgboost", score), *USUAL[1:]), rows_id=own, data_id=own, **changes)
        make_run(root, made, data={"rows_id": own, "data_id": own, "rows": 1000 + number})


def around(level: float, count: int, seed: int = 0) -> list[float]:
    draw = random.Random(seed)
    return [level + draw.gauss(0, 0.003) for _ in range(count)]


def install(root: Path, version: int, packages: dict[str, str]) -> None:
    """Change the packages of a run and of all later ones."""
    for later in runs.list_versions(root, "income"):
        if later >= version:
            file = root / "income" / f"{later:04d}" / "env.json"
            file.write_text(json.dumps({"packages": packages, "machine": {"architecture": "x86_64"}}))


def test_the_run_since_which_the_score_is_another_is_named_with_what_came_with_it(tmp_path: Path) -> None:
    nightly(tmp_path, around(0.912, 13) + around(0.887, 9, seed=1))
    install(tmp_path, 14, {"python": "3.11.7", "numpy": "2.5.0"})
    found = timeline(tmp_path, "income")
    (step,) = found.steps
    assert step.run == "income@14"
    assert (step.before, step.after) == pytest.approx((0.912, 0.887), abs=0.002)
    assert step.p_value is not None
    assert step.p_value <= 0.002
    assert ("packages", "numpy", "2.4.6", "2.5.0") in {
        (change.what, change.path, change.old, change.new) for change in step.changes
    }
    assert {change.what for change in step.changes} == {"data", "packages"}
    assert [(first, last) for first, last, _ in found.levels] == [(1, 13), (14, 22)]
    assert found.moves == ()


def test_noise_over_changing_data_is_no_change(tmp_path: Path) -> None:
    nightly(tmp_path, around(0.9, 20))
    found = timeline(tmp_path, "income")
    assert (found.steps, found.moves, found.levels, found.tested) == ((), (), (), True)
    assert [moment.row.version for moment in found.moments] == list(range(1, 21))
    assert {change.what for change in found.moments[-1].changes or ()} == {"data"}


def test_repeats_on_the_same_rows_are_no_new_evidence_and_a_move_there_needs_no_test(tmp_path: Path) -> None:
    nightly(tmp_path, [0.91] * 12, rows="a")
    nightly(tmp_path, [0.89] * 12, rows="a")
    found = timeline(tmp_path, "income")
    assert (found.steps, found.tested) == ((), False)
    (move,) = found.moves
    assert (move.run, move.before, move.after, move.p_value) == ("income@13", 0.91, 0.89, None)
    assert "2 different scores: fewer than 8" in found.notes[0]


def test_of_many_moves_on_the_same_rows_the_largest_are_told(tmp_path: Path) -> None:
    nightly(tmp_path, [0.9 + 0.001 * number * (-1) ** number for number in range(9)], rows="a")
    found = timeline(tmp_path, "income")
    assert [move.run for move in found.moves] == [f"income@{version}" for version in range(5, 10)]
    assert "and 3 smaller differences on the same data" in found.notes


def test_try_outs_failed_runs_and_runs_without_the_metric_are_left_out_and_counted(tmp_path: Path) -> None:
    nightly(tmp_path, around(0.9, 3))
    nightly(tmp_path, [0.5], sampled=100)
    nightly(tmp_path, [0.5, 0.5], status="failed", best=None)
    make_run(tmp_path, record((model("xgboost", 0.5, cv={}, test={}),)))
    with runs.claim(tmp_path, "income") as cut:
        (cut.path / "journal.jsonl").touch()
    found = timeline(tmp_path, "income", "roc_auc")
    assert [moment.row.version for moment in found.moments] == [1, 2, 3, 7]
    assert found.notes[:3] == (
        "1 try-out on some of the rows left out",
        "3 runs left out that are not complete",
        "1 run without roc_auc",
    )


def test_drift_is_told_where_neighbours_resemble_each_other(tmp_path: Path) -> None:
    nightly(tmp_path, [0.9 + 0.002 * number for number in range(24)])
    assert any("resemble each other" in note for note in timeline(tmp_path, "income").notes)


def test_other_metrics_and_the_test_rows_can_be_followed(tmp_path: Path) -> None:
    nightly(tmp_path, around(0.9, 3))
    loss, test = timeline(tmp_path, "income", "log_loss"), timeline(tmp_path, "income", "test.roc_auc")
    assert (loss.metric.direction, test.metric.direction) == ("minimize", "maximize")
    first = timeline(tmp_path, "income").moments[0].score
    assert first is not None
    assert loss.moments[0].score == pytest.approx(1 - first)
    assert test.moments[0].score == pytest.approx(first - 0.01)


@pytest.mark.parametrize(
    ("experiment", "metric", "words"),
    [
        ("incom", "", "did you mean 'income'"),
        ("income", "roc_auk", "did you mean 'roc_auc'"),
        ("income", "version", "no metric"),
        ("income", "test", "no metric"),
    ],
)
def test_what_cannot_be_followed_is_told(tmp_path: Path, experiment: str, metric: str, words: str) -> None:
    nightly(tmp_path, [0.9])
    with pytest.raises(UsageError, match=words):
        timeline(tmp_path, experiment, metric)


def test_an_experiment_without_a_complete_run_has_no_history(tmp_path: Path) -> None:
    nightly(tmp_path, [0.5], status="failed", best=None)
    with pytest.raises(UsageError, match=r"no run of 'income' .* is complete"):
        timeline(tmp_path, "income")


def test_a_run_whose_provenance_is_lost_still_has_its_line(tmp_path: Path) -> None:
    nightly(tmp_path, around(0.9, 3))
    for name in ("env.json", "data.json", "code.json", "spec.resolved.json"):
        (tmp_path / "income" / "0002" / name).unlink()
    assert [len(moment.changes or ()) for moment in timeline(tmp_path, "income").moments] == [0, 0, 0]


def test_the_page_fits_80_columns_and_machines_get_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    nightly(tmp_path, around(0.912, 13) + around(0.887, 9, seed=1))
    install(tmp_path, 14, {"python": "3.11.7", "numpy": "2.5.0"})
    arguments = ["history", "income", "--runs", str(tmp_path)]
    assert command([*arguments, "-n", "5"]) == 0
    shown = capsys.readouterr().out
    assert "worse  since income@14: 0.91" in shown
    assert "numpy 2.4.6 → 2.5.0, data: rows" in shown
    assert "5 of 22 runs" in shown
    assert "┊   since income@14" in shown  # the picture's legend
    assert "\x1b" not in shown
    assert command([*arguments, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [step["run"] for step in told["steps"]] == ["income@14"]
    assert len(told["runs"]) == 20
    assert [run["run"] for run in told["runs"] if run["step"]] == ["income@14"]
    for form, begins in (("csv", "run,version,started,score"), ("markdown", "# income by roc_auc")):
        assert command([*arguments, "-n", "0", "--format", form]) == 0
        assert capsys.readouterr().out.startswith(begins)


def test_the_picture_stands_one_line_below_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nightly(tmp_path, around(0.9, 3))
    assert command(["history", "income", "--runs", str(tmp_path)]) == 0
    assert "\n\n\n" not in capsys.readouterr().out
