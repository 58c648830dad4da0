"""What every export asks before it writes: that the place is free, that the model may be handed on."""

from __future__ import annotations

from pathlib import Path

from mlrun.errors import UsageError
from mlrun.run_options import ExportRequest
from mlrun.store.run_record import RunRecord


def free_file(wanted: ExportRequest) -> Path:
    """Return the file that is asked for; raise UsageError when it is there already, or its folder is not."""
    path = Path(wanted.output).expanduser()
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{wanted.output}: there is no folder {path.absolute().parent} to write it into")
    if path.is_dir():
        raise UsageError(f"{wanted.output} is a folder; name a file in it")
    if path.exists() and not wanted.force:
        raise UsageError(f"{wanted.output} is there already: --force replaces it, -o names another file")
    return path


def fresh_model(record: RunRecord, wanted: str | None) -> str | None:
    """Return the name of the model that is asked for, None for a run without any.

    Raises UsageError when it still holds something of a person whose rows were erased after the run.
    """
    name = wanted or record.best
    found = next((model for model in record.models if model.name == name), None)
    if found is not None and found.stale.startswith("contains"):
        raise UsageError(
            f"{found.name} of {record.name} still holds rows that were erased ({found.stale}), so it is not handed on: "
            "run the spec again"
        )
    return name
