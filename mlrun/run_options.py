"""How to run, never what: nothing here enters a run's identity."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """The options of `mlrun train`; jobs None = one for each physical core. `sample` marks its run as a try-out.

    wait_at_most: seconds, None = without an end.
    """

    jobs: int | None = None
    executor: str = "joblib"
    runs: str | None = None
    fresh: bool = False
    wait: bool = False
    wait_at_most: int | None = None
    no_cache: bool = False
    if_changed: bool = False
    sample: int | None = None
