"""A run as RO-Crate: every file described by its digest, what made what from what, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from exported_runs import trained
from made_runs import USUAL, make_run, model, record

from mlrun.errors import StorageError, UsageError
from mlrun.export import export

METADATA = "ro-crate-metadata.json"


def crate(run: Path, target: Path, force: bool = False) -> tuple[str, ...]:
    return export(str(run), "ro-crate", str(target), None, (), force, None)


def graph_of(target: Path) -> dict[str, dict[str, Any]]:
    content = json.loads((target / METADATA).read_bytes())
    return {entity["@id"]: entity for entity in content["@graph"]}


@pytest.fixture(scope="module")
def pay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("pay"), evaluation="none", useful=None)


def test_every_file_is_described_by_its_own_digest(pay: Path, tmp_path: Path) -> None:
    crate(pay, tmp_path / "crate")
    graph = graph_of(tmp_path / "crate")
    held = {
        path.relative_to(tmp_path / "crate").as_posix() for path in (tmp_path / "crate").rglob("*") if path.is_file()
    }
    described = {name for name, entity in graph.items() if entity["@type"] == "File"}
    assert described == held - {METADATA}
    assert {"run.json", "manifest.json", "spec.yaml", "report.md", "models/cut.skops"} <= described
    for name in described:
        content = (tmp_path / "crate" / name).read_bytes()
        assert graph[name]["sha256"] == hashlib.sha256(content).hexdigest()
        assert graph[name]["contentSize"] == str(len(content))
    assert {each["@id"] for each in graph["./"]["hasPart"]} == described


def test_the_run_is_an_action_of_mlrun_from_spec_and_data_to_models_and_predictions(pay: Path, tmp_path: Path) -> None:
    crate(pay, tmp_path / "crate")
    graph = graph_of(tmp_path / "crate")
    written = json.loads((pay / "run.json").read_bytes())
    action = next(entity for entity in graph.values() if entity["@type"] == "CreateAction")
    assert graph["./"]["mentions"] == {"@id": action["@id"]}
    assert (action["startTime"], action["endTime"]) == (written["started"], written["finished"])
    tool = graph[action["instrument"]["@id"]]
    assert (tool["@type"], tool["name"]) == ("SoftwareApplication", "mlrun")
    assert tool["softwareVersion"]
    used = [graph[each["@id"]] for each in action["object"]]
    made = {each["@id"] for each in action["result"]}
    assert {"spec.yaml", "people.csv"} <= {each["name"] for each in used}
    data = next(each for each in used if each["name"] == "people.csv")
    assert data["sha256"] == hashlib.sha256((pay.parent.parent.parent / "people.csv").read_bytes()).hexdigest()
    assert {"models/cut.skops", "predictions/cut.parquet", "report.md", "#roc_auc"} <= made
    assert not made & {each["@id"] for each in used}
    assert "agent" not in action


def test_every_reference_leads_to_an_entity_or_to_the_web(pay: Path, tmp_path: Path) -> None:
    crate(pay, tmp_path / "crate")
    graph = graph_of(tmp_path / "crate")

    def references(value: object) -> list[str]:
        if isinstance(value, list):
            return [found for each in value for found in references(each)]
        if isinstance(value, dict):
            own = [str(value["@id"])] if set(value) == {"@id"} else []
            return own + [found for key, each in value.items() if key != "@id" for found in references(each)]
        return []

    missing = {name for entity in graph.values() for name in references(entity)} - set(graph)
    assert all(name.startswith(("http://schema.org/", "https://w3id.org/ro/crate/")) for name in missing), missing


def test_equal_runs_give_equal_bytes_as_a_folder_and_as_a_zip(pay: Path, tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        crate(pay, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    crate(pay, tmp_path / "folder")
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.testzip() is None
        held = {name: archive.read(name) for name in archive.namelist()}
    assert held == {
        path.relative_to(tmp_path / "folder").as_posix(): path.read_bytes()
        for path in (tmp_path / "folder").rglob("*")
        if path.is_file()
    }


def test_only_a_crate_of_ours_is_replaced_and_only_when_asked(pay: Path, tmp_path: Path) -> None:
    crate(pay, tmp_path / "crate")
    with pytest.raises(UsageError, match="there already: --force"):
        crate(pay, tmp_path / "crate")
    crate(pay, tmp_path / "crate", force=True)
    (tmp_path / "crate" / "mine.txt").write_text("a thesis")
    with pytest.raises(UsageError, match="holds other files"):
        crate(pay, tmp_path / "crate", force=True)
    assert (tmp_path / "crate" / "mine.txt").read_text() == "a thesis"
    others = tmp_path / "others"
    others.mkdir()
    (others / METADATA).write_text('{"@graph": [{"@id": "./"}]}')
    with pytest.raises(UsageError, match="holds other files"):
        crate(pay, others, force=True)
    (tmp_path / "empty").mkdir()
    crate(pay, tmp_path / "empty")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crate", "empty", "others"]


@pytest.mark.parametrize("name", ["no/such/crate", "no/such/crate.zip"])
def test_a_place_that_is_not_there_is_named(pay: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        crate(pay, tmp_path / name)


def test_a_crate_is_not_written_into_its_own_run(pay: Path) -> None:
    with pytest.raises(UsageError, match="inside the run's own folder"):
        crate(pay, pay / "crate")


def test_a_file_that_was_changed_after_the_run_is_not_handed_on(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs")
    (run / "trials.jsonl").write_text("{}\n")
    with pytest.raises(StorageError, match=r"trials\.jsonl was changed since the run"):
        crate(run, tmp_path / "crate")
    (run / "trials.jsonl").unlink()
    with pytest.raises(StorageError, match=r"trials\.jsonl is gone"):
        crate(run, tmp_path / "crate")
    assert not list(tmp_path.glob("*crate*"))


def test_links_out_of_the_run_folder_are_not_followed(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("private")
    (run / "linked").symlink_to(tmp_path / "secret")
    (run / "key").symlink_to(tmp_path / "secret" / "key")
    crate(run, tmp_path / "crate")
    assert not any(b"private" in path.read_bytes() for path in (tmp_path / "crate").rglob("*") if path.is_file())


def test_models_that_hold_erased_rows_stay_behind(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", record((model("xgboost", 0.9, stale="contains-verbatim"), *USUAL[1:])))
    (run / "models").mkdir()
    (run / "models" / "xgboost.skops").write_bytes(b"rows")
    told = crate(run, tmp_path / "crate")
    assert not (tmp_path / "crate" / "models" / "xgboost.skops").exists()
    assert any("left out: models/xgboost.skops" in sentence for sentence in told)


def test_a_model_may_not_be_named_for_a_whole_run(pay: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="leave out --model"):
        export(str(pay), "ro-crate", str(tmp_path / "crate"), "cut", (), False, None)
