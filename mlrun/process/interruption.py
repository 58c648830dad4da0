"""From SIGINT and SIGTERM to an exception that lets everything be closed, or to an end within seconds."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mlrun.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE_SECONDS = 4.0  # tracking.md, section 5: all children are gone within 5 s


class Stopped(KeyboardInterrupt):
    """A signal asked to stop. Not an Exception, so that no library takes it for a failed fit."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextmanager
def stoppable() -> Iterator[None]:
    """Let the first SIGINT or SIGTERM stop what runs here; later ones do not disturb the cleaning up.

    Raises Interrupted once everything inside is closed.

    Python runs a handler only between two of its own steps, and a fit in this process may be one long step of a
    library. So a thread hears of the signal as well: when the time is over it ends the process. Nothing is lost by
    that (the journal holds each finished fit), and workers die with this process.

    A signal that is ignored (nohup, a background job of a script) stays so. Does nothing outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    over = threading.Event()
    heard, told = os.pipe()
    os.set_blocking(told, False)
    before_told = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    before = {number: signal.signal(number, raise_stopped) for number in ours}
    threading.Thread(target=end_in_time, args=(heard, frozenset(ours), over), daemon=True).start()
    try:
        yield
    except Stopped as stop:
        raise Interrupted("what is finished is kept; the same command goes on with it", stop.number) from stop
    finally:
        over.set()
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before_told)
        os.close(told)  # ends the thread, which closes its own end


def raise_stopped(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a signal handler
    """Raise Stopped, once."""
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise Stopped(number)


def end_in_time(heard: int, ours: frozenset[int], over: threading.Event) -> None:
    """Wait for one of our signals; end the process when it is not over a few seconds later."""
    with open(heard, "rb", buffering=0) as pipe:
        while number := pipe.read(1):
            if number[0] in ours and not over.wait(GRACE_SECONDS):
                os.write(2, b"stopped: a fit did not let go in time; the same command goes on from what is finished\n")
                os._exit(128 + number[0])
