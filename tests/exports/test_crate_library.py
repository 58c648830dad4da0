"""The library of RO-Crate's own makers reads what we write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from exported_runs import trained

pytest.importorskip("rocrate")

from mlrun.export import export

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("name", ["crate", "crate.zip"])
def test_the_library_finds_files_action_and_tool(name: str, tmp_path: Path) -> None:
    from rocrate.rocrate import ROCrate

    models: dict[str, object] = {"logistic_regression": {}}
    (tmp_path / "pay").mkdir()
    run = trained(tmp_path / "pay", models=models, evaluation="none", useful=None)
    export(str(run), "ro-crate", str(tmp_path / name), None, (), False, None)
    crate = ROCrate(str(tmp_path / name))
    content = json.loads((run / "run.json").read_bytes())
    assert crate.name == "pay@1"
    assert crate.root_dataset["conformsTo"].id == "https://w3id.org/ro/wfrun/process/0.5"
    (action,) = crate.get_by_type("CreateAction")
    assert action["instrument"]["name"] == "mlrun"
    assert action["startTime"] == content["started"]
    files = {entity.id: entity for entity in crate.get_by_type("File")}
    assert {"run.json", "models/logistic_regression.skops", "predictions/zero_rule.parquet"} <= set(files)
    made = {entity.id for entity in action["result"]}
    assert "models/logistic_regression.skops" in made
    assert crate.root_dataset["mentions"].id == action.id
    score = crate.dereference("#roc_auc")
    assert float(score["value"]) == next(
        each["test"]["roc_auc"]["value"] for each in content["models"] if each["name"] == content["best"]
    )
