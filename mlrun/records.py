"""The values that travel between the steps: frozen, with tuples and mappings inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy.typing as npt
    import polars as pl

    Array = npt.NDArray[Any]

Label = str | int | float | bool
Params = Mapping[str, Any]
TaskKind = Literal["classification", "regression", "anomaly"]
ColumnKind = Literal["numeric", "boolean", "category", "text", "date"]
FailureReason = Literal["raised", "exited", "crashed", "killed", "timeout", "invalid_output", "member_failed"]
TrialStatus = Literal["done", "failed", "timeout", "skipped"]
Severity = Literal["fail", "warn"]
FindingStatus = Literal["pass", "warn", "fail", "info", "vacuous", "not_run", "error"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something stands; line and column count from 1, 0 = unknown."""

    file: str
    line: int = 0
    column: int = 0
    text: str = ""

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: what is wrong, where, and the way out."""

    message: str
    place: Place | None = None
    cure: str = ""

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        stop = "" if self.message.endswith((".", "?", "!")) else "."
        told = f"{where}{self.message}" + (f"{stop} {self.cure}" if self.cure else "")
        return told + (f"\n    {self.place.text.strip()}" if self.place and self.place.text.strip() else "")


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be predicted; labels in code order, the positive class last when there are two.

    For anomaly detection the labels are (normal, anomaly) when the data has a target, else ().
    """

    kind: TaskKind
    labels: tuple[Label, ...] = ()
    costs: Mapping[str, float] = field(default_factory=dict)

    @property
    def binary(self) -> bool:
        return len(self.labels) == 2

    @property
    def multiclass(self) -> bool:
        return len(self.labels) > 2

    @property
    def positive(self) -> Label | None:
        return self.labels[1] if self.binary else None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of n rows.

    values: (n,) class codes (int64) for classification and anomaly (1 = anomaly), float64 for regression.
    probabilities: (n, k) in code order, or None.
    scores: (n,) for two classes and anomalies (higher = positive, more anomalous), (n, k) for more, or None.
    """

    values: Array
    probabilities: Array | None = None
    scores: Array | None = None


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """A metric that a spec asks for: its canonical name and every parameter, defaults written out."""

    name: str
    params: Params = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The key of its scores everywhere, such as `rmse` or `precision_at(k=0.05)`."""
        if not self.params:
            return self.name
        return f"{self.name}({', '.join(f'{key}={value}' for key, value in sorted(self.params.items()))})"


@dataclass(frozen=True, slots=True)
class Column:
    """A feature as the models get it."""

    name: str
    kind: ColumnKind
    dtype: str
    missing: int = 0
    distinct: int = 0


@dataclass(frozen=True, slots=True)
class Dataset:
    """A loaded table, typed; every array has one entry a row of `table`.

    table holds all columns as loaded; only `features` reach a model.
    truth: class codes (int64), float64, or None (anomaly without target).
    row_ids: the id column, or the position in the row's own file (int64 or str).
    test_start: where the rows of the test file begin, when it is a file of its own; else None.
    target: the column that truth was read from; '' = none. folder: where a user's files and modules are looked up.
    """

    table: pl.DataFrame
    task: Task
    features: tuple[Column, ...]
    withheld: tuple[tuple[str, str], ...]
    truth: Array | None
    row_ids: Array
    groups: Array | None = None
    times: Array | None = None
    weights: Array | None = None
    test_start: int | None = None
    notes: tuple[str, ...] = ()
    source: Mapping[str, Any] = field(default_factory=dict)
    schema: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Fold:
    """One of k inside train: positions in the dataset, ascending."""

    repeat: int
    index: int
    train: Array
    valid: Array

    @property
    def name(self) -> str:
        return f"{self.repeat}.{self.index}"


@dataclass(frozen=True, slots=True)
class Split:
    """Train and test, once, and the folds inside train."""

    train: Array
    test: Array
    folds: tuple[Fold, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """One family with one set of hyperparameters, on all folds."""

    id: str
    model: str
    family: str
    params: Params
    fidelity: float = 1.0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a fit gave nothing; `reason` and `error` (the exception's class) are the same on every machine."""

    reason: FailureReason
    error: str = ""
    message: str = ""

    @property
    def code(self) -> str:
        return f"{self.reason}: {self.error}" if self.error else self.reason


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one job on an executor: a value or a failure, and what it cost."""

    key: str
    value: Any = None
    failure: Failure | None = None
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0


@dataclass(frozen=True, slots=True)
class TrialResult:
    """A finished trial: its score on each fold (None = not defined there), or the reason why it failed."""

    trial: Trial
    status: TrialStatus
    scores: Mapping[str, tuple[float | None, ...]]
    reason: str = ""
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its confidence interval; None where it is not defined."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """The first less the second on the same rows, in the metric's own unit (not turned by its direction).

    p_value: two-sided, of no difference; None where nothing can be said.
    method: the test that was used, as a reader would look it up.
    """

    difference: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    method: str = ""


@dataclass(frozen=True, slots=True)
class PlannedTest:
    """One evaluation test: a check under a name, every parameter written out; asked: by the author, not by `auto`."""

    check: str
    name: str
    params: Params = field(default_factory=dict)
    asked: bool = True


@dataclass(frozen=True, slots=True)
class WorstRow:
    """A row that failed a test by much: its id, what was said before and after the edit (or truth and prediction)."""

    row: Label
    old: Label | None = None
    new: Label | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found of one model in one test and variant ('' = the whole test); a line of findings.jsonl.

    model: '' = it is about the run. status: info = measured, and no bound was asked for.
    value, low, high: the `measure` with its interval, in its own unit; threshold: the bound that it is held to.
    p_value: of no violation, where the judgement is a test; Holm's procedure holds them together.
    n: rows that count; n_changed: rows whose output moved. reason: one sentence for people.
    details: plain data behind it: what tables and pictures are drawn from.
    """

    check: str
    test: str
    model: str
    variant: str = ""
    status: FindingStatus = "info"
    severity: Severity = "fail"
    measure: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    threshold: float | None = None
    p_value: float | None = None
    n: int | None = None
    n_changed: int | None = None
    worst_rows: tuple[WorstRow, ...] = ()
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
