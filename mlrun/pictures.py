"""From what the checks found to pictures: each with a caption that says its main number."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from mlrun.picture.chances import confidence, reliability
from mlrun.picture.growth import learning_curves, over_time, perturbation
from mlrun.picture.parts import drift, slices
from mlrun.picture.prices import trade_offs
from mlrun.picture.shapes import Axis, DotRows, Picture
from mlrun.records import Finding

DRAWN: dict[str, Callable[[Sequence[Finding], Sequence[str]], Iterator[Picture]]] = {
    "calibration": reliability,
    "confidence": confidence,
    "learning_curve": learning_curves,
    "slices": slices,
    "perturbation": perturbation,
    "trade_offs": trade_offs,
    "over_time": over_time,
    "drift": drift,
}


def pictures(
    check: str, findings: Sequence[Finding], names: Sequence[str], less: Collection[str] = ()
) -> tuple[Picture, ...]:
    """Return the pictures of one check.

    findings: of this check. names: the models and baselines to be drawn, the best model first. less: metrics of which
    less is better, which their axes say.
    """
    draw = DRAWN.get(check)
    if draw is None or not names:
        return ()
    found = draw([finding for finding in findings if finding.check == check], names)
    return tuple(with_direction(picture, less) for picture in found)


def with_direction(picture: Picture, less: Collection[str]) -> Picture:
    """Return the picture, its axis of a metric saying where less is better."""
    if isinstance(picture, DotRows):
        return replace(picture, x=told_axis(picture.x, less))
    return replace(picture, y=told_axis(picture.y, less))


def told_axis(scale: Axis, less: Collection[str]) -> Axis:
    return replace(scale, label=f"{scale.label} (less is better)") if scale.label in less else scale
