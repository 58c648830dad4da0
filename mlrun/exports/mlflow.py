"""MLflow: the run in a tracking store, its models and baselines nested in it."""

from __future__ import annotations

import os

from mlrun.contracts import ExportKind
from mlrun.run_options import ExportRequest


def write(wanted: ExportRequest) -> tuple[str, ...]:
    """Write a run into the store at `output`, or bring it up to date there; an experiment here is one there."""
    from mlrun import runs
    from mlrun.handover import files_of, stale_files
    from mlrun.ledger.address import address_of, told
    from mlrun.ledger.entries import model_entry, run_entry
    from mlrun.ledger.writing import keep
    from mlrun.wording import count

    address, record = address_of(wanted.output), runs.read_run(wanted.run)
    left_out = stale_files(record)
    own = [name for name in files_of(wanted.run) if name not in left_out]
    whole = run_entry(wanted.run, record, own)
    parts = [model_entry(wanted.run, record, model, own) for model in record.models]
    kept = keep(address, wanted.run, record, whole, parts)
    place = f"experiment '{record.experiment}' of {told(address)}"
    what = f"{count(len(parts), 'model or baseline', 'models and baselines')} nested in it"
    words = [f"{record.name} {'brought up to date' if kept.updated else 'written'} in {place}: run {kept.run}, {what}"]
    if address.startswith("http"):
        words.append(f"see {told(address).rstrip('/')}/#/experiments/{kept.experiment}/runs/{kept.run}")
    words += [f"left out: {name}, which still holds rows that were erased" for name in left_out]
    return tuple(words)


ENTRY = ExportKind(
    write=write,
    writes="a run, and one nested in it for each model, in a tracking store",
    place=lambda run, model: os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db",
    modules=("mlflow", "sqlalchemy", "alembic", "sqlparse"),
    extra="exports",
)
