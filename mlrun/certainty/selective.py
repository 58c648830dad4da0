"""Which predictions to show when only some are shown: risk against coverage, by how sure the model is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlrun.scores import auc, auc_influence
from mlrun.statistics import separated_auc, t_interval, wilson

if TYPE_CHECKING:
    from mlrun.records import Array

POINTS = 101  # of a curve that is kept


@dataclass(frozen=True, slots=True)
class Selective:
    """How well confidence tells right answers from wrong ones; NaN where it is not defined.

    curve: (coverage, risk) pairs. aurc: the mean risk over all coverages (Geifman & El-Yaniv 2017); e_aurc: its excess
    over that of the best order of the same answers (Geifman et al. 2019). augrc: the same of the generalised risk, the
    chance of an error that is shown (Traub et al. 2024). auroc: the chance that a right answer is surer than a wrong
    one, with its interval.
    """

    curve: tuple[tuple[float, float], ...]
    aurc: float
    e_aurc: float
    augrc: float
    auroc: float
    low: float
    high: float


def selective(confidence: Array, wrong: Array, level: float = 0.95) -> Selective:
    """Measure (n,) answers by how sure each was and whether it was wrong (booleans).

    Answers that are equally sure come in any order, so each measure is its mean over those orders.
    """
    errors = _errors_shown(confidence, wrong)
    shown = np.arange(1, len(errors) + 1)
    best = np.maximum(0, shown - int((~wrong).sum()))  # of an order that puts every right answer first
    area = auc(~wrong, confidence)
    low, high = _auroc_bounds(confidence, wrong, area, level)
    at = np.unique(np.linspace(0, len(errors) - 1, POINTS).astype(np.int64))
    return Selective(
        curve=tuple(zip((shown[at] / len(errors)).tolist(), (errors[at] / shown[at]).tolist(), strict=True)),
        aurc=float((errors / shown).mean()),
        e_aurc=float(((errors - best) / shown).mean()),
        augrc=(float(errors.sum()) - float(errors[-1]) / 2) / len(errors) ** 2,  # by the trapezoidal rule
        auroc=area,
        low=low,
        high=high,
    )


def _errors_shown(confidence: Array, wrong: Array) -> Array:
    """Return the expected errors among the i surest answers, i = 1 … n."""
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]) + 1, len(ranked))
    counted = np.cumsum(wrong[order])[ends - 1]
    found: Array = np.interp(np.arange(1, len(ranked) + 1), np.append(0, ends), np.append(0.0, counted))
    return found


def _auroc_bounds(confidence: Array, wrong: Array, area: float, level: float) -> tuple[float, float]:
    """Return DeLong's interval; Newcombe's where the two do not overlap at all."""
    if math.isnan(area):
        return math.nan, math.nan
    if area in {0.0, 1.0}:
        few, many = sorted((int(wrong.sum()), int((~wrong).sum())))
        reach = separated_auc(few, many, level) if few + many > 2 else 0.0
        return (reach, 1.0) if area == 1.0 else (0.0, 1 - reach)
    influence = auc_influence(~wrong, confidence)
    error = math.sqrt(float(np.square(influence).sum())) / len(influence)
    low, high, _ = t_interval(area, error, math.inf, level)
    return (math.nan, math.nan) if math.isnan(low) else (max(0.0, low), min(1.0, high))


# -- a target risk -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answered:
    """What becomes of rows when only the sure answers are shown: share answered, share of errors and its upper end."""

    coverage: float
    risk: float
    risk_high: float


def threshold_for(confidence: Array, wrong: Array, target_risk: float) -> float:
    """Return the lowest confidence from which at most this share of (n,) answers is wrong; inf when there is none.

    To be chosen on other rows than it is reported on.
    """
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    last = np.append(ranked[1:] != ranked[:-1], True)
    allowed = np.flatnonzero(last & (np.cumsum(wrong[order]) <= target_risk * np.arange(1, len(ranked) + 1)))
    return float(ranked[allowed[-1]]) if len(allowed) else math.inf


def answered_from(confidence: Array, wrong: Array, threshold: float, level: float = 0.95) -> Answered:
    """Return coverage and risk, with Wilson's upper end, of the (n,) answers from a confidence on."""
    shown = confidence >= threshold
    count, errors = int(shown.sum()), int(wrong[shown].sum())
    risk = errors / count if count else math.nan
    return Answered(count / len(confidence), risk, wilson(errors, count, level)[1])
