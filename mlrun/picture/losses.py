"""A picture of losses round by round: the mean over the folds, each fold behind it."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections.abc import Sequence

from mlrun.picture.shapes import Chart, Curve, Point, axis
from mlrun.tracked import LossCurves
from mlrun.wording import number

FIRST = ("train", "validation")
RISE = 0.01  # of the least loss: what ends above it by more has been fitted too far
SMALL = 6  # rows of a picture that only hints


def loss_picture(model: str, trial: Sequence[LossCurves], *, small: bool = False) -> Chart | None:
    """Return the loss curves of one trial: the mean over its folds, each fold behind; None where there is no line."""
    names = sorted(
        {name for line in trial for name in line.curves}, key=lambda name: (*(name != first for first in FIRST), name)
    )
    curves, behind = [], []
    for name in names:
        folds = [points for line in trial if len(points := points_of(line, name)) > 1]
        mean = mean_of(folds)
        if len(mean) > 1:
            curves.append(Curve(name, mean))
            behind += [Curve("", points, faint=True) for points in folds if len(folds) > 1]
    if not curves:
        return None
    drawn = (*curves, *(() if small else behind))
    values = [y for curve in drawn for _, y in curve.points]
    return Chart(
        f"Losses of {model}",
        told_losses(curves),
        axis("round", (x for curve in drawn for x, _ in curve.points)),
        axis("loss", values, low=0 if 0 <= min(values) < max(values) / 2 else None),
        drawn,
        rows=SMALL if small else 0,
    )


def points_of(line: LossCurves, name: str) -> tuple[Point, ...]:
    """Return (round, loss) of a curve where the loss is known."""
    if name not in line.curves:
        return ()
    found = line.curves[name]
    rounds = line.rounds[name] if name in line.rounds else range(1, len(found) + 1)
    return tuple((float(at), loss) for at, loss in zip(rounds, found, strict=False) if loss is not None)


def mean_of(folds: Sequence[Sequence[Point]]) -> tuple[Point, ...]:
    """Return the mean over the folds, as far as the shortest goes; between two known rounds a fold's line is taken."""
    if not folds:
        return ()
    first, last = max(points[0][0] for points in folds), min(points[-1][0] for points in folds)
    rounds = sorted({x for points in folds for x, _ in points if first <= x <= last})
    return tuple((x, statistics.fmean(height(points, x) for points in folds)) for x in rounds)


def height(points: Sequence[Point], x: float) -> float:
    """Return the height of a line at a place within it."""
    at = bisect_left(points, x, key=lambda point: point[0])
    (x1, y1), (x0, y0) = points[at], points[max(0, at - 1)]
    return y1 if x1 <= x or x1 == x0 else y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def told_losses(curves: Sequence[Curve]) -> str:
    """Return where the losses end, and whether the held-out rows' have been lower before."""
    told = []
    for curve in curves:
        (last, end), (at, least) = curve.points[-1], min(curve.points, key=lambda point: point[1])
        if curve.name == "validation" and end > least + RISE * abs(least):
            told.append(f"validation is least after round {at:,.0f}, {number(least)}, and {number(end)} at the end")
        else:
            told.append(f"{curve.name} ends at {number(end)}")
    return f"{'; '.join(told)}, after {last:,.0f} rounds."
