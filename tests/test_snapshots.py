"""Snapshots of data: whole, once, read-only, under their sha256; who needs them is counted, never remembered."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from made_runs import make_run

from mlrun.errors import StorageError
from mlrun.store import snapshots


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def kept(root: Path, folder: Path, content: bytes = b"a,b\n1,2\n") -> str:
    (folder / "rows.csv").write_bytes(content)
    with snapshots.guarded(root):
        assert snapshots.keep(root, folder / "rows.csv", sha256_of(content))
    return sha256_of(content)


def test_a_file_is_kept_whole_and_read_only_under_its_sha256(tmp_path: Path) -> None:
    sha256 = kept(tmp_path / "runs", tmp_path, content := os.urandom(3 << 20))
    place = tmp_path / "runs" / ".data" / sha256[:2] / sha256
    assert place.read_bytes() == content
    assert stat.S_IMODE(place.stat().st_mode) == 0o444


def test_a_snapshot_is_no_link_to_the_users_file(tmp_path: Path) -> None:
    sha256 = kept(tmp_path, tmp_path)
    with (tmp_path / "rows.csv").open("r+b") as file:
        file.write(b"x")
    assert snapshots.snapshot_path(tmp_path, sha256).read_bytes() == b"a,b\n1,2\n"
    assert stat.S_IMODE((tmp_path / "rows.csv").stat().st_mode) & 0o200


def test_equal_content_is_kept_once(tmp_path: Path) -> None:
    first = kept(tmp_path, tmp_path)
    written = snapshots.snapshot_path(tmp_path, first).stat()
    assert kept(tmp_path, tmp_path) == first
    assert snapshots.snapshot_path(tmp_path, first).stat() == written
    assert len(list(snapshots.snapshots(tmp_path))) == 1


def test_a_file_that_changed_since_it_was_hashed_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(b"new")
    with snapshots.guarded(tmp_path):
        assert not snapshots.keep(tmp_path, tmp_path / "rows.csv", sha256_of(b"old"))
    assert [path.name for path in (tmp_path / ".data").rglob("*") if path.is_file()] == ["lock"]


def test_a_damaged_snapshot_is_replaced_by_the_next_run_that_has_the_file(tmp_path: Path) -> None:
    place = snapshots.snapshot_path(tmp_path, sha256 := kept(tmp_path, tmp_path))
    place.chmod(0o644)
    place.write_bytes(b"a,b\n1,3\n")
    assert not snapshots.is_whole(place, sha256)
    kept(tmp_path, tmp_path)
    assert snapshots.is_whole(place, sha256)


def test_bytes_that_stand_in_no_file_are_kept_the_same_way(tmp_path: Path) -> None:
    with snapshots.guarded(tmp_path):
        sha256 = snapshots.keep_bytes(tmp_path, b"table")
        assert snapshots.keep_bytes(tmp_path, b"table") == sha256 == sha256_of(b"table")
    assert snapshots.is_whole(snapshots.snapshot_path(tmp_path, sha256), sha256)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "a" * 63])
def test_nothing_but_a_sha256_names_a_snapshot(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="sha256"):
        snapshots.snapshot_path(tmp_path, name)


def refer(root: Path, sha256: str) -> Path:
    return make_run(root, data={"files": [{"path": "rows.csv", "sha256": sha256, "snapshot": True}]})


def test_a_snapshot_is_needed_as_long_as_any_run_refers_to_it(tmp_path: Path) -> None:
    needed, unneeded = kept(tmp_path, tmp_path), kept(tmp_path, tmp_path, b"other")
    first, second = refer(tmp_path, needed), refer(tmp_path, needed)
    assert snapshots.references(tmp_path) == {needed: ["income@1", "income@2"]}
    assert snapshots.drop_unreferenced(tmp_path, delete=False).snapshots == {unneeded: 5}
    assert snapshots.snapshot_path(tmp_path, unneeded).exists()
    dropped = snapshots.drop_unreferenced(tmp_path, delete=True)
    assert (dropped.snapshots, dropped.size_bytes) == ({unneeded: 5}, 5)
    assert [path.name for path in snapshots.snapshots(tmp_path)] == [needed]
    (first / "data.json").unlink()
    assert not snapshots.drop_unreferenced(tmp_path, delete=True).snapshots
    (second / "data.json").write_text(json.dumps({"files": [{"path": "rows.csv", "sha256": needed}]}))
    assert snapshots.drop_unreferenced(tmp_path, delete=True).snapshots == {needed: 8}
    assert not list(snapshots.snapshots(tmp_path))


@pytest.mark.parametrize("damage", [b"{", b"[]", b'{"files": 3}', b"[" * 100_000])
def test_no_snapshot_goes_while_a_runs_data_cannot_be_read(tmp_path: Path, damage: bytes) -> None:
    kept(tmp_path, tmp_path)
    folder = make_run(tmp_path)
    (folder / "data.json").write_bytes(damage)
    left = snapshots.drop_unreferenced(tmp_path, delete=True)
    assert not left.snapshots
    assert str(folder / "data.json") in left.reason
    assert len(list(snapshots.snapshots(tmp_path))) == 1
    with pytest.raises(StorageError, match="damaged"):
        snapshots.references(tmp_path)


def test_what_a_killed_process_left_half_written_goes(tmp_path: Path) -> None:
    needed = kept(tmp_path, tmp_path)
    refer(tmp_path, needed)
    leftover = snapshots.snapshot_path(tmp_path, needed).parent / ".tmp-1-0"
    leftover.write_bytes(b"half")
    snapshots.drop_unreferenced(tmp_path, delete=True)
    assert not leftover.exists()
    assert snapshots.snapshot_path(tmp_path, needed).exists()


def test_without_snapshots_nothing_is_made(tmp_path: Path) -> None:
    assert snapshots.drop_unreferenced(tmp_path, delete=True) == snapshots.Unreferenced()
    assert not list(tmp_path.iterdir())


FULL = """
import resource, sys
from pathlib import Path
from mlrun.errors import StorageError
from mlrun.store import snapshots
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
root, sha256 = Path(sys.argv[1]), sys.argv[2]
try:
    with snapshots.guarded(root):
        snapshots.keep(root, root / "rows.csv", sha256)
except StorageError as error:
    print(error)
"""


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(content := os.urandom(3 << 20))
    sha256 = sha256_of(content)
    program = [sys.executable, "-c", FULL, str(tmp_path), sha256]
    assert "the disk is full" in subprocess.run(program, capture_output=True, text=True, check=True, timeout=60).stdout
    assert [path.name for path in (tmp_path / ".data").rglob("*") if path.is_file()] == ["lock"]
    with snapshots.guarded(tmp_path):
        assert snapshots.keep(tmp_path, tmp_path / "rows.csv", sha256)


TIDY = """
import sys
from pathlib import Path
from mlrun.store.snapshots import drop_unreferenced
print("begins", flush=True)
print(len(drop_unreferenced(Path(sys.argv[1]), delete=True).snapshots))
"""


def test_tidying_up_waits_for_a_run_that_is_keeping_its_data(tmp_path: Path) -> None:
    """The content is there already, and no run needs it; one that begins to need it must not lose it."""
    sha256 = kept(tmp_path, tmp_path)
    program = [sys.executable, "-c", TIDY, str(tmp_path)]
    with snapshots.guarded(tmp_path):
        other = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
        assert other.stdout is not None
        assert other.stdout.readline() == "begins\n"
        time.sleep(0.2)
        assert snapshots.keep(tmp_path, tmp_path / "rows.csv", sha256)
        refer(tmp_path, sha256)
    assert other.communicate(timeout=60)[0] == "0\n"
    assert snapshots.snapshot_path(tmp_path, sha256).exists()


KEEP = """
import sys
from pathlib import Path
from mlrun.store import snapshots
root = Path(sys.argv[1])
with snapshots.guarded(root):
    print(snapshots.keep(root, root / "rows.csv", sys.argv[2]))
"""


def test_many_processes_may_keep_one_file_at_once(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(content := os.urandom(4 << 20))
    program = [sys.executable, "-c", KEEP, str(tmp_path), sha256_of(content)]
    started = [subprocess.Popen(program, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [each.communicate(timeout=60)[0] for each in started] == ["True\n"] * 4
    files = sorted(path.name for path in (tmp_path / ".data").rglob("*") if path.is_file())
    assert files == sorted(["lock", sha256_of(content)])
