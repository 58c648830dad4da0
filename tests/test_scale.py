"""What must not grow: memory with the folds and models, work with what was done before."""

from __future__ import annotations

import pickle
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from mlrun import catalog, fold_data, journal, prepare
from mlrun.errors import StorageError
from mlrun.fold_data import FoldStore, OpenFolds
from mlrun.journal import Journal, read_journal
from mlrun.prepare import learn
from mlrun.recipes import Recipe, recipe_for
from mlrun.records import Column, Dataset, Task
from mlrun.spec import PrepareSpec

ROWS = 6_000
COLUMNS = tuple(Column(f"x{number}", "numeric", "Float64") for number in range(20))
FEATURES = (*COLUMNS, Column("kind", "category", "String"))
RNG = np.random.default_rng(0)
TABLE = pl.DataFrame(
    {
        **{column.name: RNG.normal(size=ROWS) for column in COLUMNS},
        "kind": [("a", "b", "c", None)[code] for code in RNG.integers(0, 4, ROWS)],
        "said": [f"word{number % 97} word{number % 89} other" for number in range(ROWS)],
    }
)
TRUTH = RNG.integers(0, 2, ROWS)
TASK = Task("classification", ("no", "yes"))
HALF = ROWS // 2


def recipe(*columns: Column, **changes: Any) -> Recipe:
    family = catalog.find("models", "logistic_regression")
    return replace(recipe_for(family, PrepareSpec(), columns or FEATURES, "classification"), **changes)


def store(folder: Path) -> FoldStore:
    ids = np.arange(ROWS)
    return FoldStore(Dataset(TABLE, TASK, FEATURES, (), TRUTH, ids), 1, folder)


def halves(number: int) -> tuple[Any, Any]:
    order = np.random.default_rng(number).permutation(ROWS)
    return order[:HALF], order[HALF:]


def dense(matrix: Any) -> Any:
    return matrix.toarray() if sparse.issparse(matrix) else matrix


def in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_data, "IN_FILES", 100_000)
    monkeypatch.setattr(fold_data, "OPEN_BYTES", 100_000)


def test_memory_does_not_grow_with_the_number_of_large_folds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    in_files(monkeypatch)
    monkeypatch.setattr(fold_data, "OPEN", OpenFolds())
    kept = store(tmp_path)
    size = kept.get(recipe(), "0", *halves(0)).size_bytes
    tracemalloc.start()
    for number in range(1, 8):
        kept.get(recipe(), str(number), *halves(number))
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < size / 2
    assert len(fold_data.OPEN.folds) == 1


def test_small_folds_lie_in_files_too_once_they_are_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = store(tmp_path)
    size = kept.get(recipe(), "0", *halves(0)).size_bytes
    monkeypatch.setattr(fold_data, "IN_MEMORY", 3 * size)
    for number in range(1, 6):
        kept.get(recipe(), str(number), *halves(number))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0003", "0004", "0005"]
    kept.drop(set())
    assert not list(tmp_path.iterdir())
    kept.get(recipe(), "again", *halves(0))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "columns", [FEATURES, (Column("said", "text", "String"),), (*COLUMNS, Column("said", "text", ""))]
)
def test_a_fold_in_files_is_what_it_was_in_memory(
    columns: tuple[Column, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dataset = Dataset(TABLE, TASK, columns, (), TRUTH, np.arange(ROWS))
    plain = FoldStore(dataset, 1, tmp_path / "plain").get(recipe(*columns), "0", *halves(0))
    in_files(monkeypatch)
    kept = FoldStore(dataset, 1, tmp_path / "files")
    filed = kept.get(recipe(*columns), "0", *halves(0))
    assert not (tmp_path / "plain").exists()
    assert (tmp_path / "files").exists()
    assert (filed.preparation is None) == (plain.preparation is None)
    for ours, theirs in ((filed.train, plain.train), (filed.valid, plain.valid)):
        assert sparse.issparse(ours) == sparse.issparse(theirs)
        assert sparse.issparse(ours) or np.asarray(ours).flags.c_contiguous
        assert_array_equal(dense(ours), dense(theirs))
    assert_array_equal(filed.truth, plain.truth)
    assert_array_equal(filed.valid_truth, plain.valid_truth)


def test_the_same_fold_is_the_same_arrays_and_is_written_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    in_files(monkeypatch)
    kept = store(tmp_path)
    first = kept.get(recipe(), "0", *halves(0))
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    again = kept.get(recipe(), "0", *halves(0))
    travelled = pickle.loads(pickle.dumps(again))  # noqa: S301 - made here, a moment ago
    assert again.train is first.train is travelled.train  # what is kept of binned rows is kept by them
    assert not first.train.flags.writeable
    assert type(first.train) is np.ndarray
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == written


def test_a_refit_of_many_rows_lies_in_files_and_is_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    in_files(monkeypatch)
    kept = store(tmp_path)
    kept.once(recipe(), *halves(0))
    assert len(list(tmp_path.iterdir())) == 1
    assert not kept._made


def test_no_room_for_a_fold_is_said_as_such(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    in_files(monkeypatch)
    (tmp_path / "scratch").write_text("a file where the folder should be")
    with pytest.raises(StorageError):
        store(tmp_path / "scratch").get(recipe(), "0", *halves(0))


@pytest.mark.parametrize("changes", [{}, {"encode": "ordinal"}, {"dense": True}, {"scale": "robust"}])
@pytest.mark.parametrize("columns", [FEATURES, (*FEATURES, Column("said", "text", ""))])
def test_rows_prepared_in_parts_are_those_prepared_at_once(
    columns: tuple[Column, ...], changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    preparation, _ = learn(recipe(*columns, **changes), TABLE[:HALF], TRUTH[:HALF], 0)
    whole = preparation.matrix(TABLE[HALF:])
    monkeypatch.setattr(prepare, "ROWS_AT_ONCE", 700)
    parts = preparation.matrix(TABLE[HALF:])
    assert type(whole) is type(parts)
    assert_array_equal(dense(whole), dense(parts))


def test_to_prepare_takes_little_beside_the_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    many = pl.concat([TABLE] * 10)
    preparation, _ = learn(recipe(), TABLE, TRUTH, 0)
    monkeypatch.setattr(prepare, "ROWS_AT_ONCE", 2_000)
    preparation.matrix(many[:10])
    tracemalloc.start()
    matrix = preparation.matrix(many)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.3 * matrix.nbytes


def test_the_disk_is_waited_for_at_most_ten_times_a_second(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    synced: list[int] = []
    clock = [0.0]
    monkeypatch.setattr(journal, "sync_data", synced.append)
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    with Journal.open(tmp_path / "journal.jsonl") as opened:
        begun = len(synced)
        for number in range(1_000):
            clock[0] += 0.001
            opened.append({"fit": number}, sync=opened.is_due)
            assert len(read_journal(opened.path).events) == number + 1 or number % 100  # a kill takes nothing
        assert 9 <= len(synced) - begun <= 10
        opened.append({"fit": "before the last"}, sync=True)
        opened.append({"fit": "last"}, sync=opened.is_due)
        before = len(synced)
    assert len(synced) == before + 1


def test_each_long_fit_is_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    synced: list[int] = []
    clock = [0.0]
    monkeypatch.setattr(journal, "sync_data", synced.append)
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    with Journal.open(tmp_path / "journal.jsonl") as opened:
        begun = len(synced)
        for number in range(5):
            clock[0] += 0.2
            opened.append({"fit": number}, sync=opened.is_due)
        assert len(synced) - begun == 5
    assert len(synced) - begun == 5
