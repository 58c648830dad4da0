"""What holds for all tests: clocks are looked at as briefly as can be, the user's own key is left alone."""

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


@pytest.fixture(scope="session", autouse=True)
def no_job_of_ci() -> Iterator[None]:
    """Let tests say the same where they are a job of CI themselves, or were started by a hook."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "MLRUN_EVENT", "MLRUN_KEY"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def key_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the key that seals runs in a folder of the tests, for processes that they start too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
