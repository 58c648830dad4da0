"""From a run folder to the spec that it ran, overrides and all."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from mlrun.errors import StorageError, UsageError
from mlrun.language.yaml_reader import read
from mlrun.runs import is_own, read_manifest, read_run
from mlrun.spec import Spec, parse
from mlrun.store.run_record import RunRecord

REFERENCE = re.compile(r"[^\s:]+:[^\s:/\\]+")  # whatever might be module:function, anywhere in a text


def spec_of(run: Path, trust: Sequence[str] = (), folder: str = "") -> Spec:
    """Return a run's spec as it was run; raise StorageError when the folder does not hold it any more.

    Paths in it are relative to the folder where it stood then, or to `folder`. To read it imports the author's own
    modules that it names: those of a run that was made elsewhere, or changed since, only when they are in `trust`, else
    UsageError. Raises SpecError where this version of the language takes it no more.
    """
    record, file = read_run(run), run / "spec.yaml"
    if not record.spec_folder:
        raise StorageError(f"{run / 'run.json'}: it was written before runs kept where their spec stood; run it again")
    try:
        text = file.read_bytes()
    except OSError as error:
        raise StorageError(f"{file} cannot be read: {error.strerror}. Restore it, or run the spec again") from error
    if not (is_own(run) and is_as_written(run, "spec.yaml", text)):
        refuse_modules(run, record, text, trust)
    return parse(text, str(file), folder or record.spec_folder, record.overrides)


def is_as_written(run: Path, name: str, content: bytes) -> bool:
    """Say whether a file's bytes are those that the manifest vouches for."""
    manifest = read_manifest(run)
    return name in manifest and manifest[name] == sha256(content).hexdigest()


def refuse_modules(run: Path, record: RunRecord, text: bytes, trust: Sequence[str]) -> None:
    """Raise UsageError for the first module:function in a run's spec or record whose module nobody vouches for."""
    named = [
        *texts_of(read(text, str(run / "spec.yaml")).plain),
        *itertools.chain.from_iterable(override.split("=") for override in record.overrides),
        *(model.family for model in record.models),
    ]
    for found in itertools.chain.from_iterable(map(REFERENCE.findall, named)):
        module = found.partition(":")[0].strip("'{[(\"")
        if module not in trust and module.partition(".")[0] not in trust:
            raise UsageError(
                f"{run} was made elsewhere, or changed since, and its spec runs {found}. If you know who wrote it: "
                f"--trust {module}"
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
