"""From a text file of a run to the same with a word in place of each value; JSON by its strings."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from mlrun.erasure.subject import WORD, Subject
from mlrun.errors import SpecError
from mlrun.journal import CRC_DIGITS, from_line, to_line

# Names that a spec's author gave, ids made of them, and words of mlrun's own: other files refer to them.
KEPT = frozenset((
    "format", "experiment", "version", "status", "kind", "model", "family", "check", "test", "trial", "fit", "fold",
    "id", "file", "best", "name", "event", "severity", "direction", "label", "word", "answer", "code", "seal", "digest",
    "manifest", "identity", "spec_id", "data_id", "rows_id", "code_id", "erasures", "stale",
))  # fmt: skip


def scrubbed_json(value: Any, subject: Subject, names: tuple[str, ...] = ()) -> Any:
    """Return plain data with a word in place of each value in its texts and keys; names that others use stay."""
    if isinstance(value, str):
        return value if names and names[-1] in KEPT else subject.replaced(value, names)
    if isinstance(value, Mapping):
        return scrubbed_mapping(value, subject, names)
    if isinstance(value, (list, tuple)):
        return [scrubbed_json(inner, subject, names) for inner in value]
    if names[-1:] == (subject.column,) and isinstance(value, (int, float)) and subject.is_named_by(value):
        return None
    return value


def scrubbed_mapping(value: Mapping[str, Any], subject: Subject, names: tuple[str, ...]) -> dict[str, Any]:
    """Return an object; a key that was a value becomes a word, and counts that then share it are added."""
    new: dict[str, Any] = {}
    for key, inner in value.items():
        told = key if key in KEPT else subject.replaced(key, names)
        found = scrubbed_json(inner, subject, (*names, key))
        both_count = told in new and isinstance(new[told], (int, float)) and isinstance(found, (int, float))
        new[told] = new[told] + found if both_count else found
    return new


def scrubbed_lines(content: bytes, subject: Subject) -> bytes:
    """Return lines of JSON, or of a journal with new checksums; a line that is neither loses what it holds as text."""
    return b"\n".join(scrubbed_line(line, subject) for line in content.split(b"\n"))


def scrubbed_line(line: bytes, subject: Subject) -> bytes:
    event = from_line(line)
    if event is not None:
        new = scrubbed_json(event, subject)
        return line if new == event else to_line(new).rstrip(b"\n")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return scrubbed_torn(line, subject)
    new = scrubbed_json(value, subject)
    return line if new == value else json.dumps(new).encode()


def scrubbed_torn(line: bytes, subject: Subject) -> bytes:
    """Return a line that was cut off; one that holds a value goes: nobody can read it anyway."""
    from mlrun.erasure.texts_in import without_escapes

    text = line.decode("utf-8", "replace")
    held = any(subject.replaced(each) != each for each in (text, without_escapes(text), text[CRC_DIGITS:]))
    return b"" if held else line


def scrubbed_file(content: bytes, name: str, subject: Subject) -> bytes | None:
    """Return a text file without the values; None where that cannot be done, so that the file must go or stays.

    YAML is only changed where it says the same afterwards but for the word.
    """
    if name.endswith(".jsonl"):
        return scrubbed_lines(content, subject)
    if name.endswith(".json"):
        try:
            value = json.loads(content)
        except (ValueError, RecursionError):
            return None
        new = scrubbed_json(value, subject)
        return content if new == value else json.dumps(new, indent=1, ensure_ascii=False).encode() + b"\n"
    try:
        changed = subject.replaced(content.decode()).encode()
    except UnicodeDecodeError:
        return None
    if name.endswith((".yaml", ".yml")) and not says_the_same(content, changed, subject):
        return None
    return changed


def says_the_same(old: bytes, new: bytes, subject: Subject) -> bool:
    """Say whether changed YAML reads as the old one does, but for the word in place of the value."""
    from mlrun.language.yaml_reader import read

    try:
        before, after = read(old, "").plain, read(new, "").plain
    except SpecError:
        return False
    return bool(replaced_texts(before, subject) == after)


def replaced_texts(value: Any, subject: Subject) -> Any:
    """Return plain data with the word in all of its texts, whatever they stand below."""
    if isinstance(value, Mapping):
        return {replaced_texts(key, subject): replaced_texts(inner, subject) for key, inner in value.items()}
    if isinstance(value, list):
        return [replaced_texts(inner, subject) for inner in value]
    if isinstance(value, str):
        return subject.replaced(value)
    telling = any(each.telling and str(value) == each.text for each in subject.values)
    return WORD if telling else value


def without_rows(value: Any, ids: Collection[str]) -> Any:
    """Return plain data without the entries of lists that are of one of these rows: {"row": ID, ...}."""
    if isinstance(value, Mapping):
        return {key: without_rows(inner, ids) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_rows(inner, ids) for inner in value if not is_of_row(inner, ids)]
    return value


def is_of_row(value: Any, ids: Collection[str]) -> bool:
    """Say whether an entry of a list is about one of these rows."""
    return isinstance(value, Mapping) and "row" in value and id_text(value["row"]) in ids


def id_text(value: Any) -> str:
    """Return an id as a table would write it: 7.0 is 7."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
