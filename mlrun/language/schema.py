"""From the definitions and the shelves to the JSON Schema of a spec, for editors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlrun import catalog
from mlrun.language.baselines import ALTERNATIVES, BASELINES
from mlrun.language.evaluation_schema import evaluation_schema, gates_schema
from mlrun.language.hooks import hooks_schema
from mlrun.language.normal import NEVER_EMPTY
from mlrun.language.shape import SpecShape

DIALECT = "https://json-schema.org/draft/2020-12/schema"
OWN = {"type": "string", "pattern": ":", "description": "your own: module:function"}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a spec as people write it, shorthands and the names on the shelves included."""
    schema = SpecShape.model_json_schema()
    parts, root = schema["$defs"], schema["properties"]
    for name, shape in BASELINES.items():
        inner = shape.model_json_schema(ref_template="#/$defs/{model}")
        parts.update(inner.pop("$defs", {}))
        parts[f"baseline_{name}"] = inner
    root["metrics"] = _list_of(root["metrics"], [_metric_names(), _single({})])
    root["baselines"] = _list_of(root["baselines"], _baselines())
    root["evaluation"] = evaluation_schema(root["evaluation"], parts)
    root["gates"] = gates_schema(root["gates"])
    root["hooks"] = hooks_schema(root["hooks"], parts)
    parts["ModelShape"]["properties"]["family"] = _name("models", "the family's name; the model's own when left out")
    parts["SearchShape"]["properties"]["strategy"] = _name("searches", "how trials are proposed") | {"default": "grid"}
    parts["DataShape"]["properties"]["source"] = _name("sources", "where the rows come from; by `path` when left out")
    _offer_hyperparameters(root["models"])
    for key, section in root.items():
        if key not in NEVER_EMPTY and "description" not in section:
            root[key] = {"anyOf": [section, {"type": "null"}]}
    return {"$schema": DIALECT, "title": "mlrun spec", **{key: schema[key] for key in schema if key != "title"}}


def _list_of(section: Mapping[str, Any], options: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    listed = {"type": "array", "items": {"anyOf": list(options)}}
    kept = {key: section[key] for key in ("description", "default") if key in section}
    return {"anyOf": [listed, {"type": "null"}], **kept}


def _metric_names() -> dict[str, Any]:
    from mlrun.metrics import ALIASES

    known = sorted({*catalog.names("metrics"), *ALIASES})
    return {"anyOf": [{"enum": known}, {"type": "string", "pattern": "^neg_|:"}]}


def _baselines() -> list[dict[str, Any]]:
    whole = [_single({name: _of_baseline(name)}) | {"required": [name]} for name in BASELINES]
    alone = [name for name, shape in BASELINES.items() if not _required(shape) and name not in ALTERNATIVES]
    return [{"enum": alone}, *whole]


def _of_baseline(name: str) -> dict[str, Any]:
    reference = {"$ref": f"#/$defs/baseline_{name}"}
    if name == "constant":
        return {"anyOf": [reference, {"type": ["string", "number", "boolean"]}]}
    if _required(BASELINES[name]) or name in ALTERNATIVES:
        return reference
    return {"anyOf": [reference, {"type": "null"}, {"const": True}]}


def _required(shape: Any) -> bool:
    return any(field.is_required() for field in shape.model_fields.values())


def _single(properties: Mapping[str, Any]) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": "object", "minProperties": 1, "maxProperties": 1}
    return {**shape, "properties": dict(properties), "additionalProperties": False} if properties else shape


def _name(shelf: str, description: str) -> dict[str, Any]:
    return {"anyOf": [{"enum": list(catalog.names(shelf))}, OWN, {"type": "null"}], "description": description}


def _offer_hyperparameters(models: Any) -> None:
    """Add to each mapping from names to models what an editor should offer under the name of a family."""
    for option in _by_name(models):
        option["properties"] = {name: _hyperparameters(name) for name in catalog.names("models")}
        option["additionalProperties"] = False


def _by_name(schema: Any) -> list[dict[str, Any]]:
    """Return the mappings from names to models in the schema of `models`."""
    if isinstance(schema, list):
        return [found for item in schema for found in _by_name(item)]
    if not isinstance(schema, dict):
        return []
    here = [schema] if "patternProperties" in schema else []
    return here + [found for key in ("anyOf", "oneOf", "items") if key in schema for found in _by_name(schema[key])]


def _hyperparameters(family: str) -> dict[str, Any]:
    kinds = catalog.find("models", family).hyperparameters or {}
    return {"properties": {name: {"description": str(kind)} for name, kind in kinds.items()}}
