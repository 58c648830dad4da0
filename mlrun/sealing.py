"""From the lines of the leaderboard to a finished run folder: predictions, trials, provenance, run.json last."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlrun import metrics, provenance, runs
from mlrun.events import Event, Noted, RunFinished
from mlrun.gates import judge_gates
from mlrun.leaderboard import Line
from mlrun.opening import now
from mlrun.predictions import write_predictions
from mlrun.records import Finding
from mlrun.run_identity import named_folds
from mlrun.run_notes import run_notes
from mlrun.runs import write_atomically
from mlrun.shift.profile import PROFILE
from mlrun.snapshot import facts_of_snapshot
from mlrun.store.run_record import FitCounts, MetricRecord, RunRecord, TaskRecord
from mlrun.table.schema_cast import schema_of
from mlrun.training_rows import write_training_rows
from mlrun.verdict import best_line, is_model, verdict_of

if TYPE_CHECKING:
    from mlrun.course import Course
    from mlrun.recording import Recording
    from mlrun.records import Array
    from mlrun.references import References
    from mlrun.run_options import TrainOptions


def seal(
    course: Course,
    lines: Sequence[Line],
    findings: tuple[Finding, ...],
    references: References,
    options: TrainOptions,
) -> Iterator[Event]:
    """Write what a finished run folder holds, run.json last; yield what the user should know, then the end."""
    opened, folder = course.opened, course.opened.folder.path
    results = [result for contest in course.contests.values() for result in contest.results]
    found = tuple(run_notes(course, lines))
    yield from (Noted(note) for note in found)
    for line in lines:
        if line.parts:
            write_predictions(folder, line.record.name, course.dataset, list(line.parts))
    runs.write_trials(folder, results)
    runs.write_findings(folder, findings)
    opened.log.write_tables(folder)
    write_provenance(folder, course)
    write_training_rows(folder, course.dataset, course.identity.digests.rows, trained_rows(course))
    record = replace(
        make_record(course, lines, findings, references, options),
        notes=(*course.dataset.notes, *course.split.notes, *references.notes, *found),
        references=references.known,
    )
    write_report(folder, record, findings)
    opened.log.close()
    runs.finish(folder, record)
    yield RunFinished(str(folder), record.exit_code)


def trained_rows(course: Course) -> Array:
    """Return the positions of the rows that the stored models have seen."""
    split = course.split
    return split.train if course.spec.final.refit_on == "train" else np.concatenate([split.train, split.test])


def make_record(
    course: Course,
    lines: Sequence[Line],
    findings: Sequence[Finding],
    references: References,
    options: TrainOptions,
) -> RunRecord:
    """Return run.json's content."""
    opened, identity, task = course.opened, course.identity, course.dataset.task
    results = [result for contest in course.contests.values() for result in contest.results]
    failed = sum(result.status != "done" for result in results)
    broken = failed + sum(line.record.status == "failed" and line.record.kind == "model" for line in lines)
    best = best_line(course, lines)
    verdict = verdict_of(course, best, lines, findings)
    judged = judge_gates(course, best, lines, findings, references, verdict)
    return RunRecord(
        experiment=opened.folder.experiment,
        version=opened.folder.version,
        status="complete" if any(is_model(line) for line in lines) else "failed",
        started=opened.started,
        finished=now(),
        spec_id=identity.spec_id,
        data_id=identity.digests.data_id,
        rows_id=identity.digests.rows_id,
        code_id=identity.code,
        best=None if best is None else best.record.name,
        models=tuple(line.record for line in lines),
        verdict=verdict,
        gates=judged.gates,
        failed_trials=failed,
        exit_code=judged.exit_code or (4 if broken else 0),  # the order of spec.md, section 13
        metrics=tuple(
            MetricRecord(metric.label, metrics.entry(metric.name, course.spec.folder).direction)
            for metric in course.metrics
        ),
        task=TaskRecord(task.kind, task.labels, task.positive),
        depends_on_machine=course.spec.search.cpu_seconds is not None,
        sampled=options.sample,
        spec_folder=course.spec.folder,
        overrides=course.spec.overrides,
        fits=FitCounts(
            planned=course.counts.planned,
            run=course.counts.run,
            reused=course.counts.reused,
            failed=opened.log.failed_fits,
            unshared=course.counts.unshared,
        ),
    )


def write_provenance(folder: Path, course: Course) -> None:
    """Write spec.yaml, spec.resolved.json, code.json, code.patch, env.json, data.json and profile.json."""
    from mlrun.spec import canonical

    spec, identity = course.spec, course.identity
    write_atomically(folder / "spec.yaml", spec.text)
    write_atomically(folder / "spec.resolved.json", as_json(canonical(spec)))
    recorded = course.recording.result()
    code = recorded.code
    write_atomically(folder / "code.json", as_json(code.summary))
    if code.patch:
        write_atomically(folder / "code.patch", code.patch)
    for name, content in (code.files or {}).items():
        (folder / "code" / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "code" / name, content)
    write_atomically(folder / "env.json", as_json(environment(identity.versions)))
    kept = facts_of_snapshot(folder) if spec.data.snapshot else {}
    write_atomically(folder / "data.json", as_json({**data_facts(course, recorded), **kept}))
    write_atomically(folder / PROFILE, as_json(recorded.profile))


def environment(versions: Mapping[str, str]) -> dict[str, Any]:
    """Return env.json: packages, machine, and which of mlrun's ways to compute scores it was."""
    return {
        "packages": dict(versions),
        "machine": provenance.machine(),
        "result_version": provenance.RESULT_VERSION,
    }


def data_facts(course: Course, recorded: Recording) -> dict[str, Any]:
    """Return data.json: where the data came from, its schema and digests; no value of any row."""
    dataset, digests = course.dataset, course.identity.digests
    return {
        "source": dict(dataset.source),
        "files": list(recorded.files),
        "baseline_files": list(recorded.baseline_files),
        "author_files": list(recorded.author_files),
        "rows": dataset.table.height,
        "train_rows": len(course.split.train),
        "test_rows": len(course.split.test),
        "data_id": digests.data_id,
        "rows_id": digests.rows_id,
        "columns": dict(digests.columns),
        "train": provenance.split_digest(digests.rows, course.split.train),
        "test": provenance.split_digest(digests.rows, course.split.test),
        "folds": named_folds(course.identity),
        "features": [{"name": column.name, "kind": column.kind, "dtype": column.dtype} for column in dataset.features],
        "withheld": [list(pair) for pair in dataset.withheld],
        "schema": dict(dataset.schema),
        "table_schema": schema_of(dataset.table),
        "target": dataset.target,
        "notes": list(dataset.notes),
    }


def write_report(folder: Path, record: RunRecord, findings: Sequence[Finding]) -> None:
    """Write report.md: verdict, leaderboard and findings for people who browse the folder."""
    from mlrun.report import markdown

    write_atomically(folder / "report.md", markdown(record, findings).encode())


def as_json(content: Any) -> bytes:
    """Return JSON for people: indented, as given."""
    return json.dumps(content, indent=1, ensure_ascii=False, default=str).encode() + b"\n"
