"""From suites of test cases to the XML that CI servers read (JUnit, as Jenkins and Surefire define it)."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from mlrun.terminal import printable

Outcome = Literal["passed", "failure", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class Case:
    """A test: how it ended; kind: the word for it (fail, undecided ...); message: why, in one line; output: more."""

    name: str
    group: str
    outcome: Outcome = "passed"
    kind: str = ""
    message: str = ""
    lines: tuple[str, ...] = ()
    output: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Suite:
    """Tests that belong together; started: ISO time."""

    name: str
    cases: tuple[Case, ...]
    properties: Mapping[str, str] = field(default_factory=dict)
    started: str = ""


def document(name: str, suites: Iterable[Suite]) -> bytes:
    """Return the XML document; characters that XML 1.0 has no place for are written as escapes."""
    shown = [suite for suite in suites if suite.cases or suite.properties]
    cases = [case for suite in shown for case in suite.cases]
    root = ET.Element("testsuites", {"name": printable(name), **counts(cases)})
    for suite in shown:
        root.append(as_element(suite))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'.encode()


def counts(cases: Sequence[Case]) -> dict[str, str]:
    """Return the attributes that count how tests ended."""
    ended = [case.outcome for case in cases]
    return {
        "tests": str(len(cases)),
        "failures": str(ended.count("failure")),
        "errors": str(ended.count("error")),
        "time": f"{sum(case.seconds for case in cases):.3f}",
    }


def as_element(suite: Suite) -> ET.Element:
    """Return a suite: its properties first, then its tests, no two of one name."""
    skipped = sum(case.outcome == "skipped" for case in suite.cases)
    told = {"name": printable(suite.name), **counts(suite.cases), "skipped": str(skipped)}
    if suite.started:
        told["timestamp"] = printable(suite.started)
    element = ET.Element("testsuite", told)
    if suite.properties:
        around = ET.SubElement(element, "properties")
        for name, value in suite.properties.items():
            ET.SubElement(around, "property", {"name": printable(name), "value": printable(value)})
    taken: dict[tuple[str, str], int] = {}
    for case in suite.cases:
        number = taken[case.group, case.name] = taken.get((case.group, case.name), 0) + 1
        name = case.name if number == 1 else f"{case.name} ({number})"
        add_case(element, case, name)
    return element


def add_case(suite: ET.Element, case: Case, name: str) -> None:
    """Add a test to its suite."""
    told = {"classname": printable(case.group), "name": printable(name), "time": f"{case.seconds:.3f}"}
    element = ET.SubElement(suite, "testcase", told)
    if case.outcome != "passed":
        why = {"type": printable(case.kind or case.outcome), "message": printable(case.message)}
        below = ET.SubElement(element, case.outcome, why)
        below.text = "\n".join(printable(line) for line in (case.message, *case.lines))
    if case.output:
        ET.SubElement(element, "system-out").text = printable(case.output)
