"""Whether the best model of today was the best in every window of time: scores and their order, window by window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mlrun.check_contracts import Check, Context, Subject
from mlrun.kinds import Integer, Parameter
from mlrun.records import Finding, Params

if TYPE_CHECKING:
    from mlrun.shift.windows import Window


def run(subject: Subject, context: Context, params: Params) -> Iterator[Finding]:  # noqa: ARG001 - of all subjects
    """Yield one finding: windows of the judged rows with every model's score, and whether the best one changes."""
    from mlrun.shift.windows import scored, windows_of

    times = context.dataset.times
    if context.time is None or times is None:
        yield Finding("", "", "", status="not_run", reason="the data has no `time`")
        return
    judged = times[context.rows]
    parts = windows_of(judged, params["windows"], params["min_rows"])
    if len(parts) < 2:
        told = f"there are {len(context.rows)} rows; it needs two windows of {params['min_rows']} at other times"
        yield Finding("", "", "", status="not_run", reason=told)
        return
    pair = two_best(context)
    yield finding(context, [scored(context, rows, judged, pair) for rows in parts], pair)


def two_best(context: Context) -> tuple[Subject, Subject] | None:
    """Return the best model and the one that comes next on the judged rows; None where there is only one."""
    from mlrun import metrics
    from mlrun.shift.windows import answers

    spec, truth = context.metrics[0], context.truth
    sign = 1 if metrics.entry(spec.name, context.folder).direction == "maximize" else -1

    def known(subject: Subject) -> float:
        said = answers(subject)
        if truth is None or said is None:
            return float("-inf")
        score = metrics.score((spec,), truth, said, context.dataset.task, context.folder)[spec.label]
        return float("-inf") if score is None else sign * score

    models = [subject for subject in context.subjects if subject.kind == "model"]
    ordered = sorted(models, key=lambda subject: (subject.name != context.best, -known(subject)))
    return (ordered[0], ordered[1]) if len(ordered) > 1 else None


def finding(context: Context, windows: Sequence[Window], pair: tuple[Subject, Subject] | None) -> Finding:
    from mlrun.shift.windows import windows_lost

    models = {subject.name for subject in context.subjects if subject.kind == "model"}
    winners = [best_in(context, window, models) for window in windows]
    lost = windows_lost(windows)
    changes = len({winner for winner in winners if winner is not None}) > 1
    return Finding(
        "",
        "",
        "",
        status="warn" if lost else "info",
        severity="warn",
        measure=context.metrics[0].label,
        n=len(context.rows),
        reason=sentence(windows, winners, pair, lost),
        details={
            "metric": context.metrics[0].label,
            "windows": [window_details(window) for window in windows],
            "order_changes": changes,
            "pair": None if pair is None else [subject.name for subject in pair],
            "windows_lost": lost,
        },
    )


def best_in(context: Context, window: Window, models: set[str]) -> str | None:
    from mlrun import metrics

    sign = 1 if metrics.entry(context.metrics[0].name, context.folder).direction == "maximize" else -1
    known = {name: sign * score for name, score in window.scores.items() if score is not None and name in models}
    return max(known, key=lambda name: known[name]) if known else None


def window_details(window: Window) -> dict[str, Any]:
    gap = window.gap
    return {
        "from": window.start,
        "to": window.end,
        "n": window.rows,
        "scores": dict(window.scores),
        "gap": None if gap is None else gap.difference,
        "gap_low": None if gap is None else gap.low,
        "gap_high": None if gap is None else gap.high,
    }


def sentence(
    windows: Sequence[Window], winners: Sequence[str | None], pair: tuple[Subject, Subject] | None, lost: int
) -> str:
    """Say which model is best in how many windows, and whether another one is so beyond chance."""
    if pair is None:
        return f"{len(windows)} windows of time, one model"
    best, second = pair[0].name, pair[1].name
    first = sum(winner == best for winner in winners)
    told = f"{best} is best in {first} of {len(windows)} windows of time"
    if lost:
        return f"{told}, and behind {second} beyond chance in {lost}: the best today need not be the best tomorrow"
    return told if first == len(windows) else f"{told}; where another leads, that may be chance"


def automatic(context: Context) -> tuple[Params, ...]:
    return () if context.time is None else ({},)


ENTRY = Check(
    run=run,
    parameters={
        "windows": Parameter(Integer(low=2, high=100), 5, "windows of time, of about equal size"),
        "min_rows": Parameter(Integer(low=10), 100, "rows of a window, at least"),
    },
    tasks=("classification", "regression", "anomaly"),
    needs=("labels", "test"),
    of="run",
    automatic=automatic,
)
