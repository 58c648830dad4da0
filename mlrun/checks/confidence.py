"""Which single predictions can be shown: how sure a model is, against how often it is right."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlrun.check_contracts import Check, Context, Subject
from mlrun.kinds import ColumnName, Fields, ListOf, Number, OneOf, Parameter
from mlrun.records import Finding, FindingStatus, Params, WorstRow
from mlrun.wording import count

if TYPE_CHECKING:
    from mlrun.certainty.answers import Answers
    from mlrun.certainty.selective import Answered, Selective

FEWEST_ROWS = 30
FEWEST_OF_EACH = 10  # right and wrong answers, below which an interval cannot fail a model
SURE = 0.9
WORST_ROWS = 10
ONE_WIDTH = "its intervals are all of one width, so no number is surer than another"


def run(subject: Subject, context: Context, params: Params) -> Iterator[Finding]:
    """Yield risk against coverage, then what conformal sets or intervals cover: of all rows, and by group.

    Thresholds and conformal scores come from the held-out rows of the folds, and are reported on test. The champion is
    fitted on all of train, so the scores are cross-conformal (Vovk 2015): a little too careful where rows are few.
    """
    from mlrun.certainty.answers import answers_of_folds, answers_on_test
    from mlrun.certainty.sets import conformal_findings

    if context.truth is None:
        yield unlabelled(subject, context, params)
        return
    test, held_out = answers_on_test(subject, context), answers_of_folds(subject, context)
    if len(test.rows) < FEWEST_ROWS:
        told = f"there are only {count(len(test.rows), 'row')} with an answer; it needs {FEWEST_ROWS}"
        yield Finding("", "", subject.name, status="not_run", reason=told)
        return
    if context.dataset.task.kind == "regression":
        yield Finding("", "", subject.name, status="not_run", reason=ONE_WIDTH)
    elif test.confidence is None:
        told = "it gives neither probabilities nor scores, so no answer is surer than another"
        yield Finding("", "", subject.name, status="not_run", reason=told)
        return
    else:
        yield shown(subject, context, params, test, held_out)
    yield from conformal_findings(subject.name, context, params, test, held_out)


def shown(subject: Subject, context: Context, params: Params, test: Answers, held_out: Answers | None) -> Finding:
    """Return the risk of the answers that are shown, from the surest on."""
    from mlrun.certainty import selective

    if test.confidence is None:
        raise ValueError("nothing says how sure it is")
    target, level = params["target_risk"], context.confidence
    found = selective.selective(test.confidence, test.wrong, level)
    threshold, answered = math.nan, selective.Answered(math.nan, math.nan, math.nan)
    if held_out is not None and held_out.confidence is not None:
        threshold = selective.threshold_for(held_out.confidence, held_out.wrong, target)
    elif (before := chosen_before(subject, context, target)) is not None:
        threshold = before[0]
    if not math.isnan(threshold):
        answered = selective.answered_from(test.confidence, test.wrong, threshold, level)
    status, fault = judge(found, answered.coverage, test)
    details = {
        "curve": [list(point) for point in found.curve],
        "aurc": found.aurc,
        "e_aurc": found.e_aurc,
        "augrc": found.augrc,
        "auroc": found.auroc,
        "auroc_low": found.low,
        "auroc_high": found.high,
        "target_risk": target,
        "threshold": threshold,
        "coverage": answered.coverage,
        "risk": answered.risk,
        "risk_high": answered.risk_high,
        "overconfident_share": overconfident_share(test),
    }
    return Finding(
        "",
        "",
        subject.name,
        status=status,
        severity=params["severity"],
        measure=f"coverage at {100 * target:g}% errors",
        value=finite(answered.coverage),
        n=len(test.rows),
        worst_rows=overconfident_rows(context, test),
        reason=told(target, threshold, answered, probable=test.probabilities is not None) + fault,
        details={key: finite(value) if isinstance(value, float) else value for key, value in details.items()},
    )


def unlabelled(subject: Subject, context: Context, params: Params) -> Finding:
    """Return how many rows the model would answer itself, by its run's threshold; how well, nobody can say."""
    from mlrun.certainty.answers import confidence_of

    prediction = subject.test
    sure = None if prediction is None else confidence_of(prediction)
    before = chosen_before(subject, context, params["target_risk"])
    if sure is None or before is None or context.dataset.task.kind == "regression":
        return Finding(
            "", "", subject.name, status="not_run", reason="there are no labels, and no threshold from the run"
        )
    threshold, then = before
    sure = sure if subject.answered is None else sure[subject.answered]
    share = float((sure >= threshold).mean())
    return Finding(
        "",
        "",
        subject.name,
        measure=f"coverage at {100 * params['target_risk']:g}% errors",
        value=share,
        n=len(sure),
        reason=f"it would answer {100 * share:.1f}% of these rows itself, {100 * then:.1f}% of its test rows then; "
        "how many answers are wrong cannot be told without labels",
        details={"threshold": threshold, "coverage": share, "target_risk": params["target_risk"]},
    )


def chosen_before(subject: Subject, context: Context, target: float) -> tuple[float, float] | None:
    """Return the threshold that the model's run chose for this risk, and the coverage it gave; None where none is."""
    for finding in context.before:
        known = finding.details
        if (finding.check, finding.model, finding.variant) != ("confidence", subject.name, ""):
            continue
        if "threshold" in known and known["target_risk"] == target and known["threshold"] is not None:
            return float(known["threshold"]), float(known["coverage"] or 0.0)
    return None


def judge(found: Selective, coverage: float, test: Answers) -> tuple[FindingStatus, str]:
    """Judge whether confidence tells right from wrong, and whether anything is left to show; with what to add."""
    wrong = int(test.wrong.sum())
    few = min(wrong, len(test.rows) - wrong)
    if coverage == 0:
        return "fail", ""
    if math.isnan(found.auroc):
        return "pass", ""
    area = f"AUROC of confidence {found.auroc:.2f}"
    if not math.isnan(found.low) and found.low <= 0.5:
        if few < FEWEST_OF_EACH:
            return "warn", f"; {few} {'wrong' if wrong == few else 'right'} answers are too few to say more ({area})"
        return "fail", f"; how sure it is does not tell right from wrong ({area}, and 0.5 is not ruled out)"
    if found.auroc < 0.6:
        return "warn", f"; how sure it is hardly tells right from wrong ({area})"
    return "pass", ""


def told(target: float, threshold: float, answered: Answered, *, probable: bool) -> str:
    """Say what the model can answer itself."""
    errors = f"at no more than {100 * target:g}% errors"
    if math.isnan(threshold):
        return f"there are no held-out answers from which a threshold for {100 * target:g}% errors could be chosen"
    if math.isinf(threshold) or answered.coverage == 0:
        return f"{errors} it can answer no row itself"
    sure = f"{'at least' if probable else 'a margin of'} {threshold:.3g}{' sure' if probable else ''}"
    return (
        f"{errors} it answers {100 * answered.coverage:.1f}% of rows itself ({sure}); on test "
        f"{100 * answered.risk:.1f}% of these are wrong, at most {100 * answered.risk_high:.1f}%"
    )


def overconfident_share(test: Answers) -> float:
    """Return the share of the errors of which the model was SURE; NaN without errors or probabilities."""
    if test.probabilities is None or test.confidence is None or not test.wrong.any():
        return math.nan
    return float((test.confidence[test.wrong] >= SURE).mean())


def overconfident_rows(context: Context, test: Answers) -> tuple[WorstRow, ...]:
    """Return the errors of which the model was surest: truth as old, what it said as new."""
    import numpy as np

    if test.probabilities is None or test.confidence is None:
        return ()
    labels, ids = context.dataset.task.labels, context.dataset.row_ids
    sure = np.flatnonzero(test.wrong & (test.confidence >= SURE))
    worst = sure[np.argsort(-test.confidence[sure], kind="stable")][:WORST_ROWS]
    return tuple(
        WorstRow(row, labels[truth], labels[said], f"{sure:.3f} sure")
        for row, truth, said, sure in zip(
            ids[test.rows[worst]].tolist(),
            test.truth[worst].tolist(),
            test.values[worst].tolist(),
            test.confidence[worst].tolist(),
            strict=True,
        )
    )


def finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


ENTRY = Check(
    run=run,
    parameters={
        "target_risk": Parameter(Number(above=0, below=1), 0.05, "the share of errors among answers that are shown"),
        "conformal": Parameter(
            Fields(
                {
                    "coverage": Parameter(Number(above=0, below=1), 0.9, "how often a set or interval holds the truth"),
                    "by": Parameter(ListOf(ColumnName()), (), "columns whose groups are judged too"),
                }
            ),
            {"coverage": 0.9, "by": ()},
            "sets of classes, or intervals of numbers",
        ),
        "severity": Parameter(OneOf("fail", "warn"), "fail", "whether a failure counts against usefulness"),
    },
    tasks=("classification", "regression"),
    needs=("test",),
    automatic=lambda context: ({},),
)
