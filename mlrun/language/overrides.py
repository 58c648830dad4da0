"""From `--set PATH=VALUE` to a spec in its normal form with that value in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlrun.errors import SpecError
from mlrun.language.normal import normalise
from mlrun.language.yaml_reader import Node, read_value
from mlrun.records import Place, Problem


def override(root: Node, overrides: Sequence[str], problems: list[Problem]) -> Node:
    """Return the spec with each override applied in order; what cannot be applied is told and left out."""
    for written in overrides:
        origin = f"--set {written}"
        path, sign, text = written.partition("=")
        parts = path.strip().split(".")
        if not sign or not all(parts):
            problems.append(Problem("must be PATH=VALUE, such as split.folds=10", Place(origin)))
            continue
        try:
            value = read_value(text, origin)
        except SpecError as error:
            problems.extend(error.problems)
            continue
        changed = _put(root, parts, value, Place(origin))
        if isinstance(changed, str):
            problems.append(Problem(changed, Place(origin)))
        else:
            root = normalise(changed, problems)
    return root


def _put(node: Node, parts: Sequence[str], value: Node, place: Place) -> Node | str:
    """Return the node with the value at a path below it, or a sentence that says why it cannot be there.

    Mappings that are missing on the way are made; a part of the path counts in a list.
    """
    if not parts:
        return value
    first, *rest = parts
    if isinstance(node.value, tuple):
        if not first.isdecimal() or not first.isascii() or int(first) >= len(node.value):
            return f"'{first}' is not a position in a list of {len(node.value)}; they count from 0"
        changed = _put(node.value[int(first)], rest, value, place)
        items = list(node.value)
        if isinstance(changed, str):
            return changed
        items[int(first)] = changed
        return replace(node, value=tuple(items))
    entries = node.value if isinstance(node.value, Mapping) else {}
    changed = _put(entries[first] if first in entries else Node({}, place), rest, value, place)
    if isinstance(changed, str):
        return changed
    return replace(node, value={**entries, first: changed}, keys={**_keys_of(node), first: place})


def _keys_of(node: Node) -> Mapping[str | int | float | bool | None, Place]:
    return node.keys if isinstance(node.value, Mapping) else {}
