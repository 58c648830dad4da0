"""Every export of the shelf keeps the contract, found through the catalog: a new file is tested with no edit."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from exported_runs import trained

from mlrun import catalog
from mlrun.cli import run as command
from mlrun.contracts import ExportKind
from mlrun.errors import UsageError
from mlrun.export import export

NAMES = catalog.names("exports")


def entry_of(name: str) -> ExportKind:
    found = catalog.find("exports", name)
    assert isinstance(found, ExportKind)
    return found


def needed(name: str) -> ExportKind:
    """Return an entry, or skip where what it needs is not installed."""
    entry = entry_of(name)
    if any(find_spec(module) is None for module in entry.modules):
        pytest.skip(f"the extra '{entry.extra}' is not installed")
    return entry


@pytest.fixture(scope="module")
def pay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = {"logistic_regression": {"C": 1}, "cut": {"family": "decision_tree", "max_depth": 2}}
    return trained(tmp_path_factory.mktemp("pay"), models=models, evaluation="none", useful=None)


def test_names_are_those_of_the_command_line() -> None:
    assert NAMES
    for name in NAMES:
        assert "_" not in name
        assert catalog.module_of("exports", name) == f"mlrun.exports.{name.replace('-', '_')}"


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_says_what_comes_out_and_what_it_needs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    entry = entry_of(name)
    assert entry.writes
    assert bool(entry.modules) == bool(entry.extra)
    assert entry.place("pay-1", "cut")
    assert command(["catalog", "exports", name, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["about"]
    assert told["extra"] == entry.extra


@pytest.mark.parametrize("name", NAMES)
def test_an_export_writes_where_nothing_else_is_said_and_tells_where(
    name: str, pay: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    before = {path: path.read_bytes() for path in pay.rglob("*") if path.is_file()}
    told = export(str(pay), name, "", None, (), False, None)
    assert told
    assert "pay@1" in told[0]
    assert list(tmp_path.iterdir())
    assert {path: path.read_bytes() for path in pay.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", NAMES)
def test_an_export_that_is_made_again_is_refused_or_changes_nothing_else(
    name: str, pay: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    export(str(pay), name, "", None, (), False, None)
    first = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    try:
        export(str(pay), name, "", None, (), False, None)
    except UsageError as error:
        assert "--force" in str(error)  # noqa: PT017 - either is right
        export(str(pay), name, "", None, (), True, None)
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == first


@pytest.mark.parametrize("name", NAMES)
def test_a_place_that_cannot_be_written_is_one_sentence(name: str, pay: Path, tmp_path: Path) -> None:
    needed(name)
    with pytest.raises(UsageError, match="there is no folder"):
        export(str(pay), name, str(tmp_path / "none" / "x.db"), None, (), False, None)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_named_where_the_export_is_of_one_and_refused_where_not(
    name: str, pay: Path, tmp_path: Path
) -> None:
    entry = needed(name)
    place = str(tmp_path / "out.db")
    if not entry.of_model:
        with pytest.raises(UsageError, match="leave out --model"):
            export(str(pay), name, place, "cut", (), False, None)
        return
    assert "cut" in export(str(pay), name, place, "cut", (), False, None)[0]
    with pytest.raises(UsageError, match="did you mean 'cut'"):
        export(str(pay), name, place, "cat", (), True, None)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_missing_is_named_with_the_line_that_installs_it(name: str, pay: Path, tmp_path: Path) -> None:
    entry = entry_of(name)
    missing = [module for module in entry.modules if find_spec(module) is None]
    if not missing:
        pytest.skip("nothing is missing here")
    with pytest.raises(UsageError, match=rf"{missing[0]}.*pip install 'mlrun-cli\[{entry.extra}\]'"):
        export(str(pay), name, str(tmp_path / "out"), None, (), False, None)


def test_an_unknown_name_is_answered_with_the_nearest(pay: Path) -> None:
    with pytest.raises(UsageError, match="no export 'ro_crate'; did you mean 'ro-crate'"):
        export(str(pay), "ro_crate", "", None, (), False, None)
    with pytest.raises(UsageError, match="--to mlflow"):
        export(str(pay), "", "", None, (), False, None)
    with pytest.raises(UsageError, match="must be an ExportKind"):
        export(str(pay), "json:dumps", "", None, (), False, None)
