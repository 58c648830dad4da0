"""From a plan to what is printed of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlrun.json_records import encode
from mlrun.screen.pages import Page, Section, show_page
from mlrun.screen.tables import Heading, Row, Table
from mlrun.wording import NOTHING, as_text, count, duration

if TYPE_CHECKING:
    from mlrun.preview import PlanLine, PlannedEvaluation, PlanReport


def print_plan(plan: PlanReport, form: str, trials: bool) -> None:
    """Print what a run would do; as csv its models alone. trials: with a line for each of them, as csv those alone."""
    content = {**encode(plan), "seconds": plan.seconds}
    if not trials:
        del content["trials"]
    rows = planned_trials(plan) if trials else planned_models(plan)
    show_page(Page(plan.experiment, sections(plan, trials), content, rows), form)


def sections(plan: PlanReport, trials: bool) -> list[Section]:
    """Return what the data is, what each model will cost, the whole, and each trial where that is asked for."""
    rows = f"{plan.task}: {plan.train_rows:,} rows to train, in {plan.folds} folds; {plan.test_rows:,} to test"
    metrics = f"metrics: {', '.join(plan.metrics)}; the first one chooses" if plan.metrics else "no metrics: no labels"
    baselines = f"baselines: {', '.join(plan.baselines)}" if plan.baselines else "no baselines"
    return [
        Section("", None, (rows, metrics, baselines, *plan.notes)),
        Section("", planned_models(plan), (whole(plan),)),
        *([Section("trials", planned_trials(plan))] if trials else []),
        Section("", None, (*told_evaluation(plan.evaluation), *([told_gates(plan)] if plan.gates else []))),
    ]


def told_evaluation(planned: PlannedEvaluation) -> Iterator[str]:
    """Yield which tests follow, and what they cost."""
    if not planned.tests and not planned.left_out:
        yield "evaluation: none"
        return
    fits = f", about {count(math.ceil(planned.fits), 'fit')} more" if planned.fits else ""
    yield f"evaluation: {count(len(planned.tests), 'test')}{fits}: {', '.join(planned.tests)}"
    if planned.left_out:
        yield f"not in it, for it would cost more than the training: {', '.join(planned.left_out)}; name it to have it"


def told_gates(plan: PlanReport) -> str:
    return f"gates: {'; '.join(plan.gates)}"


def planned_models(plan: PlanReport) -> Table:
    """Return a line a model, in the order in which they run."""
    rows = tuple(encode(line) for line in plan.lines)
    renamed = any(row["model"] != row["family"] for row in rows)
    headings = (
        Heading("model", lambda row: row["model"], fold=True),
        *([Heading("family", lambda row: row["family"], rank=4)] if renamed else []),
        Heading("rank", lambda row: str(row["rank"]), rank=3, right=True),
        Heading("trials", lambda row: f"{row['trials'] + row['later']:,}", right=True),
        Heading("reused", lambda row: f"{row['cached']:,}", rank=1, right=True),
        Heading("fits", told_fits, right=True),
        Heading("time", lambda row: duration(row["seconds"]), rank=2, right=True),
    )
    return Table(
        headings, rows, tuple(reasons(plan)), style=lambda row: "" if row["fits"] else "dim", empty="no models"
    )


def reasons(plan: PlanReport) -> Iterator[str]:
    """Yield what is reused from where, and why the rest must run; models with the same reason together."""
    if any(line.later for line in plan.lines):
        yield "a search in rounds: what it tries after the first depends on the scores; counted as if none were reused"
    for line in plan.lines:
        if line.sources:
            yield f"{line.model}: {told_reuse(line)}"
    new = [line for line in plan.lines if line.why and not line.sources]
    for cause in dict.fromkeys(line.why for line in new):
        names = [line.model for line in new if line.why == cause]
        yield f"to be run: {'all' if len(names) == len(plan.lines) else ', '.join(names)} ({cause})"


def told_reuse(line: PlanLine) -> str:
    """Return '12 of 30 reused from income@3; 18 new: 12 × params not tried before, 6 × seed 0 → 1'."""
    runs = sorted(line.sources, key=lambda run: -line.sources[run])
    parts = [f"{line.sources[run]:,} from {run}" for run in runs] if len(runs) > 1 else [f"from {runs[0]}"]
    share = f"{line.cached:,} of {line.trials:,}" if line.causes or line.trials == 1 else f"all {line.trials:,}"
    told = f"{share} reused {', '.join(parts)}"
    return f"{told}; {line.trials - line.cached:,} new: {line.why}" if line.causes else told


def planned_trials(plan: PlanReport) -> Table:
    """Return a line a trial: what is varied, and whether it is taken over."""
    rows = tuple(encode(trial) for trial in plan.trials)
    headings = (
        Heading("trial", lambda row: row["trial"], fold=True),
        Heading("params", told_params, fold=True),
        Heading("reused from", lambda row: row["run"] if row["reused"] else NOTHING, fold=True),
        Heading("why not", told_why, fold=True),
    )
    return Table(headings, rows, style=lambda row: "dim" if row["reused"] else "", empty="no trials")


def told_params(row: Row) -> str:
    return ", ".join(f"{name} {as_text(value)}" for name, value in row["params"].items()) or "defaults"


def told_why(row: Row) -> str:
    return f"{row['why']} (beside {row['run']})" if row["run"] and not row["reused"] else row["why"]


def told_fits(row: Row) -> str:
    shared: bool = 0 < row["fits"] < row["unshared"]
    return f"{row['fits']:,}" + (f" of {row['unshared']:,}" if shared else "")


def whole(plan: PlanReport) -> str:
    """Return the sums in a sentence, with the time where every model has been measured before."""
    fits, unshared = sum(line.fits for line in plan.lines), sum(line.unshared for line in plan.lines)
    trials = count(sum(line.trials + line.later for line in plan.lines), "trial")
    if not fits:
        return f"{trials}, nothing to fit: all of it is reused, or follows from members"
    if plan.cpu_seconds is not None:
        searching = sum(line.fits > 0 for line in plan.lines)
        granted = (
            f"{duration(plan.cpu_seconds)} of CPU a model pay for, {duration(searching * plan.cpu_seconds)} in all"
        )
        return f"{trials}, {count(fits, 'fit')} to begin with; then as many as {granted}"
    spared = f" instead of {unshared:,}" if fits < unshared else ""
    seconds = f", about {duration(plan.seconds)} on one core" if plan.seconds is not None else ""
    untimed = "" if seconds else "; how long a fit takes is known after the first run"
    return f"{trials}, {count(fits, 'fit')}{spared}{seconds}{untimed}"
