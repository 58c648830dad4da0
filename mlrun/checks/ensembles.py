"""Why an ensemble is better than its members, or is not: how alike their mistakes are, and what it gains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from mlrun.check_contracts import Check, Context, Subject
from mlrun.records import Finding, Params

if TYPE_CHECKING:
    from mlrun.records import Difference

FEWEST_ROWS = 20
ALIKE = 0.5  # a mean correlation of errors from which on members mostly repeat each other


def run(subject: Subject, context: Context, params: Params) -> Iterator[Finding]:  # noqa: ARG001 - as every check
    """Yield what is known of an ensemble with members; nothing of other models."""
    if not subject.members:
        return
    by_name = {each.name: each for each in context.subjects}
    members = [by_name[name] for name in subject.members if name in by_name and by_name[name].test is not None]
    if context.truth is None or subject.test is None:
        told = "there are no labels" if context.truth is None else "there are no test rows"
        yield Finding("", "", subject.name, status="not_run", reason=told)
        return
    if not members:
        yield Finding("", "", subject.name, status="not_run", reason="none of its members has a champion of its own")
        return
    if len(context.rows) < FEWEST_ROWS:
        told = f"there are only {len(context.rows)} rows; it needs {FEWEST_ROWS}"
        yield Finding("", "", subject.name, status="not_run", reason=told)
        return
    yield finding(subject, members, context)


def finding(subject: Subject, members: Sequence[Subject], context: Context) -> Finding:
    best = best_of(members, context)
    gain = gain_over(subject, best, context)
    details = {
        **error_details(subject, members, context),
        "best_member": best.name,
        "gain": gain.difference,
        "gain_low": gain.low,
        "gain_high": gain.high,
    }
    label = context.metrics[0].label
    return Finding(
        "",
        "",
        subject.name,
        measure=f"gain in {label} over its best member",
        value=gain.difference,
        low=gain.low,
        high=gain.high,
        n=len(context.rows),
        reason=sentence(details, gain, label),
        details=details,
    )


def error_details(subject: Subject, members: Sequence[Subject], context: Context) -> dict[str, Any]:
    """Return pairs with the correlation of their errors, and what independent errors would give."""
    from mlrun import member_errors

    task, truth = context.dataset.task, context.truth
    assert truth is not None  # noqa: S101 - the check needs labels
    errors = {each.name: member_errors.mistakes(truth, each.test, task) for each in members if each.test is not None}
    own = member_errors.mistakes(truth, subject.test, task) if subject.test is not None else None
    found: dict[str, Any] = {
        "pairs": [
            [one, other, member_errors.correlation(errors[one], errors[other])]
            for one, other in combinations(errors, 2)
        ],
        "accuracy_if_independent": None,
        "accuracy": None,
    }
    if task.kind == "regression":
        told = member_errors.averaged_rmse(list(errors.values())) if len(errors) > 1 else None
        return {**found, "rmse_if_independent": told}
    if len(errors) > 1:
        accuracies = [1 - float(each.mean()) for each in errors.values()]
        found["accuracy_if_independent"] = member_errors.majority_accuracy(accuracies)
    found["accuracy"] = None if own is None else 1 - float(own.mean())
    return found


def best_of(members: Sequence[Subject], context: Context) -> Subject:
    """Return the best member by the first metric on the folds, so that test does not choose what it judges."""
    from mlrun import metrics

    spec = context.metrics[0]
    sign = 1 if metrics.entry(spec.name, context.folder).direction == "maximize" else -1

    def known(member: Subject) -> float:
        score = member.cv.get(spec.label)
        return float("-inf") if score is None else sign * score

    return max(members, key=known)


def gain_over(subject: Subject, member: Subject, context: Context) -> Difference:
    """Return the ensemble's score less the member's on the judged rows, turned so that more is better."""
    from mlrun.intervals import Question, gain

    assert context.truth is not None  # noqa: S101 - the check needs labels,
    assert subject.test is not None  # noqa: S101 - the test rows,
    assert member.test is not None  # noqa: S101 - and members that have answered them
    question = Question(
        context.metrics[0], context.truth, context.dataset.task, context.confidence, context.seed, context.folder
    )
    return gain(question, subject.test, member.test)


def sentence(details: dict[str, Any], gain: Difference, label: str) -> str:
    """Say what the ensemble gains, and how alike its members' mistakes are."""
    told: list[str] = []
    if gain.difference is None:
        told.append(f"{label} cannot be compared with that of {details['best_member']}")
    else:
        unclear = gain.low is None or gain.high is None or gain.low <= 0 <= gain.high
        word = "the difference may be chance" if unclear else "better" if gain.difference > 0 else "worse"
        bounds = "" if gain.low is None or gain.high is None else f" [{gain.low:.4g}, {gain.high:.4g}]"
        told.append(f"{gain.difference:+.4g}{bounds} in {label} over {details['best_member']}: {word}")
    known = [pair[2] for pair in details["pairs"] if pair[2] is not None]
    if known:
        mean = sum(known) / len(known)
        alike = "its members make the same mistakes" if mean > ALIKE else "its members make other mistakes"
        told.append(f"{alike} (mean correlation {mean:.2f})")
    independent, reached = details["accuracy_if_independent"], details["accuracy"]
    if independent is not None and reached is not None and len(details["pairs"]) > 0:
        told.append(f"a vote of independent ones would be right in {independent:.1%}, it is in {reached:.1%}")
    return "; ".join(told)


def automatic(context: Context) -> tuple[Params, ...]:
    return ({},) if any(subject.members for subject in context.subjects) else ()


ENTRY = Check(
    run=run,
    parameters={},
    tasks=("classification", "regression"),
    needs=(),
    automatic=automatic,
)
