"""Jobs that do what fits do: give a value, take their time, raise, exit, crash, hang."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Do:
    """A job that does one of the things that fits do."""

    key: str
    what: str = "double"
    value: Any = 0
    isolated: bool = False
    timeout: float | None = None

    def run(self) -> Any:
        return getattr(self, f"_{self.what}")()

    def _double(self) -> Any:
        return self.value * 2

    def _pid(self) -> int:
        return os.getpid()

    def _sleep(self) -> float:
        time.sleep(self.value)
        return float(self.value)

    def _raise(self) -> None:
        raise self.value

    def _exit(self) -> None:
        sys.exit(self.value)

    def _leave(self) -> None:
        os._exit(self.value)

    def _signal(self) -> None:
        os.kill(os.getpid(), self.value)
        time.sleep(30)

    def _once(self) -> str:
        """Die the first time, as when memory was short because of the neighbours."""
        path = Path(self.value)
        if not path.exists():
            path.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return "second time lucky"

    def _unpicklable(self) -> Any:
        return lambda: None

    def _print(self) -> None:
        print("chatter of a fit")

    def _environment(self) -> str | None:
        return os.environ.get("OMP_NUM_THREADS")

    def _grandchild(self) -> None:
        child = subprocess.Popen(["sleep", "60"])
        Path(self.value).write_text(str(child.pid))
        time.sleep(60)


@dataclass
class Starts:
    seen: list[tuple[str, int, bool]] = field(default_factory=list)

    def __call__(self, key: str, pid: int, in_main: bool) -> None:
        self.seen.append((key, pid, in_main))

    def of(self, key: str) -> list[tuple[int, bool]]:
        return [(pid, in_main) for seen, pid, in_main in self.seen if seen == key]


@dataclass(frozen=True)
class Slow(Do):
    def load(self) -> None:
        time.sleep(0.3)
