"""Hooks: each event is told to whom it is meant for, all at once, within its time; nothing of it changes the run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
from faults.commands import started, wait_for
from in_process import write_spec
from made_runs import USUAL, model, record

from mlrun.cli import run as command
from mlrun.events import Hook
from mlrun.notice.facts import NAMES, End, events_of, facts, variables
from mlrun.notice.hooks import run_hooks
from mlrun.records import Interval
from mlrun.runs import read_run
from mlrun.store.run_folder import sha256_of
from mlrun.store.run_record import GateRecord, RunRecord

SECRET = "s3cr3t/T0KEN"  # noqa: S105 - one that opens nothing
FAILED_GATE = GateRecord("roc_auc at least 0.99", "fail", "xgboost has 0.93")


# -- what happened -----------------------------------------------------------------------------------------------------


def end_of(made: RunRecord | None, **changes: Any) -> End:
    done = End("spec.yaml", "income", 0, "income@1", "/runs/income/0001", made)
    return replace(done, **changes)


@pytest.mark.parametrize(
    ("made", "events"),
    [
        (record(USUAL), ("done",)),
        (record(USUAL, exit_code=3, gates=(GateRecord("beats random", "undecided"),)), ("done",)),
        (record(USUAL, gates=(FAILED_GATE,)), ("regressed",)),
        (record(USUAL, failed_trials=2), ("failed",)),
        (record(USUAL, status="failed"), ("failed",)),
        (record([*USUAL, model("mlp", 0.5, status="failed")]), ("failed",)),
        (record(USUAL, failed_trials=2, gates=(FAILED_GATE,)), ("failed", "regressed")),
        (None, ("failed",)),
    ],
)
def test_a_run_is_done_unless_it_failed_or_a_gate_did(made: RunRecord | None, events: tuple[str, ...]) -> None:
    assert events_of(end_of(made)) == events


def test_the_text_says_in_one_line_what_people_must_know() -> None:
    best = model("xgboost", 0.93, test={"roc_auc": Interval(0.93, 0.91, 0.95)})
    done = record([best], verdict=replace(record(USUAL).verdict, word="good and useful"))
    assert facts(end_of(done), "done")["text"] == "income@1: good and useful: xgboost has roc_auc 0.9300 [0.910, 0.950]"
    gate = record(USUAL, gates=(FAILED_GATE,))
    assert (
        facts(end_of(gate), "regressed")["text"] == "income@1: a gate failed: roc_auc at least 0.99 (xgboost has 0.93)"
    )
    broken = end_of(None, error="the disk\n  is full", exit_code=74)
    assert facts(broken, "failed")["text"] == "income@1 stopped with an error: the disk is full"
    assert "(a try-out on 100 rows)" in facts(end_of(record(USUAL, sampled=100)), "done")["text"]


@pytest.mark.parametrize("made", [record(USUAL), record([]), None])
def test_facts_are_plain_json_and_every_variable_is_always_there(made: RunRecord | None) -> None:
    known = facts(end_of(made), "failed")
    assert json.loads(json.dumps(known, allow_nan=False)) == known
    assert set(variables(known)) == NAMES
    assert variables({**known, "error": "a\0b" + "x" * 10**6})["MLRUN_ERROR"].startswith("abx")


# -- commands ----------------------------------------------------------------------------------------------------------


def python(source: str, **changes: Any) -> Hook:
    """Return a hook that runs a line of Python."""
    return Hook("always", "always.0", (sys.executable, "-c", source), **changes)


def warnings_of(*hooks: Hook, folder: Path, made: RunRecord | None = None) -> list[str]:
    return list(run_hooks(hooks, end_of(made or record(USUAL)), str(folder)))


def test_a_command_gets_the_facts_as_json_and_as_variables_and_runs_in_the_folder_of_the_spec(tmp_path: Path) -> None:
    source = "import os, sys; open('told', 'w').write(os.environ['MLRUN_RUN'] + ' ' + sys.stdin.read())"
    assert warnings_of(python(source), folder=tmp_path) == []
    run, told = (tmp_path / "told").read_text().split(" ", 1)
    assert (run, json.loads(told)["event"]) == ("income@1", "done")


def test_no_shell_reads_a_command(tmp_path: Path) -> None:
    source = "import sys; open('told', 'w').write(sys.argv[1])"
    hook = replace(python(source), command=(sys.executable, "-c", source, "$(touch x); * ${ENV:MLRUN_EVENT}"))
    assert warnings_of(hook, folder=tmp_path) == []
    assert (tmp_path / "told").read_text() == "$(touch x); * done"
    assert not (tmp_path / "x").exists()


def test_a_script_beside_the_spec_is_found(tmp_path: Path) -> None:
    script = tmp_path / "notify.sh"
    script.write_text("#!/bin/sh\ntouch was_here\n")
    assert "not executable" in warnings_of(Hook("done", "done.0", ("./notify.sh",)), folder=tmp_path)[0]
    script.chmod(0o755)
    assert warnings_of(Hook("done", "done.0", ("./notify.sh",)), folder=tmp_path) == []
    assert (tmp_path / "was_here").exists()


def test_what_goes_wrong_is_one_sentence_each(tmp_path: Path) -> None:
    hooks = [
        Hook("done", "done.0", ("no-such-program-here",)),
        python("import sys; print('first'); print('the server is away', file=sys.stderr); sys.exit(7)"),
        python("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"),
    ]
    told = sorted(warnings_of(*hooks, folder=tmp_path))
    program = f"hook always.0 ({sys.executable}): it"
    assert told == [
        f"{program} failed with exit code 7: the server is away",
        f"{program} was ended by SIGSEGV",
        "hook done.0 (no-such-program-here): it cannot be started: there is no such program",
    ]
    gone = warnings_of(python("pass"), folder=tmp_path / "gone")
    assert gone == [f"{program} cannot be started: the spec's folder {tmp_path / 'gone'} is not there any more"]


def test_only_the_hooks_of_what_happened_run(tmp_path: Path) -> None:
    hooks = [
        replace(python(f"open('{event}', 'w')"), event=event) for event in ("done", "failed", "regressed", "always")
    ]
    assert warnings_of(*hooks, folder=tmp_path, made=record(USUAL, gates=(FAILED_GATE,))) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["always", "regressed"]


def test_a_hook_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    source = (
        "import os, signal, subprocess, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '100'])\n"
        "open('pids', 'w').write(f'{os.getpid()} {child.pid}')\n"
        "time.sleep(100)"
    )
    began = time.monotonic()
    told = warnings_of(python(source, timeout=1.0), folder=tmp_path)
    assert told == [f"hook always.0 ({sys.executable}): it took more than 1.0 s and was ended"]
    assert time.monotonic() - began < 10
    for pid in map(int, (tmp_path / "pids").read_text().split()):
        assert ended(pid)


def ended(pid: int) -> bool:
    """Say whether a process is gone, or is within the instant that a kill takes."""
    limit = time.monotonic() + 5
    with suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:  # nobody may be there to reap an orphan
            if time.monotonic() > limit:
                return False
            time.sleep(0.01)
    return True


def test_a_hook_that_forks_away_keeps_nobody_waiting(tmp_path: Path) -> None:
    source = "import subprocess; print(subprocess.Popen(['sleep', '100']).pid, file=open('pid', 'w'))"
    began = time.monotonic()
    assert warnings_of(python(source), folder=tmp_path) == []
    assert time.monotonic() - began < 10
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_a_hook_that_prints_much_neither_blocks_nor_fills_memory(tmp_path: Path) -> None:
    loud = "import sys; [sys.stdout.write('x' * 99 + chr(10)) for _ in range(300_000)]; print('the end'); sys.exit(1)"
    assert warnings_of(python(loud), folder=tmp_path)[0].endswith("exit code 1: the end")
    endless = warnings_of(Hook("done", "done.0", ("yes",), timeout=0.5), folder=tmp_path)
    assert endless == ["hook done.0 (yes): it took more than 500 ms and was ended"]


def test_one_who_does_not_read_the_facts_is_not_waited_for(tmp_path: Path) -> None:
    many = tuple(GateRecord(f"gate {number}", "pass", "x" * 500) for number in range(1000))  # more than a pipe holds
    assert warnings_of(Hook("done", "done.0", ("true",)), folder=tmp_path, made=record(USUAL, gates=many)) == []


def test_hooks_run_at_the_same_time(tmp_path: Path) -> None:
    """Each waits for the file of the other."""
    wait = "import os, time\nopen('{0}', 'w')\nwhile not os.path.exists('{1}'): time.sleep(0.01)"
    hooks = [python(wait.format("a", "b"), timeout=20.0), python(wait.format("b", "a"), timeout=20.0)]
    assert warnings_of(*hooks, folder=tmp_path) == []


# -- webhooks ----------------------------------------------------------------------------------------------------------


class Server(BaseHTTPRequestHandler):
    """Answers as the path says, and keeps what it was told."""

    told: list[tuple[str, dict[str, str], Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).told.append((self.path, {k.lower(): v for k, v in self.headers.items()}, json.loads(body)))
        if self.path == "/hang":
            time.sleep(3)
            return
        if self.path == "/drip":
            with suppress(OSError):
                for _ in range(300):
                    self.wfile.write(b"H")
                    time.sleep(0.02)
            return
        if self.path == "/nonsense":
            self.wfile.write(b"\x00\xff nonsense\r\n\r\n")
            return
        status = int(self.path.strip("/").partition("/")[0])
        self.send_response(status, f"said {SECRET}")
        if 300 <= status < 400:
            self.send_header("Location", "/200")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the signature is the library's
        """Say nothing."""


@contextmanager
def served() -> Iterator[tuple[str, list[tuple[str, dict[str, str], Any]]]]:
    told: list[tuple[str, dict[str, str], Any]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Kept", (Server,), {"told": told}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[tuple[str, dict[str, str], Any]]]]:
    monkeypatch.setenv("NO_PROXY", "*")
    with served() as found:
        yield found


def webhook(url: str, **changes: Any) -> Hook:
    return Hook("always", "always.0", url=url, **changes)


def test_a_webhook_gets_the_facts(server: Any, tmp_path: Path) -> None:
    address, told = server
    assert warnings_of(webhook(f"{address}/200"), folder=tmp_path) == []
    ((path, headers, body),) = told
    assert (path, headers["content-type"], body["run"]) == ("/200", "application/json", "income@1")
    assert body == facts(end_of(record(USUAL)), "done")


def test_a_webhook_of_ones_own_words(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address, told = server
    monkeypatch.setenv("TOKEN", f"{SECRET}\n")
    hook = webhook(
        f"{address}/200",
        headers={"Authorization": "Bearer ${ENV:TOKEN}"},
        body={"content": "${ENV:MLRUN_RUN} is ${ENV:MLRUN_EVENT}", "list": ["${ENV:MLRUN_BEST}", 1]},
    )
    assert warnings_of(hook, folder=tmp_path) == []
    ((_, headers, body),) = told
    assert headers["authorization"] == f"Bearer {SECRET}"
    assert body == {"content": "income@1 is done", "list": ["xgboost", 1]}


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/500", "it answered 500"),
        ("/404", "it answered 404"),
        ("/302", "it answered 302: the address has moved, and a redirect is not followed; name the new one"),
        ("/307", "it answered 307: the address has moved, and a redirect is not followed; name the new one"),
        ("/nonsense", "it cannot be told (BadStatusLine)"),
    ],
)
def test_what_a_server_refuses_is_a_sentence_without_its_words(
    server: Any, tmp_path: Path, path: str, why: str
) -> None:
    address, told = server
    assert warnings_of(webhook(f"{address}{path}"), folder=tmp_path) == [f"hook always.0 (webhook): {why}"]
    assert len(told) == 1


@pytest.mark.parametrize("path", ["/hang", "/drip"])
def test_a_server_that_keeps_one_waiting_is_left(server: Any, tmp_path: Path, path: str) -> None:
    address, _ = server
    began = time.monotonic()
    (told,) = warnings_of(webhook(f"{address}{path}", timeout=0.3), folder=tmp_path)
    assert told.endswith(("no answer in time", "it took more than 300 ms and was ended"))
    assert time.monotonic() - began < 2.8


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/x", "javascript:x", "http://", "x", ""])
def test_no_other_scheme_is_opened_also_where_a_variable_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("ADDRESS", address)
    (told,) = warnings_of(webhook("${ENV:ADDRESS}"), folder=tmp_path)
    assert told == "hook always.0 (webhook): the address does not begin with http:// or https://, then the host"


def test_nobody_at_the_address_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    with served() as (address, _):
        pass
    assert warnings_of(webhook(address), folder=tmp_path) == [
        "hook always.0 (webhook): it cannot be reached: Connection refused"
    ]


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_what_is_filled_in_is_never_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", SECRET)
    monkeypatch.setenv("HOST_OF_HOOK", f"http://127.0.0.1:9/{SECRET}")
    monkeypatch.setenv("BROKEN", f"http://[{SECRET}")
    monkeypatch.setenv("TWO_LINES", f"{SECRET}\r\nX: y")
    leaky = replace(python(""), command=("sh", "-c", 'echo "no access with $0" >&2; exit 1', "${ENV:TOKEN}"))
    told = warnings_of(
        leaky,
        webhook("${ENV:HOST_OF_HOOK}"),
        webhook("${ENV:BROKEN}"),
        webhook("http://127.0.0.1:9/", headers={"Authorization": "${ENV:TWO_LINES}"}),
        replace(python(""), command=("${ENV:TOKEN}",)),
        folder=tmp_path,
    )
    assert len(told) == 5
    assert SECRET not in "".join(told)
    assert "hook always.0 (sh): it failed with exit code 1: no access with ${ENV:TOKEN}" in told


def test_a_variable_that_is_not_set_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET_ANYWHERE", raising=False)
    assert warnings_of(webhook("${ENV:NOT_SET_ANYWHERE}"), folder=tmp_path) == [
        "hook always.0 (webhook): the environment variable NOT_SET_ANYWHERE is not set"
    ]


# -- with train --------------------------------------------------------------------------------------------------------

SPEC = """
experiment: nightly
data: {source: sklearn, name: iris}
models: [lda]
evaluation: none
split: {folds: 2}
"""
TELL = "touch ${ENV:MLRUN_EVENT}"
HOOKS = f"hooks: {{done: '{TELL}', failed: '{TELL}', regressed: '{TELL}'}}\n"
FAILING_GATE = "gates: [{metric: accuracy, at_least: 1.1}]\n"


def train(folder: Path, text: str, *options: str) -> int:
    spec = write_spec(folder, SPEC + text)
    return command(["train", str(spec), "--executor", "serial", "--quiet", *options])


def happened(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name in {"done", "failed", "regressed"})


def test_train_runs_the_hooks_of_its_end(tmp_path: Path) -> None:
    assert train(tmp_path, HOOKS) == 0
    assert happened(tmp_path) == ["done"]


def test_a_failed_gate_is_told_as_a_regression(tmp_path: Path) -> None:
    assert train(tmp_path, HOOKS + FAILING_GATE) == 1
    assert happened(tmp_path) == ["regressed"]


def test_trials_that_fail_are_told_as_a_failure(tmp_path: Path) -> None:
    (tmp_path / "fails_here.py").write_text("def build(params, seed):\n    raise ValueError('never')\n")
    assert train(tmp_path, HOOKS, "--set", "models.mine={family: 'fails_here:build'}") == 4
    assert happened(tmp_path) == ["failed"]


def test_an_error_before_there_is_a_run_is_told_as_a_failure(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert train(tmp_path, HOOKS.replace(TELL, 'sh -c "echo $MLRUN_TEXT > failed"'), "--set", "data.name=iriss") == 2
    assert happened(tmp_path) == ["failed"]
    told = (tmp_path / "failed").read_text()
    assert told.startswith("nightly stopped with an error: ")
    assert "iriss" in told
    assert "iriss" in capfd.readouterr().err


def test_an_error_in_the_middle_of_a_run_is_told_as_a_failure_of_that_run(tmp_path: Path) -> None:
    gone = "import pathlib, shutil\n\ndef build(params, seed):\n    shutil.rmtree(pathlib.Path('runs/nightly/0001'))\n"
    (tmp_path / "takes_it_away.py").write_text(gone)
    told = "hooks: {failed: [{run: [sh, -c, 'echo $MLRUN_RUN $MLRUN_STATUS $MLRUN_EXIT_CODE > failed']}]}\n"
    spec = write_spec(tmp_path, SPEC.replace("[lda]", "{mine: {family: 'takes_it_away:build'}}") + told)
    with started(spec, "--executor", "serial") as process:
        process.communicate(timeout=60)
    assert process.returncode == 74
    assert (tmp_path / "failed").read_text() == "nightly@1 error 74\n"


def test_a_spec_that_cannot_be_read_has_no_hooks(tmp_path: Path) -> None:
    assert train(tmp_path, HOOKS + "modles: [x]\n") == 2
    assert happened(tmp_path) == []


def test_a_hook_finds_the_run_by_its_name(tmp_path: Path) -> None:
    show = f"{sys.executable} -c 'from mlrun.cli import main; main()' show ${{ENV:MLRUN_RUN}} --markdown shown.md"
    write_spec(tmp_path, SPEC)
    assert train(tmp_path, f'hooks: {{done: "{show}"}}\n', "--runs", str(tmp_path / "elsewhere")) == 0
    assert (tmp_path / "shown.md").read_text().startswith("# nightly@1")


def test_a_reader_who_has_read_enough_takes_neither_hooks_nor_exit_code(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, SPEC + FAILING_GATE + HOOKS)
    program = f"{sys.executable} -c 'from mlrun.cli import main; main()' train {spec} --executor serial"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {program} | true"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "Error" not in done.stderr
    assert happened(tmp_path) == ["regressed"]


def test_no_hooks_runs_none_and_neither_does_a_train_that_a_hook_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train(tmp_path, HOOKS, "--no-hooks") == 0
    monkeypatch.setenv("MLRUN_EVENT", "done")
    assert train(tmp_path, HOOKS, "--fresh") == 0
    assert happened(tmp_path) == []


def test_where_nothing_has_changed_nothing_has_happened(tmp_path: Path) -> None:
    train(tmp_path, "")
    assert train(tmp_path, HOOKS, "--if-changed") == 0
    assert happened(tmp_path) == []


def test_hooks_change_neither_the_run_nor_its_exit_code_nor_its_identity(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(tmp_path, "") == 0
    before = read_run(tmp_path / "runs/nightly/0001")
    capfd.readouterr()
    spoil = "hooks: {always: [{run: [sh, -c, 'exit 9']}, {run: [sleep, '60'], timeout: 0.2}]}\n"
    assert train(tmp_path, spoil) == 0
    folder = tmp_path / "runs/nightly/0002"
    after = read_run(folder)
    assert (after.spec_id, after.fits.reused) == (before.spec_id, 4)  # each grid point of lda
    manifest = json.loads((folder / "manifest.json").read_bytes())["files"]
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there == {*manifest, "run.json", "manifest.json", "lock"}
    assert all(sha256_of(folder / name) == digest for name, digest in manifest.items())
    told = capfd.readouterr()
    assert "warning: hook always.0 (sh): it failed with exit code 9" in told.err
    assert "warning: hook always.1 (sleep): it took more than 200 ms and was ended" in told.err
    assert told.out.startswith("verdict: ")


def test_a_variable_that_a_hook_lacks_is_told_before_the_training(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET_ANYWHERE", raising=False)
    assert train(tmp_path, "hooks: {failed: {url: '${ENV:NOT_SET_ANYWHERE}'}}\n") == 0
    told = "hook failed.0 (webhook) will not run: the environment variable NOT_SET_ANYWHERE, which it names, is not set"
    assert told in capfd.readouterr().err


def test_a_secret_is_in_no_file_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Any) -> None:
    address, told = server
    monkeypatch.setenv("TOKEN", SECRET)
    text = f"hooks: {{done: [{{url: '{address}/200/${{ENV:TOKEN}}'}}, {{run: [echo, '${{ENV:TOKEN}}']}}]}}\n"
    assert train(tmp_path, text) == 0
    assert [path for path, _, _ in told] == [f"/200/{SECRET}"]
    for path in (tmp_path / "runs").rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()


def test_ctrl_c_while_hooks_run_ends_them_and_leaves_the_run_as_it_is(tmp_path: Path) -> None:
    slow = "hooks: {always: {run: [sh, -c, 'echo $$ > pid; sleep 100']}}\n"
    spec = write_spec(tmp_path, SPEC + FAILING_GATE + slow)
    with started(spec, "--executor", "serial") as process:
        assert wait_for((tmp_path / "pid").exists, process)
        assert wait_for(lambda: (tmp_path / "pid").read_text().strip(), process)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=10)
    assert process.returncode == 1
    assert "verdict: " in output
    assert "warning: the hooks were ended; the run itself has come to its end" in errors
    assert ended(int((tmp_path / "pid").read_text()))
    assert read_run(tmp_path / "runs/nightly/0001").exit_code == 1


def test_one_who_asks_a_train_to_stop_runs_no_hooks(tmp_path: Path) -> None:
    (tmp_path / "slow_here.py").write_text(
        "import time\n\ndef build(params, seed):\n    open('begun', 'w')\n    time.sleep(60)\n"
    )
    spec = write_spec(tmp_path, SPEC.replace("[lda]", "{mine: {family: 'slow_here:build'}}") + HOOKS)
    with started(spec, "--executor", "serial") as process:
        assert wait_for((tmp_path / "begun").exists, process)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 143
    assert happened(tmp_path) == []
