"""From a spec as people write it to its normal form: shorthands written out, every value still with its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mlrun.language.yaml_reader import Node, Path
from mlrun.language.yaml_scalars import Scalar
from mlrun.records import Place, Problem

NEVER_EMPTY = ("experiment", "data", "models")
FREE_SECTIONS = ("evaluation",)
SWITCHES = {"auto": True, "none": False}


def normalise(root: Node, problems: list[Problem]) -> Node:
    """Return the spec in its normal form; what has no meaning is left as it is, or told and left out.

    `models: [a, b]` becomes `{a: {}, b: {}}`; metrics and baselines become mappings with one name each; a list of
    sensitive columns, a bare constant, `evaluation: auto` and an empty section are written out. Does nothing the
    second time.
    """
    if not isinstance(root.value, Mapping):
        return root
    steps: Mapping[Any, Callable[[Node], Node]] = {
        "models": lambda node: _models(node, problems),
        "metrics": _entries,
        "baselines": _baselines,
        "data": _data,
        "evaluation": _evaluation,
        "hooks": _hooks,
    }
    kept = {key: node for key, node in root.value.items() if node.value is not None or key in NEVER_EMPTY}
    done = {key: steps[key](node) if key in steps else node for key, node in kept.items()}
    return replace(root, value=done)


def drop_odd_keys(root: Node, problems: list[Problem]) -> Node:
    """Return the spec without keys that are not text, each told; values of hyperparameters may have them (labels)."""
    return _drop_odd_keys(root, (), problems)


def _drop_odd_keys(node: Node, path: Path, problems: list[Problem]) -> Node:
    if _is_free(path):
        return node
    if isinstance(node.value, tuple):
        items = tuple(_drop_odd_keys(item, (*path, index), problems) for index, item in enumerate(node.value))
        return replace(node, value=items)
    if not isinstance(node.value, Mapping):
        return node
    kept: dict[Scalar, Node] = {}
    for key, value in node.value.items():
        if isinstance(key, str):
            kept[key] = _drop_odd_keys(value, (*path, key), problems)
        else:
            shown = (
                {None: "null", True: "true", False: "false"}[key] if key is None or key is True or key is False else key
            )
            problems.append(Problem(f"keys must be text, and this one is {shown}; quote it: '{shown}'", node.keys[key]))
    return replace(node, value=kept)


def _is_free(path: Path) -> bool:
    """Say whether a value is a hyperparameter's, or belongs to a section that is refused as a whole."""
    if path and path[0] in FREE_SECTIONS:
        return True
    if path[:1] != ("models",):
        return False
    inside = tuple(part for part in path[2:] if not isinstance(part, int))
    return len(inside) > 1 if inside[:1] == ("params",) else bool(inside) and inside[0] != "prepare"


def _models(node: Node, problems: list[Problem]) -> Node:
    if isinstance(node.value, tuple):
        node = _from_names(node, problems)
    if not isinstance(node.value, Mapping):
        return node
    filled = {key: replace(model, value={}) if model.value is None else model for key, model in node.value.items()}
    return replace(node, value=filled)


def _from_names(node: Node, problems: list[Problem]) -> Node:
    """Return a mapping from a list of names and of mappings with one name."""
    entries: dict[Scalar, Node] = {}
    keys: dict[Scalar, Place] = {}
    for item in node.value if isinstance(node.value, tuple) else ():
        single = _single(item)
        if single is None:
            told = "each model in a list is a name, or a mapping with one name, such as {ridge: {alpha: [1, 10]}}"
            problems.append(Problem(told, item.place))
            continue
        name, value = single
        if name in entries:
            first = f" on line {keys[name].line}" if keys[name].line else ""
            cure = "Give one of them a name of its own: {other_name: {family: ...}}."
            problems.append(Problem(f"the model '{name}' is named twice, first{first}", item.place, cure))
            continue
        entries[name], keys[name] = value, item.keys.get(name, item.place)
    return replace(node, value=entries, keys=keys)


def _single(item: Node) -> tuple[str, Node] | None:
    """Return the name and the value of an entry of a list; None when it is neither a name nor names one thing."""
    if isinstance(item.value, str):
        return item.value, Node({}, item.place)
    if isinstance(item.value, Mapping) and len(item.value) == 1:
        (name, value), *_ = item.value.items()
        if isinstance(name, str):
            return name, replace(value, value={}) if value.value is None else value
    return None


def _entries(node: Node) -> Node:
    if not isinstance(node.value, tuple):
        return node
    return replace(node, value=tuple(_entry(item) for item in node.value))


def _entry(item: Node) -> Node:
    single = _single(item)
    if single is None:
        return item
    name, value = single
    names: Mapping[Scalar, Place] = {name: item.place}
    return Node({name: value}, item.place, item.keys if isinstance(item.value, Mapping) else names)


def _baselines(node: Node) -> Node:
    entries = _entries(node)
    if not isinstance(entries.value, tuple):
        return entries
    return replace(entries, value=tuple(_baseline(item) for item in entries.value))


def _baseline(item: Node) -> Node:
    """Write out `constant: 5` as {value: 5}, and `previous: true` as {}."""
    single = _single(item)
    if single is None:
        return item
    name, value = single
    if name == "constant" and not isinstance(value.value, Mapping):
        value = Node({"value": value}, value.place, {"value": value.place})
    elif value.value is True:
        value = replace(value, value={})
    return replace(item, value={name: value})


def _evaluation(node: Node) -> Node:
    """Write out `auto` as {auto: true}, and `none` as {auto: false}."""
    if not isinstance(node.value, str) or node.value not in SWITCHES:
        return node
    return Node({"auto": replace(node, value=SWITCHES[node.value])}, node.place, {"auto": node.place})


def _hooks(node: Node) -> Node:
    """Write out each event as a list of mappings: `done: notify` is [{run: notify}]; nothing is []."""
    if not isinstance(node.value, Mapping):
        return node
    return replace(node, value={event: _hooks_of(hooks) for event, hooks in node.value.items()})


def _hooks_of(hooks: Node) -> Node:
    if isinstance(hooks.value, str):
        hooks = Node({"run": hooks}, hooks.place, {"run": hooks.place})
    if hooks.value is None:
        return replace(hooks, value=())
    return Node((hooks,), hooks.place) if isinstance(hooks.value, Mapping) else hooks


def _data(node: Node) -> Node:
    if not isinstance(node.value, Mapping) or "sensitive" not in node.value:
        return node
    sensitive = node.value["sensitive"]
    if isinstance(sensitive.value, tuple):
        sensitive = Node({"columns": sensitive}, sensitive.place, {"columns": sensitive.place})
    elif sensitive.value is None:
        sensitive = replace(sensitive, value={})
    return replace(node, value={**node.value, "sensitive": sensitive})
