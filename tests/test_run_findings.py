"""findings.jsonl: what is read is what was written, numbers exact, nothing that JSON does not know."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrun.errors import StorageError
from mlrun.records import Finding, WorstRow
from mlrun.run_schema import run_folder_schema
from mlrun.runs import read_findings, write_findings
from mlrun.store.run_findings import finding_line, parse_finding

KEYS = ["model", "check", "test", "variant", "status", "severity", "value", "low", "high", "threshold", "n",
        "n_changed", "worst_rows", "reason", "measure", "p_value", "details"]  # fmt: skip
NUMBER = st.none() | st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(max_size=20)
LABEL = TEXT | st.integers(-(2**62), 2**62) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
FREE = st.recursive(
    NUMBER | TEXT | st.booleans() | st.integers(-(2**62), 2**62),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
FINDINGS = st.builds(
    Finding,
    check=TEXT,
    test=TEXT,
    model=TEXT,
    variant=TEXT,
    status=st.sampled_from(("pass", "warn", "fail", "info", "vacuous", "not_run", "error")),
    severity=st.sampled_from(("fail", "warn")),
    measure=TEXT,
    value=NUMBER,
    low=NUMBER,
    high=NUMBER,
    threshold=NUMBER,
    p_value=NUMBER,
    n=st.none() | st.integers(0, 10**12),
    n_changed=st.none() | st.integers(0, 10**12),
    worst_rows=st.lists(st.builds(WorstRow, row=LABEL, old=LABEL, new=st.none() | LABEL, note=TEXT), max_size=2).map(
        tuple
    ),
    reason=TEXT,
    details=st.dictionaries(TEXT, FREE, max_size=3),
)


@given(FINDINGS)
def test_what_is_read_is_what_was_written(finding: Finding) -> None:
    line = finding_line(finding)
    assert line.count(b"\n") == 1
    assert parse_finding(line, "here") == finding


def test_the_keys_stand_in_the_documented_order() -> None:
    assert list(json.loads(finding_line(Finding("slices", "slices", "ridge")))) == KEYS


def test_numbers_that_are_none_are_null_wherever_they_stand() -> None:
    details = {"curve": np.array([[0.5, math.nan]]), "n": np.int64(3), "yes": np.bool_(True)}
    rows = (WorstRow("a", math.inf, np.float64(0.25)),)
    read = parse_finding(
        finding_line(Finding("c", "t", "m", value=math.nan, low=np.float64(0.1), worst_rows=rows, details=details)), ""
    )
    assert (read.value, read.low) == (None, 0.1)
    assert read.details == {"curve": ((0.5, None),), "n": 3, "yes": True}
    assert read.worst_rows == (WorstRow("a", None, 0.25),)


def test_the_order_in_which_they_were_found_is_kept(tmp_path: Path) -> None:
    findings = tuple(Finding("slices", "slices", name, variant=name) for name in ("z", "a", "m"))
    write_findings(tmp_path, findings)
    assert read_findings(tmp_path) == findings


def test_a_run_without_findings_has_none(tmp_path: Path) -> None:
    assert read_findings(tmp_path) == ()
    write_findings(tmp_path, ())
    assert read_findings(tmp_path) == ()


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    write_findings(tmp_path, [Finding("slices", "slices", "ridge")] * 2)
    file = tmp_path / "findings.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(StorageError, match=r"findings\.jsonl:2: the line is damaged"):
        read_findings(tmp_path)


def test_a_line_fits_the_schema_that_scripts_get() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = run_folder_schema()["findings.jsonl"]
    finding = Finding("slices", "s", "m", value=0.5, worst_rows=(WorstRow(1, "a", "b"),), details={"n": 3})
    jsonschema.validate(json.loads(finding_line(finding)), schema)
