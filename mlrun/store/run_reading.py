"""From a finished run's folder to what run.json and the manifest say: whole, of a format that is known, or an error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlrun.errors import StorageError, UsageError
from mlrun.json_records import decode
from mlrun.store.file_names import MANIFEST, RUN
from mlrun.store.run_folder import sha256_of
from mlrun.store.run_record import FORMAT, RunRecord
from mlrun.store.run_seal import has_own_seal
from mlrun.store.writing import reading


@dataclass(frozen=True, slots=True)
class Manifest:
    """manifest.json: file → sha256."""

    files: Mapping[str, str]


def read_run(path: Path) -> RunRecord:
    """Return what run.json in a run folder says.

    Raises UsageError when the run is not finished or its format is newer, StorageError when the file is damaged.
    """
    file = path / RUN
    if not file.is_file():
        raise UsageError(f"{path} is not a finished run: there is no {RUN} in it")
    content = read_json(file)
    check_format(file, content)
    try:
        return decode(RunRecord, content)
    except ValueError as error:
        raise StorageError(f"{file} is damaged: {error}. Restore it, or delete the run's folder") from error


def read_manifest(path: Path) -> Mapping[str, str]:
    """Return file → sha256 of a finished run, after the manifest's own was checked against run.json.

    Raises StorageError when the manifest is not the one that was written.
    """
    file = path / MANIFEST
    content = read_json(file)
    with reading(file):
        actual = sha256_of(file)
    if actual != read_run(path).manifest:
        raise StorageError(f"{file} was changed after the run: its sha256 is not the one in {RUN}")
    return files_of(file, content)


def files_of(file: Path, content: object) -> Mapping[str, str]:
    """Return what the content of a manifest says; raise StorageError where it is damaged, UsageError where newer."""
    check_format(file, content)
    try:
        return decode(Manifest, content).files
    except ValueError as error:
        raise StorageError(f"{file} is damaged: {error}") from error


def is_own(path: Path) -> bool:
    """Say whether a finished run bears this user's seal, and its run.json and manifest are as they were sealed.

    What does not, was made elsewhere, by an older mlrun, or changed since: what it holds is not believed unseen.
    """
    try:
        content = (path / RUN).read_bytes()
        return has_own_seal(content) and sha256_of(path / MANIFEST) == json.loads(content)["manifest"]
    except (OSError, KeyError):
        return False


def read_json(file: Path) -> object:
    """Return the JSON of a small file; raise StorageError when it is not there or no JSON."""
    with reading(file):
        content = file.read_bytes()
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise StorageError(f"{file} is damaged: it is no JSON. Restore it, or delete the run's folder") from error


def check_format(file: Path, content: object) -> None:
    """Refuse a format that is newer than this program."""
    found = content["format"] if isinstance(content, dict) and "format" in content else None
    if isinstance(found, int) and found > FORMAT:
        raise UsageError(f"{file} has format {found}; this mlrun reads up to {FORMAT}: install a newer mlrun")
    if type(found) is not int or found < 1:
        raise StorageError(f"{file} is damaged: it has no format. Restore it, or delete the run's folder")
