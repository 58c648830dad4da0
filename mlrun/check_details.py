"""What lies behind a finding, from the free data of its details: a record for each kind of check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, TypeVar

from mlrun.json_records import decode, encode
from mlrun.records import Finding, Label

Details = TypeVar("Details")
RENAMED = {"from": "start", "to": "end"}  # words that no field can be called


def read(kind: type[Details], finding: Finding) -> Details | None:
    """Return a finding's details as a record; None where they are of another kind, or damaged.

    They are free data: a check of the user's own may write what it likes.
    """
    try:
        return decode(kind, plain(finding.details))
    except (ValueError, TypeError):
        return None


def plain(value: Any) -> Any:
    """Return free data as JSON knows it, with None for a number that is not finite."""
    if isinstance(value, float):
        return float(value) if isfinite(value) else None
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, Mapping):
        return {str(RENAMED.get(name, name)): plain(inner) for name, inner in value.items()}
    return encode(value)


@dataclass(frozen=True, slots=True)
class Bin:
    """A point of a reliability diagram; low, high: the band of a calibrated model."""

    n: int
    confidence: float
    observed: float
    low: float | None = None
    high: float | None = None

    @property
    def inside(self) -> bool:
        """Say whether the point lies in its band; without a band it does."""
        return self.low is None or self.high is None or self.low <= self.observed <= self.high


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of `calibration`: evaluation.md, section 3."""

    bins: tuple[Bin, ...]
    ece: float | None = None
    floor: float | None = None
    smooth_ece: float | None = None
    brier: float | None = None
    mcb: float | None = None
    dsc: float | None = None
    unc: float | None = None
    slope: float | None = None
    intercept: float | None = None
    cure: str | None = None


@dataclass(frozen=True, slots=True)
class Confidence:
    """Of `confidence`: curve of (coverage, risk); evaluation.md, section 4."""

    curve: tuple[tuple[float | None, ...], ...]
    aurc: float | None = None
    e_aurc: float | None = None
    augrc: float | None = None
    auroc: float | None = None
    auroc_low: float | None = None
    auroc_high: float | None = None
    target_risk: float | None = None
    threshold: float | None = None
    coverage: float | None = None
    risk: float | None = None
    risk_high: float | None = None
    overconfident_share: float | None = None


@dataclass(frozen=True, slots=True)
class Perturbation:
    """Of a level of a perturbation test."""

    metric: str
    clean: float | None
    perturbed: float | None
    level: float | None = None
    flip_rate: float | None = None
    mean_change: float | None = None


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Of invariance, directional and minimum functionality tests; mean_change: signed, of the output."""

    mean_change: float | None = None
    group_range: float | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    """Of a slice; gap: to the rest, with its interval; support: share of the rows; by: the columns that divide."""

    rest: float | None
    gap: float | None
    n: int | None = None
    gap_low: float | None = None
    gap_high: float | None = None
    p_holm: float | None = None
    discovered: bool = False
    support: float | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Extrapolation:
    """Where a learning curve may go: a range of scores at so many rows."""

    rows: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Growth:
    """Of `learning_curve`: scores of each repeat, a tuple a size."""

    metric: str
    rows: tuple[float, ...]
    scores: tuple[tuple[float | None, ...], ...]
    train_scores: tuple[tuple[float | None, ...], ...] = ()
    doubling: float | None = None
    doubling_low: float | None = None
    doubling_high: float | None = None
    more_data: str = ""
    reading: str = ""
    extrapolated: Extrapolation | None = None


@dataclass(frozen=True, slots=True)
class Trade:
    """Of `trade_offs`; curve: (threshold, cost per 1,000 rows)."""

    metric: str
    score: float | None
    p95_ms_1_row: float | None = None
    p95_ms_1000_rows: float | None = None
    size_bytes: int | None = None
    fit_seconds: float | None = None
    interpretability: str | None = None
    dominated_by: tuple[str, ...] = ()
    curve: tuple[tuple[float | None, ...], ...] = ()
    threshold: float | None = None
    threshold_from: str | None = None
    cost: float | None = None
    cost_at_half: float | None = None


@dataclass(frozen=True, slots=True)
class Assumption:
    """Of an assumption; word: ok, strained, violated or not applicable."""

    word: str
    statistic: str | None = None
    value: float | None = None
    consequence: str | None = None


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Of `ensembles`: pairs of members with the correlation of their errors, accuracies, the gain."""

    pairs: tuple[tuple[str | float | None, ...], ...] = ()
    accuracy_if_independent: float | None = None
    accuracy: float | None = None
    best_member: Label | None = None
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A window of time, with each model's score in it."""

    start: Label
    end: Label
    scores: Mapping[str, float | None]
    n: int | None = None


@dataclass(frozen=True, slots=True)
class OverTime:
    """Of `over_time`; order_changes: whether, or how often, another model is best."""

    windows: tuple[Window, ...]
    order_changes: bool | int | None = None
