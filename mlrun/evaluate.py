"""From a finished run and rows, its own or new ones, to its evaluation suites once more, beside what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from mlrun import predictions, runs
from mlrun.baseline_subjects import baseline_again
from mlrun.check_contracts import Context, Subject
from mlrun.check_entries import find_check
from mlrun.comparison.origins import read_object
from mlrun.dataset import load as load_dataset
from mlrun.errors import DataError, Interrupted, MlrunError, NothingConcluded, StorageError, UsageError
from mlrun.events import CheckStarted
from mlrun.foreign import Room
from mlrun.later_scores import LaterScore, later_scores
from mlrun.new_rows import read_new_rows
from mlrun.pipelines import find_family
from mlrun.predict import predict_alone, stored_model
from mlrun.provenance import data_digests
from mlrun.records import Dataset, Finding, Fold, PlannedTest, Prediction, Split
from mlrun.run_spec import spec_of
from mlrun.shift.profile import PROFILE
from mlrun.splits import split as split_rows
from mlrun.store.run_findings import finding_line
from mlrun.store.run_record import ModelRecord, RunRecord
from mlrun.store.stale_models import warning
from mlrun.stored import Model
from mlrun.suggest import chosen_metrics
from mlrun.suite import automatic_test, with_spec
from mlrun.suite import evaluate as run_suite
from mlrun.suite_checks import misfit
from mlrun.table.schema_cast import apply_schema
from mlrun.training_rows import read_training_rows, were_trained_on

if TYPE_CHECKING:
    from mlrun.records import Array
    from mlrun.spec import Spec

    Folds = tuple[tuple[Fold, Prediction, Array | None], ...]


@dataclass(frozen=True, slots=True)
class Reevaluation:
    """What the suites of a run find on rows: its own, or those of `data`; earlier: what they found when it was made.

    scores: of the best model, on these rows beside the run's own.
    """

    run: str
    best: str | None
    data: str
    rows: int
    labelled: bool
    findings: tuple[Finding, ...]
    earlier: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    scores: tuple[LaterScore, ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows to judge (positions), with the split where they are the run's own and have not changed."""

    dataset: Dataset
    judged: Array
    split: Split | None
    notes: tuple[str, ...] = ()


def evaluate(
    run: str,
    data: str,
    trust: Sequence[str],
    root: str | None,
    hear: Callable[[CheckStarted], None],
    *,
    stale: bool = False,
) -> Reevaluation:
    """Run a finished run's suites on its own rows, or on those of a file with labels or without.

    stale: also with models that hold a person who was erased.
    Rows that the models were trained on are left out, and that is said. Raises UsageError, DataError, StorageError.
    """
    path = runs.resolve(runs.runs_root(None, root), run)
    record, spec = runs.read_run(path), spec_of(path, trust)
    rows = new_rows(path, record, spec, data) if data else own_rows(path, record, spec)
    models, refused = load_models(path, record, spec, trust, stale=stale)
    context = context_of(path, record, spec, rows, models)
    tests, unfit = tests_of(spec, rows)
    suite = run_suite(context, tests, spec.evaluation.auto, (*spec.evaluation.without, *(each.check for each in unfit)))
    while True:
        try:
            hear(next(suite))
        except StopIteration as ended:
            findings: tuple[Finding, ...] = ended.value
            break
    return Reevaluation(
        run=record.name,
        best=record.best,
        data=data or "its own rows",
        rows=len(rows.judged),
        labelled=rows.dataset.truth is not None,
        findings=(*findings, *unfit),
        earlier=runs.read_findings(path),
        notes=(*(rows.dataset.notes if data else ()), *rows.notes, *refused),
        scores=later_scores(record, context),
    )


def tests_of(spec: Spec, rows: Rows) -> tuple[tuple[PlannedTest, ...], tuple[Finding, ...]]:
    """Return the run's tests, and why some cannot be asked of these rows; on other rows than its own with drift."""
    suite = spec.evaluation
    if rows.split is not None:
        return suite.tests, ()
    told = [(test, misfit(test, rows.dataset, spec.folder)) for test in suite.tests]
    tests = tuple(test for test, why in told if not why)
    unfit = tuple(Finding(test.check, test.name, "", status="not_run", reason=why) for test, why in told if why)
    known = {test.check for test in suite.tests} | set(suite.without)
    if suite.auto or not suite.tests or "drift" in known:  # without any test there is to be no evaluation at all
        return tests, unfit
    return (*tests, automatic_test("drift", find_check("drift"), {})), unfit


def load_models(
    path: Path, record: RunRecord, spec: Spec, trust: Sequence[str], *, stale: bool = False
) -> tuple[dict[str, Model], tuple[str, ...]]:
    """Return the stored champions, and sentences on those but the best that may not be loaded, and on stale ones."""
    found: dict[str, Model] = {}
    refused: list[str] = []
    room = Room()
    for model in record.models:
        if model.status != "done" or not (model.file or model.stale):
            continue
        try:
            found[model.name] = stored_model(path, model.name, trust, spec.folder, room, stale=stale)
        except MlrunError as error:
            if model.name == record.best:
                raise
            refused.append(f"{model.name} is left out: {error}")
        else:
            refused += filter(None, (warning(record, model.name),))
    return found, tuple(refused)


def check_output(output: str, data: str) -> None:
    """Raise UsageError where the findings cannot be written, before anything is asked; '' = nowhere, as in `write`."""
    if not output:
        return
    target = Path(output)
    if not target.absolute().parent.is_dir():
        raise UsageError(f"{output}: there is no folder {target.absolute().parent} to write it into")
    if target.is_dir():
        raise UsageError(f"{output}: it is a folder; name a file")
    if data and target.exists() and Path(data).exists() and target.samefile(data):
        raise UsageError(f"{output}: the findings would replace the rows that they are about; name another file")


def write(output: str, done: Reevaluation) -> None:
    """Write the findings where the user asked for them, a line each, as findings.jsonl has them."""
    if output:
        runs.write_atomically(Path(output), b"".join(map(finding_line, done.findings)))


def exit_code(done: Reevaluation) -> int:
    """Return 1 when a test of the best model fails that did not before, 3 if one breaks or none concludes, else 0."""
    before = {(finding.check, finding.test, finding.variant): finding.status for finding in of_best(done, done.earlier)}
    now = list(of_best(done, done.findings))
    failed = [finding for finding in now if finding.status == "fail" and finding.severity == "fail"]
    if any(before.get((finding.check, finding.test, finding.variant)) != "fail" for finding in failed):
        return 1
    broken = any(finding.status == "error" for finding in now)
    concluded = any(finding.status in {"pass", "warn", "fail", "info"} for finding in now)
    return 0 if concluded and not broken else NothingConcluded.exit_code


def of_best(done: Reevaluation, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield what was found of the best model, or of the run."""
    return (finding for finding in findings if finding.model in {"", done.best})


# -- the rows ----------------------------------------------------------------------------------------------------------


def own_rows(path: Path, record: RunRecord, spec: Spec) -> Rows:
    """Return the run's own test rows, read again; where its data has changed, those that it was not trained on."""
    dataset = load_dataset(spec, record.sampled)
    if data_digests(dataset.table).rows_id == record.rows_id:
        if spec.final.refit_on == "all":
            told = f"{record.name} was fitted on all of its rows (`final: {{refit_on: all}}`)"
            raise DataError(f"{told}: name others with --data; its own findings are what `mlrun show` tells")
        split = split_rows(dataset, spec)
        return Rows(dataset, split.test, split)
    told = f"the data of {record.name} has changed since: this is not a repetition, but an evaluation on other rows"
    return without_training_rows(path, record, dataset, (told,))


def new_rows(path: Path, record: RunRecord, spec: Spec, data: str) -> Rows:
    """Return the rows of a file without those that the run's models were trained on."""
    return without_training_rows(path, record, read_new_rows(path, record, spec, data), ())


def without_training_rows(path: Path, record: RunRecord, dataset: Dataset, notes: tuple[str, ...]) -> Rows:
    """Return the rows that the models have not seen; where nobody can tell, all of them, and that is said."""
    try:
        known = read_training_rows(path)
        seen = None if known is None else were_trained_on(known, dataset.table)
        why = f"{record.name} does not say which rows it was trained on"
    except DataError as error:
        seen, why = None, str(error)
    if seen is None:
        told = f"rows that the models were trained on may be among these: {why}"
        return Rows(dataset, np.arange(dataset.table.height), None, (*notes, told))
    judged = np.flatnonzero(~seen)
    if len(judged) == 0:
        raise DataError(f"{record.name} was trained on all of these rows: there are none to evaluate it on")
    told = f"{int(seen.sum()):,} rows are left out: {record.name} was trained on them"
    return Rows(dataset, judged, None, notes if len(judged) == len(seen) else (*notes, told))


# -- what checks may know ----------------------------------------------------------------------------------------------


def context_of(path: Path, record: RunRecord, spec: Spec, rows: Rows, models: Mapping[str, Model]) -> Context:
    """Return the context of a finished run's models and baselines on these rows."""
    dataset, split = rows.dataset, rows.split
    done = [model for model in record.models if model.status == "done"]
    subjects = [
        model_subject(path, record, spec, model, rows, models[model.name]) for model in done if model.name in models
    ]
    train = np.empty(0, dtype=np.int64) if split is None else split.train
    subjects += [baseline_again(spec, model, dataset, split, rows.judged) for model in done if model.kind == "baseline"]
    context = Context(
        dataset=dataset,
        rows=rows.judged,
        train=train,
        folds=() if split is None else split.folds,
        metrics=chosen_metrics(spec, dataset),
        subjects=tuple(subjects),
        best=record.best,
        training_fits=float("inf"),
        profile=None if split is not None else read_object(path / PROFILE),
        earlier={} if split is not None else predictions.said_of_test(path, models, dataset.task),
        before=() if split is not None else runs.read_findings(path),
    )
    return with_spec(context, spec)


def model_subject(path: Path, record: RunRecord, spec: Spec, model: ModelRecord, rows: Rows, stored: Model) -> Subject:
    """Return a stored champion; it cannot be fitted again."""
    entry = find_family(model.family, spec.folder)

    def ask(table: pl.DataFrame) -> Prediction:
        return predicted(stored, table, record.name)

    said, silent = None, ""
    try:
        said = ask(rows.dataset.table[rows.judged])
    except (Interrupted, StorageError):
        raise
    except Exception as error:  # noqa: BLE001 - a user's model may raise anything; what it says may quote the rows
        silent = f"it cannot predict these rows ({type(error).__name__})"
    folds = () if rows.split is None else fold_predictions(path, model, rows.dataset, rows.split, stored)
    return Subject(
        name=model.name,
        kind="model",
        family=model.family,
        test=said,
        folds=folds,
        features=stored.features,
        predict=None if silent else ask,
        silent=silent,
        rank=model.simplicity_rank,
        assumptions=entry.assumptions,
        members=next((each.parts for each in spec.models if each.name == model.name), ()),
        fit_seconds=model.fit_seconds,
        size_bytes=model.size_bytes,
        p95_ms_1_row=model.p95_ms_1_row,
        cv={label: summary.mean for label, summary in model.cv.items()},
    )


def predicted(stored: Model, table: pl.DataFrame, origin: str) -> Prediction:
    """Return what a stored model says of a table, its columns cast as they were recorded."""
    return predict_alone(stored, apply_schema(table, {name: stored.schema[name] for name in stored.features}, origin))


def fold_predictions(path: Path, model: ModelRecord, dataset: Dataset, split: Split, stored: Model) -> Folds:
    """Return what the model's best trial said of the held-out rows, from the run folder; () where that is gone."""
    try:
        parts = predictions.read_parts(path / predictions.FOLDER / f"{model.name}.parquet", dataset.task, split)
    except (OSError, ValueError, pl.exceptions.PolarsError):
        return ()
    return tuple((fold, stored.wrapped(parts.folds[fold.name]), None) for fold in split.folds)
