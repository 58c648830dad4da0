"""Run folders: whole or absent, one owner each, found by name."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlrun import runs
from mlrun.errors import StorageError, UsageError
from mlrun.json_records import decode
from mlrun.records import Interval, Trial, TrialResult
from mlrun.store.run_record import FoldSummary, MetricRecord, ModelRecord, RunRecord, VerdictRecord
from mlrun.store.writing import what_helps

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
PARAMS = st.dictionaries(
    st.text(),
    st.recursive(SCALARS, lambda inner: st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner), max_leaves=5),
    max_size=3,
)
MODELS = st.builds(ModelRecord, params=PARAMS)
RECORDS = st.builds(RunRecord, models=st.lists(MODELS, max_size=3).map(tuple))


def record(experiment: str = "income", version: int = 1, score: float | None = 0.5, **changes: object) -> RunRecord:
    model = ModelRecord("a", "model", "ridge", cv={"roc_auc": FoldSummary(score, 0.1)})
    whole = RunRecord(
        experiment=experiment,
        version=version,
        status="complete",
        started="2026-01-01T00:00:00Z",
        finished="2026-01-01T00:01:00Z",
        spec_id="s",
        data_id="d",
        best="a",
        models=(model,),
        verdict=VerdictRecord("good"),
        metrics=(MetricRecord("roc_auc", "maximize"),),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def make_run(root: Path, score: float | None = 0.5, experiment: str = "income", **changes: object) -> Path:
    with runs.claim(root, experiment) as folder:
        (folder.path / "spec.yaml").write_text("experiment: income\n")
        runs.finish(folder.path, record(experiment, folder.version, score, **changes))
        return folder.path


# -- where ------------------------------------------------------------------------------------------------------------


def test_runs_stand_in_the_nearest_parent_of_the_spec_that_has_a_runs_folder(tmp_path: Path) -> None:
    spec_folder = tmp_path / "project" / "configs" / "deep"
    spec_folder.mkdir(parents=True)
    (tmp_path / "runs").mkdir()
    assert runs.runs_root(spec_folder, environment={}) == tmp_path / "runs"
    (tmp_path / "project" / "runs").mkdir()
    assert runs.runs_root(spec_folder, environment={}) == tmp_path / "project" / "runs"


def test_override_wins_over_the_environment_and_that_over_the_spec(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    environment = {"MLRUN_RUNS": str(tmp_path / "elsewhere")}
    assert runs.runs_root(tmp_path, environment=environment) == tmp_path / "elsewhere"
    assert runs.runs_root(tmp_path, tmp_path / "mine", environment=environment) == tmp_path / "mine"
    (tmp_path / "mine").write_text("a file")
    with pytest.raises(UsageError, match="is a file"):
        runs.runs_root(tmp_path, tmp_path / "mine", environment=environment)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "A", "-a", "_a", "a.b", "a b", "é", "a\n", "a\x00", "٣", "a" * 101, "~"]
)
def test_names_that_could_leave_the_root_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name an experiment"):
        runs.claim(tmp_path, name)


def test_a_link_that_leads_out_of_the_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "runs" / "income").symlink_to(tmp_path / "outside")
    with pytest.raises(UsageError, match="leads out of"):
        runs.claim(tmp_path / "runs", "income")


# -- claim and lock ---------------------------------------------------------------------------------------------------


def test_versions_count_up_and_go_on_past_four_digits(tmp_path: Path) -> None:
    (tmp_path / "income" / "9999").mkdir(parents=True)
    (tmp_path / "income" / "notes").mkdir()
    with runs.claim(tmp_path, "income") as folder:
        assert (folder.name, folder.path.name) == ("income@10000", "10000")
    assert runs.list_versions(tmp_path, "income") == (9999, 10000)


def test_claims_at_once_get_distinct_folders(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: runs.claim(tmp_path, "income"), range(40)))
    assert sorted(folder.version for folder in folders) == list(range(1, 41))
    for folder in folders:
        folder.close()


def test_the_lock_is_held_while_the_process_lives_and_no_longer(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, time; from mlrun import runs;"
        "f = runs.claim(pathlib.Path(sys.argv[1]), 'income'); (f.path / 'journal.jsonl').touch();"
        "print(f.path, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        path = Path(child.stdout.readline().strip())
        assert runs.is_locked(path)
        assert runs.interrupted(tmp_path, "income") == ()
        with pytest.raises(UsageError, match="income@1 is being run by another process"):
            runs.reopen(path)
        child.send_signal(signal.SIGKILL)
    assert not runs.is_locked(path)
    assert runs.interrupted(tmp_path, "income") == (path,)
    with runs.reopen(path) as again:
        assert again.name == "income@1"
        assert runs.is_locked(path)


def test_interrupted_runs_come_newest_first_without_finished_and_empty_ones(tmp_path: Path) -> None:
    paths = []
    for _ in range(3):
        with runs.claim(tmp_path, "income") as folder:
            (folder.path / "journal.jsonl").touch()
            paths.append(folder.path)
    make_run(tmp_path)
    runs.claim(tmp_path, "income").close()
    assert runs.interrupted(tmp_path, "income") == tuple(reversed(paths))


def test_a_finished_run_cannot_be_reopened(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="finished already"):
        runs.reopen(make_run(tmp_path))


# -- writing ----------------------------------------------------------------------------------------------------------


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "report.md").write_text("old")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="folder"):
        runs.write_atomically(tmp_path / "folder", b"a folder cannot be replaced by a file")
    with pytest.raises(StorageError, match="No such file"):
        runs.write_atomically(tmp_path / "missing" / "x", b"")
    runs.write_atomically(tmp_path / "report.md", b"new")
    assert {path.name for path in tmp_path.iterdir()} == {"report.md", "folder"}
    assert (tmp_path / "report.md").read_bytes() == b"new"


def test_a_full_disk_is_a_sentence_with_the_way_out() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no device that is always full here")
    with pytest.raises(StorageError, match=r"disk is full\. Free some space"), runs.storing(Path("run.json")):
        Path("/dev/full").write_bytes(b"x")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EACCES, "permission"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "disk"),
    ],
)
def test_what_the_system_says_is_told_with_a_cure(number: int, words: str) -> None:
    assert words in what_helps(OSError(number, os.strerror(number)))


def test_the_manifest_vouches_for_every_file_and_run_json_for_the_manifest(tmp_path: Path) -> None:
    with runs.claim(tmp_path, "income") as folder:
        (folder.path / "models").mkdir()
        (folder.path / "models" / "a.skops").write_bytes(b"model")
        (folder.path / ".tmp-77-report.md").write_bytes(b"left by a killed process")
        runs.finish(folder.path, record())
    written = json.loads((folder.path / "manifest.json").read_bytes())
    assert written["files"] == {"models/a.skops": hashlib.sha256(b"model").hexdigest()}
    assert runs.read_manifest(folder.path) == written["files"]
    sealed = runs.read_run(folder.path).manifest
    assert sealed == hashlib.sha256((folder.path / "manifest.json").read_bytes()).hexdigest()
    assert not list(folder.path.glob(".tmp-*"))


def test_a_changed_manifest_is_noticed(tmp_path: Path) -> None:
    path = make_run(tmp_path)
    (path / "manifest.json").write_text('{"format": 1, "files": {}}')
    with pytest.raises(StorageError, match="was changed after the run"):
        runs.read_manifest(path)


# -- reading ----------------------------------------------------------------------------------------------------------


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(RECORDS)
def test_what_is_written_is_read_back_equal(whole: RunRecord) -> None:
    written = runs.to_json(whole)
    again = decode(RunRecord, json.loads(written))
    assert runs.to_json(again) == written
    assert again == whole or b"NaN" in written  # which equals nothing, itself included


def test_values_that_are_not_numbers_survive_where_numbers_stand(tmp_path: Path) -> None:
    best = ModelRecord("a", "model", "ridge", test={"rmse": Interval(1.0, -float("inf"), float("inf"))})
    path = make_run(tmp_path, models=(best,))
    assert runs.read_run(path).models == (best,)
    assert "Infinity" in json.loads((path / "run.json").read_bytes())["models"][0]["test"]["rmse"].values()


def test_fields_of_later_versions_are_ignored_and_missing_ones_take_their_defaults(tmp_path: Path) -> None:
    path = make_run(tmp_path)
    content = json.loads((path / "run.json").read_bytes())
    content["colour"] = "green"
    del content["notes"], content["models"][0]["coverage"]
    (path / "run.json").write_text(json.dumps(content))
    assert runs.read_run(path).notes == ()


def test_a_newer_format_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = make_run(tmp_path)
    (path / "run.json").write_text('{"format": 2}')
    with pytest.raises(UsageError, match=r"run\.json has format 2; this mlrun reads up to 1: install a newer mlrun"):
        runs.read_run(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no format"),
        (b'{"format": true}', "no format"),
        (b'{"format": 1}', "experiment is not what it should be"),
    ],
)
def test_a_damaged_run_json_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = make_run(tmp_path)
    (path / "run.json").write_bytes(content)
    with pytest.raises(StorageError, match=rf"run\.json is damaged: .*{words}"):
        runs.read_run(path)


@given(st.data())
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_cut_or_flipped_run_json_is_read_or_refused_never_a_crash(tmp_path: Path, data: st.DataObject) -> None:
    whole = bytearray(runs.to_json(record()))
    at = data.draw(st.integers(0, len(whole) - 1))
    cut = data.draw(st.booleans())
    if not cut:
        whole[at] ^= 1 << data.draw(st.integers(0, 7))
    folder = tmp_path / "income" / "0001"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_bytes(bytes(whole[:at]) if cut else bytes(whole))
    try:
        assert isinstance(runs.read_run(folder), RunRecord)
    except (StorageError, UsageError) as refusal:
        assert "run.json" in str(refusal)  # noqa: PT017 - most mutations are refused, some change a name only


def test_trials_are_the_same_bytes_in_whatever_order_they_came(tmp_path: Path) -> None:
    results = [
        TrialResult(
            Trial(f"m/{number:04d}", "m", "ridge", {"b": (1, 2), "a": 0.1 + 0.2}),
            "done",
            {"rmse": (0.1, None, float("nan")), "mae": (1e-7,)},
            identity="f00",
        )
        for number in (10000, 2, 9999)
    ]
    runs.write_trials(tmp_path, results)
    first = (tmp_path / "trials.jsonl").read_bytes()
    runs.write_trials(tmp_path, reversed(results))
    assert (tmp_path / "trials.jsonl").read_bytes() == first
    assert first.splitlines()[0] == (
        b'{"id": "m/0002", "model": "m", "family": "ridge", "params": {"a": 0.30000000000000004, "b": [1, 2]}, '
        b'"status": "done", "reason": "", "scores": {"mae": [1e-07], "rmse": [0.1, null, null]}, "identity": "f00", '
        b'"fidelity": 1.0}'
    )
    read = runs.read_trials(tmp_path)
    assert [result.trial.id for result in read] == ["m/0002", "m/9999", "m/10000"]
    assert read[0].trial.params == {"a": 0.1 + 0.2, "b": (1, 2)}
    assert read[0].scores == {"mae": (1e-7,), "rmse": (0.1, None, None)}


def test_a_damaged_trial_is_named_by_its_line(tmp_path: Path) -> None:
    runs.write_trials(tmp_path, [TrialResult(Trial("m/0001", "m", "ridge", {}), "done", {})])
    with (tmp_path / "trials.jsonl").open("ab") as file:
        file.write(b'{"id": "m/00')
    with pytest.raises(StorageError, match=r"trials\.jsonl:2"):
        runs.read_trials(tmp_path)


# -- names ------------------------------------------------------------------------------------------------------------


def test_a_run_is_found_by_version_by_latest_and_by_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (make_run(tmp_path) for _ in range(3))
    make_run(tmp_path, status="failed", best=None)
    for name, path in {
        "income@1": first,
        "income@0002": second,
        "income@latest": third,
        "income@latest~0": third,
        "income@latest~2": first,
        "income": third,
        str(first): first,
        f"{first}/": first,
    }.items():
        assert runs.resolve(tmp_path, name) == path
    monkeypatch.chdir(tmp_path / "income")
    assert runs.resolve(tmp_path, "0002") == second
    assert runs.resolve(tmp_path, "./0001") == first


def test_a_name_that_is_an_experiment_and_a_folder_must_be_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_run(tmp_path)
    monkeypatch.chdir(path.parent)
    make_run(tmp_path, experiment="0001")
    with pytest.raises(UsageError, match=r"write 0001@latest or \./0001"):
        runs.resolve(tmp_path, "0001")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("incom@1", "did you mean 'income'?"),
        ("zzz", "known: income"),
        ("income@9", r"there is no run income@9 .* the nearest: income@1, income@2, income@3"),
        ("income@last", "did you mean 'latest'?"),
        ("income@production", "no run of 'income' .* has the tag 'production'"),
        ("income@best~1", "latest~1"),
        ("income@", "latest~1"),
        ("Income@1", "cannot name an experiment"),
        ("../income@1", "is no run folder"),
        ("income/0009", "is no run folder"),
        ("income@latest~3", "so @latest~2 is the oldest"),
    ],
)
def test_a_name_that_means_nothing_is_told_with_the_nearest(tmp_path: Path, name: str, words: str) -> None:
    for _ in range(3):
        make_run(tmp_path)
    with pytest.raises(UsageError, match=words.replace("?", r"\?")):
        runs.resolve(tmp_path, name)


def test_latest_without_a_complete_run_names_those_that_are_there(tmp_path: Path) -> None:
    runs.claim(tmp_path, "income").close()
    for name in ("income", "income@best"):
        with pytest.raises(UsageError, match=r"no run of 'income' .* is complete .*: income@1"):
            runs.resolve(tmp_path, name)


def test_best_is_by_the_first_metric_among_complete_runs_on_the_latest_data(tmp_path: Path) -> None:
    make_run(tmp_path, 0.99, data_id="older")
    second = make_run(tmp_path, 0.8)
    make_run(tmp_path, 0.7)
    make_run(tmp_path, 0.95, status="failed")
    make_run(tmp_path, 0.98, metrics=(MetricRecord("accuracy", "maximize"),))
    make_run(tmp_path, None)
    make_run(tmp_path, 0.6)
    make_run(tmp_path, 0.97, sampled=100)
    assert runs.resolve(tmp_path, "income@best") == second


def test_best_of_a_loss_is_the_smallest_and_of_equal_ones_the_newest(tmp_path: Path) -> None:
    metrics = (MetricRecord("roc_auc", "minimize"),)
    make_run(tmp_path, 0.1, metrics=metrics)
    second = make_run(tmp_path, 0.1, metrics=metrics)
    make_run(tmp_path, 0.2, metrics=metrics)
    assert runs.resolve(tmp_path, "income@best") == second


def test_a_damaged_run_does_not_hide_the_others(tmp_path: Path) -> None:
    first = make_run(tmp_path)
    (make_run(tmp_path) / "run.json").write_text("{")
    assert [run.version for run in runs.iter_runs(tmp_path, "income")] == [1]
    assert runs.resolve(tmp_path, "income@latest") == first


def test_reading_runs_needs_no_heavy_library() -> None:
    code = "import sys, mlrun.runs; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"numpy", "polars", "sklearn", "scipy", "xgboost", "joblib", "skops", "psutil", "yaml", "pydantic"}
    assert not heavy & {re.split(r"\.", name)[0] for name in loaded}
