"""From the checks, edits and gates to their part of the JSON Schema, and of the table of keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlrun import catalog
from mlrun.check_contracts import Check, Edit
from mlrun.kinds import AnyOf, ByTask, Fields, Flag, Kind, ListOf, MappingOf, Number, OneOf, Parameter
from mlrun.language.gates import GATES
from mlrun.language.shape import EvaluationShape

Schema = dict[str, Any]
Row = tuple[str, str, str, str]
LEFT_OUT: Schema = {"enum": ["none", False]}
BY_DEFAULT: Schema = {"enum": ["auto", True, None]}
ALL_EDITS = "evaluation.CHECK."  # where the table of keys says what every edit takes


def evaluation_schema(section: Mapping[str, Any], parts: Schema) -> Schema:
    """Return the schema of `evaluation`; parts: the definitions, to which those of the edits are added."""
    shape = EvaluationShape.model_json_schema(ref_template="#/$defs/{model}")
    parts.update(shape.pop("$defs", {}))
    parts["edits"] = {"properties": {name: _edit(name) for name in catalog.names("edits")}}
    checks = {name: _check(catalog.find("checks", name)) for name in catalog.names("checks")}
    suite: Schema = {
        "type": "object",
        "properties": {**shape["properties"], **checks},
        "patternProperties": {":": {"description": "your own: module:function"}},
        "additionalProperties": False,
    }
    return {**section, "anyOf": [{"enum": ["auto", "none"]}, suite]}


def gates_schema(section: Mapping[str, Any]) -> Schema:
    """Return the schema of `gates`."""
    kinds = [shape.model_json_schema() for shape in GATES.values()]
    return {**section, "items": {"anyOf": kinds}}


def _check(check: Check) -> Schema:
    test = of_parameters(check.parameters)
    if check.edits:
        test["properties"] = {**test["properties"], "name": {"type": "string"}, "along": {"type": ["object", "array"]}}
        beside = [key for name in catalog.names("edits") for key in catalog.find("edits", name).beside]
        edits = {name: {"$ref": f"#/$defs/edits/properties/{name}"} for name in catalog.names("edits")}
        test["properties"] = {**edits, **{key: {} for key in beside}, **test["properties"]}
    if check.many:
        test["properties"] = {**test["properties"], "name": {"type": "string"}}
        return {"anyOf": [{"type": "array", "items": test, "minItems": 1}, test, LEFT_OUT]}
    return {"anyOf": [test, LEFT_OUT, BY_DEFAULT]}


def _edit(name: str) -> Schema:
    edit: Edit = catalog.find("edits", name)
    return of_kind(edit.value) if not edit.beside else {}


def of_parameters(parameters: Mapping[str, Parameter]) -> Schema:
    """Return the schema of a mapping with these keys."""
    properties = {}
    for name, parameter in parameters.items():
        inner = of_kind(parameter.kind)
        if parameter.default is None and not parameter.required:
            inner = {"anyOf": [inner, {"type": "null"}]}
        properties[name] = {**inner, **({"description": parameter.caption} if parameter.caption else {})}
    needed = [name for name, parameter in parameters.items() if parameter.required]
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": needed} if needed else schema


def of_kind(kind: Kind) -> Schema:
    """Return the schema of the values that a kind admits."""
    if isinstance(kind, Number):
        bounds = {
            "minimum": kind.low,
            "maximum": kind.high,
            "exclusiveMinimum": kind.above,
            "exclusiveMaximum": kind.below,
        }
        known = {name: bound for name, bound in bounds.items() if bound is not None}
        return {"type": "integer" if kind.integer else "number", **known}
    if isinstance(kind, Flag):
        return {"type": "boolean"}
    if isinstance(kind, OneOf):
        return {"enum": list(kind.values)}
    if isinstance(kind, ListOf):
        return {"type": "array", "items": of_kind(kind.of), "minItems": 1}
    if isinstance(kind, MappingOf):
        return {"type": "object", "additionalProperties": of_kind(kind.of)}
    if isinstance(kind, (AnyOf, ByTask)):
        kinds = kind.kinds if isinstance(kind, AnyOf) else tuple(inner for _, inner in kind.kinds)
        return {"anyOf": [of_kind(inner) for inner in kinds]}
    if isinstance(kind, Fields):
        return of_parameters(kind.fields)
    return {"type": "string", "minLength": 1} if str(kind) in ("text", "a column", "a SQL condition") else {}


def check_rows() -> Iterator[Row]:
    """Yield what the table of keys says of every check and edit: key, default, identity, meaning."""
    for name in catalog.names("checks"):
        check: Check = catalog.find("checks", name)
        around = f"evaluation.{name}" + ("[]" if check.many else "")
        if check.many and "name" not in check.parameters:
            yield f"{around}.name", "its edit" if check.edits else "the check", "yes", "what the test is called"
        for key, parameter in check.parameters.items():
            yield from _rows(f"{around}.{key}", parameter)
    for name in catalog.names("edits"):
        edit: Edit = catalog.find("edits", name)
        yield f"{ALL_EDITS}{name}", "—", "yes", f"an edit: {edit.value}"


def _rows(key: str, parameter: Parameter) -> Iterator[Row]:
    default = "required" if parameter.required else _shown(parameter.default)
    yield key, default, "yes", parameter.caption or str(parameter.kind)
    if isinstance(parameter.kind, Fields):
        for name, inner in parameter.kind.fields.items():
            yield from _rows(f"{key}.{name}", inner)


def _shown(value: object) -> str:
    """Return a default as YAML would have it."""
    return "—" if value is None else f"`{_plain(value)}`"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_plain(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_plain, value)) + "]"
    return str(value)
