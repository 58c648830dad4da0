"""From a run's record to its leaderboard: models and baselines in one table, best first, and the sentences below."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator

from mlrun.json_records import encode
from mlrun.records import Interval
from mlrun.screen.tables import Heading, Row, Table
from mlrun.store import stale_models
from mlrun.store.run_record import FoldSummary, MetricRecord, ModelRecord, RunRecord
from mlrun.wording import ARROWS, NOTHING, count, duration, interval, number, size, spread

UNDEFINED = Interval(None)
NO_FOLDS = FoldSummary(None)


def leaderboard(record: RunRecord) -> Table:
    """Return the run's models and baselines with cross-validation and test of the first metric, best first."""
    first = record.metrics[0] if record.metrics else None
    rows = tuple(row_of(record, model, first) for model in ranked(record))
    headings = [Heading("model", told_name, fold=True, narrowest=24)]
    if first is not None:
        arrow = ARROWS[first.direction]
        headings += [Heading(f"{first.label} {arrow} folds", told_folds, right=True)]
        if any(row["test"] is not None for row in rows):
            title = "test [95 %]" if any(row["test_low"] is not None for row in rows) else "test"
            headings += [Heading(title, told_test, right=True)]
    headings += [
        Heading("trials", told_trials, rank=1, right=True),
        Heading("fit", lambda row: duration(row["fit_seconds"]), rank=2, right=True),
        Heading("1 row p95", lambda row: latency(row["p95_ms_1_row"]), rank=4, right=True),
        Heading("size", lambda row: size(row["size_bytes"]), rank=3, right=True),
    ]
    used = tuple(heading for heading in headings if heading.rank == 0 or any(shows(heading, row) for row in rows))
    return Table(used, rows, tuple(below(record)), style_of, "no models")


def ranked(record: RunRecord) -> list[ModelRecord]:
    """Return models and baselines, best first by the mean over folds (else by test), the failed last."""
    if not record.metrics:
        return sorted(record.models, key=lambda model: model.status == "failed")
    first = record.metrics[0]

    def place(model: ModelRecord) -> tuple[bool, float, bool]:
        score = cv_of(model, first).mean
        score = score if score is not None else test_of(model, first).value
        if score is None or math.isnan(score):
            return model.status == "failed", math.inf, model.kind == "baseline"
        return model.status == "failed", -score if first.direction == "maximize" else score, model.kind == "baseline"

    return sorted(record.models, key=place)


def cv_of(model: ModelRecord, metric: MetricRecord) -> FoldSummary:
    return model.cv.get(metric.label, NO_FOLDS)


def test_of(model: ModelRecord, metric: MetricRecord) -> Interval:
    return model.test.get(metric.label, UNDEFINED)


def row_of(record: RunRecord, model: ModelRecord, first: MetricRecord | None) -> Row:
    """Return a line for machines: flat, numbers exact."""
    folds = cv_of(model, first) if first else NO_FOLDS
    test = test_of(model, first) if first else UNDEFINED
    return {
        "name": model.name,
        "kind": model.kind,
        "family": model.family,
        "best": model.kind == "model" and model.name == record.best,
        "status": model.status,
        "metric": first.label if first else None,
        "cv_mean": folds.mean,
        "cv_sd": folds.sd,
        "test": test.value,
        "test_low": test.low,
        "test_high": test.high,
        "trials_used": model.budget.used if model.budget else None,
        "trials_granted": model.budget.granted if model.budget else None,
        "fit_seconds": model.fit_seconds,
        "p95_ms_1_row": model.p95_ms_1_row,
        "size_bytes": model.size_bytes,
        "reason": model.reason,
    }


def told_name(row: Row) -> str:
    mark = " (baseline)" if row["kind"] == "baseline" else " *" if row["best"] else ""
    return f"{row['name']}{mark}"


def told_folds(row: Row) -> str:
    return "failed" if row["status"] == "failed" else spread(row["cv_mean"], row["cv_sd"])


def told_test(row: Row) -> str:
    return NOTHING if row["status"] == "failed" else interval(row["test"], row["test_low"], row["test_high"])


def told_trials(row: Row) -> str:
    if row["trials_used"] is None:
        return NOTHING
    return str(row["trials_used"]) + (f"/{row['trials_granted']}" if row["trials_granted"] is not None else "")


def latency(milliseconds: float | None) -> str:
    return NOTHING if milliseconds is None else duration(milliseconds / 1000)


def shows(heading: Heading, row: Row) -> bool:
    return heading.show(row) != NOTHING


def style_of(row: Row) -> str:
    if row["status"] == "failed":
        return "red"
    return "dim" if row["kind"] == "baseline" else "bold" if row["best"] else ""


def below(record: RunRecord) -> Iterator[str]:
    """Yield what the table alone would hide: the mark, failures, marked scores, silent baselines, stale models."""
    if record.champion is not None and record.metrics:
        yield f"* best by {record.metrics[0].label} over the folds"
    for model in record.models:
        if model.status == "failed":
            yield f"{model.name} failed: {model.reason or 'no reason recorded'}"
        if model.coverage is not None and model.coverage < 1:
            yield f"{model.name} says something on {model.coverage:.1%} of the rows only, and is scored on those"
        yield from (note if model.name in note else f"{model.name}: {note}" for note in model.notes)
    yield from stale_models.warnings(record)


def other_metrics(record: RunRecord) -> Table | None:
    """Return all metrics but the first: on test, or over the folds when there is no test; None when there are none."""
    others = record.metrics[1:]
    if not others:
        return None
    on_test = any(test_of(model, metric).value is not None for model in record.models for metric in others)
    rows = tuple(metric_row(record, model, on_test) for model in ranked(record) if model.status != "failed")
    where = "on test" if on_test else "over folds"
    headings = [Heading(f"model, {where}", told_name, fold=True)]
    for place, metric in enumerate(others):
        title = f"{metric.label} {ARROWS[metric.direction]}"
        headings.append(Heading(title, score_under(metric.label), rank=place, right=True))
    return Table(tuple(headings), rows, style=style_of)


def score_under(label: str) -> Callable[[Row], str]:
    """Return how a column shows its metric."""
    return lambda row: number(row[label])


def metric_row(record: RunRecord, model: ModelRecord, on_test: bool) -> Row:
    scores = {
        metric.label: test_of(model, metric).value if on_test else cv_of(model, metric).mean
        for metric in record.metrics[1:]
    }
    best = model.kind == "model" and model.name == record.best
    return {"name": model.name, "kind": model.kind, "best": best, "status": model.status, **scores}


def told_notes(record: RunRecord, told: Collection[str] = ()) -> list[str]:
    """Return the notes that were not told yet, and what marks a run."""
    lines = [note for note in record.notes if note not in told]
    if record.sampled is not None:
        lines.append(f"A try-out on {count(record.sampled, 'row')}: never the best of its experiment.")
    if record.depends_on_machine:
        lines.append("These scores depend on the machine: a CPU budget or a timeout decided what was tried.")
    if record.erasures:
        times = "" if len(record.erasures) == 1 else f", {len(record.erasures)} times"
        lines.append(
            f"A person's rows were erased from it{times} (receipt {', '.join(record.erasures)}); its scores are older."
        )
    if record.failed_trials:
        lines.append(
            f"{count(record.failed_trials, 'trial')} failed; trials.jsonl has the reasons, timings.jsonl what was said."
        )
    return lines


def told_gates(record: RunRecord) -> list[str]:
    """Return a line a gate: whether it holds, and why."""
    words = {"not_run": "not run"}
    return [
        f"gate {gate.gate}: {words.get(gate.status, gate.status)}" + (f" ({gate.reason})" if gate.reason else "")
        for gate in record.gates
    ]


def verdict_line(record: RunRecord) -> str:
    """Return the verdict: its word, and why; what would decide it stands in brackets."""
    word, reason = record.verdict.word, record.verdict.reason
    if word == "undecided" and reason:
        lacking, _, rest = reason.partition(": ")
        word, reason = f"{word} ({lacking})", rest
    return f"verdict: {word}" + (f": {reason}" if reason else "")


def verdict_table(record: RunRecord) -> Table | None:
    """Return the questions that the verdict rests on, each with its answer; None where none was asked."""
    if not record.verdict.tests:
        return None
    return Table(
        (
            Heading("", lambda row: row["code"]),
            Heading("question", lambda row: row["question"], fold=True, narrowest=24),
            Heading("answer", lambda row: row["answer"]),
            Heading("why", lambda row: row["reason"] or told_part(row), fold=True),
        ),
        tuple(encode(part) for part in record.verdict.tests),
        style=lambda row: (
            "red" if row["answer"] == "no" else "dim" if row["answer"] in {"not_asked", "not_run"} else ""
        ),
    )


def told_part(row: Row) -> str:
    """Return the number behind an answer that has no sentence."""
    return f"{row['measure']} {interval(row['value'], row['low'], row['high'])}".strip()
