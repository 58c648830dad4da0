"""What the checks found, on disk: findings.jsonl, a line a test and variant."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Any

from mlrun.errors import StorageError
from mlrun.json_records import decode, encode
from mlrun.records import Finding, FindingStatus, Severity, WorstRow
from mlrun.store.file_names import FINDINGS
from mlrun.store.writing import reading, write_atomically


@dataclass(frozen=True, slots=True)
class FindingRecord:
    """A line of findings.jsonl; the order of the fields is the order of its keys."""

    model: str
    check: str
    test: str
    variant: str
    status: FindingStatus
    severity: Severity
    value: float | None
    low: float | None
    high: float | None
    threshold: float | None
    n: int | None
    n_changed: int | None
    worst_rows: tuple[WorstRow, ...]
    reason: str
    measure: str = ""
    p_value: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


FIELDS = tuple(each.name for each in fields(FindingRecord))


def write_findings(path: Path, findings: Iterable[Finding]) -> None:
    """Write findings.jsonl into a run folder, in the order in which they were found."""
    write_atomically(path / FINDINGS, b"".join(map(finding_line, findings)))


def finding_line(finding: Finding) -> bytes:
    """Return a line of findings.jsonl: fixed key order, shortest floats, null for a number that is not finite."""
    line = {name: finite(getattr(finding, name)) for name in FIELDS}
    return json.dumps(encode(line), allow_nan=False).encode() + b"\n"


def finite(value: Any) -> Any:
    """Return free data with null in place of what is not a finite number."""
    if isinstance(value, WorstRow):
        return {name: finite(getattr(value, name)) for name in ("row", "old", "new", "note")}
    if hasattr(value, "tolist"):  # a number or array of numpy's, without importing it
        return finite(value.tolist())
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(inner) for key, inner in value.items()}
    return [finite(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def read_findings(path: Path) -> tuple[Finding, ...]:
    """Return what the checks of a finished run found; () where nothing is written.

    Raises StorageError naming a damaged line.
    """
    file = path / FINDINGS
    with reading(file):
        lines = file.read_bytes().splitlines() if file.exists() else []
    return tuple(parse_finding(line, f"{file}:{number}") for number, line in enumerate(lines, 1))


def parse_finding(line: bytes, place: str) -> Finding:
    """Return a line of findings.jsonl as the finding that it was."""
    try:
        return finding_of(line)
    except (ValueError, RecursionError) as error:
        raise StorageError(f"{place}: the line is damaged: {error}") from error


def as_read_back(finding: Finding) -> Finding:
    """Return a finding as it will be read back; raise TypeError or ValueError for one that cannot be."""
    try:
        return finding_of(finding_line(finding))
    except (AttributeError, RecursionError) as error:
        raise TypeError(str(error)) from error


def finding_of(line: bytes) -> Finding:
    """Return the finding of a line; lists inside its details become tuples. Raises ValueError, RecursionError."""
    read = decode(FindingRecord, json.loads(line))
    return Finding(**{name: getattr(read, name) for name in FIELDS})
