"""What is reused from earlier runs and what is not, and which runs are gone on with: whole runs in this process."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from in_process import Done, run, write_spec

from mlrun.events import Noted, RoundPlanned, RunClaimed, TrialFinished, Unchanged

SPEC = """
experiment: cached
seed: 3
data: {source: csv, path: table.csv, target: kind}
split: {folds: 2}
metrics: [accuracy, log_loss]
models:
  gaussian_nb: {var_smoothing: [1.0e-9, 1.0e-3]}
  tree: {family: decision_tree, max_depth: [1, 2]}
"""
REORDERED = """
models:
  tree: {max_depth: [1, 2], family: decision_tree}
  gaussian_nb: {var_smoothing: [1.0e-9, 1.0e-3]}
metrics: [accuracy, log_loss]
split: {folds: 2, test: 0.2}
data: {target: kind, path: table.csv, source: csv}
seed: 3
experiment: cached
"""
TRIALS, FITS = 4, 8
MODULE = """
from sklearn.tree import DecisionTreeClassifier

def build(params, seed):
    return DecisionTreeClassifier(random_state=seed, **params)
"""
FAILS_WHILE_MARKED = f"""{MODULE}
import pathlib

def fails(params, seed):
    if pathlib.Path(__file__).with_name("fail").exists():
        raise OSError("no luck")
    return build(params, seed)
"""


def table() -> pl.DataFrame:
    draw = np.random.default_rng(0)
    size = draw.normal(size=120)
    kind = pl.Series(size + draw.normal(size=120) > 0).replace_strict({True: "yes", False: "no"})
    return pl.DataFrame({"size": size, "age": draw.normal(size=120), "kind": kind})


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    table().write_csv(tmp_path / "table.csv")
    return write_spec(tmp_path, SPEC)


def fits_run(done: Done) -> int:
    number: int = done.record["fits"]["run"]
    return number


def scores(done: Done) -> list[object]:
    return [json.loads(line)["scores"] for line in done.trials.splitlines()]


def test_the_order_of_keys_and_the_way_to_run_change_nothing(spec: Path) -> None:
    first = run(spec)
    assert (fits_run(first), first.record["fits"]["reused"]) == (FITS, 0)
    spec.write_text(REORDERED)
    again = run(spec, executor="joblib", jobs=2)
    assert (fits_run(again), again.record["fits"]["reused"]) == (0, TRIALS)
    assert again.record["spec_id"] == first.record["spec_id"]
    assert again.trials == first.trials
    assert again.pids == set(), "champions and their predictions are taken over too"


def test_a_sorted_file_is_other_data(spec: Path) -> None:
    first = run(spec)
    table().sort("size").write_csv(spec.parent / "table.csv")
    again = run(spec)
    assert fits_run(again) == FITS
    assert again.record["data_id"] == first.record["data_id"], "the same rows, in another order"
    assert again.record["rows_id"] != first.record["rows_id"]


def test_one_changed_cell_is_other_data(spec: Path) -> None:
    run(spec)
    changed = table()
    changed[5, "age"] = 0.5
    changed.write_csv(spec.parent / "table.csv")
    assert fits_run(run(spec)) == FITS


def test_fewer_metrics_need_no_fit_and_more_metrics_need_them_all(spec: Path) -> None:
    run(spec)
    assert fits_run(run(spec, "metrics=[log_loss]")) == 0
    assert fits_run(run(spec, "metrics=[log_loss, accuracy, f1]")) == FITS


def test_a_wider_grid_fits_only_what_is_new(spec: Path) -> None:
    first = run(spec)
    again = run(spec, "models.tree.max_depth=[2, 1, 4]")
    assert (fits_run(again), again.record["fits"]["reused"]) == (2, TRIALS)
    assert all(score in scores(again) for score in scores(first))


@pytest.mark.parametrize(
    "change",
    ["seed=4", "split.folds=3", "models.tree.prepare={numeric: {scale: standard}}", "data.where=age > -3"],
)
def test_what_can_change_a_score_is_not_reused(spec: Path, change: str) -> None:
    run(spec)
    fits = run(spec, change).record["fits"]
    assert fits["reused"] in ((0, 2) if "tree" in change else (0,))
    assert fits["run"] > 0


def test_another_name_means_another_seed(spec: Path) -> None:
    run(spec)
    spec.write_text(SPEC.replace("  tree:", "  oak:"))
    again = run(spec)
    assert (fits_run(again), again.record["fits"]["reused"]) == (FITS // 2, TRIALS // 2)


def test_a_changed_module_of_the_users_is_not_reused(spec: Path) -> None:
    module = spec.parent / "family_that_changes.py"
    module.write_text(MODULE)
    chosen = "models={mine: {family: 'family_that_changes:build', max_depth: 2}}"
    assert fits_run(run(spec, chosen)) == 2
    assert fits_run(run(spec, chosen)) == 0
    module.write_text(MODULE + "\n# changed\n")
    assert fits_run(run(spec, chosen)) == 2


def test_no_cache_fits_everything_again(spec: Path) -> None:
    first = run(spec)
    again = run(spec, no_cache=True)
    assert fits_run(again) == FITS
    assert again.trials == first.trials


def test_if_changed_makes_a_run_only_when_something_has_changed(spec: Path) -> None:
    first = run(spec, if_changed=True)
    assert first.folder is not None
    same = run(spec, if_changed=True)
    assert same.folder is None
    assert same.events[-1] == Unchanged("cached@1", str(first.folder), 0)
    assert run(spec, "seed=5", if_changed=True).folder is not None
    table().reverse().write_csv(spec.parent / "table.csv")
    assert run(spec, if_changed=True).folder is not None


def cut_off(done: Done, lines: int) -> None:
    """Leave of a finished run what a kill after so many journal lines would have left."""
    assert done.folder is not None
    journal = (done.folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (done.folder / "run.json").unlink()
    (done.folder / "journal.jsonl").write_bytes(b"".join(journal[:lines]) + b"0a torn li")


def claimed(done: Done) -> RunClaimed:
    return next(event for event in done.events if isinstance(event, RunClaimed))


def test_an_interrupted_run_is_gone_on_with_and_fresh_begins_another(spec: Path) -> None:
    first = run(spec)
    trials = first.trials
    cut_off(first, 8)
    other = run(spec, fresh=True)
    assert claimed(other).name == "cached@2"
    assert not claimed(other).resumed
    assert other.trials == trials
    again = run(spec)
    assert (claimed(again).name, claimed(again).resumed) == ("cached@1", True)
    assert again.trials == trials


def test_trials_that_the_journal_kept_are_told_like_those_that_are_fitted(spec: Path) -> None:
    first = run(spec)
    cut_off(first, len(first.read("journal.jsonl").splitlines()))
    again = run(spec)
    told = [event.result.trial.id for event in again.events if isinstance(event, TrialFinished)]
    assert sorted(told) == sorted(first.reasons)
    rounds = [number for number, event in enumerate(again.events) if isinstance(event, RoundPlanned)]
    assert rounds[0] < next(number for number, event in enumerate(again.events) if isinstance(event, TrialFinished))


@pytest.mark.parametrize("change", ["seed=9", "models.tree.max_depth=[1]"])
def test_another_spec_does_not_go_on_with_an_interrupted_run(spec: Path, change: str) -> None:
    cut_off(run(spec), 8)
    assert claimed(run(spec, change)).name == "cached@2"


def test_other_rows_do_not_go_on_with_an_interrupted_run(spec: Path) -> None:
    cut_off(run(spec), 8)
    table().reverse().write_csv(spec.parent / "table.csv")
    assert claimed(run(spec)).name == "cached@2"


def lines_of(done: Done) -> list[object]:
    """Return what the leaderboard says, clocks left out."""
    return [{key: model[key] for key in ("name", "cv", "test", "params", "notes")} for model in done.record["models"]]


def test_every_cut_of_a_journal_gives_the_same_run(spec: Path) -> None:
    first = run(spec)
    trials, models = first.trials, lines_of(first)
    for cut in range(0, len(first.read("journal.jsonl").splitlines()) + 1, 4):
        cut_off(first, cut)
        again = run(spec)
        assert again.folder == first.folder
        assert again.trials == trials
        assert lines_of(again) == models


def test_flipped_bits_of_a_journal_are_noticed_and_change_nothing(spec: Path) -> None:
    first = run(spec)
    trials, models, draw = first.trials, lines_of(first), np.random.default_rng(2)
    for _ in range(2):
        cut_off(first, 14)
        damaged = bytearray(first.read("journal.jsonl"))
        begun = damaged.index(b"\n", damaged.index(b"\n") + 1)  # after the line that says whose journal it is
        for at in draw.integers(begun + 1, damaged.rindex(b"\n"), 3):
            damaged[at] ^= 1 << int(draw.integers(8))
        (first.folder or spec).joinpath("journal.jsonl").write_bytes(damaged)
        again = run(spec)
        assert again.folder == first.folder
        assert any(isinstance(event, Noted) and "damaged" in event.text for event in again.events)
        assert again.trials == trials
        assert lines_of(again) == models


def test_a_journal_that_cannot_say_whose_it_is_is_not_gone_on_with(spec: Path) -> None:
    first = run(spec)
    trials = first.trials
    cut_off(first, 14)
    assert first.folder is not None
    journal = first.folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"spec_id"', b'"spec_ID"'))
    again = run(spec)
    assert claimed(again).name == "cached@2"
    assert again.trials == trials


def test_failed_trials_are_neither_reused_nor_kept_on_resume(spec: Path) -> None:
    (spec.parent / "family_cured_later.py").write_text(FAILS_WHILE_MARKED)
    (spec.parent / "fail").touch()
    chosen = "models={gaussian_nb: {}, mine: {family: 'family_cured_later:fails', max_depth: 2}}"
    first = run(spec, chosen)
    assert first.record["exit_code"] == 4
    assert first.reasons["mine/0000"] == "failed raised: OSError"
    (spec.parent / "fail").unlink()
    later = run(spec, chosen)
    assert later.record["exit_code"] == 0
    assert (fits_run(later), later.record["fits"]["reused"]) == (2, len(later.reasons) - 1)
    cut_off(first, len(first.read("journal.jsonl").splitlines()))
    assert later.folder is not None
    shutil.rmtree(later.folder)
    again = run(spec, chosen)
    assert again.folder == first.folder
    assert fits_run(again) == 2
    assert set(again.reasons.values()) == {"done"}


def test_a_fit_that_ran_here_when_the_process_died_runs_in_a_worker_next(spec: Path) -> None:
    """It may be what killed the process; the others stay where they were."""
    first = run(spec)
    lines = first.read("journal.jsonl").splitlines()
    at = next(number for number, line in enumerate(lines) if b'"started"' in line and b"tree/0001" in line)
    suspect = json.loads(lines[at].partition(b" ")[2])["fit"]
    cut_off(first, at + 1)
    began = {event.key: event.pid for event in run(spec).begun}
    assert len(began) >= 2
    assert {key for key, pid in began.items() if pid != os.getpid()} == {suspect}
