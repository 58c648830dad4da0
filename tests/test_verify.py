"""`mlrun verify`: what is whole, damaged, cut off, running, newer or from elsewhere is told apart, in sentences."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from made_runs import USUAL, make_run, record
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from mlrun import runs
from mlrun.cli import run as command
from mlrun.errors import UsageError
from mlrun.foreign import Room
from mlrun.journal import Journal
from mlrun.pipelines import Blueprint
from mlrun.records import Task
from mlrun.runs import run_path
from mlrun.store import model_files
from mlrun.store.run_folder import sha256_of
from mlrun.store.snapshots import guarded, keep, snapshot_path
from mlrun.stored import StoredModel, as_payload
from mlrun.verify import Search, Verified, exit_code, verify, verify_run

ROWS = [[0.0], [1.0], [2.0], [3.0]]


def looked_at(folder: Path, room: Room | None = None) -> Verified:
    return verify_run(folder, Search(room))


def troubles(found: Verified) -> dict[str, str]:
    return {trouble.file: trouble.text for trouble in found.troubles}


def with_models(root: Path, family: str = "logistic_regression") -> Path:
    """Return a run with two stored models, of which the second says that it is of a family."""
    folder = make_run(root)
    task = Task("classification", ("no", "yes"))
    for name, kind in (("xgboost", "decision_tree"), ("logistic_regression", family)):
        estimator = DecisionTreeClassifier() if name == "xgboost" else LogisticRegression()
        blueprint = Blueprint(name, kind, {}, None, task)
        model = StoredModel(blueprint, estimator.fit(ROWS, [0, 0, 1, 1]), None, ("a",), {"a": "float"})
        model_files.store(folder / "models" / f"{name}.skops", as_payload(model))
    runs.finish(folder, runs.read_run(folder))
    return folder


@pytest.fixture(scope="module")
def room() -> Room:
    return Room()


# -- runs that are whole ----------------------------------------------------------------------------------------------


def test_a_run_as_it_was_written_is_whole_and_made_here(tmp_path: Path) -> None:
    (tmp_path / "income").mkdir()
    folder = make_run(tmp_path, record(USUAL[2:]))
    found = looked_at(folder)
    assert (found.run, found.state, found.made, found.troubles, found.notes) == ("income@1", "whole", "here", (), ())
    assert found.files == len(runs.read_manifest(folder)) > 4


def test_models_are_loaded_in_a_child(tmp_path: Path, room: Room) -> None:
    found = looked_at(with_models(tmp_path), room)
    assert (found.state, found.models, found.troubles) == ("whole", 2, ())


def test_a_run_from_elsewhere_is_whole_and_said_to_be_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_run(tmp_path, record(USUAL[2:]))
    monkeypatch.setenv("MLRUN_KEY", "the key of somebody else")
    found = looked_at(folder)
    assert (found.state, found.made, exit_code([found])) == ("whole", "elsewhere", 0)
    assert found.notes[0].startswith("made elsewhere, or changed after it was written")


def test_a_run_of_an_older_mlrun_is_not_called_damaged(tmp_path: Path) -> None:
    folder = make_run(tmp_path, record(USUAL[2:]))
    content = json.loads((folder / "run.json").read_bytes())
    del content["digest"], content["seal"], content["erasures"]
    (folder / "run.json").write_text(json.dumps(content, indent=1) + "\n")
    found = looked_at(folder)
    assert (found.state, found.made) == ("whole", "elsewhere")
    assert found.notes == ("an older mlrun wrote it: it bears no seal, and is used as a run from elsewhere is",)


def test_erasures_and_stale_models_are_told(tmp_path: Path) -> None:
    stale = (replace(USUAL[2], stale="influenced"), USUAL[3])
    folder = make_run(tmp_path, record(stale, erasures=("2026-01-02-abc",)))
    assert looked_at(folder).notes == (
        "1 erasure changed it: 2026-01-02-abc",
        "zero_rule was trained on rows of a person who was erased since: it holds none of them, but follows them",
    )


# -- runs that are not ------------------------------------------------------------------------------------------------


def test_files_that_are_changed_missing_or_added_are_named(tmp_path: Path) -> None:
    folder = make_run(tmp_path, record(USUAL[2:]))
    (folder / "trials.jsonl").write_bytes(b"{}\n")
    (folder / "env.json").unlink()
    (folder / "predictions").mkdir()
    (folder / "predictions" / "forged.parquet").write_bytes(b"")
    (folder / "screenshot.png").write_bytes(b"")
    found = looked_at(folder)
    assert troubles(found) == {
        "trials.jsonl": "it was changed after the run",
        "env.json": "it is missing",
        "predictions/forged.parquet": "it was added after the run",
    }
    assert found.notes == ("screenshot.png was added after the run; mlrun reads nothing of it",)
    assert (found.state, exit_code([found])) == ("damaged", 1)


def test_a_run_json_that_was_changed_is_named_even_where_it_reads_well(tmp_path: Path) -> None:
    folder = make_run(tmp_path, record(USUAL[2:]))
    text = (folder / "run.json").read_text()
    (folder / "run.json").write_text(text.replace('"exit_code": 0', '"exit_code": 4'))
    assert runs.read_run(folder).exit_code == 4
    found = looked_at(folder)
    assert troubles(found) == {"run.json": "it was changed after it was written: its digest is not its own"}
    assert found.made == "elsewhere"


@pytest.mark.parametrize("content", [b"", b"{", b'{"format": 1}', b"\xff\xfe"])
def test_a_run_json_that_cannot_be_read_leaves_the_files_to_be_compared(tmp_path: Path, content: bytes) -> None:
    folder = make_run(tmp_path, record(USUAL[2:]))
    (folder / "run.json").write_bytes(content)
    (folder / "data.json").write_text("{}")
    found = looked_at(folder)
    assert set(troubles(found)) == {"run.json", "data.json"}
    assert troubles(found)["run.json"].startswith("damaged: ")


def test_a_manifest_that_was_changed_missing_or_forged_is_named(tmp_path: Path) -> None:
    folder = make_run(tmp_path, record(USUAL[2:]))
    whole = json.loads((folder / "manifest.json").read_bytes())
    forged = {**whole, "files": {**whole["files"], "../../key": "0" * 64, "/etc/passwd": "0" * 64, "a\0b": "0" * 64}}
    (folder / "manifest.json").write_text(json.dumps(forged))
    found = troubles(looked_at(folder))
    assert found["manifest.json"] == "it is not the one that run.json names: one of the two was changed"
    assert found["../../key"] == found["/etc/passwd"] == "manifest.json names a file outside the run: it was forged"
    assert found["a\0b"].startswith("it cannot be read")
    (folder / "manifest.json").unlink()
    assert "missing" in troubles(looked_at(folder))["manifest.json"]


def test_content_that_was_vouched_for_but_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forger can make a manifest; what a run from elsewhere holds is looked into."""
    folder = make_run(tmp_path, record(USUAL[2:]))
    (folder / "predictions").mkdir()
    for name in ("predictions/zero_rule.parquet", "findings.jsonl", "data.json", "curves.jsonl"):
        (folder / name).write_bytes(b"[1, 2")
    runs.finish(folder, runs.read_run(folder), own=False)
    found = troubles(looked_at(folder))
    assert found["predictions/zero_rule.parquet"] == "it is no table that can be read"
    assert found["curves.jsonl"] == "a line in it is no JSON"
    assert "the line is damaged" in found["findings.jsonl"]
    assert found["data.json"] == "it is no JSON"


def test_models_that_are_damaged_missing_forged_or_the_authors_own_are_told_apart(tmp_path: Path, room: Room) -> None:
    folder = with_models(tmp_path, family="my_models:build")
    found = looked_at(folder, room)
    assert (found.state, found.models) == ("whole", 1)
    (note,) = found.notes
    assert note.startswith("logistic_regression is not tried: it holds my_models.build")
    assert note.endswith("--trust my_models")
    (folder / "models" / "xgboost.skops").write_bytes(b"no model")
    runs.finish(folder, runs.read_run(folder))
    found = looked_at(folder, room)
    assert troubles(found)["models/xgboost.skops"].startswith("it cannot be loaded: it is no whole model file")
    (folder / "models" / "xgboost.skops").unlink()
    assert troubles(looked_at(folder, room)) == {"models/xgboost.skops": "it is missing"}
    runs.finish(folder, runs.read_run(folder))
    assert troubles(looked_at(folder, room)) == {"models/xgboost.skops": "the model xgboost is not in the manifest"}


def test_data_that_a_run_kept_and_that_is_gone_or_changed_is_named(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("a\n1\n")
    sha256 = sha256_of(rows)
    with guarded(tmp_path):
        assert keep(tmp_path, rows, sha256)
    kept = {"files": [{"path": str(rows), "sha256": sha256, "snapshot": True}]}
    folder = make_run(tmp_path, record(USUAL[2:]), data=kept)
    assert looked_at(folder).state == "whole"
    place = snapshot_path(tmp_path, sha256)
    place.chmod(0o644)
    place.write_text("a\n2\n")
    assert "was changed" in troubles(looked_at(folder))["data.json"]
    place.unlink()
    found = looked_at(folder)
    assert "is missing" in troubles(found)["data.json"]
    assert found.troubles[0].cure == "run the spec again on the same data: it is kept anew"


# -- runs that are not finished ---------------------------------------------------------------------------------------


def cut_off(root: Path) -> Path:
    with runs.claim(root, "income") as folder:
        with Journal.open(folder.path / "journal.jsonl") as journal:
            journal.append({"event": "begin"}, sync=False)
            journal.append({"event": "fit", "fit": 1}, sync=False)
        return folder.path


def test_a_run_that_was_cut_off_is_no_damage_until_its_journal_is(tmp_path: Path) -> None:
    folder = cut_off(tmp_path)
    journal = folder / "journal.jsonl"
    assert (looked_at(folder).state, looked_at(folder).notes) == ("interrupted", ())
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-3])
    found = looked_at(folder)
    assert (found.state, exit_code([found])) == ("interrupted", 0)
    assert found.notes == ("its last line was cut off, as a kill leaves it: what it told of is done again",)
    journal.write_bytes(whole.replace(b'"fit":1', b'"fit":2'))
    found = looked_at(folder)
    assert troubles(found) == {"journal.jsonl": "1 damaged line"}
    assert found.troubles[0].cure.startswith("run the same `mlrun train` again: it goes on")


def test_a_run_that_lives_is_left_alone(tmp_path: Path) -> None:
    with runs.claim(tmp_path, "income") as folder:
        found = looked_at(folder.path)
        assert (found.state, exit_code([found])) == ("running", 3)
    assert looked_at(folder.path).notes == ("it was cut off before it began",)


def test_a_folder_that_lost_what_it_is_known_by_is_damaged(tmp_path: Path) -> None:
    folder = make_run(tmp_path, record(USUAL[2:]))
    (folder / "run.json").unlink()
    found = looked_at(folder)
    assert (found.state, troubles(found)) == (
        "damaged",
        {"run.json": "its folder holds neither run.json nor a journal"},
    )


def test_a_run_of_a_newer_mlrun_is_not_judged(tmp_path: Path) -> None:
    folder = make_run(tmp_path, record(USUAL[2:]))
    (folder / "run.json").write_text('{"format": 2}')
    found = looked_at(folder)
    assert (found.state, exit_code([found])) == ("not checked", 3)
    assert "install a newer mlrun" in found.notes[0]


# -- the command ------------------------------------------------------------------------------------------------------


def test_all_runs_are_gone_through_and_the_worst_decides(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for experiment in ("income", "wages"):
        for _ in range(3):
            make_run(tmp_path, record(USUAL[2:], experiment=experiment))
    arguments = ["verify", "--all", "--no-models", "--runs", str(tmp_path)]
    assert command(arguments) == 0
    told = capsys.readouterr().out
    assert told.count(" whole ") == 6
    assert "6 runs: nothing is missing, nothing was changed" in told
    (run_path(tmp_path, "wages", 2) / "report.md").write_text("changed")
    (run_path(tmp_path, "wages", 2) / "env.json").unlink()
    assert command(arguments) == 1
    told = capsys.readouterr().out
    assert "env.json: it is missing" in told
    assert "1 of 6 runs is damaged" in told
    assert command([*arguments, "--format", "json"]) == 1
    (damaged,) = [each for each in json.loads(capsys.readouterr().out) if each["state"] == "damaged"]
    assert (damaged["run"], [each["file"] for each in damaged["troubles"]]) == ("wages@2", ["env.json", "report.md"])
    assert command([*arguments, "--format", "csv"]) == 1
    assert pl.read_csv(capsys.readouterr().out.encode())["troubles"].to_list() == [0, 0, 0, 0, 2, 0]


def test_names_that_mean_no_run_and_none_at_all_are_refused(tmp_path: Path) -> None:
    make_run(tmp_path, record(USUAL[2:]))
    with pytest.raises(UsageError, match="there is no run income@7"):
        list(verify(tmp_path, ["income@7"], everything=False, models=False))
    with pytest.raises(UsageError, match="--all"):
        list(verify(tmp_path, [], everything=False, models=False))
    assert command(["verify", "income@7", "--runs", str(tmp_path)]) == 2
    assert command(["verify", "--all", "--runs", str(tmp_path / "empty")]) == 3
    found = verify(tmp_path, ["income@1", "income@latest"], everything=True, models=False)
    assert [each.run for each in found] == ["income@1"], "each run once"


def test_a_run_by_its_folder_may_be_called_anything(tmp_path: Path) -> None:
    shutil.copytree(make_run(tmp_path, record(USUAL[2:])), tmp_path / "[bold]copy")
    (found,) = verify(tmp_path, [str(tmp_path / "[bold]copy")], everything=False, models=False)
    assert (found.run, found.state) == ("[bold]copy", "whole")
