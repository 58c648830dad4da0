"""mlrun's train in this process: a spec run to its end, its events kept, its run folder read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlrun.events import Event, FitStarted, RunClaimed
from mlrun.run_options import TrainOptions
from mlrun.train import train


@dataclass(frozen=True)
class Done:
    """What became of a run; folder None when none was made."""

    events: tuple[Event, ...]
    begun: tuple[FitStarted, ...]
    folder: Path | None

    @property
    def trials(self) -> bytes:
        return self.read("trials.jsonl")

    @property
    def record(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.read("run.json"))
        return content

    @property
    def reasons(self) -> dict[str, str]:
        """Return trial → status and reason."""
        lines = map(json.loads, self.trials.splitlines())
        return {line["id"]: f"{line['status']} {line['reason']}".strip() for line in lines}

    @property
    def pids(self) -> set[int]:
        """Return the processes in which fits ran."""
        return {event.pid for event in self.begun}

    def read(self, name: str) -> bytes:
        assert self.folder is not None
        return (self.folder / name).read_bytes()


def write_spec(folder: Path, text: str) -> Path:
    """Write a spec where its runs stay beside it."""
    (folder / "runs").mkdir(parents=True, exist_ok=True)
    (folder / "spec.yaml").write_text(text)
    return folder / "spec.yaml"


def run(spec: Path, *overrides: str, **options: Any) -> Done:
    """Run a spec in this process: serially, and without an evaluation, if nothing else is asked for."""
    begun: list[FitStarted] = []
    asked = "evaluation" in spec.read_text() or any(override.startswith("evaluation") for override in overrides)
    overrides = overrides if asked else (*overrides, "evaluation=none")
    events = tuple(train(spec, overrides, TrainOptions(**{"executor": "serial", "jobs": 1, **options}), begun.append))
    claimed = next((event for event in events if isinstance(event, RunClaimed)), None)
    return Done(events, tuple(begun), None if claimed is None else Path(claimed.folder))
