"""A word of warning where the files of a run are not those that it wrote: what is shown of it may be wrong."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from mlrun.errors import MlrunError
from mlrun.terminal import printable


def warn_of_changes(runs_folder: str, *names: str) -> None:
    """Write a line to the error stream for each run with files that were changed; models are checked as they load."""
    from mlrun import runs

    root = runs.runs_root(None, runs_folder or None)
    for name in dict.fromkeys(names):
        with suppress(MlrunError):  # told by the command itself
            warn_of_changed(runs.resolve(root, name), name)


def warn_of_changed(folder: Path, name: str) -> None:
    """Write the line for a run that is found already; name: what the user called it."""
    from mlrun import runs
    from mlrun.verification.bytes_written import check_bytes

    try:
        record = runs.read_run(folder)
    except MlrunError:  # told by the command itself
        return
    found = [trouble.file for trouble in check_bytes(folder, record, leave_out=("models/",)).troubles]
    if found:
        told = f"{', '.join(found[:3])}{f' and {len(found) - 3} more files' if len(found) > 3 else ''}"
        are = "were" if len(found) > 1 else "was"
        sentence = f"{told} of {record.name} {are} changed after the run: what is shown may be wrong"
        sys.stderr.write(f"warning: {printable(sentence)} (mlrun verify {printable(name)})\n")
