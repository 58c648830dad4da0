"""The journal in the words of a run: fits that began, ended or failed; what an interrupted run had finished."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun.fit import FitValue
from mlrun.journal import Journal
from mlrun.records import Failure, Fold, Outcome, Trial
from mlrun.runs import write_atomically

Scores = Mapping[str, float | None]


class RunLog:
    """Writes each finished fit before the next is looked at; reads back what was finished before a kill."""

    def __init__(self, path: Path) -> None:
        self._journal = Journal.open(path)
        self._finished: dict[tuple[str, str], tuple[str, Scores]] = {}
        self.timings: list[dict[str, Any]] = []
        self.curves: list[dict[str, Any]] = []
        self.failed_fits = 0
        self._running: set[str] = set()  # began in this process, and nothing is written of their end
        begun: set[str] = set()
        for event in self._journal.events:
            self._recall(event, begun)
        self.suspects = frozenset(begun)  # in the main process when it died: they run alone in a child
        self.resumed_fits = len(self.timings)

    def _recall(self, event: Mapping[str, Any], begun: set[str]) -> None:
        kind = event["event"]
        if kind == "started":
            begun.add(event["fit"])
        elif kind == "fit":
            begun.discard(event["fit"])
            for result in event["results"]:
                self._finished[result["trial"], event["fold"]] = (_canonical(result["params"]), result["scores"])
            self.timings.append(event["timing"])
            self.curves.extend(event["curves"])
        elif kind in ("failed", "ended"):
            begun.discard(event["fit"])

    @property
    def first(self) -> Mapping[str, Any] | None:
        """Return the event that says of which spec and data the journal is; None when it is not there, or damaged."""
        events = self._journal.events
        return events[0] if events and events[0]["event"] == "begin" else None

    @property
    def is_blank(self) -> bool:
        """Say whether nothing was written yet, damaged lines included."""
        return not self._journal.events and not self._journal.damaged

    @property
    def damaged(self) -> int:
        """Return the number of lines whose checksum is wrong: what they said of is done again."""
        return self._journal.damaged

    def begin(self, **facts: Any) -> None:
        """Write whose journal this is; once, as its first line."""
        if self.first is None:
            self._journal.append({"event": "begin", **facts}, sync=True)

    def finished(self, trial: Trial, fold: Fold) -> Scores | None:
        """Return a trial's scores on a fold, when an interrupted run had finished it."""
        known = self._finished.get((trial.id, fold.name))
        return known[1] if known is not None and known[0] == _canonical(trial.params) else None

    def write_started(self, key: str) -> None:
        """Note that a fit begins in this process, which it may take down with it."""
        self._journal.append({"event": "started", "fit": key}, sync=False)
        self._running.add(key)

    def write_ended(self, key: str) -> None:
        """Note that a fit that began here let this process live, where no other line says so."""
        if key in self._running:
            self._running.discard(key)
            self._journal.append({"event": "ended", "fit": key}, sync=False)

    def write_fit(self, key: str, trials: Sequence[Trial], fold: Fold, outcome: Outcome) -> None:
        """Write a fit's end before it is told; of short fits the disk is waited for ten times a second."""
        self._running.discard(key)
        if outcome.failure is not None:
            self.failed_fits += 1
            self.timings.append(_failed_timing(key, trials[0].model, outcome, outcome.failure))
            failure = {"reason": outcome.failure.reason, "error": outcome.failure.error}
            self._journal.append({"event": "failed", "fit": key, "failure": failure}, sync=True)
            return
        value: FitValue = outcome.value
        params = {trial.id: trial.params for trial in trials}
        curves = [
            {
                "trial": answer.trial,
                "fold": fold.name,
                "curves": {name: list(losses) for name, losses in answer.curves.losses.items()},
                "rounds": {name: list(rounds) for name, rounds in answer.curves.rounds.items()},
            }
            for answer in value.answers
            if answer.curves.losses
        ]
        results = [
            {"trial": answer.trial, "params": params[answer.trial], "scores": dict(answer.scores)}
            for answer in value.answers
        ]
        timing = _timing(key, trials[0].model, outcome, value)
        event = {"event": "fit", "fit": key, "fold": fold.name, "results": results, "timing": timing, "curves": curves}
        self._journal.append(event, sync=self._journal.is_due)
        self.timings.append(timing)
        self.curves.extend(curves)

    def warnings(self, model: str) -> Mapping[str, int]:
        """Return each warning of a model's fits, with how many of them gave it; those before a kill count too."""
        return Counter(
            warning
            for timing in self.timings
            if timing["model"] == model and timing["status"] == "done"
            for warning in timing["warnings"]
        )

    def spent_cpu_seconds(self) -> Mapping[str, float]:
        """Return the CPU seconds that each model's fits have taken so far."""
        spent: dict[str, float] = defaultdict(float)
        for timing in self.timings:
            spent[timing["model"]] += timing["cpu_seconds"]
        return spent

    def write_tables(self, folder: Path) -> None:
        """Write timings.jsonl and curves.jsonl into the run folder."""
        write_atomically(folder / "timings.jsonl", _lines(self.timings, "fit"))
        write_atomically(folder / "curves.jsonl", _lines(self.curves, "trial", "fold"))

    def close(self) -> None:
        self._journal.close()


def _timing(key: str, model: str, outcome: Outcome, value: FitValue) -> dict[str, Any]:
    return {
        "fit": key,
        "model": model,
        "status": "done",
        "fit_seconds": round(value.fit_seconds, 6),
        "predict_seconds": round(value.predict_seconds, 6),
        "wall_seconds": round(outcome.wall_seconds, 6),
        "cpu_seconds": round(outcome.cpu_seconds, 6),
        "rows_per_second": round(value.rows / value.fit_seconds) if value.fit_seconds > 0 else None,
        "peak_bytes": outcome.peak_bytes,
        "warnings": list(value.warnings),
    }


def _failed_timing(key: str, model: str, outcome: Outcome, failure: Failure) -> dict[str, Any]:
    return {
        "fit": key,
        "model": model,
        "status": failure.reason,
        "error": failure.error,
        "message": failure.message[:2000],
        "wall_seconds": round(outcome.wall_seconds, 6),
        "cpu_seconds": round(outcome.cpu_seconds, 6),
    }


def _lines(rows: Sequence[Mapping[str, Any]], *keys: str) -> bytes:
    """Return rows as JSON lines, the same whether they were written by this process or read back after a kill."""
    ordered = sorted(rows, key=lambda row: [str(row[key]) for key in keys])
    return b"".join(json.dumps(row, sort_keys=True).encode() + b"\n" for row in ordered)


def _canonical(params: Mapping[str, Any]) -> str:
    return json.dumps(params, sort_keys=True, default=list)
