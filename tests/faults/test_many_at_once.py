"""Several runs of one spec at the same time: each has a folder of its own and all of its results."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from in_process import write_spec

from faults.commands import run_folders, run_json, started, wait_for

SPEC = """
experiment: together
data: {source: sklearn, name: iris}
evaluation: none
split: {folds: 3}
models:
  gaussian_nb: {var_smoothing: [1.0e-9, 1.0e-6, 1.0e-3]}
  decision_tree: {max_leaf_nodes: [2, 4]}
"""
WAITS = """
experiment: waits
data: {source: sklearn, name: iris}
evaluation: none
split: {folds: 2}
models: {mine: {family: "family_that_waits:build"}}
"""
FAMILY = """
import pathlib, time
from sklearn.naive_bayes import GaussianNB

class Waits(GaussianNB):
    def fit(self, rows, truth):
        here = pathlib.Path(__file__).parent
        (here / "begun").touch()
        while not (here / "go").exists():
            time.sleep(0.02)
        return super().fit(rows, truth)

def build(params, seed):
    return Waits()
"""


def run_together(spec: Path, number: int, *options: str) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(started(spec, "--jobs", "1", *options)) for _ in range(number)]
        for process in processes:
            errors = process.communicate(timeout=300)[1]
            assert process.returncode == 0, errors
    folders = run_folders(spec)
    assert [int(folder.name) for folder in folders] == list(range(1, number + 1))
    assert {run_json(folder)["status"] for folder in folders} == {"complete"}
    assert len({(folder / "trials.jsonl").read_bytes() for folder in folders}) == 1
    assert not list(spec.parent.rglob("scratch"))
    assert not list(spec.parent.rglob(".tmp-*"))


def test_two_at_once_have_a_folder_each(tmp_path: Path) -> None:
    run_together(write_spec(tmp_path, SPEC), 2, "--no-cache")


@pytest.mark.long
def test_eight_at_once_have_a_folder_each(tmp_path: Path) -> None:
    run_together(write_spec(tmp_path, SPEC), 8)


def test_with_wait_the_second_lets_the_first_end_and_reuses_what_it_found(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, WAITS)
    (tmp_path / "family_that_waits.py").write_text(FAMILY)
    with started(spec, "--jobs", "1") as first:
        assert wait_for((tmp_path / "begun").exists, first)
        with started(spec, "--jobs", "1", "--wait") as second:
            assert second.stderr is not None
            said = next(line for line in second.stderr if "waiting" in line)
            assert "waits@1" in said
            assert len(run_folders(spec)) == 1
            (tmp_path / "go").touch()
            assert second.wait(60) == first.wait(60) == 0
    one, two = run_folders(spec)
    assert run_json(one)["fits"]["run"] == 2
    assert (run_json(two)["fits"]["run"], run_json(two)["fits"]["reused"]) == (0, 1)
