"""Whether more rows would make a model better: fitted again on parts of the training rows, judged on the same test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlrun.check_contracts import Check, Context, Subject
from mlrun.kinds import Integer, ListOf, Number, Parameter
from mlrun.records import Finding, Params

if TYPE_CHECKING:
    from mlrun.growth.reading import Curve

SIZES = (0.1, 0.2, 0.4, 0.7, 1.0)
QUICK = {"sizes": (0.25, 0.5, 1.0), "repeats": 1}  # spec.md, section 11
FEWEST_ROWS = 20
TOLD = {
    "yes": "more rows would help",
    "no": "more rows would bring little",
    "unclear": "whether more rows would help is unclear",
}
READINGS = {
    "bias": "; it does hardly better on its own training rows: it is too simple, or the rest is noise",
    "variance": "; it is much better on its own training rows than on test: it learns them by heart",
}


def run(subject: Subject, context: Context, params: Params) -> Iterator[Finding]:
    """Yield the scores of a model at growing sizes, and what the last doubling says."""
    from mlrun.growth.parts import measured
    from mlrun.growth.reading import read

    if len(context.train) < FEWEST_ROWS:
        told = f"there are only {len(context.train)} training rows; it needs {FEWEST_ROWS}"
        yield Finding("", "", subject.name, status="not_run", reason=told)
        return
    every = measured(subject, context, sorted(set(params["sizes"])), params["repeats"])
    points = [point for point in every if point.predictions]
    failure = next((point.failure for point in every if point.failure), "")
    if len(points) < 2:
        told = f"it could not be fitted on fewer rows ({failure})" if failure else "a curve needs two sizes"
        yield Finding("", "", subject.name, status="not_run", reason=told)
        return
    yield finding(subject.name, context, read(context, points), failure)


def finding(name: str, context: Context, curve: Curve, failure: str) -> Finding:
    doubling = curve.doubling
    return Finding(
        "",
        "",
        name,
        measure=f"gain in {curve.metric} by the last doubling",
        value=doubling.difference,
        low=doubling.low,
        high=doubling.high,
        n=len(context.rows),
        reason=sentence(curve) + (f"; some sizes could not be fitted ({failure})" if failure else ""),
        details={
            "metric": curve.metric,
            "rows": list(curve.rows),
            "scores": [list(scores) for scores in curve.scores],
            "train_scores": [list(scores) for scores in curve.train_scores],
            "doubling": doubling.difference,
            "doubling_low": doubling.low,
            "doubling_high": doubling.high,
            "more_data": curve.more_data,
            "reading": curve.reading,
            "extrapolated": curve.extrapolated,
        },
    )


def sentence(curve: Curve) -> str:
    """Say what the last doubling brought, what that means, and what holds the model back."""
    doubling = curve.doubling
    told = TOLD[curve.more_data]
    if doubling.difference is not None:
        told += f": the gain of the last doubling of the rows in {curve.metric} is {doubling.difference:+.4g}"
    if doubling.low is not None and doubling.high is not None:
        told += f" [{doubling.low:+.4g}, {doubling.high:+.4g}]"
    return told + READINGS.get(curve.reading, "")


def automatic(context: Context) -> tuple[Params, ...]:
    return (QUICK,) if any(subject.kind == "model" for subject in context.subjects) else ()


def fits(context: Context, params: Params) -> float:
    """Return the shares that are fitted, of every model; the whole is its champion, which is there already."""
    models = sum(subject.refit is not None for subject in context.subjects)
    repeats = 1 if context.time is not None else params["repeats"]
    return float(models * repeats * sum(size for size in params["sizes"] if size < 1))


ENTRY = Check(
    run=run,
    parameters={
        "sizes": Parameter(ListOf(Number(above=0, high=1)), SIZES, "shares of the training rows"),
        "repeats": Parameter(Integer(low=1, high=100), 3, "draws of each share; once where there is a time"),
    },
    tasks=("classification", "regression", "anomaly"),
    needs=("labels", "test", "refit"),
    automatic=automatic,
    fits=fits,
)
