"""From the lines of the leaderboard to a finished run folder: predictions, trials, provenance, run.json last."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlrun import metrics, provenance, runs
from mlrun.agreement import agreement
from mlrun.contest import Contest
from mlrun.errors import DataError
from mlrun.events import Event, Noted
from mlrun.leaderboard import Line, same_rows
from mlrun.opening import now
from mlrun.origin.digests import DataDigests
from mlrun.plan import on_edge
from mlrun.predictions import write_predictions
from mlrun.records import Dataset, MetricSpec, TrialResult
from mlrun.runs import write_atomically
from mlrun.statistics import expected_best
from mlrun.store.run_record import FitCounts, MetricRecord, RunRecord, TaskRecord, VerdictRecord

if TYPE_CHECKING:
    from mlrun.course import Course
    from mlrun.references import References
    from mlrun.run_identity import RunIdentity
    from mlrun.run_options import TrainOptions


def seal(course: Course, lines: Sequence[Line], references: References, options: TrainOptions) -> Iterator[Event]:
    """Write everything that a finished run folder holds; yield what the user should know. The last file is run.json."""
    opened, identity = course.opened, course.identity
    folder, contests = opened.folder.path, course.contests
    results = [result for contest in contests.values() for result in contest.results]
    found = tuple(run_notes(course, contests, lines))
    yield from (Noted(note) for note in found)
    for line in lines:
        if line.parts:
            write_predictions(folder, line.record.name, course.dataset, list(line.parts))
    runs.write_trials(folder, results)
    opened.log.write_tables(folder)
    write_provenance(folder, course, identity)
    record = replace(
        make_record(course, lines, results, options),
        notes=(*course.dataset.notes, *course.split.notes, *references.notes, *found),
        references=references.known,
    )
    write_report(folder, record)
    opened.log.close()
    runs.finish(folder, record)
    opened.exit_codes.append(record.exit_code)


def make_record(
    course: Course, lines: Sequence[Line], results: Sequence[TrialResult], options: TrainOptions
) -> RunRecord:
    """Return run.json's content."""
    opened, identity = course.opened, course.identity
    task, failed = course.dataset.task, sum(result.status != "done" for result in results)
    broken = failed + sum(line.record.status == "failed" and line.record.kind == "model" for line in lines)
    best = best_line(course, lines)
    return RunRecord(
        experiment=opened.folder.experiment,
        version=opened.folder.version,
        status="complete"
        if any(line.record.status == "done" and line.record.kind == "model" for line in lines)
        else "failed",
        started=opened.started,
        finished=now(),
        spec_id=identity.spec_id,
        data_id=identity.digests.data_id,
        rows_id=identity.digests.rows_id,
        code_id=identity.code,
        best=None if best is None else best.record.name,
        models=tuple(line.record for line in lines),
        verdict=verdict_of(course, best, lines),
        failed_trials=failed,
        exit_code=4 if broken else 0,
        metrics=tuple(
            MetricRecord(metric.label, metrics.entry(metric.name, course.spec.folder).direction)
            for metric in course.metrics
        ),
        task=TaskRecord(task.kind, task.labels, task.positive),
        depends_on_machine=course.spec.search.cpu_seconds is not None,
        sampled=options.sample,
        fits=FitCounts(
            planned=course.counts.planned,
            run=course.counts.run,
            reused=course.counts.reused,
            failed=opened.log.failed_fits,
            unshared=course.counts.unshared,
        ),
    )


def best_line(course: Course, lines: Sequence[Line]) -> Line | None:
    """Return the model with the best mean over folds of the first metric; of equal ones the simplest."""
    if not course.metrics:
        return None
    first = course.metrics[0]
    ranked = [
        (-metrics.oriented(first.name, mean, course.spec.folder), line.record.simplicity_rank or 0, position)
        for position, line in enumerate(lines)
        if is_model(line) and first.label in line.record.cv and (mean := line.record.cv[first.label].mean) is not None
    ]
    return lines[min(ranked)[2]] if ranked else None


def is_model(line: Line) -> bool:
    """Say whether a line is a model's that was fitted."""
    return line.record.kind == "model" and line.record.status == "done"


def verdict_of(course: Course, best: Line | None, lines: Sequence[Line]) -> VerdictRecord:
    """Return one plain line: the best model beside the best baseline; whether that is good has an issue of its own."""
    if course.dataset.truth is None:
        return VerdictRecord("undecided", "no labels")
    if best is None:
        return VerdictRecord("undecided", "no model was fitted")
    first = course.metrics[0]
    baselines = [  # one that is silent on some rows is laid beside the models on its rows only
        line
        for line in lines
        if line.record.kind == "baseline" and line.record.status == "done" and line.record.coverage is None
    ]
    scored = [(score, line.record.name) for line in baselines if (score := shown_score(line, first)) is not None]
    told = f"{best.record.name} is best by {first.label} over the folds"
    mine = shown_score(best, first)
    if scored and mine is not None:
        direction = metrics.entry(first.name, course.spec.folder).direction
        score, name = max(scored) if direction == "maximize" else min(scored)
        part = "test" if best.record.test else "the folds"
        told += f"; on {part} {mine:.4g}, against {score:.4g} of {name}, the best baseline"
    if not len(course.split.test):
        told += "; no test rows (test: 0), so nothing is said of new data"
    return VerdictRecord("not judged", told)


def shown_score(line: Line, metric: MetricSpec) -> float | None:
    """Return a line's test score, or its mean over folds where there is no test."""
    if metric.label in line.record.test:
        return line.record.test[metric.label].value
    return line.record.cv[metric.label].mean if metric.label in line.record.cv else None


def run_notes(course: Course, contests: Mapping[str, Contest], lines: Sequence[Line]) -> Iterator[str]:
    """Yield what a reader of the leaderboard must know beside its numbers."""
    if course.dataset.truth is None:
        yield from agreement(lines)
    for contest in contests.values():
        if contest.best is not None and not contest.model.unranked:
            yield from on_edge(contest.model, contest.best.trial.params)
    yield from unequal_budgets(course, contests)
    yield from same_rows(course, lines)


def unequal_budgets(course: Course, contests: Mapping[str, Contest]) -> Iterator[str]:
    """Yield the expected best score at the smallest number of trials, where families had different numbers.

    Source: Dodge et al. 2019, Show Your Work (expected maximum of n draws with replacement).
    """
    if not course.metrics:
        return
    searched = {
        name: [score for result in contest.results if (score := contest.score(result)) is not None]
        for name, contest in contests.items()
        if not contest.model.spec.members
    }
    counts = {name: len(scores) for name, scores in searched.items() if scores}
    if len(set(counts.values())) < 2:
        return
    smallest = min(counts.values())
    first = course.metrics[0]
    sign = metrics.oriented(first.name, 1.0, course.spec.folder)
    told = ", ".join(
        f"{name} {sign * expected_best(scores, smallest):.4g}" for name, scores in searched.items() if name in counts
    )
    yield (
        f"families had different numbers of trials ({min(counts.values())} to {max(counts.values())}); "
        f"expected best {first.label} at {smallest}: {told}"
    )


def write_provenance(folder: Path, course: Course, identity: RunIdentity) -> None:
    """Write spec.yaml, spec.resolved.json, code.json, code.patch, env.json and data.json."""
    from mlrun.spec import canonical

    spec = course.spec
    write_atomically(folder / "spec.yaml", spec.text)
    write_atomically(folder / "spec.resolved.json", as_json(canonical(spec)))
    code = provenance.code_state(spec.folder, identity.modules)
    write_atomically(folder / "code.json", as_json(code.summary))
    if code.patch:
        write_atomically(folder / "code.patch", code.patch)
    for name, content in (code.files or {}).items():
        (folder / "code" / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "code" / name, content)
    write_atomically(
        folder / "env.json", as_json({"packages": dict(identity.versions), "machine": provenance.machine()})
    )
    write_atomically(folder / "data.json", as_json(data_facts(course.dataset, course, identity.digests)))


def data_facts(dataset: Dataset, course: Course, digests: DataDigests) -> dict[str, Any]:
    """Return data.json: where the data came from, its schema and digests; no value of any row."""
    return {
        "source": dict(dataset.source),
        "files": [fingerprint(path) for path in dataset.source.get("files", ())],
        "rows": dataset.table.height,
        "train_rows": len(course.split.train),
        "test_rows": len(course.split.test),
        "data_id": digests.data_id,
        "rows_id": digests.rows_id,
        "columns": dict(digests.columns),
        "train": provenance.split_digest(digests.rows, course.split.train),
        "test": provenance.split_digest(digests.rows, course.split.test),
        "features": [{"name": column.name, "kind": column.kind, "dtype": column.dtype} for column in dataset.features],
        "withheld": [list(pair) for pair in dataset.withheld],
        "schema": dict(dataset.schema),
        "notes": list(dataset.notes),
    }


def fingerprint(path: str) -> dict[str, Any]:
    """Return a file's fingerprint, or why there is none."""
    try:
        return asdict(provenance.file_fingerprint(path))
    except DataError as error:
        return {"path": path, "note": str(error)}


def write_report(folder: Path, record: RunRecord) -> None:
    """Write report.md: the leaderboard for people who browse the folder."""
    from mlrun.report import markdown

    write_atomically(folder / "report.md", markdown(record).encode())


def as_json(content: Any) -> bytes:
    """Return JSON for people: indented, as given."""
    return json.dumps(content, indent=1, ensure_ascii=False, default=str).encode() + b"\n"
