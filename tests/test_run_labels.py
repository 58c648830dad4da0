"""Tags and notes: kept beside a run without changing it, seen by the index at once, lost by no other writer."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import make_run

from mlrun import index, runs
from mlrun.cli import run as command
from mlrun.errors import StorageError, UsageError
from mlrun.labelling import tag
from mlrun.store.run_folder import sealed_files
from mlrun.store.run_labels import Labels, change_labels, check_note, check_tag, read_labels, write_labels
from mlrun.terminal import printable


def test_labels_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = make_run(tmp_path)
    assert read_labels(path) == Labels()
    write_labels(path, Labels(("b", "a", "b"), "für später"))
    assert read_labels(path) == Labels(("a", "b"), "für später")


def test_labels_are_outside_of_the_manifest_and_leave_the_run_whole(tmp_path: Path) -> None:
    path = make_run(tmp_path)
    before = (path / "run.json").read_bytes()
    write_labels(path, Labels(("good",)))
    assert (path / "run.json").read_bytes() == before
    assert "labels.json" not in sealed_files(path)
    assert set(runs.read_manifest(path)) == set(sealed_files(path))


def test_the_index_sees_new_labels_at_once(tmp_path: Path) -> None:
    path = make_run(tmp_path)
    assert index.rows(tmp_path)[0].tags == ""
    for number in range(20):  # the same size, within the same tick of the clock
        write_labels(path, Labels((f"t{number:02d}",), "x"))
        assert index.rows(tmp_path)[0].tags == f"t{number:02d}"
    write_labels(path, Labels())
    assert index.rows(tmp_path)[0].note == ""


def test_a_clock_that_goes_back_hides_no_label(tmp_path: Path) -> None:
    path = make_run(tmp_path)
    future = 4_000_000_000_000_000_000
    os.utime(path / "run.json", ns=(future, future))
    assert index.rows(tmp_path)[0].tags == ""
    write_labels(path, Labels(("late",)))
    assert index.rows(tmp_path)[0].tags == "late"


def test_an_unfinished_run_can_be_labelled(tmp_path: Path) -> None:
    with runs.claim(tmp_path, "income") as folder:
        (folder.path / "journal.jsonl").touch()
        write_labels(folder.path, Labels(("early",)))
        assert index.rows(tmp_path)[0].tags == "early"
        assert runs.resolve(tmp_path, "income@early") == folder.path


def test_a_tag_means_the_newest_run_that_has_it(tmp_path: Path) -> None:
    first, second, third = (make_run(tmp_path) for _ in range(3))
    assert tag(tmp_path, "income@1", ["production"], []) == ("income@1: production",)
    assert runs.resolve(tmp_path, "income@production") == first
    assert tag(tmp_path, "income@2", ["production"], []) == (
        "income@2: production",
        "income@1 has the tag 'production' too; income@production means income@2, the newest",
    )
    assert runs.resolve(tmp_path, "income@production") == second
    tag(tmp_path, "income@production", [], ["production"])
    assert runs.resolve(tmp_path, "income@production") == first
    assert runs.resolve(tmp_path, "income@latest") == third
    with pytest.raises(UsageError, match=r"no run of 'income' .* has the tag 'produktion'; did you mean 'production'"):
        runs.resolve(tmp_path, "income@produktion")


@pytest.mark.parametrize(
    "word", ["", "1", "7a", "latest", "Best", "a b", "a~1", "-x", "a@b", "ü", "x" * 51, "a\n", "[/]"]
)
def test_what_cannot_be_a_tag_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="cannot be a tag"):
        check_tag(word)


@pytest.mark.parametrize("text", ["a\nb", "\x1b[31m", "a\u202eb", "\u200b", "\ud800", "x" * 1001, "\x00"])
def test_what_cannot_be_a_note_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="a note"):
        check_note(text)


@given(st.text())
def test_a_note_is_refused_or_shown_as_it_is(text: str) -> None:
    try:
        assert printable(check_note(text)) == text
    except UsageError as error:
        assert printable(error) == str(error)  # noqa: PT017 - refused is fine, as long as it is told safely


def test_more_tags_than_people_read_are_refused(tmp_path: Path) -> None:
    path = make_run(tmp_path)
    with pytest.raises(UsageError, match="at most 20 tags"):
        write_labels(path, Labels(tuple(f"t{number}" for number in range(21))))
    assert read_labels(path) == Labels()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b'{"format": 1, "tags": "x"}', b'{"format": 1, "tags": ["latest"]}',
        b'{"format": 1, "tags": ["\\u001b[31m"]}', b'{"format": 1, "note": "a\\nb"}', b"[" * 100_000,
        b'{"format": 1, "note": "' + b"x" * 100_000 + b'"}', b"\xff\xfe",
    ],
)  # fmt: skip
def test_a_damaged_file_is_told_and_stops_no_list(tmp_path: Path, content: bytes) -> None:
    path = make_run(tmp_path)
    (path / "labels.json").write_bytes(content)
    with pytest.raises(StorageError, match=r"labels\.json"):
        read_labels(path)
    assert index.rows(tmp_path)[0].tags == ""
    assert command(["show", "income@1", "--runs", str(tmp_path)]) == 0


def test_a_newer_format_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = make_run(tmp_path)
    (path / "labels.json").write_text('{"format": 9, "tags": []}')
    with pytest.raises(UsageError, match="install a newer mlrun"):
        read_labels(path)


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    """Eight processes tag one run at the same time."""
    path = make_run(tmp_path)
    code = "import sys; from mlrun.cli import run; sys.exit(run(sys.argv[1:]))"
    others = [
        subprocess.Popen(
            [sys.executable, "-c", code, "tag", "income@1", f"t{number}", "--runs", str(tmp_path)],
            stdout=subprocess.DEVNULL,
        )
        for number in range(8)
    ]
    assert [other.wait(60) for other in others] == [0] * 8
    assert read_labels(path).tags == tuple(f"t{number}" for number in range(8))


def test_a_change_that_is_refused_changes_nothing(tmp_path: Path) -> None:
    path = make_run(tmp_path)
    tag(tmp_path, "income@1", ["a"], [])
    for tags, removed, words in (
        (["b"], ["c"], "has no tag 'c'"),
        (["b"], ["b"], "given and removed at once"),
        (["b", "b c"], [], "cannot be a tag"),
    ):
        with pytest.raises(UsageError, match=words):
            tag(tmp_path, "income@1", tags, removed)
    assert read_labels(path).tags == ("a",)
    stamp = (path / "run.json").stat().st_mtime_ns
    change_labels(path, replace)  # nothing new: nothing is written
    assert (path / "run.json").stat().st_mtime_ns == stamp


def test_the_commands_give_show_and_take_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(tmp_path)
    place = ["--runs", str(tmp_path)]

    def told(*arguments: str) -> str:
        assert command([*arguments, *place]) == 0
        return capsys.readouterr().out

    assert told("tag", "income@1", "good", "v1") == "income@1: good, v1\n"
    assert told("tag", "income@1") == "good\nv1\n"
    assert told("tag", "income@1", "--remove", "v1") == "income@1: good\n"
    assert told("note", "income@1", "the one in the paper") == "income@1: the one in the paper\n"
    assert told("note", "income@1") == "the one in the paper\n"
    assert re.search(r"tags: good\nnote: the one in the paper", told("show", "income@good"))
    shown = json.loads(told("show", "income", "--format", "json"))
    assert (shown["tags"], shown["note"]) == (["good"], "the one in the paper")
    (listed,) = json.loads(told("list", "--tag", "good", "--format", "json"))
    assert (listed["tags"], listed["note"]) == (["good"], "the one in the paper")
    assert told("note", "income@1", "") == "income@1: no note\n"
    assert told("note", "income@1") == ""


def test_labels_of_a_folder_that_cannot_be_written_are_refused_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make_run(tmp_path)
    (path / "labels.json").mkdir()  # as root no folder is closed to the tests: a folder in the place of the file
    assert command(["tag", "income@1", "good", "--runs", str(tmp_path)]) == StorageError.exit_code
    assert "labels.json" in capsys.readouterr().err
