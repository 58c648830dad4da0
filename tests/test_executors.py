"""What the executors do when fits raise, exit, crash, hang or are interrupted, and where they run jobs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from fits_that_fail import Do, Slow, Starts

from mlrun.errors import Interrupted
from mlrun.executors.joblib import JoblibExecutor
from mlrun.executors.serial import SerialExecutor
from mlrun.process.jobs import ONE_THREAD, OneThread, run_job
from mlrun.records import Failure, Outcome


def nothing(key: str, pid: int, in_main: bool) -> None: ...


def by_key(outcomes: Iterator[Outcome]) -> dict[str, Outcome]:
    return {outcome.key: outcome for outcome in outcomes}


def code(outcome: Outcome) -> str:
    assert outcome.failure is not None
    return outcome.failure.code


@pytest.fixture(scope="module")
def pool() -> Iterator[JoblibExecutor]:
    with JoblibExecutor(3) as executor:
        yield executor


# -- jobs in this process ---------------------------------------------------------------------------------------------


def test_a_job_that_raises_gives_the_class_and_the_message() -> None:
    outcome = run_job(Do("a", "raise", ValueError("no such column")), OneThread())
    assert outcome.failure == Failure("raised", "ValueError", "no such column")
    assert code(run_job(Do("a", "raise", MemoryError()), OneThread())) == "raised: MemoryError"


def test_an_error_that_cannot_print_itself_is_a_failure_like_any_other() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert run_job(Do("a", "raise", Mute()), OneThread()).failure == Failure("raised", "Mute", "")


def test_leaving_through_sys_exit_is_a_failure_with_the_status() -> None:
    statuses = {None: "status 0", 3: "status 3", "sorry": "status 1", 256: "status 0"}
    for given, told in statuses.items():
        assert code(run_job(Do("a", "exit", given), OneThread())) == f"exited: {told}"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Interrupted("stop", signal.SIGTERM)])
def test_an_interruption_is_not_the_fits_failure(error: BaseException) -> None:
    for executor in (SerialExecutor(), JoblibExecutor(1)):
        with executor, pytest.raises(type(error)):
            list(executor.run([Do("a", "raise", error)], nothing))


def test_what_a_fit_prints_never_reaches_the_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    run_job(Do("a", "print"), OneThread())
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "chatter of a fit\n")


def test_costs_are_measured() -> None:
    @dataclass(frozen=True)
    class Burn(Do):
        def run(self) -> None:
            end = time.process_time() + 0.05
            while time.process_time() < end:
                pass

    outcome = run_job(Burn("a"), OneThread())
    assert outcome.cpu_seconds >= 0.05
    assert outcome.wall_seconds > 0  # the clocks of a shared machine need not agree more closely
    assert outcome.peak_bytes >= psutil.Process().memory_info().rss // 4
    assert run_job(Do("a", "sleep", 0.05), OneThread()).wall_seconds >= 0.05


def test_numeric_libraries_have_one_thread_inside_and_what_they_had_before_outside() -> None:
    import numpy as np
    from threadpoolctl import threadpool_info

    np.dot(np.ones((4, 4)), np.ones((4, 4)))
    before = {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}
    environment = {name: os.environ.get(name) for name in ONE_THREAD}
    with OneThread() as threads:
        threads.hold()
        assert {pool["num_threads"] for pool in threadpool_info()} <= {1}
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()} == before
    assert {name: os.environ.get(name) for name in ONE_THREAD} == environment


def test_a_job_in_this_process_costs_less_than_50_microseconds() -> None:
    jobs = [Do(str(number), value=number) for number in range(5_000)]
    for executor in (SerialExecutor(), JoblibExecutor(2)):
        with executor:
            list(executor.run(jobs[:100], nothing))  # imports
            began = time.process_time()
            count = sum(1 for _ in executor.run(jobs, nothing))
            each = (time.process_time() - began) / count
        assert each < 50e-6


# -- where jobs run ---------------------------------------------------------------------------------------------------


def test_short_jobs_never_start_a_worker() -> None:
    starts = Starts()
    with JoblibExecutor(2) as executor:
        outcomes = by_key(executor.run([Do(str(number), "pid") for number in range(50)], starts))
    assert {outcome.value for outcome in outcomes.values()} == {os.getpid()}
    assert all(in_main for _, _, in_main in starts.seen)


def test_workers_come_up_when_what_is_left_is_worth_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlrun.executors.joblib.WORTH_SECONDS", 0.5)
    jobs = [Do(str(number), "sleep", 0.21) for number in range(8)]
    for given in (jobs, iter(jobs)):  # their number known, and not
        starts = Starts()
        with JoblibExecutor(2) as executor:
            outcomes = by_key(executor.run(given, starts))
        assert len(outcomes) == 8
        assert {pid for _, pid, in_main in starts.seen if in_main} == {os.getpid()}
        assert len({pid for _, pid, in_main in starts.seen if not in_main}) == 2


def test_workers_come_up_beside_a_first_job_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlrun.executors.joblib.WORTH_SECONDS", 0.2)
    starts = Starts()
    with JoblibExecutor(2) as executor:
        outcomes = executor.run([Do("long", "sleep", 1.5), *(Do(str(n), "sleep", 0.3) for n in range(4))], starts)
        assert next(outcomes).key == "long"
        assert len(executor._children) == 2  # called while it ran, by a thread that is gone now
        rest = by_key(outcomes)
        workers = {child.process.pid for child in executor._children}
    assert set(rest) == {"0", "1", "2", "3"}
    assert {pid for _, pid, in_main in starts.seen if not in_main} == workers
    assert not alive([pid for pid in workers if pid])


def test_while_workers_start_short_jobs_go_on_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlrun.executors.joblib.WORTH_SECONDS", 0.001)
    starts = Starts()
    with JoblibExecutor(2) as executor:
        outcomes = by_key(executor.run([Do(str(number), "sleep", 0.01) for number in range(200)], starts))
    assert len(outcomes) == 200
    here = [in_main for _, _, in_main in starts.seen]
    assert sum(here) > 3
    assert not here[-1]


def test_with_one_process_plain_jobs_run_here_and_isolated_ones_in_one_worker() -> None:
    jobs = [Do(str(number), "pid", isolated=number % 3 == 0) for number in range(9)]
    for executor in (JoblibExecutor(1), SerialExecutor()):
        starts = Starts()
        with executor:
            outcomes = list(executor.run(jobs, starts))
        pids = {outcome.key: outcome.value for outcome in outcomes}
        assert {pids[job.key] for job in jobs if not job.isolated} == {os.getpid()}
        workers = {pids[job.key] for job in jobs if job.isolated}
        assert len(workers) == 1
        assert os.getpid() not in workers
        assert {(key, pid, pid == os.getpid()) for key, pid in pids.items()} == set(starts.seen)


def test_jobs_are_taken_from_a_long_list_only_as_they_are_needed() -> None:
    taken = 0

    def endless() -> Iterator[Do]:
        nonlocal taken
        while True:
            taken += 1
            yield Do(str(taken), value=taken)

    with JoblibExecutor(2) as executor:
        outcomes = executor.run(endless(), nothing)
        assert [next(outcomes).value for _ in range(5)] == [2, 4, 6, 8, 10]
        assert taken <= 7


# -- faults -----------------------------------------------------------------------------------------------------------


def test_each_fault_costs_its_own_job_and_no_other(pool: JoblibExecutor, tmp_path: Path) -> None:
    starts = Starts()
    faults = {
        "segfault": Do("segfault", "signal", signal.SIGSEGV, isolated=True),
        "killed": Do("killed", "signal", signal.SIGKILL, isolated=True),
        "left": Do("left", "leave", 3, isolated=True),
        "exit": Do("exit", "exit", 3, isolated=True),
        "hang": Do("hang", "sleep", 30, timeout=0.5),
        "raise": Do("raise", "raise", KeyError("income"), isolated=True),
        "closure": Do("closure", "unpicklable", isolated=True),
        "interrupt": Do("interrupt", "raise", KeyboardInterrupt(), isolated=True),
        "lambda": Do("lambda", value=lambda: None, isolated=True),
        "lucky": Do("lucky", "once", str(tmp_path / "mark"), isolated=True),
    }
    innocents = [Do(f"innocent-{number}", "sleep", 0.3, isolated=True) for number in range(2)]
    outcomes = by_key(pool.run([*innocents, *faults.values(), Do("last", value=21, isolated=True)], starts))
    codes = {key: outcomes[key].failure.code for key in faults if outcomes[key].failure}  # type: ignore[union-attr]
    assert codes == {
        "segfault": "crashed: SIGSEGV",
        "killed": "killed: SIGKILL",
        "left": "exited: status 3",
        "exit": "exited: status 3",
        "hang": "timeout",
        "raise": "raised: KeyError",
        "closure": outcomes["closure"].failure.code,  # type: ignore[union-attr]
        "interrupt": "raised: KeyboardInterrupt",
        "lambda": outcomes["lambda"].failure.code,  # type: ignore[union-attr]
    }
    assert outcomes["closure"].failure.reason == outcomes["lambda"].failure.reason == "raised"  # type: ignore[union-attr]
    assert "memory" in outcomes["killed"].failure.message  # type: ignore[union-attr]
    assert outcomes["lucky"].value == "second time lucky"
    assert outcomes["last"].value == 42
    assert not any(outcomes[job.key].failure for job in innocents)
    again = {key: len(starts.of(key)) for key in outcomes}
    assert {key for key, times in again.items() if times == 2} == {"segfault", "killed", "left", "hang", "lucky"}
    assert all(len(starts.of(job.key)) == 1 for job in innocents)  # nobody else's death made them run twice
    assert not any(in_main for _, _, in_main in starts.seen)
    assert 0.5 <= outcomes["hang"].wall_seconds < 5


def test_two_innocents_in_flight_beside_a_crash_are_done_once(pool: JoblibExecutor) -> None:
    starts = Starts()
    jobs = [
        Do("one", "sleep", 0.4, isolated=True),
        Do("two", "sleep", 0.4, isolated=True),
        Do("crash", "signal", signal.SIGSEGV, isolated=True),
    ]
    outcomes = by_key(pool.run(jobs, starts))
    assert code(outcomes["crash"]) == "crashed: SIGSEGV"
    assert (outcomes["one"].value, outcomes["two"].value) == (0.4, 0.4)
    assert [len(starts.of(key)) for key in ("one", "two", "crash")] == [1, 1, 2]


def test_serial_survives_jobs_that_were_told_apart() -> None:
    jobs = [
        Do("plain", value=1),
        Do("segfault", "signal", signal.SIGSEGV, isolated=True),
        Do("hang", "sleep", 30, timeout=0.3),
        Do("after", value=2, isolated=True),
    ]
    with SerialExecutor() as executor:
        outcomes = list(executor.run(jobs, nothing))
    assert [outcome.key for outcome in outcomes] == ["plain", "segfault", "hang", "after"]
    assert [code(outcome) for outcome in outcomes[1:3]] == ["crashed: SIGSEGV", "timeout"]
    assert (outcomes[0].value, outcomes[3].value) == (2, 4)


def test_a_worker_that_died_while_idle_is_replaced(pool: JoblibExecutor) -> None:
    assert next(pool.run([Do("a", value=1, isolated=True)], nothing)).value == 2
    for child in pool._children:
        os.kill(child.process.pid, signal.SIGKILL)
    assert next(pool.run([Do("b", value=2, isolated=True)], nothing)).value == 4


def test_a_caller_that_leaves_early_gets_no_stale_outcome(pool: JoblibExecutor) -> None:
    outcomes = pool.run([Do("quick", value=1, isolated=True), Do("slow", "sleep", 5, isolated=True)], nothing)
    assert next(outcomes).key == "quick"
    outcomes.close()  # type: ignore[attr-defined]
    assert [outcome.key for outcome in pool.run([Do("next", value=1, isolated=True)], nothing)] == ["next"]


def test_loading_is_not_counted_against_the_timeout(pool: JoblibExecutor) -> None:
    outcome = next(pool.run([Slow("slow", value=4, timeout=0.2)], nothing))
    assert outcome.value == 8
    assert outcome.wall_seconds < 0.2


def test_workers_have_one_thread_and_a_worker_job_costs_little_here(pool: JoblibExecutor) -> None:
    jobs = [Do(str(number), "environment", isolated=True) for number in range(300)]
    list(pool.run(jobs[:3], nothing))
    began = time.process_time()
    outcomes = by_key(pool.run(jobs, nothing))
    each = (time.process_time() - began) / len(jobs)
    assert {outcome.value for outcome in outcomes.values()} == {"1"}
    assert each < 1.5e-3


# -- the end ----------------------------------------------------------------------------------------------------------


def test_leaving_kills_workers_and_their_children_at_once(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    executor = JoblibExecutor(2)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(Interrupted), executor:
            next(executor.run([Do("a", "grandchild", str(note), isolated=True)], alarm))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - STRUCK[-1] < 2
    assert not executor._children
    deadline = time.monotonic() + 2  # a killed process takes a moment to go
    while alive([int(note.read_text()), *WORKERS]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive([int(note.read_text()), *WORKERS])


STRUCK: list[float] = []
WORKERS: list[int] = []


def alarm(key: str, pid: int, in_main: bool) -> None:
    WORKERS.append(pid)
    signal.setitimer(signal.ITIMER_REAL, 0.5)


def interrupt(*_: object) -> None:
    STRUCK.append(time.monotonic())
    raise Interrupted("stopped by a signal", signal.SIGALRM)


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from mlrun.executors.joblib import JoblibExecutor
from fits_that_fail import Do

def started(key, pid, in_main):
    print(pid, flush=True)

if __name__ == "__main__":
    with JoblibExecutor(2) as executor:
        for outcome in executor.run([Do(str(n), "sleep", 20, isolated=True) for n in range(4)], started):
            pass
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_the_main_process(number: signal.Signals) -> None:
    script = textwrap.dedent(SCRIPT.format(tests=str(Path(__file__).parent)))
    main = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert main.stdout is not None
    workers = [int(main.stdout.readline()) for _ in range(2)]
    if number == signal.SIGINT:
        os.killpg(main.pid, number)  # as the terminal does: to the whole group
    else:
        main.kill()
    began = time.monotonic()
    _, errors = main.communicate(timeout=10)
    while alive(workers) and time.monotonic() - began < 4:
        time.sleep(0.02)
    assert not alive(workers)
    told = [line for line in errors.splitlines() if "Error" in line or "Warning" in line or "leaked" in line]
    assert told == []
    assert errors.count("Traceback") == (1 if number == signal.SIGINT else 0)  # the main process's own
    assert errors.strip().endswith("KeyboardInterrupt" if number == signal.SIGINT else "")
