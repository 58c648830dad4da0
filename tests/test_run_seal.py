"""A run vouches for itself by its digest, and for whose it is by its seal; what is not one's own is not believed."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from in_process import Done, run, write_spec
from made_runs import USUAL, make_run, record

from mlrun import runs
from mlrun.errors import UsageError
from mlrun.events import Noted
from mlrun.store.own_key import make_key, own_key, seal_of
from mlrun.store.run_seal import has_own_seal, is_whole, sealed, to_json

OTHER_KEY = "the key of somebody else"
SPEC = """
experiment: reused
data: {source: sklearn, name: iris}
split: {folds: 2}
models: {gaussian_nb: {var_smoothing: [1.0e-9, 1.0e-3]}, decision_tree: {max_depth: 2}}
"""


# -- the key ----------------------------------------------------------------------------------------------------------


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    key = own_key(environment)
    assert key is not None
    assert len(key) == 32
    assert own_key(environment) == key
    path = tmp_path / "mlrun" / "key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    make_key(path)
    assert own_key(environment) == key, "who comes second takes the first one's"
    assert [each.name for each in path.parent.iterdir()] == ["key"]


def test_a_key_of_the_environment_goes_first_and_is_no_word(tmp_path: Path) -> None:
    place = {"XDG_STATE_HOME": str(tmp_path)}
    given = own_key({**place, "MLRUN_KEY": " 0123456789abcdef\n"})
    assert given == own_key({"MLRUN_KEY": "0123456789abcdef"})
    assert given != own_key({"MLRUN_KEY": "0123456789abcdeg"})
    assert not (tmp_path / "mlrun").exists()
    assert own_key({**place, "MLRUN_KEY": ""}) is not None
    with pytest.raises(UsageError, match="MLRUN_KEY needs 16 characters at least"):
        own_key({"MLRUN_KEY": "secret"})


def test_without_a_place_for_a_key_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert own_key() is None
    assert seal_of("anything", "run") == ""
    folder = make_run(tmp_path / "runs")
    written = runs.read_run(folder)
    assert (written.seal, len(written.digest)) == ("", 64)
    assert not runs.is_own(folder), "without a key nothing is one's own"


# -- the seal ---------------------------------------------------------------------------------------------------------


def test_a_finished_run_is_ones_own_wherever_it_is_moved(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "runs")
    assert runs.is_own(folder)
    shutil.copytree(folder, tmp_path / "copy")
    assert runs.is_own(tmp_path / "copy")


def test_a_run_under_another_key_is_foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_run(tmp_path / "runs")
    monkeypatch.setenv("MLRUN_KEY", OTHER_KEY)
    assert not runs.is_own(folder)
    assert is_whole((folder / "run.json").read_bytes())


def changed(content: bytes) -> Iterator[bytes]:
    """Yield run.json with each thing changed that an attacker may want to."""
    whole = json.loads(content)
    for name, value in (
        ("best", "random"),
        ("overrides", ["models.x.family=evil:run"]),
        ("spec_folder", "/evil"),
        ("manifest", "0" * 64),
        ("models", []),
    ):
        yield json.dumps({**whole, name: value}, indent=1).encode() + b"\n"
    yield content + b" "
    yield content.replace(b'"seal"', b'"seaI"')
    yield content.replace(b'"digest"', b'"digesT"')


def test_whatever_is_changed_in_run_json_breaks_digest_and_seal(tmp_path: Path) -> None:
    content = (make_run(tmp_path / "runs") / "run.json").read_bytes()
    assert is_whole(content)
    assert has_own_seal(content)
    for other in changed(content):
        assert not is_whole(other)
        assert not has_own_seal(other)


def test_a_forger_can_make_a_digest_but_no_seal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_run(tmp_path / "runs")
    mine = runs.read_run(folder)
    monkeypatch.setenv("MLRUN_KEY", OTHER_KEY)
    forged = to_json(sealed(replace(mine, best="random"), own=True))
    kept_seal = to_json(replace(sealed(replace(mine, best="random"), own=False), seal=mine.seal))
    monkeypatch.delenv("MLRUN_KEY")
    assert is_whole(forged)
    assert not has_own_seal(forged)
    assert not has_own_seal(kept_seal)


def test_a_manifest_that_was_changed_makes_a_run_foreign(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "runs")
    (folder / "manifest.json").write_text('{"format": 1, "files": {}}')
    assert not runs.is_own(folder)
    (folder / "manifest.json").unlink()
    assert not runs.is_own(folder)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"[" * 100_000, b'{"format": 1}', b'{"digest": 3, "seal": []}', b"\xff"]
)
def test_what_is_no_run_json_is_nobodys(tmp_path: Path, content: bytes) -> None:
    assert not has_own_seal(content)
    (tmp_path / "run.json").write_bytes(content)
    assert not runs.is_own(tmp_path)


def test_a_run_of_an_older_mlrun_is_whole_and_foreign(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "runs")
    content = json.loads((folder / "run.json").read_bytes())
    del content["digest"], content["seal"]
    (folder / "run.json").write_text(json.dumps(content, indent=1) + "\n")
    assert is_whole((folder / "run.json").read_bytes())
    assert not runs.is_own(folder)


def test_a_foreign_run_that_is_written_again_stays_foreign(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "runs", record(USUAL))
    written = runs.finish(folder, runs.read_run(folder), own=False)
    assert (written.seal, runs.is_own(folder)) == ("", False)


# -- what is taken over -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a spec with one finished run beside it."""
    folder = tmp_path_factory.mktemp("first")
    run(write_spec(folder, SPEC))
    return folder


@pytest.fixture
def copied(first: Path, tmp_path: Path) -> Path:
    shutil.copytree(first, tmp_path / "copied")
    return tmp_path / "copied"


def reused(done: Done) -> int:
    return int(done.record["fits"]["reused"])


def told(done: Done) -> list[str]:
    return [event.text for event in done.events if isinstance(event, Noted) and "reused" in event.text]


def test_own_runs_spare_their_fits(copied: Path) -> None:
    done = run(copied / "spec.yaml")
    assert done.record["fits"]["run"] == 0
    assert reused(done) > 0
    assert told(done) == []


def test_a_run_from_elsewhere_spares_nothing_and_that_is_said(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It could claim any score, and hand on any champion."""
    monkeypatch.setenv("MLRUN_KEY", OTHER_KEY)
    done = run(copied / "spec.yaml")
    assert reused(done) == 0
    (sentence,) = told(done)
    assert sentence.startswith("reused@1 on the same rows cannot be reused: made elsewhere")
    assert "MLRUN_KEY" in sentence
    assert reused(run(copied / "spec.yaml", "seed=0")) > 0, "its own it does reuse"


def test_one_key_lets_machines_share_their_runs(copied: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLRUN_KEY", OTHER_KEY)
    run(copied / "spec.yaml")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another machine"))
    assert reused(run(copied / "spec.yaml")) > 0
    assert not (tmp_path / "another machine").exists()


def test_scores_that_were_changed_in_an_own_run_are_fitted_again(copied: Path) -> None:
    trials = copied / "runs" / "reused" / "0001" / "trials.jsonl"
    whole = trials.read_bytes()
    trials.write_bytes(whole.replace(b"0.9", b"0.8"))
    assert trials.read_bytes() != whole
    done = run(copied / "spec.yaml")
    assert reused(done) == 0
    assert done.trials == whole


def test_another_owner_of_the_folder_changes_nothing(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seal tells more than whose the files are: copies belong to the one who copies."""
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    assert runs.is_own(copied / "runs" / "reused" / "0001")
