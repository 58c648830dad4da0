"""From a run folder to the spec that it ran, overrides and all."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mlrun.errors import StorageError, UsageError
from mlrun.runs import read_run
from mlrun.spec import Spec, parse

REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def spec_of(run: Path, trust: Sequence[str] = ()) -> Spec:
    """Return a run's spec as it was run; raise StorageError when the folder does not hold it any more.

    Paths in it are relative to the folder where it stood then. To read it imports the author's own modules that it
    names: those of a run that belongs to another user only when they are in `trust`, else UsageError. Raises SpecError
    where this version of the language takes it no more.
    """
    record, file = read_run(run), run / "spec.yaml"
    if not record.spec_folder:
        raise StorageError(f"{run / 'run.json'}: it was written before runs kept where their spec stood; run it again")
    if run.stat().st_uid != os.getuid():
        refuse_modules(run, trust)
    try:
        text = file.read_bytes()
    except OSError as error:
        raise StorageError(f"{file} cannot be read: {error.strerror}. Restore it, or run the spec again") from error
    return parse(text, str(file), record.spec_folder, record.overrides)


def refuse_modules(run: Path, trust: Sequence[str]) -> None:
    """Raise UsageError for the first module:function in a run's spec whose module nobody vouches for."""
    file = run / "spec.resolved.json"
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise StorageError(f"{file} is missing or damaged, so nobody can tell what code the spec names") from error
    for text in texts_of(content):
        module = text.partition(":")[0]
        if REFERENCE.fullmatch(text) and module not in trust and module.partition(".")[0] not in trust:
            raise UsageError(
                f"{run} belongs to another user, and its spec runs {text}. If you know who wrote it: --trust {module}"
            )


def texts_of(content: Any) -> Iterator[str]:
    """Yield every text in plain data, keys too."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for key, value in content.items():
            yield key
            yield from texts_of(value)
    elif isinstance(content, list):
        for item in content:
            yield from texts_of(item)
