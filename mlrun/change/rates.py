"""From rows that failed a behaviour test to findings: the rate, what it is held to, and the rows that failed worst."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mlrun.change.engine import Answer, Change, make_engine
from mlrun.change.keys import test_of, why_unread
from mlrun.change.outputs import Moves, told, wrong
from mlrun.check_contracts import Context, Subject
from mlrun.distributions import binomial_sf
from mlrun.records import Finding, FindingStatus, Params, Severity, Task, WorstRow
from mlrun.statistics import wilson
from mlrun.wording import count

if TYPE_CHECKING:
    from mlrun.records import Array

LISTED = 10  # worst rows
MOVED_AT_LEAST = 0.01  # of the rows, or the test proves nothing


@dataclass(frozen=True, slots=True)
class Judged:
    """A variant, judged row by row: which of the rows that it changed failed, and which count at all."""

    change: Change
    moves: Moves
    fails: Array
    counts: Array


@dataclass(frozen=True, slots=True)
class Bound:
    """What a failure rate is held to; failing: what failing rows do, for the sentence."""

    max_rate: float
    severity: Severity
    confidence: float
    min_rows: int
    failing: str


def answer_of(subject: Subject, context: Context, params: Params) -> Answer | Finding:
    """Return what a model says in a test, or why it has nothing to say there."""
    unread = why_unread(subject, context, params) if "edit" in params else ""
    if unread:
        return not_run(subject, params["severity"], unread)
    test = test_of(context, params)
    engine = context.engine
    if engine is None:  # outside a run: a suite of its own
        tests = context.tests or (test,)
        engine = make_engine(context.dataset, context.rows, tests, context.sample, context.seed, context.folder)
    if not engine.size_of(test):
        told = "`where` holds for none of the test rows" if len(context.rows) else "there are no test rows"
        return not_run(subject, params["severity"], told)
    answer: Answer = engine.of(subject, test)
    if "edit" in params:
        lacking = too_few(answer, params["min_rows"])
        if lacking:
            return not_run(subject, params["severity"], lacking)
    return answer


def not_run(subject: Subject, severity: Severity, reason: str, variant: str = "") -> Finding:
    return Finding("", "", subject.name, variant, "not_run", severity, reason=reason)


def too_few(answer: Answer, min_rows: int) -> str:
    """Return why so few rows prove nothing; of a test that makes its own rows each edited sentence is one."""
    changed = sum(len(change.cases) for change in answer.changes)
    if not changed:
        return f"the edit changes none of {count(len(answer.ids), 'row')}"
    if not answer.own:
        cases = np.zeros(len(answer.ids), dtype=bool)
        for change in answer.changes:
            cases[change.cases] = True
        changed = int(cases.sum())
    if changed >= min_rows:
        return ""
    return f"the edit changes {count(changed, 'row')}, and `min_rows` is {min_rows}"


def rate_findings(
    subject: Subject, answer: Answer, judged: Sequence[Judged], bound: Bound, task: Task
) -> Iterator[Finding]:
    """Yield the share of rows that fail at least one variant, and where there are several, that of each variant."""
    size = len(answer.ids)
    counted, failed, moved = (np.zeros(size, dtype=bool) for _ in range(3))
    for each in judged:
        counted[each.change.cases[each.counts]] = True
        failed[each.change.cases[each.fails & each.counts]] = True
        moved[each.change.cases[each.moves.moved & each.counts]] = True
    changes = np.concatenate([each.moves.change[each.counts] for each in judged])
    details = {
        **sizes_of(changes),
        "group_range": group_range(answer, judged) if answer.own else None,
        "not_applicable": int(sum(int((~each.counts).sum()) for each in judged)),
    }
    worst = worst_rows(answer, judged, task)
    yield rate_finding(subject, "", (int(failed.sum()), int(counted.sum()), int(moved.sum())), bound, details, worst)
    for each in judged if len(judged) > 1 else ():
        kept = each.counts
        tally = int((each.fails & kept).sum()), int(kept.sum()), int((each.moves.moved & kept).sum())
        name = each.change.variant
        if tally[1] < bound.min_rows and not answer.own:
            few = f"it changes {count(tally[1], 'row')}, and `min_rows` is {bound.min_rows}"
            told_few = not_run(subject, bound.severity, few, name)
            yield replace(told_few, n=tally[1], n_changed=tally[2], details=sizes_of(each.moves.change[kept]))
            continue
        yield rate_finding(subject, name, tally, bound, sizes_of(each.moves.change[kept]))


def author_findings(subject: Subject, context: Context, params: Params) -> Iterator[Finding]:
    """Yield the share of an author's labelled rows that a model answers wrongly, and the worst of them."""
    answer = answer_of(subject, context, params)
    if isinstance(answer, Finding) or answer.truth is None:
        return
    task, said, truth = context.dataset.task, answer.base, answer.truth
    if len(truth) < params["min_rows"]:
        few = f"the file has {count(len(truth), 'row')}, and `min_rows` is {params['min_rows']}"
        yield not_run(subject, params["severity"], few)
        return
    fails = wrong(truth, said, task, params["tolerance"])
    size = np.abs(said.values - truth)
    if said.probabilities is not None and task.kind == "classification":
        size = 1 - said.probabilities[np.arange(len(truth)), truth]
    rows = np.flatnonzero(fails)
    rows = rows[np.argsort(-size[rows], kind="stable")][:LISTED]
    worst = tuple(
        WorstRow(answer.ids[row], told(truth[row], task), told(said.values[row], task), "truth → answer")
        for row in rows
    )
    bound = Bound(
        params["max_rate"], params["severity"], context.confidence, params["min_rows"], "are answered wrongly"
    )
    tally = int(fails.sum()), len(truth), len(truth)
    yield rate_finding(subject, "", tally, bound, {"mean_change": None, "group_range": None}, worst)


def rate_finding(
    subject: Subject,
    variant: str,
    tally: tuple[int, int, int],
    bound: Bound,
    details: dict[str, float | int | None],
    worst: tuple[WorstRow, ...] = (),
) -> Finding:
    """Return one rate with its Wilson interval; tally: rows that fail, that count, and whose output moved.

    p_value: the exact binomial probability of so many failures or more at the rate that is allowed.
    """
    fails, n, moved = tally
    if n == 0:
        return replace(not_run(subject, bound.severity, "no row can move that way", variant), n=0, n_changed=0)
    low, high = wilson(fails, n, bound.confidence)
    status, reason = judge_rate(tally, low, bound)
    return Finding(
        check="",
        test="",
        model=subject.name,
        variant=variant,
        status=status,
        severity=bound.severity,
        measure="failure rate",
        value=fails / n,
        low=low,
        high=high,
        threshold=bound.max_rate,
        p_value=binomial_sf(fails - 1, n, bound.max_rate),
        n=n,
        n_changed=moved,
        worst_rows=worst,
        reason=reason,
        details=details,
    )


def judge_rate(tally: tuple[int, int, int], low: float, bound: Bound) -> tuple[FindingStatus, str]:
    """Return fail when the near end of the interval is beyond the bound, warn when only the rate is."""
    fails, n, moved = tally
    rate = f"{fails / n:.1%} of {count(n, 'row')} {bound.failing}"
    if low > bound.max_rate:
        return failing(bound.severity), f"{rate}; {bound.max_rate:.1%} may"
    if fails / n > bound.max_rate:
        return "warn", f"{rate}; {bound.max_rate:.1%} may, and chance could explain the rest"
    if moved < MOVED_AT_LEAST * n:
        return "vacuous", f"the output moved for {moved:,} of {count(n, 'row')}, so this proves nothing"
    return "pass", rate


def failing(severity: Severity) -> FindingStatus:
    """Return what a broken bound is called."""
    return "warn" if severity == "warn" else "fail"


def sizes_of(changes: Array) -> dict[str, float | int | None]:
    """Return the mean of changes with their signs, which is the direction of a bias, and without."""
    return {"mean_change": mean_of(changes), "mean_size": mean_of(np.abs(changes))}


def mean_of(numbers: Array) -> float | None:
    return float(numbers.mean()) if len(numbers) else None


def group_range(answer: Answer, judged: Sequence[Judged]) -> float | None:
    """Return the mean over groups of max − min of what is said of the rows of a group, its base row among them."""
    size = len(answer.ids)
    most, least = np.full(size, -np.inf), np.full(size, np.inf)
    for each in judged:
        for said in (each.moves.old, each.moves.new):
            most[each.change.cases] = np.maximum(most[each.change.cases], said)
            least[each.change.cases] = np.minimum(least[each.change.cases], said)
    known = np.isfinite(most)
    return mean_of((most - least)[known])


def worst_rows(answer: Answer, judged: Sequence[Judged], task: Task) -> tuple[WorstRow, ...]:
    """Return the rows that failed by most, each once, with what was said of it before and after its worst variant."""
    listed: dict[int, WorstRow] = {}
    for _, case, variant, row, moved in sorted(candidates(judged), key=lambda one: one[:3]):
        if case not in listed and len(listed) < LISTED:
            listed[case] = worst_row(answer.ids[case], variant, row, moved, task)
    return tuple(listed.values())


def candidates(judged: Sequence[Judged]) -> Iterator[tuple[float, int, str, int, Moves]]:
    """Yield the rows of each variant that failed by most: size (the largest first), case, variant, row, moves."""
    for each in judged:
        rows = np.flatnonzero(each.fails & each.counts)
        size = -np.abs(each.moves.change[rows])
        for position in np.argsort(size, kind="stable")[:LISTED]:
            row = int(rows[position])
            yield float(size[position]), int(each.change.cases[row]), each.change.variant, row, each.moves


def worst_row(identity: str | int, variant: str, row: int, moved: Moves, task: Task) -> WorstRow:
    """Return a row with its output before and after; for classes the note tells the labels too."""
    old, new = told(moved.old_values[row], task), told(moved.new_values[row], task)
    if task.kind == "regression" or moved.hard:
        return WorstRow(identity, old, new, variant)
    labels = f"{old} → {new}"
    return WorstRow(
        identity, float(moved.old[row]), float(moved.new[row]), f"{variant}; {labels}" if variant else labels
    )
