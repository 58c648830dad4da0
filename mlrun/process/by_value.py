"""Whether data travels with a job or is mapped from a file: a worker on another machine may not see our files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_wanted: ContextVar[bool] = ContextVar("by_value", default=False)


def is_by_value() -> bool:
    """Say whether what is pickled now must carry its data along."""
    return _wanted.get()


@contextmanager
def by_value() -> Iterator[None]:
    """Let whatever is pickled inside carry its data along."""
    before = _wanted.set(True)
    try:
        yield
    finally:
        _wanted.reset(before)
