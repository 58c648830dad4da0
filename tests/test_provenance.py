"""Digests that move when the data or the code does, and only then."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import run, write_spec
from small_runs import table as small_table

from mlrun import provenance
from mlrun.errors import DataError
from mlrun.origin.digests import mix
from mlrun.ready import make_ready
from mlrun.recording import CHANGED, Beginning, begin_recording
from mlrun.store.file_digests import CACHE, fingerprints

CELLS = st.fixed_dictionaries(
    {
        "whole": st.none() | st.integers(-(2**63), 2**63 - 1),
        "number": st.none() | st.floats(),
        "text": st.none() | st.text(max_size=4),
        "flag": st.none() | st.booleans(),
        "day": st.none() | st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)),  # noqa: DTZ001
    }
)
SCHEMA = {
    "whole": pl.Int64(),
    "number": pl.Float64(),
    "text": pl.String(),
    "flag": pl.Boolean(),
    "day": pl.Datetime("us"),
}
TABLES = st.lists(CELLS, min_size=1, max_size=8).map(lambda rows: pl.DataFrame(rows, schema=SCHEMA))


def data_id(*values: Any, dtype: Any = None) -> str:
    return provenance.data_digests(pl.DataFrame({"a": pl.Series(values, dtype=dtype)})).data_id


# -- digests of data --------------------------------------------------------------------------------------------------


@given(TABLES, st.randoms())
@settings(max_examples=60)
def test_the_order_of_rows_changes_rows_id_only(table: pl.DataFrame, random: Any) -> None:
    order = list(range(table.height))
    random.shuffle(order)
    before, after = provenance.data_digests(table), provenance.data_digests(table[order])
    assert (after.data_id, after.columns) == (before.data_id, before.columns)
    assert (after.rows == before.rows[order]).all()
    same = bool((before.rows[order] == before.rows).all())
    assert (after.rows_id == before.rows_id) is same


@given(TABLES)
@settings(max_examples=30)
def test_the_order_of_columns_changes_rows_id_only(table: pl.DataFrame) -> None:
    before, after = (provenance.data_digests(t) for t in (table, table.select(reversed(table.columns))))
    assert after.data_id == before.data_id
    assert (after.rows == before.rows).all()
    assert after.rows_id != before.rows_id


@given(TABLES, st.data())
@settings(max_examples=100)
def test_a_changed_cell_changes_both(table: pl.DataFrame, data: st.DataObject) -> None:
    row, column = data.draw(st.integers(0, table.height - 1)), data.draw(st.sampled_from(table.columns))
    old, new = table[row, column], data.draw(CELLS)[column]
    both_nan = old != old and new != new  # noqa: PLR0124
    cells = table[column].to_list()
    cells[row] = new
    changed = table.with_columns(pl.Series(column, cells, dtype=table.schema[column]))
    before, after = provenance.data_digests(table), provenance.data_digests(changed)
    is_same = old is new or old == new or both_nan
    assert (after.data_id == before.data_id) is is_same
    assert (after.rows_id == before.rows_id) is is_same
    assert (after.columns[column] == before.columns[column]) is is_same


def test_nothing_empty_zero_and_not_a_number_differ() -> None:
    ids = [data_id(None), data_id(""), data_id(0), data_id(float("nan")), data_id(False), data_id("0"), data_id("nan")]
    assert len(set(ids)) == len(ids)


def test_equal_values_of_different_types_are_equal() -> None:
    assert data_id(0.0) == data_id(-0.0) == data_id(0) == data_id(0, dtype=pl.UInt8)
    other_nan = np.array([0x7FF8000000000001], dtype=np.uint64).view(np.float64)
    assert data_id(*other_nan) == data_id(float("nan"))
    assert data_id(1, 2, None) == data_id(1.0, 2.0, None) == data_id(1, 2, None, dtype=pl.Int16)
    assert data_id(2**60) == data_id(float(2**60))  # exact as float64
    assert data_id("a", None, "b") == data_id("a", None, "b", dtype=pl.Categorical)
    assert data_id(None) == data_id(None, dtype=pl.String) == data_id(None, dtype=pl.Int64)
    midnight = dt.datetime(2026, 1, 2)  # noqa: DTZ001
    assert data_id(midnight.date()) == data_id(midnight) == data_id(midnight, dtype=pl.Datetime("ns"))


def test_whole_numbers_that_float64_cannot_tell_apart_differ() -> None:
    wholes = [2**53, 2**53 + 1, 2**62 + 1, 2**63 - 1, -(2**63), -(2**63) + 1]
    assert len({data_id(whole) for whole in wholes}) == len(wholes)
    assert data_id(2**64 - 1, dtype=pl.UInt64) != data_id(2**64 - 2, dtype=pl.UInt64)
    assert data_id(2**63 - 1) == data_id(2**63 - 1, dtype=pl.UInt64)
    one, many = (provenance.data_digests(pl.DataFrame({"a": values})).rows for values in ([7], [7, 2**53 + 1]))
    assert (one[0] == many[0]).all()  # a row's digest does not depend on the other rows


def test_columns_with_swapped_values_or_names_differ() -> None:
    tables: list[dict[str, list[int | None]]] = [
        {"a": [1], "b": [2]},
        {"a": [2], "b": [1]},
        {"a": [1], "c": [2]},
        {"a": [1]},
        {"a": [1], "b": [None]},
    ]
    assert len({provenance.data_digests(pl.DataFrame(table)).data_id for table in tables}) == len(tables)


def test_a_row_more_of_the_same_is_a_change() -> None:
    assert data_id(1) != data_id(1, 1)
    assert data_id() != data_id(None)


def test_csv_and_parquet_of_one_table_have_one_data_id(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    table = pl.DataFrame(
        {
            "whole": pl.Series(generator.integers(-9, 9, 500), dtype=pl.Int16),
            "number": generator.normal(size=500),
            "text": [None if n % 7 == 0 else f"é, {n % 13}" for n in range(500)],
            "day": [dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(500)],
            "flag": [n % 3 == 0 for n in range(500)],
        }
    )
    table.write_csv(tmp_path / "t.csv")
    table.sample(fraction=1, shuffle=True, seed=1).write_parquet(tmp_path / "t.parquet")
    read = pl.read_csv(tmp_path / "t.csv", try_parse_dates=True), pl.read_parquet(tmp_path / "t.parquet")
    assert len({provenance.data_digests(t).data_id for t in read}) == 1


def test_digests_are_what_they_always_were() -> None:
    # Written down from the first version; a change here makes every run look as if its data had changed.
    table = pl.DataFrame({"n": [1, None, 3], "x": [0.5, float("nan"), -0.0], "s": ["a", "", None]})
    found = provenance.data_digests(table)
    assert found.data_id == "62f2c96f36359e4f28cb3d78ab020d48"
    assert found.rows_id == "e5a09e452a2445c68c567b2d06fd2713"
    assert found.columns == {"n": "727a17dac88fbe4e", "x": "28186e5a2dc44eab", "s": "f72880a088603b2b"}


def test_the_mixer_is_that_of_splitmix64() -> None:
    # First outputs of SplitMix64 seeded with 0 (Vigna's reference code): state += 0x9E3779B97F4A7C15, then mixed.
    states = np.arange(1, 4, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    assert [hex(word) for word in mix(states).tolist()] == [
        "0xe220a8397b1dcdaf",
        "0x6e789e6aa1b965f4",
        "0x6c45d188009454f",
    ]


def test_blocks_do_not_show_in_a_digest() -> None:
    values = np.random.default_rng(0).normal(size=20_000)
    whole = provenance.data_digests(pl.DataFrame({"a": values}))
    parts = [provenance.data_digests(pl.DataFrame({"a": part})).rows for part in np.split(values, [3, 8193])]
    assert (np.concatenate(parts) == whole.rows).all()


def test_a_split_is_its_rows_in_their_order() -> None:
    rows = provenance.data_digests(pl.DataFrame({"a": range(10)})).rows
    first = provenance.split_digest(rows, np.array([1, 2, 3]))
    assert first == provenance.split_digest(rows, np.array([1, 2, 3]))
    others = [provenance.split_digest(rows, np.array(positions)) for positions in ([3, 2, 1], [1, 2], [1, 2, 4])]
    assert len({first, *others}) == 4


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a\n1\n")
    found = provenance.file_fingerprint(tmp_path / "a.csv")
    assert (found.size_bytes, found.sha256) == (4, hashlib.sha256(b"a\n1\n").hexdigest())
    with pytest.raises(DataError, match=r"none\.csv cannot be read: No such file"):
        provenance.file_fingerprint(tmp_path / "none.csv")


# -- identities -------------------------------------------------------------------------------------------------------


def identity(**changes: Any) -> str:
    given: dict[str, Any] = {
        "rows_id": "r",
        "folds": ["f0", "f1"],
        "seed": 0,
        "model": "a",
        "family": "ridge",
        "params": {"alpha": 1.0, "fit_intercept": True},
        "recipe": {"columns": [["x", "numeric"]]},
        "task": {"kind": "regression"},
        "user_code": "",
        "versions": {"python": "3.11.7", "numpy": "2.4.0", "joblib": "1.6"},
        "architecture": "x86_64",
    }
    return provenance.trial_identity(**{**given, **changes})


@pytest.mark.parametrize(
    "change",
    [
        {"rows_id": "other"},
        {"folds": ["f1", "f0"]},
        {"seed": 1},
        {"model": "b"},
        {"family": "lasso"},
        {"params": {"alpha": 2.0, "fit_intercept": True}},
        {"params": {"alpha": 1.0, "fit_intercept": 1}},
        {"recipe": {}},
        {"task": {"kind": "regression", "weight": "w"}},
        {"user_code": "abc"},
        {"versions": {"python": "3.12.0", "numpy": "2.4.0"}},
        {"architecture": "arm64"},
        {"fidelity": 0.5},
    ],
)
def test_whatever_can_change_a_score_changes_the_identity(change: dict[str, Any]) -> None:
    assert identity(**change) != identity()


def test_the_order_of_keys_and_packages_that_compute_no_score_do_not_enter() -> None:
    assert identity(params={"fit_intercept": True, "alpha": 1.0}) == identity()
    assert identity(versions={"joblib": "9", "numpy": "2.4.0", "python": "3.11.7"}) == identity()


def test_a_new_key_at_its_default_does_not_change_a_spec() -> None:
    canonical = {"seed": 0, "split": {"test": 0.2, "folds": 3}, "models": {"ridge": {"alpha": [1]}}}
    defaults = {"seed": 0, "split": {"test": 0.2, "folds": 5}, "models": {}}
    first = provenance.spec_id(canonical, defaults)
    grown = {**canonical, "new": {"key": None}, "split": {**canonical["split"], "gap": 0}}  # type: ignore[dict-item]
    known = {**defaults, "new": {"key": None}, "split": {"test": 0.2, "folds": 5, "gap": 0}}
    assert provenance.spec_id(grown, known) == first
    assert provenance.spec_id({**canonical, "seed": 1}, defaults) != first
    assert provenance.spec_id({**canonical, "seed": False}, defaults) != first
    assert provenance.spec_id({**canonical, "models": {}}, defaults) != first
    assert provenance.spec_id(dict(reversed(canonical.items())), defaults) == first


def test_seeds_of_fits_differ_and_stay_the_same() -> None:
    keys = [(seed, model, repeat, fold) for seed in (0, 1) for model in "ab" for repeat in (0, 1) for fold in (0, 1)]
    seeds = [provenance.fit_seed(*key) for key in keys]
    assert len(set(seeds)) == len(keys)
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert provenance.fit_seed(0, "a", 0, 0) == 149237283  # written down: another number changes every result


# -- code -------------------------------------------------------------------------------------------------------------


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "model.py").write_text("a = 1\n")
    (tmp_path / ".env").write_text("KEY=old\n")
    (tmp_path / ".gitignore").write_text("ignored.py\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def test_a_clean_commit_is_its_hash(repository: Path) -> None:
    state = provenance.code_state(str(repository))
    assert state.summary["git"] == {
        "commit": git(repository, "rev-parse", "HEAD"),
        "branch": "main",
        "dirty": False,
        "patch_sha256": None,
    }
    assert (state.patch, state.files) == (b"", {})
    json.dumps(state.summary)


def test_the_patch_brings_changes_back(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (repository / "model.py").write_text("a = 2\n")
    (repository / "data.bin").write_bytes(bytes(range(256)))
    git(repository, "add", "data.bin")
    (repository / "sub").mkdir()
    state = provenance.code_state(str(repository / "sub"))
    assert state.summary["git"]["dirty"]
    copy = tmp_path_factory.mktemp("copy")
    git(copy, "clone", "-q", str(repository), ".")
    subprocess.run(["git", "apply", "-"], input=state.patch, cwd=copy, check=True)
    assert (copy / "model.py").read_text() == "a = 2\n"
    assert (copy / "data.bin").read_bytes() == bytes(range(256))


def test_untracked_sources_are_kept_but_not_ignored_large_or_secret_ones(repository: Path) -> None:
    for name in ("new.py", "ignored.py", "my_token.py", "table.csv"):
        (repository / name).write_text("x = 1\n")
    (repository / "large.py").write_text("#" * 300_000)
    (repository / ".env").write_text("KEY=changed\n")
    state = provenance.code_state(str(repository))
    assert state.files == {"new.py": b"x = 1\n"}
    assert b"KEY" not in state.patch
    assert len(state.summary["notes"]) == 2


def test_a_repository_without_a_commit_is_no_crash(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("a = 1\n")
    git(tmp_path, "add", "a.py")
    state = provenance.code_state(str(tmp_path))
    assert state.summary["git"]["commit"] is None
    assert b"+a = 1" in state.patch


def test_programs_that_a_repository_names_are_not_run(repository: Path) -> None:
    trap = repository / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {repository}/sprung\n")
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "diff.external", "diff.x.textconv", "diff.x.command"):
        git(repository, "config", key, str(trap))
    (repository / ".gitattributes").write_text("*.py diff=x\n")
    (repository / "model.py").write_text("a = 3\n")
    assert b"+a = 3" in provenance.code_state(str(repository)).patch
    assert not (repository / "sprung").exists()


def test_without_git_the_users_modules_are_kept(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").write_text("")
    (tmp_path / "mine" / "model.py").write_text("a = 1\n")
    modules = provenance.user_modules(["mine.model:build"], str(tmp_path))
    state = provenance.code_state(str(tmp_path), modules)
    assert state.summary["git"] is None
    assert state.files == {"mine/__init__.py": b"", "mine/model.py": b"a = 1\n"}
    assert state.summary["user_code"] == provenance.user_code_digest(modules) != ""


def test_imports_of_user_code_are_followed_without_running_anything(tmp_path: Path) -> None:
    (tmp_path / "start.py").write_text(
        "import numpy, os, mlrun.fit, missing\nraise SystemExit\ndef build():\n    from package.deep import part\n"
    )
    package = tmp_path / "package"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "deep" / "__init__.py").write_text("from ..beside import x\nfrom . import part\n")
    (package / "deep" / "part.py").write_text("import start\n")
    (package / "beside.py").write_text("this is no Python")
    (package / "unused.py").write_text("")
    found = [module.name for module in provenance.user_modules(["start:build"], str(tmp_path))]
    assert found == ["package", "package.beside", "package.deep", "package.deep.part", "start"]


def test_the_digest_of_user_code_follows_every_file_of_it(tmp_path: Path) -> None:
    (tmp_path / "start.py").write_text("import beside\n")
    (tmp_path / "beside.py").write_text("a = 1\n")
    first = provenance.user_code_digest(provenance.user_modules(["start:build"], str(tmp_path)))
    (tmp_path / "beside.py").write_text("a = 2\n")
    assert provenance.user_code_digest(provenance.user_modules(["start:build"], str(tmp_path))) != first
    assert provenance.user_code_digest(()) == ""


# -- packages and machine ---------------------------------------------------------------------------------------------


def test_packages_are_told_without_importing_them() -> None:
    code = (
        "import sys; from mlrun.provenance import packages; found = packages();"
        "assert not {'sklearn', 'xgboost', 'scipy', 'skops', 'joblib'} & set(sys.modules); print(*found)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert shown == ["python", "mlrun", "scikit-learn", "xgboost", "numpy", "scipy", "polars", "joblib", "skops"]
    assert provenance.packages()["numpy"] == np.__version__


def test_a_machine_is_plain_data() -> None:
    found = json.loads(json.dumps(provenance.machine()))
    assert found["cores"] >= found["cores_allowed"] >= 1
    assert found["memory_bytes"] > 2**28
    assert any(pool["user_api"] == "blas" for pool in found["threads"])


# -- what never enters it ---------------------------------------------------------------------------------------------


def test_rows_of_the_data_do_not_enter_the_patch_nor_a_notebook_the_sources(repository: Path) -> None:
    (repository / "people.csv").write_text("name\nada\n")
    (repository / "other.csv").write_text("a\n1\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "data")
    (repository / "people.csv").write_text("name\nada\ngrace\n")
    (repository / "other.csv").write_text("a\n2\n")
    (repository / "look.ipynb").write_text('{"outputs": ["grace"]}')
    state = provenance.code_state(str(repository), data=[str(repository / "people.csv")])
    assert (b"grace" in state.patch, b"+2" in state.patch) == (False, True)
    assert (state.files, state.summary["git"]["dirty"]) == ({}, True)


def test_a_patch_that_is_too_large_to_keep_still_tells_two_states_apart(repository: Path) -> None:
    shas = []
    for letter in "ab":
        (repository / "model.py").write_text(f"# {letter * 5_100_000}\n")
        state = provenance.code_state(str(repository))
        assert state.patch == b""
        assert "the patch is left out" in state.summary["notes"][0]
        shas.append(state.summary["git"]["patch_sha256"])
    assert None not in shas
    assert len(set(shas)) == 2


def test_no_value_of_a_row_stands_in_the_provenance_of_a_run(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    pay = (draw.integers(10**8, 10**9, 200) * 2).tolist()
    people = [f"person-{number:03d}-{number * 7919 % 1009}" for number in range(200)]
    faith = draw.choice(["hinduism", "buddhism"], 200)
    target = np.where(draw.normal(size=200) > 0, "yes", "no")
    rows = pl.DataFrame({"who": people, "pay": pay, "faith": faith, "a": draw.normal(size=200), "y": target})
    rows.write_csv(tmp_path / "rows.csv")
    data = {
        "path": "rows.csv",
        "target": "y",
        "id": "who",
        "sensitive": {"columns": ["faith", "pay"], "withhold": False},
    }
    spec = {"experiment": "people", "data": data, "models": ["gaussian_nb"], "split": {"folds": 2}}
    done = run(write_spec(tmp_path, json.dumps(spec)))
    assert done.folder is not None
    files = ["data.json", "code.json", "env.json", "profile.json", "spec.resolved.json", "report.md", "trials.jsonl"]
    held = "".join((done.folder / name).read_text() for name in files)
    ends = [str(rows["a"].min()), str(rows["a"].max())]
    values = [*people, *faith, *map(str, pay), *ends]
    assert [value for value in values if str(value) in held] == []
    assert json.loads(done.read("profile.json"))["not_kept"] == ["pay", "faith"]


# -- fingerprints -----------------------------------------------------------------------------------------------------


def settled(path: Path, content: bytes) -> Path:
    """Write a file that looks as if it had been written long ago."""
    path.write_bytes(content)
    os.utime(path, ns=(10**18, 10**18))
    return path


def test_a_file_that_looks_the_same_is_not_read_again(tmp_path: Path) -> None:
    file = settled(tmp_path / "a.csv", b"a\n1\n")
    first = fingerprints([file], tmp_path)[str(file)]
    with file.open("r+b") as same_inode:
        same_inode.write(b"b")
    os.utime(file, ns=(10**18, 10**18))  # as nobody does it but a test
    assert fingerprints([file], tmp_path)[str(file)] == first, "the digest comes from memory"
    (tmp_path / CACHE).unlink()
    assert fingerprints([file], tmp_path)[str(file)] != first


@pytest.mark.parametrize("change", ["mtime", "size", "inode", "path"])
def test_whatever_looks_otherwise_is_read(tmp_path: Path, change: str) -> None:
    file = settled(tmp_path / "a.csv", b"a\n1\n")
    fingerprints([file], tmp_path)
    if change == "path":
        file = file.rename(tmp_path / "b.csv")
    elif change == "inode":
        settled(tmp_path / "other", b"a\n2\n").replace(file)
    elif change == "size":
        file.write_bytes(b"a\n1\n2\n")
        os.utime(file, ns=(10**18, 10**18))
    else:
        file.write_bytes(b"a\n2\n")
    found = fingerprints([file], tmp_path)[str(file)]
    assert isinstance(found, provenance.FileFingerprint)
    assert found.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_file_that_was_written_just_now_is_not_remembered(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a\n1\n")
    fingerprints([tmp_path / "a.csv"], tmp_path)
    assert not (tmp_path / CACHE).exists(), "it may be written again before its mtime shows that"


@pytest.mark.parametrize(
    "broken", [b"", b"{", b"[]", b'{"files": {"a": 1}}', b'{"files": {"x": {"path": 3}}}', b"\xff"]
)
def test_a_broken_memory_is_made_anew(tmp_path: Path, broken: bytes) -> None:
    file = settled(tmp_path / "a.csv", b"a\n1\n")
    (tmp_path / CACHE).write_bytes(broken)
    first = fingerprints([file], tmp_path)
    assert (
        json.loads((tmp_path / CACHE).read_bytes())["files"][str(file)]["sha256"]
        == hashlib.sha256(b"a\n1\n").hexdigest()
    )
    assert fingerprints([file], tmp_path) == first


def test_a_memory_that_cannot_be_written_is_no_reason_to_stop(tmp_path: Path) -> None:
    file = settled(tmp_path / "a.csv", b"a\n1\n")
    (tmp_path / CACHE).mkdir()
    assert fingerprints([file], tmp_path) == fingerprints([file], tmp_path / "none")
    assert fingerprints([tmp_path / "gone"], tmp_path) == {
        str(tmp_path / "gone"): f"{tmp_path / 'gone'} cannot be read: No such file or directory"
    }


def test_many_writers_leave_a_memory_that_is_whole(tmp_path: Path) -> None:
    files = [settled(tmp_path / f"{number}.csv", b"%d" % number) for number in range(12)]
    threads = [Thread(target=fingerprints, args=([file], tmp_path)) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = json.loads((tmp_path / CACHE).read_bytes())["files"]
    assert kept
    assert all(kept[name]["sha256"] == hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in kept)


def test_a_file_that_is_written_while_it_is_loaded_says_so(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,y\n" + "".join(f"{number},{number % 2}\n" for number in range(40)))
    text = "experiment: a\ndata: {path: rows.csv, target: y}\nmodels: [gaussian_nb]\nsplit: {folds: 2}\n"
    ready = make_ready(write_spec(tmp_path, text), (), None)
    about = Beginning(ready.spec, ready.dataset, ready.split.train, (), 0)
    for loading_ns, told in ((time.time_ns() + 10**10, None), (10**9, CHANGED)):
        found = begin_recording(replace(about, loading_ns=loading_ns), tmp_path).result().files[0]
        assert found.get("note") == told


# -- what results may not depend on -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [
        {"kmeans_distance": {"n_clusters": [3], "n_init": 1}},  # its centres follow the number of OpenMP threads
        {"xgboost": {"booster": "gblinear", "n_estimators": [5]}},  # whose shotgun is a race of threads
    ],
    ids=["kmeans", "shotgun"],
)
def test_the_number_of_threads_that_the_system_offers_changes_no_score(tmp_path: Path, model: dict[str, Any]) -> None:
    task = "anomaly" if "kmeans_distance" in model else "binary"
    small_table(task, rows=1500).write_csv(tmp_path / "rows.csv")
    spec = {"experiment": "threads", "data": {"path": "rows.csv", "target": "y", "id": "id"}, "models": model}
    spec |= {"split": {"folds": 2}, "evaluation": "none", **({"task": "anomaly"} if task == "anomaly" else {})}
    path = write_spec(tmp_path, json.dumps(spec))
    program = str(Path(sys.executable).with_name("mlrun"))
    for version, threads in enumerate(("1", "4"), 1):
        environment = {**os.environ, "OMP_NUM_THREADS": threads}
        command = [program, "train", str(path), "--no-cache", "--quiet", "--jobs", str(version)]
        subprocess.run(command, env=environment, check=True, capture_output=True)
    runs = [tmp_path / "runs" / "threads" / version for version in ("0001", "0002")]
    assert (runs[0] / "trials.jsonl").read_bytes() == (runs[1] / "trials.jsonl").read_bytes()
    name = f"predictions/{next(iter(model))}.parquet"
    assert (runs[0] / name).read_bytes() == (runs[1] / name).read_bytes()
