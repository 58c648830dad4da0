"""From the text of a spec to plain values that know where they were written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from mlrun.errors import SpecError
from mlrun.language.yaml_scalars import Scalar, resolve, tagged
from mlrun.language.yaml_sentences import tell_syntax_error
from mlrun.records import Place, Problem

Path = tuple[Scalar, ...]

MAX_BYTES = 2**20
MAX_DEPTH = 50
MAX_VALUES = 100_000  # aliases counted as often as they are used
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")  # as the parser counts lines
REFUSED = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
CORE = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands; `keys` are the places of a mapping's keys.

    size counts the values inside, depth the levels; both as if aliases were written out.
    """

    value: Scalar | tuple[Node, ...] | Mapping[Scalar, Node]
    place: Place
    keys: Mapping[Scalar, Place] = field(default_factory=dict)
    size: int = 1
    depth: int = 0

    @property
    def plain(self) -> Any:
        """Return the value without places: dicts, lists and scalars."""
        if isinstance(self.value, Mapping):
            return {key: node.plain for key, node in self.value.items()}
        return [node.plain for node in self.value] if isinstance(self.value, tuple) else self.value


def read(content: bytes, name: str) -> Node:
    """Read one YAML document, safely, by the rules of YAML 1.2's core schema.

    name: how the file is called in messages. Raises SpecError with every problem that can be told apart.
    """
    if len(content) > MAX_BYTES:
        raise SpecError([Problem(f"the file is larger than {MAX_BYTES // 1024} KiB; a spec is not data", Place(name))])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = "the file is not UTF-8 text; save it as UTF-8"
        raise SpecError([Problem(message, Place(name, line))]) from error
    return _Reader(_Page(name, LINE_BREAK.split(text))).read(text)


def read_value(text: str, origin: str) -> Node:
    """Read a value given on the command line; its places say `origin` and no line. Raises SpecError."""
    if len(text) > MAX_BYTES:
        raise SpecError([Problem(f"the value is larger than {MAX_BYTES // 1024} KiB", Place(origin))])
    return _Reader(_Page(origin, ())).read(text)


@dataclass(frozen=True, slots=True)
class _Page:
    name: str
    lines: list[str] | tuple[()]

    def place(self, line: int, column: int) -> Place:
        """Return the place of a mark; marks count from 0."""
        if not self.lines:
            return Place(self.name)
        if line >= len(self.lines):
            return Place(self.name, len(self.lines), 1)
        return Place(self.name, line + 1, column + 1, excerpt(self.lines[line], column))


def excerpt(line: str, column: int) -> str:
    """Return the part of a line around a column, fit for printing."""
    start = max(0, column - 80) if len(line) > 160 else 0
    part = ("…" if start else "") + line[start : start + 160] + ("…" if len(line) > start + 160 else "")
    return "".join(character if character.isprintable() else " " if character == "\t" else "�" for character in part)


@dataclass(slots=True)
class _Open:
    """A collection that is being read; `key` is set between a mapping's key and its value."""

    start: Any
    place: Place
    items: list[Node] = field(default_factory=list)
    entries: dict[Scalar, Node] = field(default_factory=dict)
    keys: dict[Scalar, Place] = field(default_factory=dict)
    merged: list[Node] = field(default_factory=list)
    key: Node | None = None
    merge: bool = False
    size: int = 1
    depth: int = 0


class _Reader:
    """Builds nodes from the parser's events, which come one by one: caps strike before anything is nested deeply."""

    def __init__(self, page: _Page) -> None:
        self.page = page
        self.problems: list[Problem] = []
        self.open: list[_Open] = []
        self.anchors: dict[str, Node | None] = {}  # None while the value is being read
        self.root: Node | None = None
        self.values = 0

    def read(self, text: str) -> Node:
        refused = REFUSED.search(text)
        if refused:
            lines = LINE_BREAK.split(text[: refused.start()])
            place = self.page.place(len(lines) - 1, len(lines[-1]))
            self._stop(f"the character U+{ord(refused.group()):04X} may not stand in YAML; remove it", place)
        try:
            for event in self._events(text):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line, mark.column) if mark else (0, 0)
            written = self.page.lines[line] if line < len(self.page.lines) else ""
            self._stop(tell_syntax_error(error, written), self.page.place(line, column))
        if self.problems:
            raise SpecError(self.problems)
        return self.root if self.root is not None else Node(None, self.page.place(0, 0))

    def _events(self, text: str) -> Iterator[Any]:
        yield from yaml.parse(text, Loader=LOADER)

    def _take(self, event: Any) -> None:
        place = self.page.place(event.start_mark.line, event.start_mark.column)
        if isinstance(event, yaml.ScalarEvent):
            plain = event.implicit[0] and not event.tag
            node = Node(self._scalar(event, place), place)
            self._name(event.anchor, node)
            self._add(node, merge=bool(plain) and event.value == "<<")
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._begin(event, place)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._end()
        elif isinstance(event, yaml.AliasEvent):
            self._add(self._aliased(event.anchor, place))
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            self._stop("a second document begins here; a spec is one document, so remove the '---'", place)

    def _stop(self, message: str, place: Place) -> None:
        raise SpecError([*self.problems, Problem(message, place)])

    def _name(self, anchor: str | None, node: Node | None) -> None:
        if anchor:
            self.anchors[anchor] = node

    def _aliased(self, anchor: str | None, place: Place) -> Node:
        if anchor is None or anchor not in self.anchors:
            self.problems.append(Problem(f"nothing is called '&{anchor}' above this '*{anchor}'", place))
            return Node(None, place)
        node = self.anchors[anchor]
        if node is None:
            self._stop(f"'*{anchor}' stands inside '&{anchor}': a value cannot hold itself", place)
        return replace(node, place=place) if node is not None else Node(None, place)

    def _begin(self, event: Any, place: Place) -> None:
        allowed = CORE + ("map" if isinstance(event, yaml.MappingStartEvent) else "seq")
        if event.tag not in (None, "!", allowed):
            self.problems.append(Problem(_refused_tag(event.tag), place))
        self._name(event.anchor, None)
        self.open.append(_Open(event, place))
        if len(self.open) > MAX_DEPTH:
            self._stop(f"values are nested more than {MAX_DEPTH} deep", place)

    def _end(self) -> None:
        done = self.open.pop()
        if isinstance(done.start, yaml.SequenceStartEvent):
            node = Node(tuple(done.items), done.place, {}, done.size, done.depth)
        else:
            for source in done.merged:
                self._merge(done, source)
            node = Node(done.entries, done.place, done.keys, done.size, done.depth)
        self._name(done.start.anchor, node)
        self._add(node)

    def _add(self, node: Node, *, merge: bool = False) -> None:
        self._cap(node)
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        parent.size += node.size
        parent.depth = max(parent.depth, node.depth + 1)
        if isinstance(parent.start, yaml.SequenceStartEvent):
            parent.items.append(node)
        elif parent.key is None:
            parent.key, parent.merge = node, merge
        else:
            self._enter(parent, parent.key, node)
            parent.key = None

    def _cap(self, node: Node) -> None:
        self.values += 1
        size = node.size + sum(opened.size for opened in self.open)
        if size > MAX_VALUES or self.values > MAX_VALUES:
            self._stop(f"more than {MAX_VALUES:,} values, aliases written out", node.place)
        if node.depth + len(self.open) > MAX_DEPTH:
            self._stop(f"values are nested more than {MAX_DEPTH} deep, aliases written out", node.place)

    def _enter(self, parent: _Open, key: Node, node: Node) -> None:
        name = key.value
        if isinstance(name, (tuple, Mapping)):
            self.problems.append(Problem("a list or a mapping cannot be a key; keys must be plain text", key.place))
        elif parent.merge:
            parent.merged.append(node)
        elif name in parent.entries:
            first = parent.keys[name]
            where = f" on line {first.line}" if first.line else ""
            self.problems.append(
                Problem(f"the key '{name}' stands here twice, first{where}; remove one of them", key.place)
            )
        else:
            parent.entries[name], parent.keys[name] = node, key.place

    def _merge(self, target: _Open, source: Node) -> None:
        """Add the entries of `<<: *alias`; what is written out beside it wins, then the earlier alias."""
        parts = source.value if isinstance(source.value, tuple) else (source,)
        for part in parts:
            if not isinstance(part.value, Mapping):
                self.problems.append(Problem("'<<' takes a mapping, such as an alias to one", part.place))
                return
            for name, node in part.value.items():
                if name not in target.entries:
                    target.entries[name], target.keys[name] = node, part.keys[name]

    def _scalar(self, event: Any, place: Place) -> Scalar:
        text, tag = str(event.value), event.tag
        if event.tag == "!" or not (event.implicit[0] or event.tag):
            return text
        try:
            return tagged(text, tag.removeprefix(CORE)) if tag else resolve(text)
        except KeyError:
            message = _refused_tag(tag)
        except ValueError as error:
            message = str(error)
        self.problems.append(Problem(message, place))
        return text


def _refused_tag(tag: str) -> str:
    shown = tag.replace(CORE, "!!")[:60]
    return f"the tag '{shown}' is refused: a spec holds text, numbers, true, false, null, lists and mappings only"
