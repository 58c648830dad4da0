"""Whether a model's probabilities mean what they say: of all rows given 0.8, 80 % should come true."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlrun.check_contracts import Check, Context, Subject
from mlrun.kinds import Integer, Number, OneOf, Parameter
from mlrun.records import Finding, FindingStatus, Params
from mlrun.wording import count

if TYPE_CHECKING:
    from mlrun.certainty.reliability import Bins, Decomposition, Floor
    from mlrun.records import Array

FEWEST_ROWS = 30
MOST_DRAWN = 50_000_000  # outcomes in all; 500 draws up to 100,000 rows, at least 100 for more
STEEP = 1.25  # a slope beyond this, or below its inverse, is far from 1
ISOTONIC_ROWS = 1000  # fewer are too few to learn a step function from


def run(subject: Subject, context: Context, params: Params) -> Iterator[Finding]:
    """Yield the calibration of a model's probabilities against what chance alone would show.

    Two classes: the probability of the positive one. More: that of the class it names, and whether it was right.
    """
    p, y = judged(subject, context)
    if len(p) < FEWEST_ROWS:
        told = f"there are only {count(len(p), 'row')} with an answer; it needs {FEWEST_ROWS}"
        yield Finding("", "", subject.name, status="not_run", reason=told)
        return
    yield finding(subject, context, params, p, y)


def judged(subject: Subject, context: Context) -> tuple[Array, Array]:
    """Return probabilities and outcomes, 0 or 1, of the rows on which the model says anything, (n,) each."""
    import numpy as np

    if subject.test is None or subject.test.probabilities is None or context.truth is None:
        raise ValueError("it gives no probabilities")
    said = slice(None) if subject.answered is None else subject.answered
    probabilities, truth = subject.test.probabilities[said].astype(np.float64), context.truth[said]
    if probabilities.shape[1] == 2:
        return np.clip(probabilities[:, 1], 0, 1), (truth == 1).astype(np.float64)
    return np.clip(probabilities.max(axis=1), 0, 1), (truth == probabilities.argmax(axis=1)).astype(np.float64)


def finding(subject: Subject, context: Context, params: Params, p: Array, y: Array) -> Finding:
    from mlrun.certainty import reliability

    binned = reliability.quantile_bins(p, y, params["bins"])
    draws = max(100, min(reliability.DRAWS, MOST_DRAWN // len(p)))
    floor = reliability.floor_of(binned, context.seed, draws, context.confidence)
    error, allowed = reliability.calibration_error(binned), params["max_ece"]
    parts, slope = reliability.decompose(p, y), reliability.calibration_slope(p, y)
    status = judge(error - floor.mean, floor.p_value, allowed)
    cure = ""
    if status != "pass" and subject.kind == "model":
        cure = cure_of(p, y, parts, slope, held_out_rows(subject))
    return Finding(
        "",
        "",
        subject.name,
        status=status,
        severity=params["severity"],
        measure="expected calibration error",
        value=error,
        threshold=floor.mean + allowed,
        p_value=floor.p_value,
        n=len(p),
        reason=sentence(error, floor, status, slope) + (f". {cure}" if cure else ""),
        details={
            "bins": bins_of(binned, floor),
            "ece": error,
            "floor": floor.mean,
            "smooth_ece": reliability.smooth_error(p, y),
            "brier": parts.brier,
            "mcb": parts.mcb,
            "dsc": parts.dsc,
            "unc": parts.unc,
            "slope": None if slope is None else slope[0],
            "intercept": None if slope is None else slope[1],
            "cure": cure,
        },
    )


def held_out_rows(subject: Subject) -> int:
    """Return how many rows a calibration could be learned from; repeated folds hold out the same ones again."""
    first = min((fold.repeat for fold, _, _ in subject.folds), default=0)
    return sum(len(fold.valid) for fold, _, _ in subject.folds if fold.repeat == first)


def judge(excess: float, p_value: float, allowed: float) -> FindingStatus:
    """Judge the error above its floor: both the excess and the test must speak."""
    if p_value < 0.01 and excess > allowed:
        return "fail"
    return "warn" if p_value < 0.05 and excess > allowed / 2 else "pass"


def sentence(error: float, floor: Floor, status: FindingStatus, slope: tuple[float, float] | None) -> str:
    told = f"probabilities are off by {error:.3f} on average; a calibrated model shows {floor.mean:.3f} by chance"
    if status == "pass":
        return told
    if slope is not None and slope[0] < 1 / STEEP:
        return f"{told}; they are too extreme (slope {slope[0]:.2f})"
    if slope is not None and slope[0] > STEEP:
        return f"{told}; they are too timid (slope {slope[0]:.2f})"
    return told


def cure_of(p: Array, y: Array, parts: Decomposition, slope: tuple[float, float] | None, rows: int) -> str:
    """Return the wrapping that should help; rows: on which it would be learned.

    Where a straight line in the log-odds leaves a quarter of what isotonic regression would save, it is not enough.
    """
    straight = math.inf
    if slope is not None:
        straight = left_by_line(p, y, slope) - (parts.brier - parts.mcb)
    if rows >= ISOTONIC_ROWS and straight > parts.mcb / 4:
        return "Try `calibrate: isotonic`"
    if slope is not None and abs(slope[1]) < abs(math.log(max(slope[0], 1e-9))):
        return "Try `calibrate: temperature`"
    return "Try `calibrate: sigmoid`"


def left_by_line(p: Array, y: Array, slope: tuple[float, float]) -> float:
    """Return the Brier score after the line that the slope and the intercept describe."""
    import numpy as np

    from mlrun.certainty.reliability import log_odds

    return float(np.square((1 + np.tanh((slope[0] * log_odds(p) + slope[1]) / 2)) / 2 - y).mean())


def bins_of(binned: Bins, floor: Floor) -> list[dict[str, Any]]:
    """Return the reliability diagram: a point a bin, with the band of a calibrated model."""
    columns = (binned.counts, binned.confidence, binned.observed, floor.low, floor.high)
    names = ("n", "confidence", "observed", "low", "high")
    return [dict(zip(names, row, strict=True)) for row in zip(*(column.tolist() for column in columns), strict=True)]


ENTRY = Check(
    run=run,
    parameters={
        "bins": Parameter(Integer(2, 100), 15, "bins of equal size for the calibration error"),
        "max_ece": Parameter(Number(above=0, high=1), 0.05, "calibration error above what chance shows"),
        "severity": Parameter(OneOf("fail", "warn"), "fail", "whether a failure counts against usefulness"),
    },
    tasks=("classification",),
    needs=("test", "labels", "probabilities"),
    automatic=lambda context: ({},),
)
