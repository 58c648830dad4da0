"""What each family takes for granted, held against the data; a violation is a warning joined to its consequence."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from mlrun.check_contracts import Check, Context, Subject
from mlrun.kinds import ListOf, OneOf, Parameter
from mlrun.records import Finding, FindingStatus, Params

if TYPE_CHECKING:
    from mlrun.assumption.judgement import Judgement

OF_THE_DATA = ("iid_independent", "iid_duplicates", "prediction", "iid_identical")  # once; no family does without them
OF_FAMILIES = ("normality", "conditional_independence", "smoothness", "linearity", "boundaries", "tractability")
NAMES = (*OF_THE_DATA, *OF_FAMILIES)
FITS = {  # fits of a model on the rows that are looked at, as one on all of train would cost
    "prediction": 1.0,
    "iid_identical": 1.0,
    "normality": 0.2,
    "conditional_independence": 0.5,
    "smoothness": 0.5,
    "linearity": 1.0,
    "boundaries": 4.0,
}
ROWS = {"iid_identical": 3000, "linearity": 3000, "boundaries": 2000}  # where fewer than 5,000 are looked at
REFITTED = 0.875  # an eighth, a quarter and a half of the training rows
STATUSES: Mapping[str, FindingStatus] = {
    "ok": "pass",
    "strained": "warn",
    "violated": "warn",
    "not applicable": "not_run",
}
ONLY_FOR = {"linearity": "regression", "boundaries": "classification", "conditional_independence": "classification"}
AUTOMATIC = (  # from cheap to dear, so that the cheap ones run where the dear ones cost too much
    ("assumptions", ("iid_independent", "iid_duplicates", "normality", "conditional_independence")),
    ("assumptions: prediction", ("prediction", "smoothness")),
    ("assumptions: identical", ("iid_identical", "linearity")),
    ("assumptions: boundaries", ("boundaries",)),
    ("assumptions: tractability", ("tractability",)),
)


def run(subject: Subject, context: Context, params: Params) -> Iterator[Finding]:
    """Yield a finding for each assumption, and for those of a family one a family."""
    if len(context.train) == 0:
        yield Finding("", "", "", status="not_run", reason="the training rows are not here")
        return
    judges = judges_of(subject, context)
    for name in params["only"] or NAMES:
        if name in OF_THE_DATA:
            yield finding(name, "", "", context, judges[name])
            continue
        for family, owner in owners(name, context).items():
            yield finding(
                name,
                family,
                owner.name,
                context,
                tractability_of(owner, context) if name == "tractability" else judges[name],
            )


def owners(name: str, context: Context) -> dict[str, Subject]:
    """Return the families of the run that make an assumption, each with the first model of it."""
    if ONLY_FOR.get(name, context.dataset.task.kind) != context.dataset.task.kind:
        return {}
    found: dict[str, Subject] = {}
    for subject in context.subjects:
        if name in subject.assumptions:
            found.setdefault(subject.family, subject)
    return found


def judges_of(best: Subject, context: Context) -> Mapping[str, Callable[[], Judgement]]:
    """Return for each assumption what judges it, once."""
    from mlrun.assumption import (
        boundaries,
        conditional_independence,
        iid_duplicates,
        iid_identical,
        iid_independent,
        linearity,
        normality,
        prediction,
        smoothness,
    )
    from mlrun.assumption.sample import sample_of

    sample = cache(lambda: sample_of(context))
    judges: dict[str, Callable[[], Judgement]] = {
        "iid_independent": lambda: iid_independent.judge(best, context),
        "iid_duplicates": lambda: iid_duplicates.judge(context),
        "iid_identical": lambda: iid_identical.judge(context),
        "prediction": lambda: prediction.judge(sample()),
        "normality": lambda: normality.judge(sample()),
        "conditional_independence": lambda: conditional_independence.judge(sample()),
        "smoothness": lambda: smoothness.judge(sample()),
        "linearity": lambda: linearity.judge(sample()),
        "boundaries": lambda: boundaries.judge(sample()),
    }
    return {name: cache(judge) for name, judge in judges.items()}


def tractability_of(subject: Subject, context: Context) -> Callable[[], Judgement]:
    from mlrun.assumption import tractability

    return lambda: tractability.judge(subject, context)


def finding(name: str, family: str, model: str, context: Context, judge: Callable[[], Judgement]) -> Finding:
    """Return what is said of one assumption; a mistake in one hides no other."""
    from threadpoolctl import threadpool_limits

    try:
        # small matrices: more threads would wait for each other; numbers that overflow show in what comes out
        with threadpool_limits(1), warnings.catch_warnings(action="ignore", category=RuntimeWarning):
            judged = judge()
    except (ValueError, ArithmeticError, MemoryError) as error:
        return Finding("", "", model, name, "error", "warn", reason=f"{type(error).__name__}: {error}"[:200])
    if judged.value is not None and not math.isfinite(judged.value):
        judged = replace(judged, word="not applicable", value=None, told="its numbers cannot be computed with")
    whose = family or ("time" if context.time else "")
    consequence = consequence_of(name, whose) if judged.word in {"strained", "violated"} else ""
    details: dict[str, Any] = {
        "word": judged.word,
        "statistic": judged.statistic,
        "value": judged.value,
        "consequence": consequence,
        "family": family,
    }
    return Finding(
        "",
        "",
        model,
        name,
        status=STATUSES[judged.word],
        severity="warn",
        measure=judged.statistic,
        value=judged.value,
        p_value=judged.p_value,
        n=len(context.train),
        reason=judged.told if not consequence else f"{judged.word}: {judged.told}; {consequence}",
        details=details,
    )


def consequence_of(name: str, whose: str) -> str:
    """Return what a violation means for a family, or for data with a time, as the assumption's own file says it."""
    from importlib import import_module

    told: Mapping[str, str] = import_module(f"mlrun.assumption.{name}").CONSEQUENCES
    return told.get(whose, told[""])


def automatic(context: Context) -> tuple[Params, ...]:
    """Return the assumptions that the run's families make, in parts from cheap to dear."""
    if len(context.train) == 0:  # one test, which says so
        return ({},)
    made = {name for name in NAMES if name in OF_THE_DATA or owners(name, context)}
    parts = [(title, tuple(name for name in names if name in made)) for title, names in AUTOMATIC]
    return tuple({"name": title, "only": names} for title, names in parts if names)


def fits(context: Context, params: Params) -> float:
    """Return the cost: what is looked at is a part of the training rows; tractability fits each of its models again."""
    rows, total = max(1, len(context.train)), 0.0
    for name in params["only"] or NAMES:
        if name == "tractability":
            total += REFITTED * len(owners(name, context))
        elif name in FITS and (name in OF_THE_DATA or owners(name, context)):
            total += FITS[name] * min(1.0, ROWS.get(name, 5000) / rows)
    return total


ENTRY = Check(
    run=run,
    parameters={
        "only": Parameter(ListOf(OneOf(*NAMES)), None, "the assumptions to look at; all of them when left out")
    },
    tasks=("classification", "regression", "anomaly"),
    needs=(),
    of="run",
    automatic=automatic,
    fits=fits,
)
