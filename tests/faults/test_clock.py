"""A clock that goes back: order comes from versions, never from times."""

from __future__ import annotations

import json
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from in_process import run, write_spec

from mlrun import index, opening
from mlrun.cli import run as command
from mlrun.runs import resolve

if TYPE_CHECKING:
    import pytest

SPEC = """
experiment: clock
data: {source: sklearn, name: iris}
split: {folds: 2}
models: [gaussian_nb]
"""


class Clock:
    """The system's clock, set to a year."""

    year = 2026

    @classmethod
    def now(cls, zone: tzinfo) -> datetime:
        return datetime(cls.year, 1, 1, tzinfo=zone)


def test_runs_made_by_a_clock_that_goes_back_keep_the_order_of_their_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(opening, "datetime", Clock)
    monkeypatch.setenv("MLRUN_RUNS", str(tmp_path / "runs"))
    spec = write_spec(tmp_path, SPEC)
    for year in (2026, 2025, 2024):
        monkeypatch.setattr(Clock, "year", year)
        done = run(spec, runs=str(tmp_path / "runs"), fresh=True)
        assert done.record["started"] == datetime(year, 1, 1, tzinfo=UTC).isoformat(timespec="seconds")
    assert [row.version for row in index.rows(tmp_path / "runs")] == [3, 2, 1]
    assert [resolve(tmp_path / "runs", f"clock@{name}").name for name in ("latest", "latest~1", "best")] == [
        "0003",
        "0002",
        "0003",
    ]
    assert done.record["fits"]["reused"] > 0
    assert command(["list", "--format", "json"]) == 0
    assert [line["version"] for line in json.loads(capsys.readouterr().out)] == [3, 2, 1]
    for shown in (
        ["show", "clock"],
        ["compare", "clock@1", "clock@3", "--no-tests"],
        ["train", str(spec), "--if-changed"],
    ):
        assert command(shown) == 0
    assert len(list((tmp_path / "runs" / "clock").iterdir())) == 4, "evaluation is asked for now: a run of its own"
