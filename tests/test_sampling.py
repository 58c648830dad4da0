"""The load of a run's processes: all of them are counted, and nothing that goes wrong with it harms the run."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from in_process import run, write_spec

from mlrun.process import load
from mlrun.process.load import Load, ProcessTree
from mlrun.runs import read_manifest
from mlrun.sampling import first_line, next_line, sampled, seconds_so_far
from mlrun.store.run_tracking import SYSTEM, SystemLog, read_system
from mlrun.tracked import SystemSample

SPEC = "experiment: sampled\ndata: {source: sklearn, name: iris}\nmodels: [gaussian_nb]\nsplit: {folds: 2}\n"
BURN = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
LIVES = """
import sys, time
from pathlib import Path
from mlrun.sampling import sampled
with sampled(Path(sys.argv[1])) as sampling:
    print("ready", flush=True)
    time.sleep(float(sys.argv[2]))
print(sampling.trouble)
"""


def seen_children(wanted: int) -> list[int]:
    """Wait until so many descendants are there."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = load.descendants(psutil.Process().pid)
        if len(found) >= wanted:
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def test_a_run_has_a_sample_of_its_start_and_of_its_end_in_its_manifest(tmp_path: Path) -> None:
    done = run(write_spec(tmp_path, SPEC))
    assert done.folder is not None
    first, *others = read_system(done.folder)
    assert (first.seconds, first.cpu_percent) == (0.0, None)
    assert others
    assert others[-1].cpu_percent is not None
    assert all(each.memory_bytes > 10_000_000 and each.processes >= 1 for each in (first, *others))
    assert SYSTEM in read_manifest(done.folder)


def test_what_a_child_has_used_stays_counted_when_it_is_gone() -> None:
    tree = ProcessTree()
    before, ours = tree.measure(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", BURN], check=True)
    after, now = tree.measure(), resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = now.ru_utime + now.ru_stime - ours.ru_utime - ours.ru_stime  # as the system tells it to us
    if sys.platform == "linux":
        assert after.cpu_seconds - before.cpu_seconds >= spent - 0.03  # /proc counts in hundredths
    assert after.processes == before.processes


def test_workers_and_what_they_started_are_found_as_psutil_finds_them() -> None:
    before = len(psutil.Process().children(recursive=True))  # of tests before this one: trackers of loky's
    worker = subprocess.Popen([sys.executable, "-c", PARENT])
    try:
        found = seen_children(before + 2)
        assert set(found) == {child.pid for child in psutil.Process().children(recursive=True)}
        assert set(load.asked_children(psutil.Process().pid)) == set(found)
        alone, tree = psutil.Process().memory_info().rss, ProcessTree().measure()
        assert tree.processes == before + 3
        assert tree.memory_bytes > alone
    finally:
        for child in psutil.Process(worker.pid).children(recursive=True):
            child.kill()
        worker.kill()
        worker.wait()


def test_workers_that_vanish_while_they_are_looked_at_are_left_out() -> None:
    tree = ProcessTree()
    before = tree.measure().processes  # this one, and trackers that tests before this one have started
    brief = [subprocess.Popen(["sleep", f"0.{number:02d}"]) for number in range(0, 40, 2)]
    while any(child.poll() is None for child in brief):
        assert before <= tree.measure().processes <= before + 20
    assert tree.measure().processes == before


@pytest.mark.parametrize("error", [AttributeError(), psutil.AccessDenied(1), NotImplementedError(), OSError(22, "no")])
def test_where_the_system_tells_nothing_of_the_disk_the_rest_is_told(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(self: psutil.Process) -> Any:
        raise error

    monkeypatch.setattr(psutil.Process, "io_counters", refuse, raising=False)
    told = ProcessTree().measure()
    assert (told.read_bytes, told.write_bytes) == (None, None)
    assert told.memory_bytes > 0
    assert first_line(None, told, 0.0).read_bytes is None


def test_a_resume_goes_on_with_the_time_and_the_bytes_and_shows_where_it_began(tmp_path: Path) -> None:
    (tmp_path / SYSTEM).write_text('{"seconds": 7.0, "cpu_percent": 99.0, "memory_bytes": 5, "read_bytes": 40, '
                                   '"write_bytes": 50, "processes": 3}\n{"seconds": 8.0, "cpu_per')  # fmt: skip
    since = (datetime.now(UTC) - timedelta(seconds=100)).isoformat()
    with sampled(tmp_path, since) as sampling:
        pass
    old, resumed, *rest = read_system(tmp_path)
    assert sampling.trouble == ""
    assert (old.seconds, old.cpu_percent) == (7.0, 99.0)
    assert 100 <= resumed.seconds < 110
    assert resumed.cpu_percent is None
    assert (resumed.read_bytes, resumed.write_bytes) == (40, 50)
    assert rest
    assert len((tmp_path / SYSTEM).read_text().splitlines()) == 2 + len(rest)  # nothing of the torn line is left


def test_a_clock_that_goes_back_does_not_turn_the_order() -> None:
    last = SystemSample(50.0, 1.0, 1, None, None, 1)
    assert seconds_so_far(datetime.now(UTC).isoformat(), last) == 50.0
    assert seconds_so_far((datetime.now(UTC) + timedelta(days=1)).isoformat(), None) == 0.0


def test_a_sum_that_falls_with_a_process_adds_nothing_and_takes_nothing_away() -> None:
    before, after = Load(9.0, 10, 100, 100, 3), Load(4.0, 5, 20, 130, 1)
    line = next_line(SystemSample(1.0, 50.0, 10, 500, 600, 3), before, after, 1.0, 2.0)
    assert (line.cpu_percent, line.read_bytes, line.write_bytes) == (0.0, 500, 630)


def test_a_disk_that_is_full_ends_the_sampling_alone_and_leaves_whole_lines(tmp_path: Path) -> None:
    """A limit on the size of files refuses as a full disk does: some bytes are taken, then none."""
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))\n" + LIVES
    done = subprocess.run(
        [sys.executable, "-c", limited, str(tmp_path), "1.3"], capture_output=True, text=True, check=True, timeout=60
    )
    assert "the system's load is not recorded from here on" in done.stdout
    lines = (tmp_path / SYSTEM).read_text().splitlines()
    assert len(lines) == 1
    assert all(json.loads(line) for line in lines)


@pytest.mark.parametrize("since", ["", "yesterday"])
def test_what_else_goes_wrong_is_one_sentence(tmp_path: Path, since: str) -> None:
    with sampled(tmp_path if since else tmp_path / "nowhere", since) as sampling:
        pass
    assert sampling.trouble.startswith("the system's load is not recorded from here on: ")


def test_a_kill_loses_what_was_not_sampled_yet_and_no_more(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", LIVES, str(tmp_path), "60"], stdout=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 30
        while len(read_system(tmp_path)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    samples = read_system(tmp_path)
    assert len(samples) >= 2
    assert (tmp_path / SYSTEM).read_bytes().endswith(b"\n")
    assert 0.9 < samples[1].seconds - samples[0].seconds < 5
    log = SystemLog(tmp_path)
    assert log.last == samples[-1]
    log.close()
