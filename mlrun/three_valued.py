"""Tests of a run that are true, false, or unknown (None) where the run has nothing to compare: the logic of SQL."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mlrun.run_fields import Kind, Read
from mlrun.store.run_row import IndexRow

Truth = bool | None
Test = Callable[[IndexRow], Truth]
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(:\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)
DAY = len("2026-01-31")


@dataclass(frozen=True, slots=True)
class Span:
    """What a written date means: from its begin to before its end, in seconds since 1970."""

    begin: float
    end: float


def all_of(tests: Sequence[Test]) -> Test:
    """Return AND: false where one is false, else unknown where one is unknown."""
    if len(tests) == 1:
        return tests[0]

    def test(row: IndexRow) -> Truth:
        answer: Truth = True
        for each in tests:
            found = each(row)
            if found is False:
                return False
            if found is None:
                answer = None
        return answer

    return test


def any_of(tests: Sequence[Test]) -> Test:
    """Return OR: true where one is true, else unknown where one is unknown."""
    return tests[0] if len(tests) == 1 else negated(all_of([negated(test) for test in tests]))


def negated(test: Test) -> Test:
    """Return NOT: unknown where the test is unknown."""

    def other(row: IndexRow) -> Truth:
        found = test(row)
        return None if found is None else not found

    return other


def holds(kind: Kind, read: Read, predicate: Callable[[Any], bool]) -> Test:
    """Return whether something is so of a field; of tags, whether it is so of any, which is never unknown."""
    if kind == "tags":
        return lambda row: any(map(predicate, read(row)))

    def test(row: IndexRow) -> Truth:
        value = read(row)
        return None if value is None else predicate(value)

    return test


def missing(read: Read) -> Test:
    """Return IS NULL, which is never unknown."""
    return lambda row: read(row) in (None, ())


def compared(sign: str, left: Read, right: Read) -> Test:
    """Return the comparison of two fields of one kind."""
    compare = OPERATORS[sign]

    def test(row: IndexRow) -> Truth:
        one, other = left(row), right(row)
        return None if one is None or other is None else compare(one, other)

    return test


def compares(sign: str, value: Any) -> Callable[[Any], bool]:
    """Return the comparison with a written value; a date stands for all of its day, or minute, or second."""
    if not isinstance(value, Span):
        compare = OPERATORS[sign]
        return lambda one: compare(one, value)
    begin, end = value.begin, value.end
    spans: dict[str, Callable[[Any], bool]] = {
        "=": lambda one: begin <= one < end,
        "<": lambda one: one < begin,
        "<=": lambda one: one < end,
        ">": lambda one: one >= end,
        ">=": lambda one: one >= begin,
    }
    return spans[sign]


def among(values: Sequence[Any]) -> Callable[[Any], bool]:
    """Return whether a value is one of several."""
    if any(isinstance(value, Span) for value in values):
        tests = [compares("=", value) for value in values]
        return lambda one: any(test(one) for test in tests)
    known = frozenset(values)
    return lambda one: one in known


def like(pattern: str) -> Callable[[str], bool]:
    """Return LIKE: % is any text, _ any one character, capitals matter.

    Each part between two % is looked for at its first place and no other (an atomic group), so no text takes long.
    """
    first, *others = [part_of_pattern(part) for part in pattern.split("%")]
    if others:
        *inner, last = others
        first += "".join(f"(?>.*?{part})" for part in inner if part) + ".*" + last
    matches = re.compile(first, re.DOTALL).fullmatch
    return lambda one: matches(one) is not None


def part_of_pattern(part: str) -> str:
    return "".join("." if character == "_" else re.escape(character) for character in part)


def moment(written: str) -> Span | None:
    """Return what a date or a time means, in the reader's own time zone if it names none; None when it is none."""
    found = MOMENT.fullmatch(written)
    if not found:
        return None
    try:
        begin = datetime.fromisoformat(written)
        if len(written) == DAY:  # a day is not always 24 hours long
            return Span(begin.astimezone().timestamp(), (begin + timedelta(days=1)).astimezone().timestamp())
        long = timedelta(seconds=1) if found[1] else timedelta(minutes=1)
        return Span(begin.astimezone().timestamp(), (begin.astimezone() + long).timestamp())
    except (ValueError, OverflowError, OSError):
        return None
