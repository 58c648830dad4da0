"""From what is written under the keys of a check to values of the kinds that it takes, every default written out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlrun.catalog import suggestion
from mlrun.kinds import AnyOf, ByTask, Fields, Kind, ListOf, MappingOf, OneOf, Parameter
from mlrun.language.problems import Findings, dotted, quote
from mlrun.language.space import freeze
from mlrun.language.yaml_reader import Path
from mlrun.records import TaskKind


@dataclass(frozen=True, slots=True)
class Reader:
    """Where problems are told, and the task if the spec states it."""

    findings: Findings
    task: TaskKind | None = None

    def read_all(self, parameters: Mapping[str, Parameter], written: Mapping[Any, Any], path: Path) -> dict[str, Any]:
        """Return a value for every parameter; unknown keys, lacking ones and wrong values are told."""
        for key in written:
            if key not in parameters:
                told = f"there is no key {quote(key)} in '{dotted(path)}'{suggestion(str(key), parameters)}"
                self.findings.add((*path, key), told, key=True)
        found: dict[str, Any] = {}
        for name, parameter in parameters.items():
            found[name] = with_defaults(parameter.kind, parameter.default)
            if name in written and not is_as_left_out(written[name], parameter):
                found[name] = self.read(written[name], parameter.kind, (*path, name))
            elif parameter.required:
                told = f"'{dotted(path)}' lacks '{name}'" + (f": {parameter.caption}" if parameter.caption else "")
                self.findings.add(path, told)
        return found

    def read(self, value: Any, kind: Kind, path: Path) -> Any:
        """Return a value of this kind; one that is not is told, and returned as it is."""
        if isinstance(kind, ByTask) and self.task is not None:
            of_task = kind.of(self.task)
            if of_task is None:
                self.findings.add(path, f"'{name_of(path)}' is not for {self.task}", "Remove it.", key=True)
                return freeze(value)
            kind = of_task
        if isinstance(kind, (AnyOf, ByTask)):
            chosen = branch(value, kind)
            return self.refuse(value, kind, path) if chosen is None else self.read(value, chosen, path)
        if isinstance(kind, Fields) and isinstance(value, Mapping):
            return self.read_all(kind.fields, value, path)
        if isinstance(kind, MappingOf) and isinstance(value, Mapping):
            return {key: self.read(inner, kind.of, (*path, key)) for key, inner in value.items()}
        if isinstance(kind, ListOf) and isinstance(value, (list, tuple)) and value:
            return tuple(self.read(item, kind.of, (*path, index)) for index, item in enumerate(value))
        return freeze(value) if kind.admits(value) else self.refuse(value, kind, path)

    def refuse(self, value: Any, kind: Kind, path: Path) -> Any:
        """Tell in one sentence what must stand there."""
        near = ""
        if isinstance(kind, OneOf) and isinstance(value, str):
            near = suggestion(value, [word for word in kind.values if isinstance(word, str)])
            near = near if near.startswith("; did") else ""
        elif isinstance(kind, ListOf) and not isinstance(value, (list, tuple)) and kind.of.admits(value):
            near = f"; write [{value}]"
        what = "an empty list" if isinstance(value, (list, tuple)) and not value else quote(value)
        self.findings.add(path, f"'{name_of(path)}' must be {kind}, not {what}{near}")
        return freeze(value)


def is_as_left_out(value: Any, parameter: Parameter) -> bool:
    """Say whether a key stands there with what it is by default, which may be nothing, or an empty list."""
    return not parameter.required and freeze(value) == freeze(parameter.default)


def name_of(path: Path) -> str:
    """Return the nearest key around a value."""
    return next((part for part in reversed(path) if isinstance(part, str)), "")


def branch(value: Any, kind: AnyOf | ByTask) -> Kind | None:
    """Return the kind that a value is of, or is meant to be of; None when that is not plain."""
    kinds = kind.kinds if isinstance(kind, AnyOf) else tuple(inner for _, inner in kind.kinds)
    for inner in kinds:
        if inner.admits(value):
            return inner
    meant: list[Kind] = []
    if isinstance(value, Mapping):
        meant = nearest([inner for inner in kinds if isinstance(inner, (Fields, MappingOf))], value)
    elif isinstance(value, (list, tuple)):
        meant = [inner for inner in kinds if isinstance(inner, ListOf)]
    return meant[0] if len(meant) == 1 else None


def nearest(kinds: list[Fields | MappingOf], value: Mapping[Any, Any]) -> list[Kind]:
    """Return the mappings that know most of the keys which are written."""
    known = [len(set(value) & set(kind.fields)) if isinstance(kind, Fields) else 0 for kind in kinds]
    return [kind for kind, count in zip(kinds, known, strict=True) if count == max(known)]


def with_defaults(kind: Kind, value: Any) -> Any:
    """Return a default with those of the keys inside it written out."""
    if isinstance(value, Mapping) and isinstance(kind, AnyOf):
        return next((with_defaults(inner, value) for inner in kind.kinds if inner.admits(value)), freeze(value))
    if isinstance(value, Mapping) and isinstance(kind, Fields):
        given = {**{name: field.default for name, field in kind.fields.items()}, **value}
        return {name: with_defaults(kind.fields[name].kind, inner) for name, inner in given.items()}
    return freeze(value)


def leaves(kind: Kind, value: Any, path: Path = ()) -> Iterator[tuple[Path, Kind, Any]]:
    """Yield the values inside a value that was read, each with its path and the kind that it is of."""
    if isinstance(kind, (AnyOf, ByTask)):
        chosen = branch(value, kind)
        if chosen is not None:
            yield from leaves(chosen, value, path)
    elif isinstance(kind, Fields) and isinstance(value, Mapping):
        for name, field in kind.fields.items():
            if name in value:
                yield from leaves(field.kind, value[name], (*path, name))
    elif isinstance(kind, MappingOf) and isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(kind.of, inner, (*path, key))
    elif isinstance(kind, ListOf) and isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from leaves(kind.of, item, (*path, index))
    else:
        yield path, kind, value
