"""A run read back as a spec; another user's code is run only where somebody vouches for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from in_process import run, write_spec

from mlrun.errors import StorageError, UsageError
from mlrun.run_spec import refuse_modules, spec_of

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


def test_another_users_code_is_not_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(UsageError, match=r"runs own_checks:nothing.*--trust own_checks"):
        spec_of(folder)
    assert spec_of(folder, ["own_checks"]).seed == 3


def test_a_damaged_folder_says_so(folder: Path) -> None:
    (folder / "spec.resolved.json").write_text("{")
    with pytest.raises(StorageError, match="damaged"):
        refuse_modules(folder, [])
