"""What holds for all tests: clocks are looked at as briefly as can be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mlrun import latency


@pytest.fixture(scope="session", autouse=True)
def few_timings() -> Iterator[None]:
    """Ask each champion two questions where its time is taken: how long it needs is not what tests of runs look at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(latency, "CALLS", 2)
        patch.setattr(latency, "FEW_CALLS", 2)
        yield
