"""A hook that is a command: started in a process group of its own, listened to, ended with all that it started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from mlrun.errors import UsageError
from mlrun.notice.secrets import Filled

KEPT = 4096  # bytes of what it said last


class Program:
    """A command under way. Its output is read so that it never waits for us; the end of it is kept."""

    def __init__(self, hook: Filled, folder: str, facts: Mapping[str, Any], variables: Mapping[str, str]) -> None:
        """Start it in the folder, the facts on its standard input; raise UsageError where that cannot be."""
        self._said = b""
        self._masked = hook.masked
        try:
            with tempfile.TemporaryFile() as given:  # not a pipe: one who does not read it keeps nobody waiting
                given.write(json.dumps(facts).encode() + b"\n")
                given.seek(0)
                self._process = subprocess.Popen(
                    list(hook.hook.command),
                    cwd=folder,
                    env={**os.environ, **variables},
                    stdin=given,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except (OSError, ValueError) as error:
            raise UsageError(f"it cannot be started: {why_not(error, folder)}") from error
        self._output = self._process.stdout
        if self._output is not None:
            os.set_blocking(self._output.fileno(), False)

    @property
    def output(self) -> int | None:
        """Return what to listen to; None when it has closed its output."""
        return None if self._output is None else self._output.fileno()

    def listen(self) -> None:
        """Take what it has said by now, at most a little, and keep the end."""
        for _ in range(64):
            if self._output is None:
                return
            try:
                said = os.read(self._output.fileno(), 65536)
            except BlockingIOError:
                return
            self._said = (self._said + said)[-KEPT:]
            if not said:
                self.close()

    def result(self) -> str | None:
        """Return '' when it has ended well, why not when it has ended otherwise, None while it runs."""
        self.listen()
        code = self._process.poll()
        if code is None:
            return None
        self.listen()
        if code == 0:
            return ""
        how = f"was ended by {signal_name(-code)}" if code < 0 else f"failed with exit code {code}"
        last = self.last_line()
        return f"it {how}" + (f": {last}" if last else "")

    def last_line(self) -> str:
        """Return the last line that it said, at most so much of it as a warning can bear."""
        lines = [self._masked(line.strip()) for line in self._said.decode("utf-8", "backslashreplace").splitlines()]
        return next((line[-300:] for line in reversed(lines) if line), "")

    def ask_to_end(self) -> None:
        """Ask the whole process group to end."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGTERM)

    def end(self) -> None:
        """End the whole process group by force, and wait for it."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Let go of its output; whatever it has left running in the background is no business of ours."""
        if self._output is not None:
            self._output.close()
            self._output = None


def why_not(error: OSError | ValueError, folder: str) -> str:
    """Return in a few words why a program could not be started."""
    if not os.path.isdir(folder):  # noqa: PTH112 - a plain string that Popen was given
        return f"the spec's folder {folder} is not there any more"
    if isinstance(error, FileNotFoundError):
        return "there is no such program"
    if isinstance(error, PermissionError):
        return "it is not executable (chmod +x), or no program"
    return error.strerror or str(error) if isinstance(error, OSError) else "a NUL stands in it"


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
