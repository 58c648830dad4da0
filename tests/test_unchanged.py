"""--if-changed: no run where nothing that a result depends on has changed; bad news stands, and is never made green."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from in_process import write_spec
from small_runs import table

from mlrun.cli import run as command

MODULE = """
from sklearn.tree import DecisionTreeClassifier
import beside_the_family

def build(params, seed):
    return DecisionTreeClassifier(random_state=seed, **params)
"""


class Project:
    """A folder with rows, a spec and files beside them, in which a job comes by again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        table("binary", 200).write_csv(folder / "rows.csv")
        (folder / "family_of_ours.py").write_text(MODULE)
        (folder / "beside_the_family.py").write_text("NOTHING = 1\n")
        self.sections: dict[str, Any] = {
            "experiment": "job",
            "data": {"path": "rows.csv", "target": "y", "id": "id"},
            "models": {"gaussian_nb": {"params": {}}},
            "split": {"folds": 2},
            "evaluation": "none",
        }

    def job(self, *options: str, **sections: Any) -> int:
        self.sections |= sections
        spec = write_spec(self.folder, json.dumps(self.sections))
        return command(["train", str(spec), "--executor", "serial", "--quiet", "--if-changed", *options])

    @property
    def runs(self) -> int:
        return len(list((self.folder / "runs" / "job").glob("0*")))


OURS = {"mine": {"family": "family_of_ours:build", "max_depth": 2}}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_second_look_makes_no_run_and_says_nothing_to_cron(
    project: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    assert project.job() == 0
    capfd.readouterr()
    assert project.job() == 0
    assert project.runs == 1
    assert capfd.readouterr() == ("", "")


def rewritten_with_the_same_mtime(project: Project) -> None:
    """Swap two answers: another file of the same size, time and inode."""
    file = project.folder / "rows.csv"
    before = file.stat()
    lines = file.read_text().splitlines()
    yes = next(at for at, line in enumerate(lines) if line.endswith(",yes"))
    no = next(at for at, line in enumerate(lines) if line.endswith(",no"))
    lines[yes], lines[no] = lines[yes].removesuffix("yes") + "no", lines[no].removesuffix("no") + "yes"
    file.write_text("\n".join(lines) + "\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = file.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)


def other_module(project: Project) -> None:
    (project.folder / "beside_the_family.py").write_text("NOTHING = 2\n")


def other_package(project: Project) -> None:
    """Leave a run as one that an older numpy has made."""
    file = project.folder / "runs" / "job" / "0001" / "env.json"
    content = json.loads(file.read_bytes())
    content["packages"]["numpy"] = "1.0"
    file.write_text(json.dumps(content))


def no_environment(project: Project) -> None:
    (project.folder / "runs" / "job" / "0001" / "env.json").unlink()


@pytest.mark.parametrize("change", [rewritten_with_the_same_mtime, other_module, other_package, no_environment])
def test_what_a_result_depends_on_makes_a_run(project: Project, change: Any) -> None:
    project.job(**({"models": OURS} if change is other_module else {}))
    change(project)
    assert project.job() == 0
    assert project.runs == 2


@pytest.mark.parametrize("sections", [{"seed": 1}, {"gates": [{"beats": "zero_rule"}]}])
def test_another_spec_makes_a_run(project: Project, sections: dict[str, Any]) -> None:
    project.job()
    project.job(**sections)
    assert project.runs == 2


@pytest.mark.parametrize("sections", [{"hooks": {"done": "true"}}, {"gates": []}])
def test_what_changes_no_result_makes_none(project: Project, sections: dict[str, Any]) -> None:
    project.job()
    project.job(**sections)
    assert project.runs == 1


def test_a_try_out_is_not_the_whole(project: Project) -> None:
    project.job("--sample", "100")
    project.job()
    assert project.runs == 2


@pytest.mark.parametrize("where", ["existing", "human", "people", "test"])
def test_files_beside_the_rows_count(project: Project, where: str) -> None:
    rows = table("binary", 200)
    answers = rows.select("id", pl.col("y").alias("label"))
    if where == "test":
        answers = rows.drop("id").rename({"y": "label"})
    answers.write_csv(project.folder / "beside.csv")
    sections: dict[str, dict[str, Any]] = {
        "existing": {"baselines": [{"existing": {"predictions": "beside.csv", "id": "id", "is": "label"}}]},
        "human": {"baselines": [{"human": {"path": "beside.csv", "id": "id"}}]},
        "people": {"useful": {"human": {"path": "beside.csv", "id": "id"}, "utility": {"tp": 1, "fn": -1, "fp": -1}}},
        "test": {"evaluation": {"minimum_functionality": {"name": "m", "file": "beside.csv", "label": "label"}}},
    }
    assert project.job(**sections[where]) == 0
    assert project.job() == 0
    assert project.runs == 1
    answers.with_columns(label=pl.col("label").reverse()).write_csv(project.folder / "beside.csv")
    assert project.job() == 0
    assert project.runs == 2


def test_a_run_of_another_experiment_counts_where_a_moving_name_means_it(project: Project) -> None:
    project.job(experiment="other")
    latest = {"gates": [{"metric": "roc_auc", "drop_at_most": 0.5, "against": "other@latest"}]}
    project.job(experiment="job", **latest)
    project.job()
    assert project.runs == 1
    project.job("--set", "experiment=other", "--set", "gates=[]", "--set", "seed=3")
    project.job()
    assert project.runs == 2


def test_a_gate_against_its_own_latest_run_moves_with_each_run_and_does_not_count(project: Project) -> None:
    project.job(gates=[{"metric": "roc_auc", "drop_at_most": 0.5, "against": "latest"}])
    project.job()
    assert project.runs == 1


def test_what_failed_is_tried_again(project: Project) -> None:
    (project.folder / "beside_the_family.py").write_text("raise ImportError('not today')\n")
    assert project.job(models=OURS) == 4
    assert project.job() == 4
    assert project.runs == 2


def test_a_failed_gate_is_not_made_green_by_asking_again(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    failing = {"gates": [{"metric": "accuracy", "at_least": 0.999}]}
    assert project.job(**failing) == 1
    capfd.readouterr()
    assert project.job() == 1
    assert project.runs == 1
    told = capfd.readouterr()
    assert told.out == ""
    assert told.err.strip() == "nothing has changed since job@1: no new run; it ended with exit code 1, and that stands"


def test_a_run_that_was_cut_off_is_no_run(project: Project) -> None:
    project.job()
    (project.folder / "runs" / "job" / "0001" / "run.json").unlink()
    assert project.job() == 0
    assert (project.folder / "runs" / "job" / "0001" / "run.json").exists()
