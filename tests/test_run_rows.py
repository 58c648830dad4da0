"""Runs that keep their data, and the rows of a run as they were: from its snapshots, or from what is still the same."""

from __future__ import annotations

import gzip
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from in_process import Done, run, write_spec

from mlrun import cli
from mlrun.errors import DataError, StorageError
from mlrun.events import Noted
from mlrun.origin.digests import data_digests
from mlrun.ready import make_ready
from mlrun.run_rows import RunRows, rows_of_run, table_of_run
from mlrun.snapshot import keep_data
from mlrun.store import snapshots
from mlrun.store.run_folder import sha256_of

SPEC = """
experiment: kept
data: {path: rows.csv, target: y, snapshot: true}
models: [{ridge: {alpha: 1}}]
split: {folds: 2}
"""
ROWS = pl.DataFrame({"a": range(40), "b": [n * n % 7 for n in range(40)], "y": [0.5 * n for n in range(40)]})


def trained(folder: Path, text: str = SPEC, *overrides: str, rows: pl.DataFrame | None = ROWS) -> Done:
    if rows is not None:
        rows.write_csv(folder / "rows.csv")
    return run(write_spec(folder, text), *overrides)


def data_of(done: Done) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(done.read("data.json"))
    return content


def again(done: Done) -> RunRows:
    assert done.folder is not None
    return rows_of_run(done.folder, done.folder.parent.parent)


def kept_in(folder: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in snapshots.snapshots(folder / "runs"))


def test_a_run_keeps_the_file_that_it_read_and_says_so(tmp_path: Path) -> None:
    done = trained(tmp_path)
    assert kept_in(tmp_path) == [(tmp_path / "rows.csv").read_bytes()]
    (entry,) = data_of(done)["files"]
    assert entry["sha256"] == sha256_of(tmp_path / "rows.csv")
    assert (entry["snapshot"], entry["test"]) == (True, False)
    assert [event.text for event in done.events if isinstance(event, Noted) and "snapshot" in event.text]
    assert snapshots.references(tmp_path / "runs") == {entry["sha256"]: ["kept@1"]}


def test_without_asking_nothing_is_kept(tmp_path: Path) -> None:
    done = trained(tmp_path, SPEC, "data.snapshot=false")
    assert not (tmp_path / "runs" / ".data").exists()
    assert "snapshot" not in data_of(done)["files"][0]


def test_a_snapshot_changes_neither_identity_nor_results(tmp_path: Path) -> None:
    first = trained(tmp_path, SPEC, "data.snapshot=false")
    second = trained(tmp_path, SPEC, "data.snapshot=true")
    assert first.record["spec_id"] == second.record["spec_id"]
    assert first.trials == second.trials
    assert second.record["fits"]["run"] == 0


def test_two_runs_on_one_file_keep_it_once(tmp_path: Path) -> None:
    first, second = trained(tmp_path), trained(tmp_path)
    assert first.folder != second.folder
    assert list(snapshots.references(tmp_path / "runs").values()) == [["kept@1", "kept@2"]]
    assert len(kept_in(tmp_path)) == 1


def test_the_rows_of_a_run_come_from_its_snapshot_when_the_file_is_another(tmp_path: Path) -> None:
    done = trained(tmp_path)
    assert again(done).origin == "source"
    ROWS.reverse().write_csv(tmp_path / "rows.csv")
    found = again(done)
    assert found.origin == "snapshot"
    assert found.dataset is not None
    assert found.dataset.table.equals(ROWS)
    (tmp_path / "rows.csv").unlink()
    assert again(done).dataset is not None


def test_without_a_snapshot_the_rows_are_had_while_the_file_is_the_same(tmp_path: Path) -> None:
    done = trained(tmp_path, SPEC, "data.snapshot=false")
    assert done.folder is not None
    table, _ = table_of_run(done.folder, tmp_path / "runs")
    assert table is not None
    assert table.equals(ROWS)
    ROWS.reverse().write_csv(tmp_path / "rows.csv")
    table, why = table_of_run(done.folder, tmp_path / "runs")
    assert table is None
    assert "rows.csv has changed since, and no whole snapshot" in why
    (tmp_path / "rows.csv").unlink()
    assert "rows.csv is gone, and no whole snapshot" in again(done).why


def test_a_damaged_snapshot_is_noticed(tmp_path: Path) -> None:
    done = trained(tmp_path)
    place = next(snapshots.snapshots(tmp_path / "runs"))
    place.chmod(0o644)
    place.write_bytes(place.read_bytes().replace(b"0.5", b"0.6"))
    (tmp_path / "rows.csv").unlink()
    assert "no whole snapshot" in again(done).why


def test_a_test_file_and_files_of_baselines_are_kept_too(tmp_path: Path) -> None:
    ROWS.head(9).write_csv(tmp_path / "test.csv")
    ROWS.with_columns(pl.col("a") + 100).vstack(ROWS.head(9)).select("a", "y").write_csv(tmp_path / "labels.csv")
    text = SPEC.replace("{folds: 2}", "{folds: 2, test: {path: test.csv}}").replace("target: y", "target: y, id: a")
    done = trained(
        tmp_path, text + "baselines: [{human: {path: labels.csv}}]\n", rows=ROWS.with_columns(pl.col("a") + 100)
    )
    named = [(Path(entry["path"]).name, entry["test"]) for entry in data_of(done)["files"]]
    assert named == [("rows.csv", False), ("test.csv", True)]
    files = [tmp_path / name for name in ("rows.csv", "test.csv", "labels.csv")]
    assert kept_in(tmp_path) == sorted(file.read_bytes() for file in files)
    assert len(snapshots.references(tmp_path / "runs")) == 3
    for file in files:
        file.unlink()
    found = again(done)
    assert found.dataset is not None, found.why
    assert (found.dataset.table.height, found.dataset.test_start) == (49, 40)


def test_a_folder_of_parquet_files_is_kept_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    for at in range(3):
        ROWS[at * 10 : at * 10 + 10].write_parquet(tmp_path / "parts" / f"{at}.parquet")
    done = trained(tmp_path, SPEC.replace("path: rows.csv", "source: parquet, path: parts"), rows=None)
    assert len(kept_in(tmp_path)) == 3
    (tmp_path / "parts" / "1.parquet").write_bytes(b"")
    found = again(done)
    assert found.dataset is not None, found.why
    assert found.dataset.table.equals(ROWS.head(30))


@pytest.mark.parametrize("name", ["rows.csv.gz", "rows.zip"])
def test_packed_files_are_kept_as_they_are(tmp_path: Path, name: str) -> None:
    content = ROWS.write_csv().encode()
    if name.endswith("zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("rows.csv", content)
    else:
        (tmp_path / name).write_bytes(gzip.compress(content))
    done = trained(tmp_path, SPEC.replace("rows.csv", name), rows=None)
    (tmp_path / name).unlink()
    assert again(done).dataset is not None


def test_the_rows_of_scikit_learn_are_kept_as_a_table(tmp_path: Path) -> None:
    text = "experiment: kept\ndata: {source: sklearn, name: iris, snapshot: true}\nmodels: [gaussian_nb]\n"
    done = trained(tmp_path, text, rows=None)
    (entry,) = data_of(done)["tables"]
    assert (entry["rows"], entry["snapshot"]) == (150, True)
    place = snapshots.snapshot_path(tmp_path / "runs", entry["sha256"])
    assert pl.read_parquet(place).height == 150
    found = again(done)
    assert found.origin == "snapshot"
    assert found.dataset is not None
    assert found.dataset.task.labels == ("setosa", "versicolor", "virginica")
    place.unlink()
    assert "gone or damaged" in again(done).why


MODULE = """
import random
import polars as pl

def rows():
    draw = random.SystemRandom()
    return pl.DataFrame({"a": [draw.random() for _ in range(40)], "y": [float(n) for n in range(40)],
                         "c": pl.Series([str(n % 3) for n in range(40)], dtype=pl.Categorical)})
"""


def test_the_rows_of_a_function_that_never_gives_the_same_are_those_that_were_loaded(tmp_path: Path) -> None:
    (tmp_path / "my_kept_rows.py").write_text(MODULE)
    text = SPEC.replace("path: rows.csv", "source: 'my_kept_rows:rows'")
    done = trained(tmp_path, text, rows=None)
    found = again(done)
    assert found.dataset is not None, found.why
    assert found.origin == "snapshot"
    assert data_digests(found.dataset.table).rows_id == done.record["rows_id"]
    unkept = trained(tmp_path, text, "data.snapshot=false", rows=None)
    assert "other rows" in again(unkept).why


def test_of_a_database_the_answer_is_kept_not_the_file(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "rows.db")) as connection:
        connection.execute("CREATE TABLE t (a INTEGER, y REAL)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(n, n / 2) for n in range(40)])
        connection.commit()
    done = trained(tmp_path, SPEC.replace("path: rows.csv", "path: rows.db, query: 'SELECT a, y FROM t'"), rows=None)
    assert [entry["snapshot"] for entry in data_of(done)["files"]] == [False]
    assert [content[:4] for content in kept_in(tmp_path)] == [b"PAR1"]
    (tmp_path / "rows.db").unlink()
    found = again(done)
    assert found.dataset is not None, found.why
    assert found.dataset.table.height == 40


def test_a_try_out_on_a_sample_keeps_the_whole_file(tmp_path: Path) -> None:
    ROWS.write_csv(tmp_path / "rows.csv")
    done = run(write_spec(tmp_path, SPEC), sample=20)
    assert kept_in(tmp_path) == [(tmp_path / "rows.csv").read_bytes()]
    (tmp_path / "rows.csv").unlink()
    found = again(done)
    assert found.dataset is not None, found.why
    assert found.dataset.table.height == 20


def test_a_file_that_changes_while_it_is_loaded_is_told(tmp_path: Path) -> None:
    """The file is replaced between the moment at which its rows were read and that at which it is kept."""
    ROWS.write_csv(tmp_path / "rows.csv")
    ready = make_ready(write_spec(tmp_path, SPEC), (), None)
    ROWS.reverse().write_csv(tmp_path / "rows.csv")
    folder = tmp_path / "runs" / "kept" / "0001"
    folder.mkdir(parents=True)
    with pytest.raises(DataError, match=r"rows\.csv has changed since its rows were loaded"):
        list(keep_data(ready, None, folder))


def test_a_run_whose_data_cannot_be_kept_can_be_gone_on_with(tmp_path: Path) -> None:
    """A file stands where the folder of snapshots should be: no disk can do that, nor root's rights."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / ".data").write_text("in the way")
    with pytest.raises(StorageError):
        trained(tmp_path)
    assert not (tmp_path / "runs" / "kept" / "0001" / "run.json").exists()
    (tmp_path / "runs" / ".data").unlink()
    done = trained(tmp_path)
    assert done.folder == tmp_path / "runs" / "kept" / "0001"
    assert len(kept_in(tmp_path)) == 1


def test_show_says_how_much_is_kept_and_what_of_it_is_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = trained(tmp_path)
    assert cli.run(["show", str(done.folder)]) == 0
    assert f"snapshot: 1 file of its data, {(tmp_path / 'rows.csv').stat().st_size} B" in capsys.readouterr().out
    next(snapshots.snapshots(tmp_path / "runs")).unlink()
    assert cli.run(["show", str(done.folder)]) == 0
    assert "snapshot: 0 files of its data, 0 B; 1 more is gone" in capsys.readouterr().out


def test_a_run_with_a_snapshot_is_reproduced_without_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = trained(tmp_path)
    (tmp_path / "rows.csv").unlink()
    assert cli.run(["reproduce", str(done.folder), "--executor", "serial"]) == 0
    assert "reproduced" in capsys.readouterr().out
