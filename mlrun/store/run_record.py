"""What run.json says of a finished run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlrun.records import Interval, Label, TaskKind

FORMAT = 1
RunStatus = Literal["complete", "failed"]
Answer = Literal["yes", "no", "undecided", "not asked"]
Stale = Literal["", "contains-verbatim", "contains-identifier", "influenced"]
WEIGHT: tuple[Answer, ...] = ("no", "undecided", "yes", "not asked")  # of several answers, the first of these decides


@dataclass(frozen=True, slots=True)
class MetricRecord:
    """A metric as the run used it; the first of a run chooses."""

    label: str
    direction: Literal["maximize", "minimize"]


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """The task; labels in code order, which is the order of p_0..p_k in predictions."""

    kind: TaskKind
    labels: tuple[Label, ...] = ()
    positive: Label | None = None


@dataclass(frozen=True, slots=True)
class FoldSummary:
    """A metric over the folds: mean and standard deviation; None where it is not defined."""

    mean: float | None
    sd: float | None = None


@dataclass(frozen=True, slots=True)
class BudgetRecord:
    """Trials that a family was granted (None = no bound) and that it used."""

    granted: int | None
    used: int


@dataclass(frozen=True, slots=True)
class SensitivityRecord:
    """How much of the variance of a search's scores, over what was tried, each hyperparameter explains alone (0 to 1).

    shares: the largest first. together: what only several of them explain. trials: that it was read from.
    method: exact = every combination was tried; forest = a random forest over the trials (fANOVA).
    """

    shares: Mapping[str, float]
    together: float
    trials: int
    method: Literal["exact", "forest"]


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A line of the leaderboard: a family's champion, or a baseline.

    cv: metric label → mean and sd over folds; test: metric label → value with interval.
    trial: id of the winning trial. identity: digest of all that its refit depends on.
    file: the stored model, relative to the run folder; "" = none.
    coverage: share of rows on which a baseline says anything. reason: why nothing came of it.
    defaults: what the winner was built with beyond params: its library's defaults, and what mlrun sets (its seed).
    stale: what a stored model still holds of a person whose rows were erased after the run; "" = nothing.
    sensitivity: which hyperparameters mattered; None = too little was tried to say.
    """

    name: str
    kind: Literal["model", "baseline"]
    family: str
    params: Mapping[str, Any] = field(default_factory=dict)
    cv: Mapping[str, FoldSummary] = field(default_factory=dict)
    test: Mapping[str, Interval] = field(default_factory=dict)
    fit_seconds: float | None = None
    p95_ms_1_row: float | None = None
    size_bytes: int | None = None
    budget: BudgetRecord | None = None
    trial: str = ""
    simplicity_rank: int | None = None
    status: Literal["done", "failed"] = "done"
    reason: str = ""
    coverage: float | None = None
    file: str = ""
    identity: str = ""
    notes: tuple[str, ...] = ()
    stale: Stale = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    sensitivity: SensitivityRecord | None = None


@dataclass(frozen=True, slots=True)
class VerdictPart:
    """One question of the verdict: G0 to G3 ask whether the best model is good, U1 to U4 whether it is useful.

    value, low, high: the `measure` with its interval, more is better. skill: the share of what was left to gain over
    the one that it is laid beside: (mine − theirs) / (perfect − theirs).
    """

    code: str
    question: str
    answer: Answer
    measure: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    skill: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """The verdict in a word, and why; tests: what it rests on."""

    word: str
    reason: str = ""
    tests: tuple[VerdictPart, ...] = ()


@dataclass(frozen=True, slots=True)
class GateRecord:
    """What became of a gate; undecided: it was measured, and the rows are too few to say."""

    gate: str
    status: Literal["pass", "fail", "undecided", "not_run"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FitCounts:
    """Fits: planned after sharing, run, spared by reuse of earlier runs, failed; unshared: without any sharing."""

    planned: int = 0
    run: int = 0
    reused: int = 0
    failed: int = 0
    unshared: int = 0


@dataclass(frozen=True, slots=True)
class RunRecord:
    """run.json, whole; times are ISO 8601 in UTC, digests hexadecimal.

    best: name of the winning model, None when nothing could be chosen.
    references: moving names of the spec → the run that each meant (income@latest → income@3).
    sampled: rows of `--sample`; None = all rows. manifest: sha256 of manifest.json.
    spec_folder: what paths in the spec are relative to; overrides: what was set on the command line (PATH=VALUE).
    erasures: receipts of `mlrun data erase` that changed this run. digest: sha256 of run.json without it.
    seal: HMAC of run.json without seal and digest, under the key of the user who ran it, so that a run from elsewhere
    is known as such; "" = there was no key.
    """

    experiment: str
    version: int
    status: RunStatus
    started: str
    finished: str
    spec_id: str
    data_id: str
    best: str | None
    models: tuple[ModelRecord, ...]
    verdict: VerdictRecord
    gates: tuple[GateRecord, ...] = ()
    failed_trials: int = 0
    exit_code: int = 0
    rows_id: str = ""
    code_id: str = ""
    metrics: tuple[MetricRecord, ...] = ()
    task: TaskRecord | None = None
    notes: tuple[str, ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    depends_on_machine: bool = False
    sampled: int | None = None
    fits: FitCounts = field(default_factory=FitCounts)
    spec_folder: str = ""
    overrides: tuple[str, ...] = ()
    erasures: tuple[str, ...] = ()
    manifest: str = ""
    digest: str = ""
    seal: str = ""
    format: int = FORMAT

    @property
    def name(self) -> str:
        return f"{self.experiment}@{self.version}"

    @property
    def champion(self) -> ModelRecord | None:
        return next((model for model in self.models if model.kind == "model" and model.name == self.best), None)
