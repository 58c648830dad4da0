"""Old runs go, and only they: the last, the best, the tagged, what is in use and what those need stay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import USUAL, make_run, model, record

from mlrun import index, runs
from mlrun.cli import run as command
from mlrun.errors import StorageError, UsageError
from mlrun.gc import tidy
from mlrun.retention import Wish, reasons
from mlrun.store import snapshots
from mlrun.store.removal import remove_run, size_of
from mlrun.store.run_labels import Labels, write_labels
from mlrun.store.run_row import IndexRow

NOW = 1_800_000_000.0


def of_auc(root: Path, auc: float, **changes: Any) -> Path:
    return make_run(root, record((model("xgboost", auc), *USUAL[1:]), **changes))


def left(root: Path, experiment: str = "income") -> tuple[int, ...]:
    return runs.list_versions(root, experiment)


def test_the_last_the_best_and_the_tagged_stay(tmp_path: Path) -> None:
    for auc in (0.9, 0.95, 0.8, 0.7, 0.85, 0.6):
        of_auc(tmp_path, auc)
    write_labels(tmp_path / "income" / "0003", Labels(("paper",)))
    told = tidy(tmp_path, Wish(keep_last=2), delete=False)
    assert [fate.name for fate in told.going] == ["income@4", "income@1"]
    assert {fate.name: fate.kept for fate in told.fates if fate.kept} == {
        "income@6": ("one of the last 2", "the newest: its number must not be given again"),
        "income@5": ("one of the last 2",),
        "income@3": ("tagged paper",),
        "income@2": ("the best",),
    }
    assert left(tmp_path) == (1, 2, 3, 4, 5, 6)  # a dry run
    size = told.size_bytes
    assert size == sum(size_of(tmp_path / "income" / name) for name in ("0001", "0004"))
    done = tidy(tmp_path, Wish(keep_last=2), delete=True)
    assert (done.size_bytes, done.deleted) == (size, True)
    assert left(tmp_path) == (2, 3, 5, 6)
    assert [row.name for row in index.rows(tmp_path)] == ["income@6", "income@5", "income@3", "income@2"]


def test_a_version_that_has_gone_is_never_given_again(tmp_path: Path) -> None:
    for _ in range(3):
        of_auc(tmp_path, 0.9, status="failed", best=None)
    tidy(tmp_path, Wish(keep_last=1), delete=True)
    assert left(tmp_path) == (3,)
    assert make_run(tmp_path).name == "0004"


def test_failed_ones_and_try_outs_count_for_none_of_the_last(tmp_path: Path) -> None:
    for changes in ({}, {}, {"status": "failed", "best": None}, {"sampled": 100}, {"sampled": 100}, {}):
        of_auc(tmp_path, 0.9, **changes)
    tidy(tmp_path, Wish(keep_last=2), delete=True)
    assert left(tmp_path) == (2, 6)


def test_what_a_run_that_stays_refers_to_stays(tmp_path: Path) -> None:
    for _ in range(4):
        of_auc(tmp_path, 0.5)
    of_auc(tmp_path, 0.6, references={"income@1": "income@1"})
    of_auc(tmp_path, 0.6, references={"other@latest": "other@1", "income@5": "income@5"})
    for _ in range(3):
        make_run(tmp_path, record(USUAL, experiment="other"))
    done = tidy(tmp_path, Wish(keep_last=1), delete=True)
    assert (left(tmp_path), left(tmp_path, "other")) == ((1, 5, 6), (1, 3))
    kept = {fate.name: fate.kept for fate in done.fates}
    assert kept["income@1"] == ("income@5 refers to it",)
    assert kept["other@1"] == ("income@6 refers to it",)


def test_of_one_experiment_the_others_stay_and_what_they_refer_to(tmp_path: Path) -> None:
    for _ in range(3):
        of_auc(tmp_path, 0.5)
    make_run(tmp_path, record(USUAL, experiment="other", references={"income@1": "income@1"}))
    make_run(tmp_path, record(USUAL, experiment="other"))
    tidy(tmp_path, Wish("income", keep_last=1), delete=True)
    assert (left(tmp_path), left(tmp_path, "other")) == ((1, 3), (1, 2))


def test_running_and_newest_interrupted_runs_stay_and_others_that_a_live_one_may_read(tmp_path: Path) -> None:
    of_auc(tmp_path, 0.5)
    for _ in range(3):
        with runs.claim(tmp_path, "income") as cut:
            (cut.path / "journal.jsonl").touch()
    of_auc(tmp_path, 0.5)
    with runs.claim(tmp_path, "income") as live:
        (live.path / "journal.jsonl").touch()
        held = tidy(tmp_path, Wish(keep_last=1), delete=True)
        assert held.going == ()
        assert "income@6 is running, and may read it" in held.fates[-1].kept
    tidy(tmp_path, Wish(keep_last=1), delete=True)
    assert left(tmp_path) == (5, 6)  # of those that were cut off 6 is the newest now


def test_what_cannot_be_read_stays(tmp_path: Path) -> None:
    for _ in range(5):
        of_auc(tmp_path, 0.9)
    (tmp_path / "income" / "0001" / "run.json").write_text("{")
    (tmp_path / "income" / "0002" / "run.json").write_text('{"format": 99}')
    (tmp_path / "income" / "0003" / "labels.json").write_text("{")
    done = tidy(tmp_path, Wish(keep_last=1), delete=True)
    assert left(tmp_path) == (1, 2, 3, 5)
    assert "labels.json" in next(fate for fate in done.fates if fate.name == "income@3").kept[0]


def test_only_what_is_older_goes(tmp_path: Path) -> None:
    for started in ("2020-01-01T00:00:00+00:00", "soon", "2999-01-01T00:00:00+00:00", "2020-01-01T00:00:00+00:00"):
        of_auc(tmp_path, 0.9, started=started)
    tidy(tmp_path, Wish(keep_last=1, older_than_days=30), delete=True)
    assert left(tmp_path) == (2, 3, 4)


def test_a_folder_in_which_no_run_began_goes_after_an_hour(tmp_path: Path) -> None:
    for _ in range(3):
        runs.claim(tmp_path, "income").close()
    (tmp_path / "income" / "0004").mkdir()
    (tmp_path / "income" / "0004" / "mine.txt").touch()
    of_auc(tmp_path, 0.9)
    for name in ("0001", "0004"):
        os.utime(tmp_path / "income" / name, (1, 1))
    tidy(tmp_path, Wish(keep_last=1), delete=True)
    assert left(tmp_path) == (2, 3, 4, 5)


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "runs"
    precious = of_auc(outside, 0.9)
    for _ in range(3):
        path = of_auc(root, 0.9)
    (root / "income" / "0002" / "more").symlink_to(outside)
    (root / "income" / "0001").rename(outside / "moved")
    (root / "income" / "0001").symlink_to(outside / "moved")
    done = tidy(root, Wish(keep_last=1), delete=True)
    assert left(root) == (1, 3)
    assert path.is_dir()
    assert precious.is_dir()
    assert (outside / "moved" / "run.json").is_file()
    assert done.fates[-1].kept == ("a link: it is not followed",)


def test_snapshots_go_with_the_last_run_that_needs_them(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    (tmp_path / "b.csv").write_text("b\n2\n")
    root = tmp_path / "runs"
    sha256 = {}
    for name in ("a", "b"):
        content = (tmp_path / f"{name}.csv").read_bytes()
        with snapshots.guarded(root):
            sha256[name] = snapshots.keep_bytes(root, content)
    for names in ("a", "ab", "b"):
        make_run(root, data={"files": [{"sha256": sha256[name], "snapshot": True} for name in names]})
    told = tidy(root, Wish(keep_last=1), delete=False)
    assert (told.snapshots, told.snapshot_bytes) == (1, 4)
    done = tidy(root, Wish(keep_last=1), delete=True)
    assert (done.snapshots, done.snapshot_bytes) == (1, 4)
    assert not snapshots.snapshot_path(root, sha256["a"]).exists()
    assert snapshots.snapshot_path(root, sha256["b"]).exists()


def test_a_tag_that_is_given_meanwhile_keeps_the_run(tmp_path: Path) -> None:
    path = of_auc(tmp_path, 0.9)
    assert not remove_run(path, lambda _: False)
    with runs.claim(tmp_path, "income") as live:
        assert not remove_run(live.path, lambda _: True)
    assert left(tmp_path) == (1, 2)


def test_a_kill_in_the_middle_leaves_nothing_half_visible_and_the_next_gc_sweeps_it(tmp_path: Path) -> None:
    for _ in range(3):
        of_auc(tmp_path, 0.9)
    code = (
        "import os, shutil, sys, mlrun.cli\n"
        "shutil.rmtree = lambda path: os._exit(9)\n"
        "mlrun.cli.run(['gc', '--delete', '--keep-last', '1', '--runs', sys.argv[1]])"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, timeout=60).returncode == 9
    assert left(tmp_path) == (1, 3)
    assert [row.name for row in index.rows(tmp_path)] == ["income@3", "income@1"]
    assert len(list((tmp_path / "income").glob(".gone-*"))) == 1
    assert tidy(tmp_path, Wish(), delete=False).leftovers == 1
    assert tidy(tmp_path, Wish(keep_last=10), delete=True).leftovers == 1
    assert not list((tmp_path / "income").glob(".gone-*"))


def test_two_at_once_agree(tmp_path: Path) -> None:
    for _ in range(12):
        of_auc(tmp_path, 0.9)
    code = "import sys; from mlrun.cli import run; sys.exit(run(sys.argv[1:]))"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, "gc", "--delete", "--keep-last", "2", "--runs", str(tmp_path)],
            stdout=subprocess.DEVNULL,
        )
        for _ in range(3)
    ]
    assert [each.wait(60) for each in started] == [0, 0, 0]
    assert left(tmp_path) == (11, 12)


def test_the_command_tells_before_it_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        of_auc(tmp_path, 0.9)
    arguments = ["gc", "--keep-last", "1", "--runs", str(tmp_path)]
    assert command(arguments) == 0
    shown = capsys.readouterr().out
    assert "2 runs would go" in shown
    assert "the same command with --delete does it" in shown
    assert "\x1b" not in shown
    assert command([*arguments, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(each["run"], each["goes"]) for each in told["runs"]] == [
        ("income@3", False), ("income@2", True), ("income@1", True),
    ]  # fmt: skip
    assert command([*arguments, "--delete", "--format", "csv"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "run,goes,status,started,size_bytes,kept"
    assert left(tmp_path) == (3,)
    assert command(["gc", "-e", "incom", "--runs", str(tmp_path)]) == UsageError.exit_code
    assert "did you mean 'income'" in capsys.readouterr().err
    assert command(["gc", "--runs", str(tmp_path / "none")]) == 0


def test_a_folder_that_cannot_be_removed_is_told(tmp_path: Path) -> None:
    path = of_auc(tmp_path, 0.9)
    (path / "lock").unlink()
    (path / "lock").mkdir()  # as root nothing is forbidden: something that no lock can be
    with pytest.raises(StorageError):
        remove_run(path, lambda _: True)
    assert path.is_dir()


STATES = st.sampled_from(["complete", "failed", "interrupted", "damaged", "newer"])


@settings(max_examples=200, deadline=None)
@given(
    made=st.lists(
        st.tuples(STATES, st.floats(0, 1), st.booleans(), st.booleans(), st.sets(st.integers(1, 12))),
        min_size=1,
        max_size=12,
    ),
    keep=st.integers(1, 4),
    days=st.integers(0, 3),
)
def test_whatever_there_is_what_is_promised_stays(
    made: list[tuple[Any, float, bool, bool, set[int]]], keep: int, days: int
) -> None:
    rows = [
        IndexRow(
            "e", version, status, metric="auc", direction="maximize", cv=score, sampled=5 if sampled else None,
            tags="t" if tagged else "", refers_to=" ".join(f"e@{other}" for other in refers),
            started=time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(NOW - (len(made) - version) * 40_000)),
        )
        for version, (status, score, sampled, tagged, refers) in enumerate(made, 1)
    ][::-1]  # fmt: skip
    kept = reasons(rows, Wish(keep_last=keep, older_than_days=days), NOW)
    whole = [row for row in rows if row.status == "complete" and row.sampled is None]
    stays = {name for name, why in kept.items() if why}
    assert set(kept) == {row.name for row in rows}
    assert {row.name for row in whole[:keep]} <= stays
    assert {row.name for row in rows if row.tags or row.status in {"damaged", "newer"}} <= stays
    assert rows[0].name in stays
    if whole:
        assert max(whole, key=lambda row: (row.cv or 0.0, row.version)).name in stays
    for row in rows:  # nothing that stays refers to what goes
        if row.name in stays:
            assert {name for name in row.refers_to.split() if name in kept} <= stays
    if days:
        assert all(row.name in stays for row in rows if row.version > len(made) - days * 2)
