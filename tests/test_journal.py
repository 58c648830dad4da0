"""What a journal promises: exact events, durable lines, and recovery from any cut or flipped bit."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlrun.errors import StorageError
from mlrun.journal import Journal, JournalContent, from_line, read_journal, to_line

EVENTS: list[dict[str, Any]] = [
    {"event": "begin", "spec_id": "ab12"},
    {"event": "fit", "fit": "forest/0001@0.3", "scores": {"roc_auc": 0.1 + 0.2, "log_loss": None}},
    {"event": "failed", "fit": "größe\n\u202e/0002@0.0", "failure": {"reason": "raised"}},
    {"event": "fit", "fit": "ridge/0000@0.1", "params": {"hidden": [[50], [100, 50]], "alpha": 1e-300}},
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


@pytest.fixture
def written(path: Path) -> bytes:
    with Journal.open(path) as journal:
        for event in EVENTS:
            journal.append(event, sync=False)
    return path.read_bytes()


def events_of(path: Path) -> list[dict[str, Any]]:
    with Journal.open(path) as journal:
        return list(journal.events)


def test_what_was_appended_is_there_when_it_is_opened_again(path: Path, written: bytes) -> None:
    assert events_of(path) == EVENTS
    with Journal.open(path) as journal:
        journal.append({"event": "more"}, sync=True)
    assert events_of(path) == [*EVENTS, {"event": "more"}]
    assert path.read_bytes().startswith(written)


def test_a_line_is_a_crc_a_space_compact_json_with_sorted_keys_and_a_line_feed() -> None:
    text = b'{"a":[1,2],"b":0.30000000000000004}'
    assert to_line({"b": 0.1 + 0.2, "a": (1, 2)}) == f"{zlib.crc32(text):08x} ".encode() + text + b"\n"


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_any_event_reads_back_exactly(event: dict[str, Any]) -> None:
    line = to_line(event)
    assert line.count(b"\n") == 1
    back = from_line(line[:-1])
    assert back == event
    assert repr(back) == repr({key: back[key] for key in back}) and to_line(back) == line  # noqa: PT018 - signs of zeros too


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_a_number_is_refused_and_never_written_as_null(path: Path, number: float) -> None:
    with Journal.open(path) as journal:
        before = path.read_bytes()
        with pytest.raises(ValueError, match="not JSON compliant"):
            journal.append({"scores": {"r2": number}}, sync=True)
        assert path.read_bytes() == before


def test_every_truncation_point_recovers_all_lines_before_it(path: Path, written: bytes) -> None:
    ends = [at + 1 for at, byte in enumerate(written) if byte == ord("\n")]
    for length in range(len(written) + 1):
        path.write_bytes(written[:length])
        whole = max(0, sum(end <= length for end in ends) - 1)  # the first line is the format
        with Journal.open(path) as journal:
            assert list(journal.events) == EVENTS[:whole]
            assert journal.damaged == 0
            assert journal.torn == length - max([end for end in ends if end <= length], default=0)
            journal.append({"event": "after"}, sync=False)
        assert events_of(path) == [*EVENTS[:whole], {"event": "after"}]


@settings(max_examples=300)
@given(st.data())
def test_a_flipped_bit_never_goes_unnoticed(data: st.DataObject) -> None:
    lines = [to_line(event) for event in EVENTS]
    content = bytearray(b"".join(lines))
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    content[bit // 8] ^= 1 << bit % 8
    read = [from_line(line) for line in bytes(content).split(b"\n")[:-1]]
    kept = [event for event in read if event is not None]
    assert all(event in EVENTS for event in kept)  # no event that was not written
    assert len(kept) >= len(EVENTS) - 2  # one, or two when the line feed between them is gone
    torn = not content.endswith(b"\n")
    assert read.count(None) > 0 or torn


def test_a_damaged_line_in_the_middle_is_skipped_and_counted(path: Path, written: bytes) -> None:
    at = written.index(b"0.30000000000000004")
    path.write_bytes(written[:at] + b"9" + written[at + 1 :])
    with Journal.open(path) as journal:
        assert list(journal.events) == [EVENTS[0], *EVENTS[2:]]
        assert (journal.damaged, journal.torn) == (1, 0)


def test_an_upper_case_checksum_or_json_that_is_no_object_is_damage() -> None:
    line = to_line({"event": "fit"})[:-1]
    for number in range(100):
        line = to_line({"event": number})[:-1]
        if line[:8].upper() != line[:8]:
            break
    assert from_line(line[:8].upper() + line[8:]) is None
    assert from_line(b"%08x [1]" % zlib.crc32(b"[1]")) is None
    deep = b"[" * 100_000
    assert from_line(b"%08x %s" % (zlib.crc32(deep), deep)) is None
    assert from_line(b"") is None


def test_a_block_of_zeros_at_the_end_is_a_torn_line(path: Path, written: bytes) -> None:
    path.write_bytes(written + bytes(4096))  # what a power cut can leave
    with Journal.open(path) as journal:
        assert (list(journal.events), journal.torn) == (EVENTS, 4096)
    assert path.read_bytes() == written


def test_reading_changes_nothing(path: Path, written: bytes) -> None:
    path.write_bytes(written[:-3])
    content = read_journal(path)
    assert (list(content.events), content.torn > 0) == (EVENTS[:-1], True)
    assert path.read_bytes() == written[:-3]
    assert read_journal(path.parent / "missing").events == ()


def test_a_newer_format_is_refused_with_a_sentence(path: Path) -> None:
    path.write_bytes(to_line({"format": 2}) + to_line({"event": "begin"}))
    before = path.read_bytes()
    with pytest.raises(StorageError, match=r"its format is 2, and this mlrun knows 1.*--fresh"):
        Journal.open(path)
    assert path.read_bytes() == before


# -- disks that refuse ------------------------------------------------------------------------------------------------


@pytest.fixture
def small_files() -> Iterator[int]:
    """Let no file of this process grow beyond 600 bytes: writes come back short, then fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield 600
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, before)


def test_a_full_disk_loses_nothing_and_the_journal_goes_on_after_space_is_freed(path: Path, small_files: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    kept = 0
    with Journal.open(path) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (small_files, hard))
        with pytest.raises(StorageError, match=r"disk is full.*run the same command again"):  # noqa: PT012 - until full
            while True:
                journal.append({"event": "fit", "fit": kept, "filler": "x" * 100}, sync=True)
                kept += 1
        assert small_files - 150 < path.stat().st_size < small_files  # cut back to the last good line
        assert StorageError.exit_code == 74
        assert [event["fit"] for event in read_journal(path).events] == list(range(kept))
        assert read_journal(path).torn == 0
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        journal.append({"event": "fit", "fit": kept}, sync=True)
    assert [event["fit"] for event in events_of(path)] == list(range(kept + 1))
    assert kept >= 3


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 64 KiB, where the one who runs the tests may."""
    place = tmp_path / "disk"
    place.mkdir()
    if (
        not shutil.which("mount")
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(place)], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("mounting is not permitted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_really_full_is_survived_too(tiny_disk: Path) -> None:
    path = tiny_disk / "journal.jsonl"
    filler = tiny_disk / "other"
    filler.write_bytes(bytes(40_000))
    kept = 0
    with Journal.open(path) as journal:
        with pytest.raises(StorageError, match="disk is full"):  # noqa: PT012 - until full
            while True:
                journal.append({"fit": kept, "filler": "x" * 1000}, sync=True)
                kept += 1
        assert (read_journal(path).torn, read_journal(path).damaged) == (0, 0)
        filler.unlink()
        journal.append({"fit": kept}, sync=True)
    assert [event["fit"] for event in events_of(path)] == list(range(kept + 1))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_device_that_is_always_full_is_one_sentence() -> None:
    device = Path("/dev/full")
    journal = Journal(device, os.open(device, os.O_WRONLY), JournalContent((), damaged=0, length=0, torn=0))
    with journal, pytest.raises(StorageError, match="/dev/full: the disk is full"):
        journal.append({"event": "fit"}, sync=True)
    with pytest.raises(StorageError, match="not a file"):
        read_journal(device)


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file"):
        Journal.open(tmp_path / "gone" / "journal.jsonl")
    with pytest.raises(StorageError, match="directory"):
        Journal.open(tmp_path)


def test_a_closed_journal_takes_no_more(path: Path) -> None:
    journal = Journal.open(path)
    journal.close()
    journal.close()
    with pytest.raises(ValueError, match="closed"):
        journal.append({}, sync=False)


# -- kills ------------------------------------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from mlrun.journal import Journal
with Journal.open(Path(sys.argv[1])) as journal:
    for number in range(len(journal.events), 1_000_000):
        journal.append({"event": "fit", "fit": number, "filler": "x" * (number % 3000)}, sync=False)
        print(number, flush=True)
"""


def test_a_kill_at_any_moment_loses_no_event_that_was_told(path: Path) -> None:
    told_of = -1
    for kill in range(6):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for _ in range(40 + 97 * kill):
            told_of = int(writer.stdout.readline())
        writer.kill()
        told_of = max([told_of, *(int(line) for line in writer.communicate()[0].splitlines() if line.isdigit())])
        content = read_journal(path)
        assert [event["fit"] for event in content.events] == list(range(len(content.events)))
        assert content.damaged == 0
        assert len(content.events) > told_of
