"""From a run, an evaluation or an error to test suites: gates, training, then a suite a check, of the best model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlrun.notice.junit import Case, Outcome, Suite, document
from mlrun.records import Finding
from mlrun.store.run_record import GateRecord, ModelRecord, RunRecord
from mlrun.view.findings import told_finding
from mlrun.wording import interval, told_test

GATES: dict[str, Outcome] = {"pass": "passed", "fail": "failure", "undecided": "error", "not_run": "skipped"}
MOST_ROWS = 10


def of_run(record: RunRecord, findings: Sequence[Finding]) -> bytes:
    """Return the report of a finished run; each reason for an exit code above 0 is a failure or an error in it."""
    name = record.experiment
    suites = [
        Suite(f"{name}.training", tuple(training(record)), dict(facts(record)), record.started),
        Suite(f"{name}.gates", tuple(of_gate(gate, name) for gate in record.gates)),
        *of_findings(name, record.best, findings),
    ]
    return document(record.name, suites)


def of_evaluation(run: str, best: str | None, findings: Sequence[Finding]) -> bytes:
    """Return the report of what a run's suites found on rows."""
    return document(f"{run} evaluated", of_findings(run.partition("@")[0], best, findings))


def of_error(name: str, kind: str, message: str) -> bytes:
    """Return the report of a train that came to no run: one test, which could not be asked."""
    first, *others = message.splitlines() or [kind]
    return document(name, [Suite("mlrun", (Case(name, "mlrun.train", "error", kind, first, tuple(others)),))])


def training(record: RunRecord) -> Iterator[Case]:
    """Yield a test a model: whether it could be fitted; and one that no trial has failed."""
    group = f"{record.experiment}.training"
    for model in record.models:
        if model.kind == "model":
            yield of_model(model, group)
    if record.failed_trials:
        told = f"{record.failed_trials} failed; trials.jsonl has the reasons, timings.jsonl what was said"
        yield Case("all trials", group, "error", "failed", told)


def of_model(model: ModelRecord, group: str) -> Case:
    """Return whether a model could be fitted, and its scores."""
    if model.status == "failed":
        return Case(model.name, group, "error", "failed", model.reason or "no reason recorded")
    scores = [f"{label} {interval(found.value, found.low, found.high)}" for label, found in model.test.items()]
    return Case(model.name, group, output=", ".join(scores), seconds=model.fit_seconds or 0.0)


def facts(record: RunRecord) -> Iterator[tuple[str, str]]:
    """Yield what is to be known of the run: the verdict, the best model, its scores in full."""
    yield "run", record.name
    yield "exit_code", str(record.exit_code)
    yield "verdict", record.verdict.word
    yield "reason", record.verdict.reason
    yield "best", record.best or ""
    if record.champion is not None:
        for label, folds in record.champion.cv.items():
            yield f"folds.{label}", repr(folds.mean)
        for label, test in record.champion.test.items():
            yield f"test.{label}", repr(test.value)


def of_gate(gate: GateRecord, experiment: str) -> Case:
    """Return a gate; one that could not be concluded is an error, for it keeps the run from being green."""
    outcome = GATES[gate.status]
    told = gate.reason or gate.status
    if outcome == "passed":
        return Case(gate.gate, f"{experiment}.gates", output=gate.reason)
    return Case(gate.gate, f"{experiment}.gates", outcome, gate.status, told)


def of_findings(experiment: str, best: str | None, findings: Sequence[Finding]) -> Iterator[Suite]:
    """Yield a suite a check with what was found of the best model and of the run; without a best one, of all."""
    mine = [each for each in findings if best is None or each.model in {"", best}]
    for check in dict.fromkeys(each.check for each in mine):
        group = f"{experiment}.{check}"
        cases = tuple(of_finding(each, group, best) for each in mine if each.check == check)
        yield Suite(group, cases)


def of_finding(finding: Finding, group: str, best: str | None) -> Case:
    """Return a finding as a test; a warning has passed, and so has a failure that is to be no more than a warning."""
    whose = f"{finding.model}: " if best is None and finding.model else ""
    name = f"{whose}{told_test(finding.check, finding.test)}" + (f" [{finding.variant}]" if finding.variant else "")
    told = told_finding(finding)
    if finding.status == "fail" and finding.severity == "fail":
        return Case(name, group, "failure", "fail", told, tuple(worst(finding)))
    if finding.status == "error":
        return Case(name, group, "error", "error", told)
    if finding.status in {"not_run", "vacuous"}:
        return Case(name, group, "skipped", finding.status, told)
    return Case(name, group, output=told if finding.status == "pass" else f"{finding.status}: {told}")


def worst(finding: Finding) -> Iterator[str]:
    """Yield which rows failed by most, by their ids."""
    if finding.worst_rows:
        yield f"worst rows: {', '.join(str(row.row) for row in finding.worst_rows[:MOST_ROWS])}"
