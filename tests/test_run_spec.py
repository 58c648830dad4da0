"""A run read back as a spec; another user's code is run only where somebody vouches for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from in_process import run, write_spec

from mlrun.errors import StorageError, UsageError
from mlrun.run_spec import spec_of

SPEC = """
experiment: small
data: {source: sklearn, name: iris}
models: {gaussian_nb: {}}
evaluation: {"own_checks:nothing": {}}
split: {folds: 2}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "own_checks.py").write_text("def nothing(subject, context, params):\n    return ()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = run(write_spec(tmp_path, SPEC), "seed=3").folder
    assert found is not None
    return found


def test_a_run_is_read_back_with_its_overrides(folder: Path) -> None:
    spec = spec_of(folder)
    assert (spec.seed, spec.split.folds, spec.models[0].name) == (3, 2, "gaussian_nb")
    assert spec.evaluation.tests[0].check == "own_checks:nothing"


def test_the_code_of_a_run_from_elsewhere_is_not_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLRUN_KEY", "another user's key")
    with pytest.raises(UsageError, match=r"was made elsewhere.*runs own_checks:nothing.*--trust own_checks"):
        spec_of(folder)
    assert spec_of(folder, ["own_checks"]).seed == 3


@pytest.mark.parametrize(
    ("old", "new"), [("gaussian_nb: {}", 'gaussian_nb: {family: "evil-code:run"}'), ("iris}", "iris, x: 'evil:run'}")]
)
def test_a_spec_that_was_changed_after_the_run_runs_no_code(folder: Path, old: str, new: str) -> None:
    """What is read is what is looked at: the file itself, not what another file says of it."""
    file = folder / "spec.yaml"
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(UsageError, match=r"runs evil(-code)?:run"):
        spec_of(folder, ["own_checks"])


def test_overrides_and_families_of_a_changed_record_run_no_code(folder: Path) -> None:
    file = folder / "run.json"
    whole = file.read_text()
    for old, new in (
        ('"seed=3"', '"models.gaussian_nb.family=evil:run"'),
        ('"family": "gaussian_nb"', '"family": "evil:run"'),
    ):
        file.write_text(whole.replace(old, new))
        assert file.read_text() != whole
        with pytest.raises(UsageError, match="evil:run"):
            spec_of(folder, ["own_checks"])


def test_a_folder_without_its_spec_says_so(folder: Path) -> None:
    (folder / "spec.yaml").unlink()
    with pytest.raises(StorageError, match="cannot be read"):
        spec_of(folder)
