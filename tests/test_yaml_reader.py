"""The reader: YAML 1.2's core schema, with places, and nothing that can hurt."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlrun.errors import SpecError
from mlrun.language.yaml_reader import MAX_BYTES, MAX_VALUES, Node, read, read_value
from mlrun.records import Problem

SUITE = Path(__file__).parents[2] / "shared" / "corpora" / "yaml_test_suite"

# Invalid documents of the YAML test suite that libyaml lets through; may only shrink.
KNOWN_TO_PASS = {"9C9N-0", "9JBA-0", "CVW2-0", "DK95-1", "G5U8-0", "MUS6-0", "QB6E-0"}
KNOWN_TO_PASS |= {"S98Z-0", "SU5Z-0", "X4QW-0", "Y79Y-3", "YJV2-0"}


def meaning(text: str) -> Any:
    return read(text.encode(), "s.yaml").plain


def messages(text: str | bytes) -> list[str]:
    with pytest.raises(SpecError) as caught:
        read(text.encode() if isinstance(text, str) else text, "s.yaml")
    return [str(problem).split("\n")[0] for problem in caught.value.problems]


# Expected values: the tables of YAML 1.2.2, chapter 10.3.2 (core schema).
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E+3", 1000.0),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("+3", 3),
        ("-19", -19),
        ("1.", 1.0),
        (".5", 0.5),
        (".inf", float("inf")),
        ("-.INF", float("-inf")),
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("y", "y"),
        ("TRUE", True),
        ("False", False),
        ("~", None),
        ("NULL", None),
        ("", None),
        ("12:30:00", "12:30:00"),
        ("2020-01-01", "2020-01-01"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("0o8", "0o8"),
        ("1e", "1e"),
        ("٣", "٣"),  # a digit to Python, not to YAML
        ("'12'", "12"),
        ('"null"', "null"),
        ("!!str 12", "12"),
        ("!!float 1", 1),
        ("! 12", "12"),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    found = meaning(f"a: {text}")["a"]
    assert found == value
    assert type(found) is type(value)


def test_nan_is_not_a_number() -> None:
    assert meaning("a: .nan")["a"] != meaning("a: .nan")["a"]


def test_places_count_from_one_in_characters() -> None:
    root = read("ä: 1\nbé: {c: [x, y]}\n".encode(), "s.yaml")
    assert isinstance(root.value, dict)
    inner = root.value["bé"].value
    assert isinstance(inner, dict)
    items = inner["c"].value
    assert isinstance(items, tuple)
    assert str(items[1].place) == "s.yaml:2:13"
    assert items[1].place.text == "bé: {c: [x, y]}"
    assert str(root.keys["bé"]) == "s.yaml:2:1"


def test_lines_are_counted_as_the_parser_counts_them() -> None:
    assert messages("a: 1\r\nb: 2\rc: 3\u2028d: 4\na: 5") == [
        "s.yaml:5:1: the key 'a' stands here twice, first on line 1; remove one of them"
    ]


def test_a_byte_order_mark_is_ignored() -> None:
    assert read(b"\xef\xbb\xbfa: 1", "s.yaml").plain == {"a": 1}


def test_merged_keys_yield_to_written_ones_and_keep_their_place() -> None:
    root = read(b"x: &x {p: 1, q: 2}\ny: &y {q: 7, r: 8}\nz: {<<: [*x, *y], p: 3}\n'<<': 4\n", "s.yaml")
    assert root.plain["z"] == {"p": 3, "q": 2, "r": 8}
    assert root.plain["<<"] == 4
    assert isinstance(root.value, dict)
    assert root.value["z"].keys["q"].line == 1


def test_an_alias_is_the_value_that_was_named() -> None:
    assert meaning("a: &n [1, 2]\nb: *n") == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: {c: 1, c: 2}", "2:11: the key 'c' stands here twice, first on line 2; remove one of them"),
        ("a: &x [*x]", "1:8: '*x' stands inside '&x': a value cannot hold itself"),
        ("a: *x", "1:4: nothing is called '&x' above this '*x'"),
        (
            "a: !foo 3",
            "1:4: the tag '!foo' is refused: a spec holds text, numbers, true, false, null, lists and mappings",
        ),
        ("a: !!python/object:os.system x", "1:4: the tag '!!python/object:os.system' is refused"),
        ("a: !!binary aGk=", "1:4: the tag '!!binary' is refused"),
        ("a: !!int x", "1:4: 'x' is not of the kind that its tag says"),
        ("? [1]\n: 3", "1:3: a list or a mapping cannot be a key; keys must be plain text"),
        ("a: 1\n---\nb: 2", "2:1: a second document begins here; a spec is one document, so remove the '---'"),
        ("a: b\n\tc: d", "2:1: a tab indents this line; YAML is indented with spaces"),
        ("a: [1, 2\nb: 3", "2:2: a list was not closed: a ',' or a ']' was expected here"),
        ("a: b: c", "1:5: a ':' stands where none can be; quote the text, or check the indentation"),
        ("a: 'x", "1:6: the file ends inside a quoted text; close the quote"),
        ("a: @x", "1:4: this character cannot begin a value; put the value in quotes"),
        ("a: *", "1:5: a '*' or '&' needs a name; quote the text if it begins with one"),
        ("a: \x00", "1:4: the character U+0000 may not stand in YAML; remove it"),
        ("a: 1\nb: \x1b[0m", "2:4: the character U+001B may not stand in YAML; remove it"),
        ("<<: 3", "1:5: '<<' takes a mapping, such as an alias to one"),
        ("a: " + "9" * 5000, "1:4: this number is too long; quote it if it is text"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, told: str) -> None:
    assert messages(text)[0].startswith(f"s.yaml:{told}")


def test_mistakes_that_can_be_told_apart_are_told_at_once() -> None:
    assert len(messages("a: !x 1\na: 2\nb: *nothing\nc: !y 2")) == 4


def test_bytes_that_are_not_utf_8_are_told_with_their_line() -> None:
    assert messages(b"a: 1\nb: caf\xe9") == ["s.yaml:2: the file is not UTF-8 text; save it as UTF-8"]
    assert messages("a: 1".encode("utf-16")) == ["s.yaml:1: the file is not UTF-8 text; save it as UTF-8"]


# Each of these takes a plain loader down, or minutes: a crash at depth 100,000, 9⁹ values from 324 bytes.
@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "[" * 200_000 + "]" * 200_000,
        "[\n" * 200_000,
        "a: {" * 100_000,
        "? " * 200_000,
        "- " * 200_000,
        "\n".join("  " * depth + "a:" for depth in range(900)),
        "- a\n" * 200_000,
        "{a: [" * 60,
        "&a0 x: 1\n" + "\n".join(["a: &a [1,1,1,1,1,1,1,1,1]"] + [f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefghi", "bcdefghij", strict=True)]),  # noqa: E501
        "\n".join(["a: &a [1]"] + [f"k{n}: &k{n} [*{'a' if n == 0 else f'k{n - 1}'}]" for n in range(80)]),
        "a: " + "x" * MAX_BYTES,
    ],
    ids=lambda text: f"{len(text)} of {text[:6]!r}",
)  # fmt: skip
def test_bombs_are_refused_quickly(text: str) -> None:
    began = time.process_time()
    assert len(messages(text)) == 1
    assert time.process_time() - began < 5


def test_a_large_honest_file_is_read() -> None:
    assert len(meaning("- a\n" * (MAX_VALUES - 1))) == MAX_VALUES - 1


def test_a_value_from_the_command_line_has_no_line() -> None:
    assert read_value("[3, 1e-3]", "--set x=[3, 1e-3]").plain == [3, 0.001]
    with pytest.raises(SpecError, match=re.escape("--set x=[: a value was expected here")):
        read_value("[", "--set x=[")


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(), st.text(alphabet="ab:-?[]{},&*!|>'\"%@`#\t\n \\<~.0e", max_size=60)))
@example("\ud800")
@example("\u2028\t- a")
@example("%")
def test_any_text_is_a_value_or_problems(text: str) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        assert isinstance(read_value(text, "here"), Node)
    except SpecError as error:
        problems = error.problems
    assert all(str(problem).startswith("here: ") for problem in problems)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_a_value_or_problems(content: bytes) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        assert isinstance(read(content, "here"), Node)
    except SpecError as error:
        problems = error.problems
    assert all(str(problem).startswith("here:") for problem in problems)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=100, deadline=None)
@given(PLAIN)
def test_what_json_writes_is_read_back(value: object) -> None:
    import json

    try:
        found = read_value(json.dumps(value), "here").plain
    except SpecError:
        return  # a number too long, or a key twice after escapes
    assert found == json.loads(json.dumps(value)) or "Infinity" in json.dumps(value)


def suite() -> Iterator[tuple[str, str, bool]]:
    """Yield name, text and whether it is invalid, of each case; the suite writes blanks as visible characters."""
    for path in sorted(SUITE.glob("*.yaml")):
        case: dict[str, Any] = {}
        for number, part in enumerate(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)):
            case = {**{key: value for key, value in case.items() if key != "fail"}, **part}
            text = re.sub("—*»", "\t", case["yaml"]).replace("␣", " ").replace("←", "\r").replace("⇔", "\ufeff")
            yield f"{path.stem}-{number}", re.sub("∎\n$", "", text.replace("↵", "")), "fail" in case


@pytest.mark.skipif(not SUITE.exists(), reason="the YAML test suite is not here")
@pytest.mark.skipif(not yaml.__with_libyaml__, reason="the list is that of the C parser")
def test_the_suites_invalid_documents_that_pass_only_get_fewer() -> None:
    passed, cases = set(), 0
    for name, text, invalid in suite():
        cases += 1
        try:
            read(text.encode(), name)
        except SpecError:
            continue
        if invalid:
            passed.add(name)
    assert cases > 400
    assert passed <= KNOWN_TO_PASS
