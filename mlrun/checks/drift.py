"""Whether new rows still look like the training rows, and whether models answer them as they answered the test rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlrun.check_contracts import Check, Context, Subject
from mlrun.kinds import Number, Parameter
from mlrun.records import Finding, FindingStatus, Params

if TYPE_CHECKING:
    from mlrun.shift.drifts import Drift

FEWEST_ROWS = 50
ALPHA = 0.05
OWN_ROWS = "the rows are the run's own; it is for new data: mlrun evaluate RUN --data SOURCE"
NO_PROFILE = "the run does not say what its training rows looked like: an older version made it, or it is damaged"
WHOLE = {"rows", "features", "target"}
WORDS: dict[FindingStatus, str] = {
    "pass": "it is where it was",
    "warn": "it moved",
    "fail": "it moved far",
    "info": "dates move on by themselves",
}
UNKNOWN = {"warn": 0.1, "fail": 0.25}  # more words that training did not know, as a share


def run(subject: Subject, context: Context, params: Params) -> Iterator[Finding]:  # noqa: ARG001 - of the data
    """Yield a finding for each feature and the target, and one for the answers of each model."""
    from mlrun.shift.drifts import held_together

    if context.profile is None or not set(context.profile) >= WHOLE:
        told = OWN_ROWS if len(context.train) else NO_PROFILE
        yield Finding("", "", "", status="not_run", reason=told)
        return
    if len(context.rows) < FEWEST_ROWS:
        told = f"there are only {len(context.rows)} rows; it needs {FEWEST_ROWS}"
        yield Finding("", "", "", status="not_run", reason=told)
        return
    dates = {name for name, before in context.profile["features"].items() if before["kind"] == "date"}  # they move on
    for moves in (columns_of(context), predictions_of(context)):
        together = held_together([drift.p_value for _, _, drift in moves])
        for (variant, model, drift), p_holm in zip(moves, together, strict=True):
            dated = not model and variant in dates
            status: FindingStatus = "info" if dated else judge(drift, p_holm, params)
            yield finding((variant, model, drift), p_holm, status, params, len(context.rows))
    for name in context.profile.get("not_kept", ()):  # runs of before have no such key
        told = "it is sensitive: the run keeps nothing of its values"
        yield Finding("", "", "", name, status="not_run", reason=told)
    for name in context.profile["features"]:
        if name in context.table.columns:
            continue
        yield Finding("", "", "", name, status="not_run", reason=f"the new rows have no column '{name}'")


def columns_of(context: Context) -> list[tuple[str, str, Drift]]:
    """Return (column, '', its drift) of every feature that is there, and of the target when there are labels."""
    import polars as pl

    from mlrun.shift.drifts import column_drift

    profile, table = context.profile or {}, context.table
    found = [
        (name, "", column_drift(before, table[name]))
        for name, before in profile["features"].items()
        if name in table.columns
    ]
    target, truth = profile["target"], context.truth
    if target is not None and truth is not None:
        labels = context.dataset.task.labels
        values = pl.Series([str(labels[code]) for code in truth]) if target["kind"] == "category" else pl.Series(truth)
        found.append(("target", "", column_drift(target, values)))
    return found


def predictions_of(context: Context) -> list[tuple[str, str, Drift]]:
    """Return ('predictions', model, its drift) of every model whose answers to the run's test rows are kept."""
    from mlrun.shift.drifts import prediction_drift

    return [
        ("predictions", each.name, prediction_drift(context.earlier[each.name], each.test, context.dataset.task))
        for each in context.subjects
        if each.kind == "model" and each.test is not None and each.name in context.earlier
    ]


def finding(move: tuple[str, str, Drift], p_holm: float, status: FindingStatus, params: Params, rows: int) -> Finding:
    variant, model, drift = move
    details: dict[str, Any] = {
        "psi": drift.psi,
        "method": drift.method,
        "p_holm": p_holm,
        "missing": drift.missing,
        "missing_before": drift.missing_before,
        **drift.details,
    }
    return Finding(
        "",
        "",
        model,
        variant,
        status=status,
        severity="warn",
        measure="population stability index",
        value=drift.psi,
        threshold=params["fail_at"],
        p_value=drift.p_value,
        n=rows,
        reason=sentence(drift, status),
        details=details,
    )


def judge(drift: Drift, p_holm: float, params: Params) -> FindingStatus:
    """Judge a move: it must be large, and more than chance gives among so many columns."""
    if p_holm >= ALPHA:
        return "pass"
    more = drift.details.get("unknown_words", 0.0) - drift.details.get("unknown_words_before", 0.0)
    if drift.psi > params["fail_at"] or more > UNKNOWN["fail"]:
        return "fail"
    return "warn" if drift.psi > params["warn_at"] or more > UNKNOWN["warn"] else "pass"


def sentence(drift: Drift, status: FindingStatus) -> str:
    """Say how far the column moved, and what of it can be named."""
    told = [f"{WORDS[status]}: PSI {drift.psi:.3g}"]
    details = drift.details
    if abs(drift.missing - drift.missing_before) > 0.02:
        told.append(f"{drift.missing:.1%} missing, {drift.missing_before:.1%} before")
    if "unnamed" in details and details["unnamed"] - details["unnamed_before"] > 0.01:
        told.append(f"{details['unnamed']:.1%} of categories that training had seldom or never")
    if "unknown_words" in details:
        told.append(f"{details['unknown_words']:.1%} unknown words, {details['unknown_words_before']:.1%} before")
    if details.get("mean") is not None and details.get("mean_before") is not None:
        told.append(f"mean {details['mean']:.4g}, {details['mean_before']:.4g} before")
    return "; ".join(told)


def automatic(context: Context) -> tuple[Params, ...]:
    return () if context.profile is None and len(context.train) else ({},)


ENTRY = Check(
    run=run,
    parameters={
        "warn_at": Parameter(Number(above=0), 0.1, "population stability index from which on a move is a warning"),
        "fail_at": Parameter(Number(above=0), 0.25, "and a failure, which never fails a run"),
    },
    tasks=("classification", "regression", "anomaly"),
    needs=(),
    of="run",
    automatic=automatic,
)
