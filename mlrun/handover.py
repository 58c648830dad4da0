"""What every export asks before it writes: that the place is free, that the model may be handed on."""

from __future__ import annotations

import os
from pathlib import Path

from mlrun.catalog import suggestion
from mlrun.errors import UsageError
from mlrun.run_options import ExportRequest
from mlrun.store.file_names import LOCK
from mlrun.store.run_record import ModelRecord, RunRecord
from mlrun.store.writing import TEMPORARY, storing


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


def fresh_model(record: RunRecord, wanted: str | None) -> str:
    """Return the name of the model that is asked for, to be handed on.

    Raises UsageError when it still holds something of a person whose rows were erased after the run.
    """
    found = model_named(record, wanted)
    if found.stale.startswith("contains"):
        raise UsageError(
            f"{found.name} of {record.name} still holds rows that were erased ({found.stale}), so it is not handed on: "
            "run the spec again"
        )
    return found.name


def model_named(record: RunRecord, wanted: str | None) -> ModelRecord:
    """Return a model of a run, the best when none is named; raise UsageError with the names that there are."""
    names = [model.name for model in record.models if model.kind == "model" and model.status == "done"]
    name = wanted or record.best
    if name is None:
        way_out = f"name one with --model: {', '.join(names)}" if names else "none of its models could be fitted"
        raise UsageError(f"{record.name} has no best model; {way_out}")
    if name not in names:
        raise UsageError(f"{record.name} has no model '{name}'{suggestion(name, names)}")
    return next(model for model in record.models if model.name == name)


def files_of(run: Path) -> list[str]:
    """Return the files of a run folder that are its own, in alphabetical order: links lead elsewhere, and stay out."""
    found = []
    with storing(run):
        for folder, _, names in os.walk(run, followlinks=False):
            inside = Path(folder).relative_to(run)
            found += [(inside / name).as_posix() for name in names if not (Path(folder) / name).is_symlink()]
    return sorted(name for name in found if name != LOCK and TEMPORARY not in name)


def stale_files(record: RunRecord) -> list[str]:
    """Return the stored models that still hold something of a person who was erased: they stay where they are."""
    return [model.file for model in record.models if model.stale.startswith("contains") and model.file]
