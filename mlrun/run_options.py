"""How to run and what to export, never what a run is: nothing here enters its identity."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """The options of `mlrun train`; jobs None = one for each physical core. `sample` marks its run as a try-out.

    no_sharing: each trial is fitted apart, for the check that sharing changes nothing.
    wait_at_most: seconds, None = without an end.
    """

    jobs: int | None = None
    executor: str = "joblib"
    runs: str | None = None
    fresh: bool = False
    wait: bool = False
    wait_at_most: int | None = None
    no_cache: bool = False
    no_sharing: bool = False
    if_changed: bool = False
    sample: int | None = None


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is asked of an export: a finished run's folder, one of its models (None = the best), and where to.

    output: a file, a folder or an address, never empty. trust: modules of the user's that a model may need.
    force: what stands at `output` may be replaced.
    """

    run: Path
    output: str
    model: str | None = None
    trust: tuple[str, ...] = ()
    force: bool = False
