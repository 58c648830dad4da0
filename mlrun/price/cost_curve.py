"""From predicted risks and the costs of errors to the cost at every threshold, and the threshold to use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlrun.certainty.reliability import calibration_error, floor_of, quantile_bins
from mlrun.measures import ranking_of
from mlrun.records import Prediction

if TYPE_CHECKING:
    from mlrun.check_contracts import Context, Subject
    from mlrun.records import Array

POINTS = 101
BINS, EXCESS = 15, 0.025  # evaluation.md, section 3: from here on calibration is in doubt


@dataclass(frozen=True, slots=True)
class Costs:
    """What a missed positive and a false alarm cost."""

    miss: float
    alarm: float

    @property
    def threshold(self) -> float:
        """The probability from which on an alarm costs less than silence, c_fp / (c_fp + c_fn) (Elkan 2001)."""
        return self.alarm / (self.alarm + self.miss)


@dataclass(frozen=True, slots=True)
class CostCurve:
    """The cost per 1,000 judged rows by threshold, and at those that a reader would ask for; None = not known.

    source: where the threshold comes from: costs (the closed form, of probabilities that are calibrated on held-out
    rows), tuned (the cheapest on held-out rows), none (there is neither). at_half: of probabilities only.
    """

    points: tuple[tuple[float, float], ...]
    source: Literal["costs", "tuned", "none"]
    threshold: float | None
    cost: float | None
    at_half: float | None
    closed_form: float | None
    tuned_threshold: float | None
    tuned: float | None
    never: float
    always: float


def cost_curve(subject: Subject, context: Context) -> CostCurve | None:
    """Return what the errors of a model cost at every threshold, on judged rows; None where that has no meaning.

    It needs two classes, costs, labels, and an order of the rows. The threshold is chosen on held-out predictions.
    """
    task, truth, test = context.dataset.task, context.truth, subject.test
    if not task.costs or not task.binary or truth is None or test is None or not _ordered(test):
        return None
    said = np.ones(len(truth), dtype=bool) if subject.answered is None else subject.answered
    costs = Costs(float(task.costs["false_negative"]), float(task.costs["false_positive"]))
    positive, risks = truth[said] == 1, risks_of(test)[said]
    if not len(risks):
        return None
    certain = test.probabilities is not None
    held_out = held_out_risks(subject, context)
    chosen = None if held_out is None else tuned(*held_out, costs)
    trusted = certain and (held_out is None or calibrated(*held_out, context.seed))
    source: Literal["costs", "tuned", "none"] = "costs" if trusted else "none" if chosen is None else "tuned"
    threshold = costs.threshold if trusted else chosen

    def cost(at: float | None) -> float | None:
        return None if at is None else float(cost_at(positive, risks, costs, [at])[0])

    thresholds = grid(risks, certain, [value for value in (threshold, chosen) if value is not None])
    points = zip(thresholds, cost_at(positive, risks, costs, thresholds).tolist(), strict=True)
    return CostCurve(
        tuple(points),
        source,
        threshold,
        cost(threshold),
        cost(0.5 if certain else None),
        cost(costs.threshold if certain else None),
        chosen,
        cost(chosen),
        *cost_at(positive, risks, costs, [math.inf, -math.inf]).tolist(),
    )


def _ordered(prediction: Prediction) -> bool:
    return prediction.probabilities is not None or prediction.scores is not None


def risks_of(prediction: Prediction) -> Array:
    """Return the probability of the positive class, or the score where there is none, (n,)."""
    found: Array = ranking_of(prediction) if prediction.probabilities is None else prediction.probabilities[:, 1]
    return found


def held_out_risks(subject: Subject, context: Context) -> tuple[Array, Array] | None:
    """Return outcomes (booleans) and risks of the rows that the folds held out; None where there are none.

    Each row once, of the first repeat: rows that count twice would make chance look certain.
    """
    truth, first = context.dataset.truth, min((fold.repeat for fold, _, _ in subject.folds), default=0)
    outcomes: list[Any] = []
    risks: list[Any] = []
    for fold, prediction, answered in subject.folds:
        if truth is None or not _ordered(prediction):
            return None
        if fold.repeat != first:
            continue
        said = slice(None) if answered is None else answered
        outcomes.append(truth[fold.valid][said] == 1)
        risks.append(risks_of(prediction)[said])
    if not outcomes or not sum(map(len, outcomes)):
        return None
    return np.concatenate(outcomes), np.concatenate(risks)


def calibrated(positive: Array, risks: Array, seed: int) -> bool:
    """Return whether probabilities pass the calibration check: no excess over its floor that chance would not give."""
    binned = quantile_bins(np.clip(risks, 0, 1), positive.astype(np.float64), BINS)
    floor = floor_of(binned, seed)
    return not (floor.p_value < 0.05 and calibration_error(binned) - floor.mean > EXCESS)


def cost_at(positive: Array, risks: Array, costs: Costs, thresholds: Sequence[float]) -> Array:
    """Return the cost per 1,000 rows where a risk of at least the threshold is an alarm, for each of them.

    positive: (n,) booleans. risks: (n,), higher = more likely positive.
    """
    hits, alarms = np.sort(risks[positive]), np.sort(risks[~positive])
    asked = np.asarray(thresholds, dtype=np.float64)
    missed = np.searchsorted(hits, asked, "left")
    alarmed = len(alarms) - np.searchsorted(alarms, asked, "left")
    found: Array = 1000.0 * (missed * costs.miss + alarmed * costs.alarm) / len(risks)
    return found


def tuned(positive: Array, risks: Array, costs: Costs) -> float:
    """Return the threshold of the least cost on these rows, halfway between the risks beside it.

    Of several that cost the same, the middle of the longest run of risks. inf: never an alarm; −inf: always.
    """
    values = np.unique(risks)
    edges = [*values.tolist(), math.inf]
    cost = cost_at(positive, risks, costs, edges)
    cheapest = np.flatnonzero(np.isclose(cost, cost.min(), rtol=1e-12))
    runs = np.split(cheapest, np.flatnonzero(np.diff(cheapest) > 1) + 1)
    longest = max(runs, key=len)
    place = int(longest[len(longest) // 2])
    if place == 0:
        return -math.inf
    if place == len(values):
        return math.inf
    return float((values[place - 1] + values[place]) / 2)


def grid(risks: Array, probabilities: bool, extra: Sequence[float]) -> list[float]:
    """Return ascending thresholds to draw: the percents of a probability, or the percentiles of scores, and more."""
    even = np.linspace(0, 1, POINTS) if probabilities else np.quantile(risks, np.linspace(0, 1, POINTS))
    return sorted({*even.tolist(), *(value for value in extra if np.isfinite(value))})
