"""From the provenance files of a run folder to what a run was made of; older runs may lack any of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from mlrun.json_records import decode
from mlrun.store.snapshots import snapshot_path
from mlrun.wording import count, size

Kind = TypeVar("Kind")
SHORT = 12  # characters of a digest that people compare


@dataclass(frozen=True, slots=True)
class Git:
    """The commit, and whether anything was changed since; patch_sha256 tells two dirty states apart."""

    commit: str | None = None
    branch: str | None = None
    dirty: bool = False
    patch_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """code.json: git's state, a digest of the user's modules ('' = none), that of each, and of files that are kept."""

    git: Git | None = None
    user_code: str = ""
    modules: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Environment:
    """env.json: package → version, what is known of the machine, and mlrun's own version of how scores are computed."""

    packages: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)
    result_version: int | None = None


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of data, or a table that stood in none (no path); snapshot: its bytes are kept; test: of the test rows."""

    path: str = ""
    size_bytes: int | None = None
    sha256: str = ""
    test: bool = False
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class Feature:
    """A column as the models saw it."""

    name: str
    kind: str = ""
    dtype: str = ""


@dataclass(frozen=True, slots=True)
class Data:
    """data.json: digests of the table, of each column, and of the rows in train and in test in their order.

    columns: {} where a person was erased. schema: of the features; table_schema: of all columns.
    folds: name → digests of the rows inside and of those held out, in their order.
    files: what was read; tables, where rows stood in no file; baseline_files: people's labels and the like;
    author_files: those of tests.
    """

    data_id: str = ""
    rows_id: str = ""
    rows: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    schema: Mapping[str, str] = field(default_factory=dict)
    table_schema: Mapping[str, str] = field(default_factory=dict)
    train: str = ""
    test: str = ""
    train_rows: int | None = None
    test_rows: int | None = None
    folds: Mapping[str, str] = field(default_factory=dict)
    features: tuple[Feature, ...] = ()
    files: tuple[DataFile, ...] = ()
    tables: tuple[DataFile, ...] = ()
    baseline_files: tuple[DataFile, ...] = ()
    author_files: tuple[DataFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Origins:
    """What a run was made of; None where its file is missing or cannot be read, which `missing` names."""

    code: Code | None
    environment: Environment | None
    data: Data | None
    spec: Mapping[str, Any] | None
    missing: tuple[str, ...]


def read_origins(folder: Path) -> Origins:
    """Read the provenance of a run; what is missing or damaged is named, never an error."""
    code = read_as(Code, folder / "code.json")
    environment = read_as(Environment, folder / "env.json")
    data = read_as(Data, folder / "data.json")
    spec = read_object(folder / "spec.resolved.json")
    found = {"code.json": code, "env.json": environment, "data.json": data, "spec.resolved.json": spec}
    return Origins(code, environment, data, spec, tuple(name for name, value in found.items() if value is None))


def read_as(kind: type[Kind], file: Path) -> Kind | None:
    """Return the file's content as a record, None when it is not there or does not fit."""
    content = read_object(file)
    try:
        return None if content is None else decode(kind, content)
    except ValueError:
        return None


def read_object(file: Path) -> dict[str, Any] | None:
    """Return a file's JSON object, None when there is none."""
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def told_origins(folder: Path) -> tuple[str, ...]:
    """Return data, code and packages in a sentence each."""
    origins = read_origins(folder)
    kept = told_snapshot(folder, origins.data)
    lines = [told_data(origins.data), kept, told_code(origins.code), told_packages(origins.environment)]
    if origins.missing:
        lines.append(f"not in the run's folder, or not readable: {', '.join(origins.missing)}")
    return tuple(line for line in lines if line)


def told_data(data: Data | None) -> str:
    if data is None:
        return ""
    rows = f"{count(data.rows, 'row')}, " if data.rows is not None else ""
    return (
        f"data: {rows}{count(len(data.table_schema or data.columns or data.schema), 'column')}, {data.data_id[:SHORT]}"
    )


def told_snapshot(folder: Path, data: Data | None) -> str:
    """Return how much of a run's data is kept with the runs, and what of it is gone; '' = nothing was to be kept."""
    entries = () if data is None else (*data.files, *data.tables, *data.baseline_files)
    wanted = {entry.sha256 for entry in entries if entry.snapshot}
    if not wanted:
        return ""
    sizes = [bytes_kept(folder.parent.parent, sha256) for sha256 in wanted]
    there = [amount for amount in sizes if amount is not None]
    gone = "" if len(there) == len(sizes) else f"; {count(len(sizes) - len(there), 'more is', 'more are')} gone"
    return f"snapshot: {count(len(there), 'file')} of its data, {size(sum(there))}{gone}"


def bytes_kept(root: Path, sha256: str) -> int | None:
    """Return the size of a snapshot; None when it is not there."""
    try:
        return snapshot_path(root, sha256).stat().st_size
    except (OSError, ValueError):
        return None


def told_code(code: Code | None) -> str:
    if code is None:
        return ""
    own = f", own modules {code.user_code[:SHORT]}" if code.user_code else ""
    if code.git is None:
        return f"code: no git repository{own}"
    return f"code: {told_git(code.git)}{own}"


def told_git(git: Git) -> str:
    """Return the commit, its branch, and whether there were changes since."""
    commit = git.commit[:SHORT] if git.commit else "no commit yet"
    branch = f" on {git.branch}" if git.branch else ""
    return f"{commit}{branch}{' with changes that are not committed' if git.dirty else ''}"


def told_packages(environment: Environment | None) -> str:
    if environment is None:
        return ""
    return "packages: " + ", ".join(f"{name} {version}" for name, version in environment.packages.items() if version)
