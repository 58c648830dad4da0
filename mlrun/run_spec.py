"""From a run folder to the spec that it ran, overrides and all."""

from __future__ import annotations

from pathlib import Path

from mlrun.errors import StorageError
from mlrun.runs import read_run
from mlrun.spec import Spec, parse


def spec_of(run: Path) -> Spec:
    """Return a run's spec as it was run; raise StorageError when the folder does not hold it any more.

    Paths in it are relative to the folder where it stood then. Raises SpecError where this version of the language
    takes it no more.
    """
    record, file = read_run(run), run / "spec.yaml"
    if not record.spec_folder:
        raise StorageError(f"{run / 'run.json'}: it was written before runs kept where their spec stood; run it again")
    try:
        text = file.read_bytes()
    except OSError as error:
        raise StorageError(f"{file} cannot be read: {error.strerror}. Restore it, or run the spec again") from error
    return parse(text, str(file), record.spec_folder, record.overrides)
