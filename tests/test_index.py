"""The cache behind `list`: never the truth, always as new as the run folders."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from mlrun import index, runs
from mlrun.records import Interval
from mlrun.store.run_record import FoldSummary, MetricRecord, ModelRecord, RunRecord, VerdictRecord
from mlrun.store.run_row import BRIEF, IndexRow


def make_run(root: Path, experiment: str = "income", started: str = "2026-01-01T00:00:00+00:00") -> Path:
    best = ModelRecord(
        "forest",
        "model",
        "random_forest",
        cv={"roc_auc": FoldSummary(0.9, 0.01)},
        test={"roc_auc": Interval(0.89, 0.88, 0.91)},
    )
    with runs.claim(root, experiment) as folder:
        record = RunRecord(
            experiment=experiment,
            version=folder.version,
            status="complete",
            started=started,
            finished="2026-01-01T00:01:00+00:00",
            spec_id="s",
            data_id="d",
            best="forest",
            models=(best, ModelRecord("random", "baseline", "random")),
            verdict=VerdictRecord("good", "beats all"),
            metrics=(MetricRecord("roc_auc", "maximize"),),
            failed_trials=2,
        )
        runs.finish(folder.path, record)
        return folder.path


def names(root: Path, experiment: str | None = None) -> list[str]:
    return [row.name for row in index.rows(root, experiment)]


def test_a_row_holds_what_list_shows(tmp_path: Path) -> None:
    make_run(tmp_path)
    assert index.rows(tmp_path) == (
        IndexRow(
            experiment="income",
            version=1,
            status="complete",
            started="2026-01-01T00:00:00+00:00",
            finished="2026-01-01T00:01:00+00:00",
            best="forest",
            family="random_forest",
            metric="roc_auc",
            direction="maximize",
            cv=0.9,
            sd=0.01,
            test=0.89,
            low=0.88,
            high=0.91,
            verdict="good",
            reason="beats all",
            models=1,
            failed_trials=2,
            spec_id="s",
            data_id="d",
            exit_code=0,
            scores='{"roc_auc":["maximize",0.9,0.01,0.89,0.88,0.91]}',
        ),
    )
    assert index.rows(tmp_path) == index.rows(tmp_path, "income")


def test_of_brief_rows_the_other_fields_are_left_out_and_the_cache_still_has_all(tmp_path: Path) -> None:
    make_run(tmp_path)
    (full,) = index.rows(tmp_path)
    (row,) = index.rows(tmp_path, "income", brief=True)
    assert row == IndexRow._make(full[: len(BRIEF)] + IndexRow("", 0, "complete")[len(BRIEF) :])
    assert (row.cv, row.best, full.best) == (0.9, "", "forest")
    make_run(tmp_path)
    assert len(index.rows(tmp_path, brief=True)) == 2  # the new one is read, and cached whole
    assert {row.verdict for row in index.rows(tmp_path)} == {"good"}


@pytest.mark.parametrize("trouble", ["none", "no cache", "an old line", "not a cache", "another table", "no runs"])
def test_brief_rows_are_filled_from_the_cache_or_else_from_the_folders(tmp_path: Path, trouble: str) -> None:
    path = make_run(tmp_path) / "run.json"
    make_run(tmp_path)
    brief = index.rows(tmp_path, brief=True)
    cache = tmp_path / ".index.sqlite"
    if trouble == "no cache":
        cache.unlink()
    elif trouble == "an old line":
        path.write_bytes(path.read_bytes().replace(b'"good"', b'"poor"'))
        os.utime(path, ns=(1, 1))
    elif trouble == "not a cache":
        cache.write_bytes(b"x" * 5000)
    elif trouble == "another table":
        with closing(sqlite3.connect(cache)) as opened, opened:
            opened.execute("ALTER TABLE run DROP COLUMN verdict")
    filled = index.whole(tmp_path, brief if trouble != "no runs" else [])
    assert cache.exists() == (trouble != "no cache")
    cache.unlink(missing_ok=True)
    assert filled == (list(index.rows(tmp_path)) if trouble != "no runs" else [])


def test_nothing_is_listed_and_nothing_made_where_there_are_no_runs(tmp_path: Path) -> None:
    assert index.rows(tmp_path / "none") == ()
    assert not (tmp_path / "none").exists()
    assert index.rows(tmp_path) == ()
    assert index.rows(tmp_path, "income") == ()


def test_new_changed_and_deleted_runs_are_noticed(tmp_path: Path) -> None:
    first, second = make_run(tmp_path), make_run(tmp_path)
    assert names(tmp_path) == ["income@2", "income@1"]
    content = json.loads((first / "run.json").read_bytes())
    content["verdict"]["word"] = "useful"
    (first / "run.json").write_text(json.dumps(content))
    (second / "run.json").unlink()
    make_run(tmp_path, "other")
    assert names(tmp_path) == ["other@1", "income@1"]
    assert index.rows(tmp_path, "income")[0].verdict == "useful"


def test_a_change_that_keeps_the_size_is_noticed_by_its_time(tmp_path: Path) -> None:
    path = make_run(tmp_path) / "run.json"
    index.rows(tmp_path)
    path.write_bytes(path.read_bytes().replace(b'"good"', b'"poor"'))
    os.utime(path, ns=(1, 1))
    assert index.rows(tmp_path)[0].verdict == "poor"


def test_only_what_changed_is_read_again(tmp_path: Path) -> None:
    path = make_run(tmp_path) / "run.json"
    stamp, content = path.stat(), path.read_bytes()
    index.rows(tmp_path)
    path.write_bytes(b"x" * len(content))  # damaged, with the stamp of the whole file: the cache answers
    os.utime(path, ns=(stamp.st_mtime_ns, stamp.st_mtime_ns))
    assert index.rows(tmp_path)[0].verdict == "good"
    (tmp_path / ".index.sqlite").unlink()
    assert index.rows(tmp_path)[0].status == "damaged"


def test_one_experiment_does_not_push_the_others_out(tmp_path: Path) -> None:
    make_run(tmp_path, "a")
    make_run(tmp_path, "b")
    index.rows(tmp_path)
    assert names(tmp_path, "a") == ["a@1"]
    with sqlite3.connect(tmp_path / ".index.sqlite") as cache:
        assert cache.execute("SELECT count(*) FROM run").fetchone() == (2,)
    cache.close()


def test_running_interrupted_damaged_and_newer_runs_are_shown_as_such(tmp_path: Path) -> None:
    (make_run(tmp_path) / "run.json").write_text("{")
    (make_run(tmp_path) / "run.json").write_text('{"format": 99}')
    with runs.claim(tmp_path, "income") as cut:
        (cut.path / "journal.jsonl").touch()
    runs.claim(tmp_path, "income").close()  # killed before it wrote a line: nothing to go on with
    with runs.claim(tmp_path, "income"):
        found = {row.version: row.status for row in index.rows(tmp_path)}
    assert found == {1: "damaged", 2: "newer", 3: "interrupted", 5: "running"}
    assert [row.version for row in index.rows(tmp_path)] == [3, 2, 1]


def test_versions_order_an_experiment_and_starts_order_experiments(tmp_path: Path) -> None:
    make_run(tmp_path, "a", "2026-01-05T00:00:00+00:00")
    make_run(tmp_path, "b", "2026-01-06T00:00:00+00:00")
    make_run(tmp_path, "a", "2026-01-01T00:00:00+00:00")  # the clock went back
    make_run(tmp_path, "b", "2026-01-07T00:00:00+00:00")
    (make_run(tmp_path, "b") / "run.json").write_text("{")
    assert names(tmp_path) == ["b@3", "b@2", "b@1", "a@2", "a@1"]


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"no database at all" * 100,
        b"SQLite format 3\0" + b"\xff" * 5000,
    ],
)
def test_a_broken_cache_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    make_run(tmp_path)
    index.rows(tmp_path)
    (tmp_path / ".index.sqlite").write_bytes(damage)
    assert names(tmp_path) == ["income@1"]
    with sqlite3.connect(tmp_path / ".index.sqlite") as cache:
        assert cache.execute("SELECT count(*) FROM run").fetchone() == (1,)
    cache.close()


def test_flipped_bytes_in_the_cache_never_stop_a_list(tmp_path: Path) -> None:
    for _ in range(30):
        make_run(tmp_path)
    index.rows(tmp_path)
    whole = (tmp_path / ".index.sqlite").read_bytes()
    generator = random.Random(0)
    for _ in range(60):
        broken = bytearray(whole)
        for _ in range(generator.randint(1, 40)):
            broken[generator.randrange(len(broken))] = generator.randrange(256)
        (tmp_path / ".index.sqlite").write_bytes(broken[: generator.choice([len(broken), len(broken) // 2])])
        assert len(index.rows(tmp_path)) == 30


def test_a_cache_of_another_version_or_shape_is_made_anew(tmp_path: Path) -> None:
    make_run(tmp_path)
    for statements in (["PRAGMA user_version = 99"], ["DROP TABLE run"], ["DROP TABLE run", "CREATE TABLE run (a)"]):
        index.rows(tmp_path)
        cache = sqlite3.connect(tmp_path / ".index.sqlite")
        for statement in statements:
            cache.execute(statement)
        cache.close()
        assert names(tmp_path) == ["income@1"]


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    make_run(tmp_path)
    (tmp_path / ".index.sqlite").mkdir()
    assert names(tmp_path) == ["income@1"]


def test_a_cache_that_another_process_keeps_locked_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run(tmp_path)
    index.rows(tmp_path)
    make_run(tmp_path)
    monkeypatch.setattr(index, "BUSY_SECONDS", 0.05)
    other = sqlite3.connect(tmp_path / ".index.sqlite")
    other.execute("BEGIN EXCLUSIVE")
    assert names(tmp_path) == ["income@2", "income@1"]
    other.close()


def test_eight_at_once_agree_and_leave_a_whole_cache(tmp_path: Path) -> None:
    def work(number: int) -> int:
        make_run(tmp_path, f"e{number % 3}")
        return len(index.rows(tmp_path))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(24)))
    assert len(index.rows(tmp_path)) == 24
    cache = sqlite3.connect(tmp_path / ".index.sqlite")
    assert cache.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    cache.close()


def test_listing_two_thousand_unchanged_runs_costs_little(tmp_path: Path) -> None:
    content = (make_run(tmp_path) / "run.json").read_bytes()
    for version in range(2, 2001):
        folder = tmp_path / "income" / f"{version:04d}"
        folder.mkdir()
        (folder / "run.json").write_bytes(content)
    index.rows(tmp_path)
    spent = []
    for _ in range(3):
        begun = time.process_time()
        assert len(index.rows(tmp_path)) == 2000
        spent.append(time.process_time() - begun)
    assert min(spent) < 0.1  # 0.02 s on the machine of performance.md, where 10,000 take 0.1 s


def test_listing_needs_no_heavy_library() -> None:
    code = "import sys, mlrun.index; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "polars", "sklearn", "scipy", "xgboost", "skops"} & {name.partition(".")[0] for name in loaded}
