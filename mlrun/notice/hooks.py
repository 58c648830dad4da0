"""From hooks and facts to hooks that have run, all at once, each within its time; what goes wrong is a sentence."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mlrun.errors import UsageError
from mlrun.events import Hook
from mlrun.notice.facts import NAMES, End, events_of, facts, variables
from mlrun.notice.program import Program
from mlrun.notice.secrets import filled, missing
from mlrun.notice.webhook import Webhook
from mlrun.wording import duration

LOOK_SECONDS = 0.02
GRACE_SECONDS = 1.0  # between the request to end and the end by force


class Call(Protocol):
    """A hook under way."""

    @property
    def output(self) -> int | None:
        """Return the file that it writes to and that must be read; None when there is none."""

    def result(self) -> str | None:
        """Return '' when it went well, a sentence when it did not, None while it runs."""

    def ask_to_end(self) -> None:
        """Ask it to end."""

    def end(self) -> None:
        """End it now, by force."""

    def close(self) -> None:
        """Let go of what it holds."""


@dataclass(slots=True)
class Begun:
    """A hook under way, and when its time is over; asked: to end."""

    hook: Hook
    call: Call
    deadline: float
    asked: bool = False


def warn_of_missing(hooks: Sequence[Hook]) -> Iterator[str]:
    """Yield a sentence for each variable that hooks name and that is not set, while there is time to set it."""
    for hook in hooks:
        for name in missing(hook, os.environ, NAMES):
            yield f"hook {told(hook)} will not run: the environment variable {name}, which it names, is not set"


def run_hooks(hooks: Sequence[Hook], end: End, folder: str) -> Generator[str]:
    """Run the hooks of what happened, all at once, in the spec's folder; yield a sentence for each that went wrong.

    Never raises for what a hook does. When the caller is interrupted, all that was started is ended.
    """
    happened = events_of(end)
    begun: list[Begun] = []
    try:
        for hook in hooks:
            event = happened[0] if hook.event == "always" else hook.event
            if event not in happened:
                continue
            try:
                begun.append(begin(hook, facts(end, event), folder))
            except UsageError as error:
                yield f"hook {told(hook)}: {error}"
        yield from wait_for(begun)
    finally:
        for each in begun:
            each.call.ask_to_end()
        if begun:
            time.sleep(GRACE_SECONDS / 2)
        for each in begun:
            each.call.end()
            each.call.close()


def begin(hook: Hook, known: Mapping[str, Any], folder: str) -> Begun:
    """Start a hook; raise UsageError where that cannot be."""
    named = variables(known)
    ready = filled(hook, os.environ, named)
    deadline = time.monotonic() + hook.timeout
    if hook.url:
        content = known if ready.hook.body is None else ready.hook.body
        return Begun(hook, Webhook(ready.hook.url, ready.hook.headers, content, hook.timeout), deadline)
    return Begun(hook, Program(ready, folder, known, named), deadline)


def wait_for(begun: list[Begun]) -> Iterator[str]:
    """Wait for each until its end or the end of its time; yield what went wrong."""
    while begun:
        for each in list(begun):
            result = each.call.result()
            over = time.monotonic() - each.deadline
            if result is None and over >= 0 and not each.asked:
                each.call.ask_to_end()
                each.asked = True
            if result is None and over < GRACE_SECONDS:
                continue
            if each.asked:
                each.call.end()  # what it has started, too
                result = f"it took more than {duration(each.hook.timeout)} and was ended"
            begun.remove(each)
            each.call.close()
            if result:
                yield f"hook {told(each.hook)}: {result}"
        listen([each.call.output for each in begun])


def listen(outputs: Sequence[int | None]) -> None:
    """Wait a moment, less where somebody says something; do nothing when there is nobody left."""
    waiting = select.poll()
    for output in outputs:
        if output is not None:
            waiting.register(output, select.POLLIN)
    if outputs:
        waiting.poll(LOOK_SECONDS * 1000)


def told(hook: Hook) -> str:
    """Return where a hook stands and what it is, as it is written: nothing that was filled in."""
    return f"{hook.name} ({'webhook' if hook.url else hook.command[0]})"
