"""From entries to an MLflow tracking store: written once, brought up to date when written again."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlrun.errors import StorageError, UsageError
from mlrun.ledger.address import database_of, told
from mlrun.ledger.entries import Entry, milliseconds
from mlrun.store.run_record import RunRecord
from mlrun.wording import told_error

AT_ONCE = 100  # tags and parameters of one call, of which MLflow takes no more
METRICS_AT_ONCE = 1_000
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}  # unless the user says more


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a run is kept now; updated: it was there before."""

    experiment: str
    run: str
    updated: bool


def keep(address: str, run: Path, record: RunRecord, whole: Entry, parts: Sequence[Entry]) -> Kept:
    """Write a run and, nested in it, its models; one that is there already is brought up to date.

    Raises UsageError when its experiment was deleted there, StorageError when the store refuses.
    """
    check_database(database_of(address))
    with quiet(), refusals(address):
        from mlflow.tracking import MlflowClient

        client = MlflowClient(tracking_uri=address)
        experiment = experiment_of(client, address, record.experiment)
        parent, updated = run_of(client, experiment, record, whole, {})
        describe_data(client, parent, record)
        write_entry(client, parent, run, record, whole)
        for part in parts:
            nested = {"mlflow.parentRunId": parent}
            child, _ = run_of(client, experiment, record, part, nested)
            write_entry(client, child, run, record, part)
        return Kept(experiment, parent, updated)


def check_database(file: Path | None) -> None:
    """Raise StorageError for a database that cannot be written; MLflow itself would try again for minutes."""
    if file is None:
        return
    new = not file.exists()
    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
    except sqlite3.Error as error:
        if new:
            with suppress(OSError):
                file.unlink()
        raise StorageError(f"{file}: MLflow cannot write there: {error}") from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep MLflow from telling anybody anything: no telemetry, no lines of its log, no warnings of its libraries."""
    os.environ.update(QUIET)
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def refusals(address: str) -> Iterator[None]:
    """Turn what goes wrong in the store into a sentence, without the password of its address."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise StorageError(f"{told(address)}: MLflow cannot write there: {told(told_error(error))}") from error


def experiment_of(client: Any, address: str, name: str) -> str:
    """Return the id of an experiment, made when it is not there; files of a database go beside it."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        if found.lifecycle_stage != "active":
            raise UsageError(
                f"the experiment '{name}' was deleted in {told(address)}. Restore it there: "
                f"mlflow experiments restore --experiment-id {found.experiment_id}"
            )
        return str(found.experiment_id)
    database = database_of(address)
    place = None if database is None else (database.parent / "mlruns" / name).as_uri()
    return str(client.create_experiment(name, artifact_location=place))


def run_of(client: Any, experiment: str, record: RunRecord, entry: Entry, nested: dict[str, str]) -> tuple[str, bool]:
    """Return the id of what is kept of an entry, made when it is not there, and whether it was there."""
    looked_up = {"mlrun.run": record.name, "mlrun.started": record.started, **nested}
    if nested:
        looked_up["mlrun.model"] = entry.name
    wanted = " and ".join(f"tags.`{name}` = '{value}'" for name, value in looked_up.items())
    found = client.search_runs([experiment], filter_string=wanted, max_results=100)
    same = [each for each in found if nested or "mlflow.parentRunId" not in each.data.tags]
    if same:
        return str(same[0].info.run_id), True
    began = milliseconds(record.started)
    made = client.create_run(experiment, start_time=began, tags={**looked_up, **entry.tags}, run_name=entry.name)
    return str(made.info.run_id), False


def write_entry(client: Any, identity: str, run: Path, record: RunRecord, entry: Entry) -> None:
    """Write tags, parameters, values and files of an entry; what is there already stays the same."""
    from mlflow.entities import Metric, Param, RunTag

    began, ended = milliseconds(record.started), milliseconds(record.finished)
    values = [
        Metric(
            point.key, point.value, ended if point.seconds is None else began + int(point.seconds * 1000), point.step
        )
        for point in entry.points
    ]
    tags = [RunTag(name, value) for name, value in entry.tags.items()]
    params = [Param(name, value) for name, value in entry.params.items()]
    for chunk in chunks(values, METRICS_AT_ONCE):
        client.log_batch(identity, metrics=chunk)
    for chunk in chunks(tags, AT_ONCE):
        client.log_batch(identity, tags=chunk)
    for chunk in chunks(params, AT_ONCE):
        client.log_batch(identity, params=chunk)
    for name, place in entry.files.items():
        client.log_artifact(identity, str(run / name), place or None)
    client.set_terminated(identity, "FINISHED" if record.status == "complete" else "FAILED", end_time=ended)


def describe_data(client: Any, identity: str, record: RunRecord) -> None:
    """Say which data the run read: a digest, and no value of any row."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"data_id": record.data_id})
    dataset = Dataset(name=record.experiment, digest=record.data_id[:36], source_type="mlrun", source=source)
    client.log_inputs(identity, datasets=[DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])


def chunks(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
