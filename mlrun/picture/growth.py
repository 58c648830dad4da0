"""Pictures of scores that move: by training rows, by how strongly rows are edited, by window of time."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from mlrun.check_details import Growth, OverTime, Perturbation, read
from mlrun.picture.choice import MOST_CURVES, in_order
from mlrun.picture.shapes import Axis, Chart, Curve, Picture, Point, axis
from mlrun.records import Finding
from mlrun.wording import difference, number


def learning_curves(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Picture]:
    """Yield the scores by training rows, of the best model on its own training rows too."""
    every = [(each, read(Growth, each)) for each in in_order(findings, names)]
    grown = [(each, known) for each, known in every if known is not None and means(known.rows, known.scores)]
    if not grown:
        return
    curves = [
        Curve(each.model, means(details.rows, details.scores), spread=spreads(details)) for each, details in grown
    ]
    first, details = grown[0]
    train = means(details.rows, details.train_scores)
    drawn = [*curves[:1], *([Curve(f"{first.model} on its own training rows", train, dashed=True)] if train else [])]
    drawn += curves[1 : MOST_CURVES - 1]
    told = f"The last doubling of the rows improved {details.metric} of {first.model} by "
    told += difference(details.doubling, details.doubling_low, details.doubling_high)
    told += {"yes": ": more rows would help.", "no": ": more rows would bring little."}.get(
        details.more_data, ": whether more rows would help is unclear."
    )
    values = [y for curve in drawn for _, y in curve.points] + [
        end for curve in drawn for pair in curve.spread for end in pair
    ]
    yield Chart(
        f"Learning curves: {details.metric} by training rows",
        told,
        axis("training rows", (x for curve in drawn for x, _ in curve.points), log=True),
        axis(details.metric, values),
        tuple(drawn),
    )


def means(rows: Sequence[float], scores: Sequence[Sequence[float | None]]) -> tuple[Point, ...]:
    """Return the mean score of each size's repeats, where it is known."""
    known = [
        (size, [score for score in repeats if score is not None]) for size, repeats in zip(rows, scores, strict=False)
    ]
    return tuple((size, statistics.fmean(repeats)) for size, repeats in known if repeats and size > 0)


def spreads(details: Growth) -> tuple[tuple[float, float], ...]:
    """Return the least and the greatest score of each size's repeats; () where there is one repeat alone."""
    known = [[score for score in repeats if score is not None] for repeats in details.scores]
    if max(map(len, known), default=0) < 2:
        return ()
    return tuple((min(repeats), max(repeats)) for repeats in known if repeats)


def perturbation(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Picture]:
    """Yield for each test of several levels the score by how strongly the rows were edited."""
    for test in dict.fromkeys(each.test for each in findings):
        known = [
            (each, details)
            for each in in_order([each for each in findings if each.test == test], names)
            if each.status != "vacuous"  # its line would lie flat for want of an effect
            and (details := read(Perturbation, each)) is not None
            and details.level is not None
        ]
        curves = []
        for name in dict.fromkeys(each.model for each, _ in known):
            mine = [details for each, details in known if each.model == name]
            points = {details.level: details.perturbed for details in mine if details.level is not None}
            points[0.0] = mine[0].clean
            curves.append(Curve(name, tuple((x, y) for x, y in sorted(points.items()) if y is not None)))
        drawn = tuple(curve for curve in curves if len(curve.points) > 2)[:MOST_CURVES]
        if not drawn:
            continue
        metric, best = known[0][1].metric, drawn[0]
        (_, clean), (level, worst) = best.points[0], best.points[-1]
        yield Chart(
            f"Perturbation {test}: {metric} by how strong it is",
            f"At level {level:g} {metric} of {best.name} goes from {number(clean)} to {number(worst)}.",
            axis(f"level of {test}", (x for curve in drawn for x, _ in curve.points), low=0),
            axis(metric, (y for curve in drawn for _, y in curve.points)),
            drawn,
        )


def over_time(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Picture]:
    """Yield each model's score by window of time."""
    for finding in findings:
        details = read(OverTime, finding)
        if details is None or len(details.windows) < 2:
            continue
        curves = []
        for name in names[:MOST_CURVES]:
            scores = [
                (float(at), window.scores[name])
                for at, window in enumerate(details.windows, 1)
                if name in window.scores
            ]
            curves.append(Curve(name, tuple((at, score) for at, score in scores if score is not None)))
        drawn = tuple(curve for curve in curves if curve.points)
        if not drawn:
            continue
        first, last = drawn[0].points[0][1], drawn[0].points[-1][1]
        told = f"{drawn[0].name} goes from {number(first)} in the first window to {number(last)} in the last; "
        told += "the order of the models changes." if details.order_changes else "the order of the models stays."
        label = finding.measure or "score"
        windows = len(details.windows)
        yield Chart(
            f"Over time: {label} by window",
            told,
            Axis(f"window, of {windows} (from {details.windows[0].start})", 0.5, windows + 0.5),
            axis(label, (y for curve in drawn for _, y in curve.points)),
            drawn,
        )
