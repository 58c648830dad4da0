"""From what the checks found to pictures: each with a caption that says its main number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mlrun.picture.chances import reliability, risk_coverage
from mlrun.picture.growth import learning_curves, over_time, perturbation
from mlrun.picture.parts import slices
from mlrun.picture.prices import trade_offs
from mlrun.picture.shapes import Picture
from mlrun.records import Finding

DRAWN: dict[str, Callable[[Sequence[Finding], Sequence[str]], Iterator[Picture]]] = {
    "calibration": reliability,
    "confidence": risk_coverage,
    "learning_curve": learning_curves,
    "slices": slices,
    "perturbation": perturbation,
    "trade_offs": trade_offs,
    "over_time": over_time,
}


def pictures(check: str, findings: Sequence[Finding], names: Sequence[str]) -> tuple[Picture, ...]:
    """Return the pictures of one check.

    findings: of this check. names: the models and baselines to be drawn, the best model first.
    """
    draw = DRAWN.get(check)
    if draw is None or not names:
        return ()
    return tuple(draw([finding for finding in findings if finding.check == check], names))
