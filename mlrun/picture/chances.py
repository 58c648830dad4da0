"""Pictures of probabilities and confidence: the reliability diagram, errors by the share that is answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlrun.check_details import Calibration, Confidence, read
from mlrun.picture.choice import MOST_CURVES, MOST_ROWS, in_order, pairs
from mlrun.picture.shapes import Axis, Chart, Curve, Dot, DotRows, Picture, Rule, axis
from mlrun.records import Finding
from mlrun.wording import count, number


def reliability(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Picture]:
    """Yield the reliability diagram of the best model that has one, with the bands of a calibrated model."""
    for finding in in_order(findings, names):
        details = read(Calibration, finding)
        if details is None or not details.bins:
            continue
        inside = [point for point in details.bins if point.inside]
        outside = [point for point in details.bins if not point.inside]
        sides = ((f"{finding.model}, inside the band", inside), (f"{finding.model}, outside of it", outside))
        told = f"{finding.model} is off by {number(details.ece)} on average"
        if details.floor is not None:
            told += f"; chance alone would show {number(details.floor)}"
        lie = "lies" if len(outside) == 1 else "lie"
        told += f"; {len(outside)} of {count(len(details.bins), 'bin')} {lie} outside the band of a calibrated model."
        yield Chart(
            f"Reliability of {finding.model}",
            told,
            Axis("probability given", 0, 1),
            Axis("share that came true", 0, 1),
            tuple(
                Curve(name, tuple((point.confidence, point.observed) for point in points), joined=False)
                for name, points in sides
                if points
            ),
            band=tuple(
                (point.confidence, point.low, point.high)
                for point in details.bins
                if point.low is not None and point.high is not None
            ),
            diagonal=True,
            band_name="where a calibrated model would lie",
        )
        return


def confidence(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Picture]:
    """Yield the errors by the share that is answered, and what conformal sets or intervals cover."""
    yield from risk_coverage(findings, names)
    yield from covered(findings, names)


def risk_coverage(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Picture]:
    """Yield the error among the answers that a model is most sure of, by the share that it answers."""
    known = [(each.model, read(Confidence, each)) for each in in_order(findings, names) if not each.variant]
    curves = [
        (name, details, pairs(details.curve)) for name, details in known if details is not None and pairs(details.curve)
    ][:MOST_CURVES]
    if not curves:
        return
    best, details, _ = curves[0]
    told = f"{best} makes {number(curves[0][2][-1][1])} errors a row when it answers all"
    rules: list[Rule] = []
    if details.target_risk is not None and details.coverage is not None:
        told = f"Chosen for {details.target_risk:.1%} errors at most, {best} answers {details.coverage:.1%} of the rows"
        if details.risk is not None and details.risk_high is not None:
            told += f" itself; {details.risk:.1%} of these answers are wrong on test, {details.risk_high:.1%} at most"
        rules = [
            Rule(f"at most {details.target_risk:.1%} errors", y=details.target_risk),
            Rule(f"{details.coverage:.1%} of the rows, answered by {best}", x=details.coverage),
        ]
    risks = [risk for _, _, points in curves for _, risk in points] + [rule.y for rule in rules if rule.y is not None]
    yield Chart(
        "Errors by how many rows are answered, the surest first",
        told + ".",
        Axis("share of the rows answered", 0, 1),
        axis("errors among them", risks, low=0),
        tuple(Curve(name, points) for name, _, points in curves),
        rules=tuple(rules),
    )


def covered(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Picture]:
    """Yield how often the best model's sets or intervals hold the truth: of all rows, by class, by sensitive column."""
    mine = [each for each in findings if each.model == names[0] and each.variant and each.value is not None]
    if not mine:
        return
    dots = tuple(
        Dot(each.variant, each.value or 0.0, each.low, each.high, each.threshold, each.status in {"warn", "fail"})
        for each in mine[:MOST_ROWS]
    )
    least = min(dots, key=lambda dot: dot.value)
    told = f"{names[0]} covers {dots[0].value:.1%} of the rows"
    part = least.label.removeprefix("conformal: ")
    told += f", and least where {part}: {least.value:.1%}." if least is not dots[0] else "."
    ends = [end for dot in dots for end in (dot.value, dot.low, dot.high, dot.beside) if end is not None]
    marks = ("what chance allows", "wanted", "warns or fails")
    scale = axis("share of rows whose truth is in the set or interval", ends)
    yield DotRows(f"Coverage of {names[0]}", told, scale, dots, *marks)
