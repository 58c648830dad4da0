"""From a spec to what of it can change a result: plain data, every default written out, the same for equal meaning."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from mlrun import catalog
from mlrun.language.parameters import with_defaults
from mlrun.language.sections import DataSpec, ModelSpec, Spec, UsefulSpec
from mlrun.records import PlannedTest
from mlrun.search_contracts import as_written

OUTSIDE = ("experiment", "hooks")  # a name for people, and who is told of the end: neither changes a result
KEPT = "snapshot"  # of `data`: what is kept changes no result either
ABOUT_THE_FILE = ("folder", "text", "path", "overrides", "places")


def canonical(spec: Spec) -> dict[str, Any]:
    """Return what can change a result, ready for JSON; the order in which keys were written leaves no trace."""
    told = {name: value for name, value in _sections(spec).items() if name not in (*OUTSIDE, *ABOUT_THE_FILE)}
    del told["data"][KEPT]
    told["models"] = {model.name: _model(model) for model in spec.models} if spec.models else "auto"
    plain: dict[str, Any] = _plain(told)
    return plain


def differing(spec: Spec) -> dict[str, Any]:
    """Return what of `canonical(spec)` differs from the defaults, so that new keys do not change old identities."""
    defaults = canonical(Spec(spec.experiment, DataSpec("", {})))
    told = canonical(spec)
    for model in told["models"].values() if spec.models else ():
        default = _plain(_model(replace(ModelSpec("", "", ()), prepare=spec.prepare)))
        for key in ("members", "meta", "base", "prepare", "calibrate", "threshold"):
            if model[key] == default[key]:
                del model[key]
    for test, written in zip(spec.evaluation.tests, told["evaluation"]["tests"], strict=True):
        written["params"] = _beside_defaults(test)
    if spec.useful is not None:
        told["useful"] = _difference(told["useful"], _plain(asdict(UsefulSpec())))
    return _difference(told, defaults)


def _beside_defaults(test: PlannedTest) -> Any:
    """Return a test's parameters that are not as its check has them when they are left out."""
    if ":" in test.check:
        return _plain(test.params)
    known = catalog.find("checks", test.check).parameters
    defaults = {name: with_defaults(known[name].kind, known[name].default) for name in known}
    return _plain({name: value for name, value in test.params.items() if defaults.get(name, name) != value})


def _sections(spec: Spec) -> dict[str, Any]:
    fields = ("experiment", "task", "seed", "data", "split", "metrics", "costs", "prepare", "search", "baselines")
    rest = ("anomaly", "target_transform", "final", "evaluation", "useful", "gates")
    found: dict[str, Any] = {}
    for name in (*fields, *rest):
        value = getattr(spec, name)
        if isinstance(value, tuple):
            found[name] = [asdict(item) for item in value]
        else:
            found[name] = asdict(value) if hasattr(value, "__dataclass_fields__") else value
    for test in found["evaluation"]["tests"]:
        del test["asked"]  # all that are written are
    return found


def _model(model: ModelSpec) -> dict[str, Any]:
    told = asdict(replace(model, space=()))
    del told["name"]
    told["space"] = [{name: as_written(domain) for name, domain in grid.items()} for grid in model.space]
    return told


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold and that reads the same on every machine; keys sorted."""
    if isinstance(value, Mapping):
        named = {_key(key): _plain(inner) for key, inner in value.items()}
        return {key: named[key] for key in sorted(named)}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return value


def _key(key: Any) -> str:
    """Return a mapping's key as text; the label 1 and the label '1' stay two."""
    if isinstance(key, str):
        return key
    kind = "null" if key is None else "flag" if isinstance(key, bool) else "number"
    return f"({kind}) {key}"


def _difference(told: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in told.items():
        if key not in defaults:
            found[key] = value
        elif isinstance(value, Mapping) and isinstance(defaults[key], Mapping):
            inside = _difference(value, defaults[key])
            if inside:
                found[key] = inside
        elif value != defaults[key]:
            found[key] = value
    return found
