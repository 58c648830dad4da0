"""A run again from its folder: equal wherever it runs, and every difference is told with what explains it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from in_process import Done, run, write_spec
from small_runs import table

from mlrun import cli, reproduce
from mlrun.comparison.repetition import compare_folders, is_same, outside_reasons
from mlrun.comparison.reproduction import Reproduction
from mlrun.erase import Wish, erase
from mlrun.errors import DataError, StorageError, UsageError
from mlrun.events import RunFinished
from mlrun.records import Trial, TrialResult, TrialStatus

SPEC: dict[str, Any] = {
    "experiment": "small",
    "data": {"path": "rows.csv", "target": "y", "id": "id", "sensitive": ["sex"]},
    "models": {
        "logistic_regression": {"C": [0.1, 1]},
        "forest": {"family": "random_forest", "n_estimators": [3, 5]},
        "vote": {"family": "voting", "members": ["logistic_regression", "forest"]},
    },
    "split": {"folds": 2},
}
OWN = "import parts\ndef build(params, seed):\n    return parts.make(seed, **params)\n"
PARTS = """
from sklearn.tree import DecisionTreeClassifier
def make(seed, **params):
    return DecisionTreeClassifier(random_state=seed, max_depth=DEPTH, **params)
"""


def made(folder: Path, *overrides: str, **sections: Any) -> Done:
    """Run a small spec on rows of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "rows.csv").exists():
        table("binary").write_csv(folder / "rows.csv")
    return run(write_spec(folder, json.dumps({**SPEC, **sections})), *overrides)


def again(done: Done, **wish: Any) -> Reproduction:
    """Repeat a run in this process, serially if nothing else is asked for."""
    given: dict[str, Any] = {"run": str(done.folder), "executor": "serial", "jobs": 1, **wish}
    asked = reproduce.Wish(**given)
    with reproduce.prepared(asked) as repetition:
        if repetition.refusal:
            return reproduce.refused(repetition)
        events = list(reproduce.run_again(repetition, asked, lambda event: None))
        assert isinstance(events[-1], RunFinished)
        return reproduce.judge(repetition, events[-1], kept=bool(asked.keep))


def told(found: Reproduction) -> str:
    return "\n".join(map(str, found.departures))


def changed_file(done: Done, name: str, old: str, new: str) -> None:
    """Change a file of the record behind the run's back."""
    assert done.folder is not None
    text = (done.folder / name).read_text()
    assert old in text
    (done.folder / name).write_text(text.replace(old, new, 1))


# -- equal -------------------------------------------------------------------------------------------------------------


def test_a_run_is_reproduced_bit_for_bit_on_another_executor(tmp_path: Path) -> None:
    done = made(tmp_path, evaluation={"slices": {}, "auto": False})
    for wish in ({}, {"executor": "joblib", "jobs": 2}):
        found = again(done, **wish)
        assert (found.reproduced, found.exit_code, told(found)) == (True, 0, "")
        kinds = {each.what: (each.total, each.equal) for each in found.compared}
        assert kinds["trials"] == (5, 5)
        assert kinds["scores on folds"] == (5 * 4 * 2, 40)
        assert kinds["predictions"] == (5, 5)
        assert kinds["findings"][0] > 0
        scores = sum(kinds[kind][0] for kind in ("scores on folds", "scores of models and baselines"))
        assert found.sentence == f"reproduced: all {scores} scores equal"


def test_nothing_stays_but_what_is_to_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = made(tmp_path / "a")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    before = sorted((tmp_path / "a" / "runs").rglob("*"))
    assert again(done).folder == ""
    assert (list(scratch.iterdir()), sorted((tmp_path / "a" / "runs").rglob("*"))) == ([], before)
    kept = again(done, keep=str(tmp_path / "kept"))
    assert kept.folder == str(tmp_path / "kept" / "small" / "0001")
    assert (Path(kept.folder) / "trials.jsonl").read_bytes() == done.trials
    assert again(done, keep=str(tmp_path / "kept")).folder.endswith("0002")
    with pytest.raises(StorageError, match=r"--keep .*rows\.csv/x: Not a directory; name another folder"):
        again(done, keep=str(tmp_path / "a" / "rows.csv" / "x"))


def test_overrides_samples_and_automatic_models_are_those_of_the_run(tmp_path: Path) -> None:
    found = again(made(tmp_path / "set", "seed=7", "models.forest.n_estimators=[2]"))
    assert (found.reproduced, found.compared[0].total) == (True, 4)
    spec = {key: value for key, value in SPEC.items() if key != "models"}
    (tmp_path / "auto").mkdir()
    table("binary").write_csv(tmp_path / "auto" / "rows.csv")
    search = {"strategy": "random", "budget": {"trials": 1}}
    path = write_spec(tmp_path / "auto", json.dumps({**spec, "models": "auto", "search": search}))
    sampled = run(path, "split.folds=2", sample=120)
    assert len(sampled.record["overrides"]) == 3, "the models that were chosen are among them"
    assert again(sampled).reproduced


@pytest.mark.parametrize("kind", ["regression", "multiclass", "anomaly"])
def test_every_task_is_reproduced(tmp_path: Path, kind: str) -> None:
    table(kind).write_csv(tmp_path / "rows.csv")
    models = {
        "regression": {"ridge": {}},
        "multiclass": {"lda": {}},
        "anomaly": {"isolation_forest": {"n_estimators": 5}},
    }
    task = {"task": "anomaly"} if kind == "anomaly" else {}
    assert again(made(tmp_path, models=models[kind], **task)).reproduced


def test_what_fails_fails_again_and_that_is_equal(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("def build(params, seed):\n    raise OSError('no luck')\n")
    done = made(tmp_path, models={"mine": {"family": "own:build"}})
    assert done.record["status"] == "failed"
    found = again(done)
    assert (found.reproduced, found.sentence.partition(" scores")[0][:15]) == (True, "reproduced: all")


def test_a_moving_name_means_what_it_meant(tmp_path: Path) -> None:
    first = made(tmp_path)
    baselines = ["zero_rule", {"existing": {"run": "small@latest"}}]
    second = made(
        tmp_path, baselines=baselines, gates=[{"metric": "roc_auc", "drop_at_most": 0.5, "against": "latest"}]
    )
    made(tmp_path, "seed=5")  # latest is another one now
    assert first.folder is not None
    assert second.record["references"]["small@latest"] == "small@1"
    assert again(second).reproduced
    shutil.rmtree(first.folder)
    lost = again(second)
    assert not lost.reproduced, "the baseline cannot be asked any more"
    assert any(each.where == "existing" for kind in lost.compared for each in kind.mismatches)


def test_a_copied_run_is_reproduced_from_wherever_its_data_is(tmp_path: Path) -> None:
    done = made(tmp_path / "a")
    assert done.folder is not None
    shutil.copytree(done.folder, tmp_path / "copy")
    (tmp_path / "a").rename(tmp_path / "b")
    with pytest.raises(DataError, match=rf"Its spec stood in {tmp_path}/a, which is gone: --folder DIR says"):
        again(done, run=str(tmp_path / "copy"))
    assert again(done, run=str(tmp_path / "copy"), folder=str(tmp_path / "b")).reproduced
    with pytest.raises(UsageError, match="there is no such folder"):
        again(done, run=str(tmp_path / "copy"), folder=str(tmp_path / "none"))


# -- different ---------------------------------------------------------------------------------------------------------


def test_other_code_is_named_and_its_scores_are_compared(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "parts.py").write_text(f"DEPTH = 3\n{PARTS}")
    done = made(tmp_path, models={"mine": {"family": "own:build"}, "lda": {}})
    assert again(done).reproduced
    (tmp_path / "parts.py").write_text(f"DEPTH = 1\n{PARTS}")
    found = again(done)
    assert (found.reproduced, found.exit_code) == (False, 1)
    assert "own modules: parts changed" in told(found)
    assert found.departures[0].cure == f"the run's copies of the files stand in {done.folder}/code"
    first = next(each for kind in found.compared for each in kind.mismatches)
    assert first.where.startswith("mine/0000")
    assert first.difference == pytest.approx(abs(first.now - first.then))
    assert not any("lda" in each.where for kind in found.compared for each in kind.mismatches)
    assert found.sentence.startswith("not reproduced: ")


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_cure_for_other_code_brings_it_back(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "-q")
    table("binary").write_csv(work / "rows.csv")
    (work / ".gitignore").write_text("runs/\n__pycache__/\n")
    (work / "own.py").write_text(OWN)
    (work / "parts.py").write_text(f"DEPTH = 9\n{PARTS}")
    write_spec(work, json.dumps({**SPEC, "models": {"mine": {"family": "own:build"}}}))
    git(work, "add", "-A")
    git(work, "commit", "-qm", "first")
    (work / "parts.py").write_text(f"DEPTH = 3\n{PARTS}")  # not committed: it is in the patch
    done = made(work, models={"mine": {"family": "own:build"}})
    git(work, "commit", "-qam", "second")
    (work / "parts.py").write_text(f"DEPTH = 1\n{PARTS}")
    found = again(done)
    assert not found.reproduced
    cure = next(each.cure for each in found.departures if each.path == "git")
    subprocess.run(cure, shell=True, check=True, capture_output=True)  # noqa: S602 - as a user would paste it
    assert (work / "parts.py").read_text().startswith("DEPTH = 3")
    assert again(done).reproduced


def test_packages_of_another_version_are_told_with_the_command_that_brings_them_back(tmp_path: Path) -> None:
    done = made(tmp_path)
    environment = json.loads(done.read("env.json"))
    environment["packages"] |= {"numpy": "1.0.0", "joblib": "0.1", "python": "3.10.1", "xgboost": ""}
    environment["machine"]["architecture"] = "arm64"
    assert done.folder is not None
    (done.folder / "env.json").write_text(json.dumps(environment))
    found = again(done)
    assert found.reproduced, "it says what differs, and compares all the same"
    by_path = {each.path: each for each in found.departures}
    assert by_path["numpy"].cure == "pip install numpy==1.0.0 joblib==0.1"
    assert by_path["python"].cure == "use Python 3.10.1"
    assert [by_path[name].matters for name in ("numpy", "joblib", "architecture")] == [True, False, True]
    assert "xgboost" not in by_path, "no score of the run can have come from what was not there"
    assert by_path["env.json was changed after the run"].what == "record"


def test_other_data_is_refused_with_what_changed_in_it(tmp_path: Path) -> None:
    done = made(tmp_path)
    rows = table("binary")
    rows[3, "a"] = 99.0
    rows.write_csv(tmp_path / "rows.csv")
    found = again(done)
    assert (found.exit_code, found.compared, found.sentence) == (1, (), "not reproduced: the data is not what it was")
    assert f"{tmp_path}/rows.csv has changed" in told(found)
    assert "values of a: " in told(found)
    table("binary").reverse().write_csv(tmp_path / "rows.csv")
    assert "another order" in again(done).sentence


def test_a_rewritten_file_with_equal_rows_is_told_and_does_no_harm(tmp_path: Path) -> None:
    done = made(tmp_path)
    table("binary").write_csv(tmp_path / "rows.csv", line_terminator="\r\n")
    found = again(done)
    assert found.reproduced
    assert told(found) == f"{tmp_path}/rows.csv has changed (its scores do not depend on it)"


def test_lost_data_is_one_sentence_with_the_way_out(tmp_path: Path) -> None:
    done = made(tmp_path)
    (tmp_path / "rows.csv").unlink()
    with pytest.raises(DataError, match=r"no such file.*put .*rows\.csv back \(sha256 [0-9a-f]{64}\).*snapshot: true"):
        again(done)


@pytest.mark.parametrize("change", ["gone", "changed"])
def test_a_snapshot_stands_in_for_data_that_is_gone_or_changed(tmp_path: Path, change: str) -> None:
    table("binary", rows=60, seed=1, first=900).write_csv(tmp_path / "later.csv")
    data = {**SPEC["data"], "snapshot": True}
    done = made(tmp_path, data=data, split={"folds": 2, "test": {"path": "later.csv"}})
    for name in ("rows.csv", "later.csv"):
        (tmp_path / name).unlink() if change == "gone" else (tmp_path / name).write_text("id,y\n1,yes\n")
    found = again(done)
    assert found.reproduced
    assert [str(each) for each in found.departures] == [
        f"{tmp_path / name} has {change}; its snapshot is read instead (its scores do not depend on it)"
        for name in ("rows.csv", "later.csv")
    ]


def test_a_forged_score_is_found_and_the_record_named(tmp_path: Path) -> None:
    done = made(tmp_path)
    line = json.loads(done.trials.splitlines()[0])
    score = line["scores"]["accuracy"][1]
    changed_file(done, "trials.jsonl", f"{score}]", f"{score + 2**-50}]")
    found = again(done)
    (wrong,) = (each for kind in found.compared for each in kind.mismatches)
    assert wrong.where == f"{line['id']} accuracy on fold 1"
    assert (wrong.then, wrong.now) == (score + 2**-50, score)
    assert "trials.jsonl was changed after the run" in told(found)
    assert found.sentence == "not reproduced: 1 of 40 scores on folds differs"


def test_the_first_row_that_is_predicted_otherwise_is_named(tmp_path: Path) -> None:
    done = made(tmp_path)
    assert done.folder is not None
    file = done.folder / "predictions" / "forest.parquet"
    said = pl.read_parquet(file)
    row = said.height - 1
    said[row, "p_1"] = 0.123
    said.write_parquet(file)
    mismatches = [each for kind in again(done).compared for each in kind.mismatches]
    assert [(each.where, each.then) for each in mismatches] == [(f"forest: row {said[row, 'row']} (test) p_1", 0.123)]


def test_rows_that_were_erased_since_are_not_compared(tmp_path: Path) -> None:
    done = made(tmp_path)
    assert done.folder is not None
    erase(done.folder.parents[1], Wish("id", ("7",)), lambda told: None)
    found = again(done)
    assert found.reproduced, found.sentence
    assert any("a person was erased" in note for note in found.notes)


def test_a_file_of_the_record_that_is_gone_is_told(tmp_path: Path) -> None:
    done = made(tmp_path)
    assert done.folder is not None
    (done.folder / "env.json").unlink()
    found = again(done)
    assert found.reproduced
    assert "env.json is missing or damaged: what it says is not checked" in told(found)
    assert "env.json is gone from the run's folder" in told(found)


# -- outside the promise -----------------------------------------------------------------------------------------------


def result(name: str, status: TrialStatus = "done", reason: str = "", score: float | None = 0.5) -> TrialResult:
    return TrialResult(Trial(name, name.partition("/")[0], "lda", {}), status, {"accuracy": (score,)}, reason)


def by_id(*results: TrialResult) -> dict[str, TrialResult]:
    return {each.trial.id: each for each in results}


def test_a_timeout_that_struck_once_explains_its_model_and_what_is_made_of_it() -> None:
    before = by_id(result("slow/0000", "timeout", "timeout", None), result("quick/0000"))
    after = by_id(result("slow/0000"), result("quick/0000"))
    found = outside_reasons(before, after, {"vote": ("quick", "slow"), "stack": ("vote",)}, cpu_budget=False)
    assert sorted(found) == ["slow", "stack", "vote"]
    assert found["stack"] == "its member vote: its member slow: a time limit struck (slow/0000)"
    assert outside_reasons(before, before, {}, cpu_budget=False) == {}, "the same twice needs no excuse"


def test_a_budget_of_seconds_explains_other_numbers_of_trials_only_where_there_is_one() -> None:
    before, after = by_id(result("lda/0000"), result("lda/0001")), by_id(result("lda/0000"))
    assert list(outside_reasons(before, after, {}, cpu_budget=True)) == ["lda"]
    assert outside_reasons(before, after, {}, cpu_budget=False) == {}


def test_what_nobody_promised_does_not_count_as_a_difference(tmp_path: Path) -> None:
    done = made(tmp_path)
    for old, new in (('"done", "reason": ""', '"timeout", "reason": "timeout"'),):
        changed_file(done, "trials.jsonl", old, new)
    found = again(done)
    assert (found.reproduced, found.exit_code) == (True, 0)
    assert found.sentence.endswith("scores equal; 1 thing outside the promise")


@pytest.mark.parametrize(
    ("then", "now", "same"),
    [
        (0.1, 0.1, True),
        (0.1, 0.1 + 2**-56, False),
        (0.0, -0.0, False),
        (float("nan"), float("nan"), True),
        (None, None, True),
        (None, 0.0, False),
        (1, 1.0, False),
        ("a", "a", True),
    ],
)
def test_the_same_is_the_same_bits(then: object, now: object, same: bool) -> None:
    assert is_same(then, now) is same


def test_the_record_vouches_for_nothing_that_goes_with_the_run(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "parts.py").write_text(f"DEPTH = 3\n{PARTS}")
    done = made(tmp_path, models={"mine": {"family": "own:build"}})  # fitted in a worker, which shares folds as files
    assert done.folder is not None
    assert all((done.folder / name).is_file() for name in json.loads(done.read("manifest.json"))["files"])


def test_a_run_equals_itself(tmp_path: Path) -> None:
    done = made(tmp_path)
    assert done.folder is not None
    assert all(each.total == each.equal for each in compare_folders(done.folder, done.folder, {}))


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_command_says_it_on_the_last_line_and_in_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = made(tmp_path)
    ask = ["reproduce", str(done.folder), "--executor", "serial"]
    assert cli.run(ask) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1].startswith("reproduced: all ")
    assert max(map(len, out.splitlines())) <= 80
    table("binary", seed=9).write_csv(tmp_path / "rows.csv")
    assert cli.run([*ask, "--format", "json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert (shown["reproduced"], shown["exit_code"], shown["compared"]) == (False, 1, [])
    assert cli.run(["reproduce", "nothing@1", "--runs", str(tmp_path / "runs")]) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_repetition_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "own.py").write_text(
        "import pathlib, time\nfrom sklearn.naive_bayes import GaussianNB\n"
        "class Slow(GaussianNB):\n"
        "    def fit(self, X, y):\n"
        "        if pathlib.Path(__file__).with_name('slow').exists():\n"
        "            pathlib.Path(__file__).with_name('began').touch()\n"
        "            time.sleep(60)\n"
        "        return super().fit(X, y)\n"
        "def build(params, seed):\n    return Slow()\n"
    )
    done = made(tmp_path, models={"mine": {"family": "own:build"}})
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (tmp_path / "slow").touch()
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("mlrun")), "reproduce", str(done.folder), "--jobs", "1"],
        env={**os.environ, "TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(600):
        if (tmp_path / "began").exists():
            break
        time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert "stopped: the run is as it was; what was repeated so far is gone" in said
    assert list(scratch.glob("mlrun-reproduce-*")) == []
