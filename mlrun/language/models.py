"""From a model as written to its family, the space of its hyperparameters and what it is made of."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlrun import catalog
from mlrun.catalog import suggestion
from mlrun.contracts import ModelFamily
from mlrun.errors import UsageError
from mlrun.kinds import Kind
from mlrun.language.preparation import overlay
from mlrun.language.problems import Findings, quote
from mlrun.language.sections import ModelSpec, PrepareSpec
from mlrun.language.shape import ModelShape
from mlrun.language.space import MANY, combinations, freeze, read_domain
from mlrun.language.yaml_reader import Path
from mlrun.records import TaskKind
from mlrun.search_contracts import Choice, Domain, Grid, SearchStrategy

RESERVED = tuple(ModelShape.model_fields)
SHARED = tuple(key for key in RESERVED if key not in ("grid", "params"))  # of a union of grids: the same for all
FOR_MEMBERS = {"members": "voting and stacking", "meta": "stacking", "base": "bagging and adaboost"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the rest of the spec says that a model's reading depends on."""

    prepare: PrepareSpec
    task: TaskKind | None
    strategy: SearchStrategy
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """A family's name, its entry and its hyperparameters; None = the user's own, or not found."""

    family: str
    entry: ModelFamily | None
    kinds: Mapping[str, Kind] | None


def read_models(
    written: Mapping[str, ModelShape | list[ModelShape]], around: Surroundings, findings: Findings
) -> tuple[ModelSpec, ...]:
    """Return the models in the order in which they are written; what is wrong is told."""
    return tuple(_read_model(name, model, around, findings) for name, model in written.items())


def _read_model(name: str, model: ModelShape | list[ModelShape], around: Surroundings, findings: Findings) -> ModelSpec:
    path: Path = ("models", name)
    parts: list[tuple[Path, ModelShape]] = [(path, model)] if isinstance(model, ModelShape) else []
    if isinstance(model, list):
        parts = [((*path, index), part) for index, part in enumerate(model)]
    shared = _shared(parts, findings)
    family = shared.get("family", name)
    entry = _find(family, path, "family" in shared, findings)
    known = _Known(family, entry, None if entry is None else _kinds(entry, around.task))
    space = [_read_grid(where, part, known, around, findings) for where, part in parts]
    if around.strategy.ranges and entry is not None and entry.ranges and space == [entry.ranges]:
        space = [_start(entry), *space]
    if entry is not None:
        _check_made_of(shared, entry, family, path, findings)
    if entry is not None and path not in findings.touched:
        _check_together(entry, tuple(space), path, findings)
    prepare = overlay(around.prepare, shared["prepare"]) if "prepare" in shared else around.prepare
    return ModelSpec(
        name,
        family,
        tuple(space),
        members=tuple(shared.get("members", ())),
        meta=shared.get("meta"),
        base=shared.get("base"),
        prepare=prepare,
        calibrate=shared.get("calibrate", "none"),
        threshold=shared.get("threshold", 0.5),
    )


def _shared(parts: Sequence[tuple[Path, ModelShape]], findings: Findings) -> dict[str, Any]:
    """Return what is said of the model as a whole; in a union of grids, any of them may say it."""
    found: dict[str, Any] = {}
    for path, part in parts:
        for key in SHARED:
            value = getattr(part, key)
            if key not in part.model_fields_set or value is None:
                continue
            if key in found and found[key] != value:
                findings.add((*path, key), f"'{key}' is another one than in the grid above", "Say it once.", key=True)
            found[key] = value
    return found


def _find(family: str, path: Path, given: bool, findings: Findings) -> ModelFamily | None:
    """Return the family's entry; None when it is the user's own, or when there is none, which is told."""
    if ":" in family:
        module, _, attribute = family.partition(":")
        if not all(part.isidentifier() for part in (*module.split("."), *attribute.split("."))):
            findings.add((*path, "family"), f"{quote(family)} must be module:build, such as my_models.trees:build")
        return None
    if findings.is_broken(*path, "family"):
        return None
    try:
        entry: ModelFamily = catalog.find("models", family)
    except UsageError:
        told = catalog.unknown_name("models", family)
        cure = "" if given or "did you mean" in told else f"Say which one: {family}: {{family: ...}}."
        findings.add((*path, "family") if given else path, told, cure, key=not given)
        return None
    return entry


def _kinds(entry: ModelFamily, task: TaskKind | None) -> Mapping[str, Kind] | None:
    return entry.kinds(task) if task and task in entry.tasks else entry.hyperparameters


def _read_grid(path: Path, part: ModelShape, known: _Known, around: Surroundings, findings: Findings) -> Grid:
    written = {(*path, key): value for key, value in (part.model_extra or {}).items()}
    for key, value in (part.params or {}).items():
        if (*path, key) in written:
            findings.add((*path, "params", key), f"'{key}' stands here and in 'params'", "Remove one.", key=True)
        written[(*path, "params", key)] = value
    grid: dict[str, Domain] = {}
    for where, value in written.items():
        name, kinds = str(where[-1]), known.kinds
        if kinds is not None and name not in kinds:
            near = suggestion(name, (*kinds, *(RESERVED if where[-2] != "params" else ())))
            findings.add(where, f"{known.family} has no hyperparameter {quote(name)}{near}", key=True)
            continue
        kind = kinds[name] if kinds is not None else None
        domain = read_domain(value, kind, where, findings, samples=around.strategy.samples)
        if domain is not None:
            grid[name] = domain
    if (part.model_fields_set or written) and part.grid is None:
        return grid
    of_family = _ranges if around.strategy.ranges and part.grid is None else _default_grid
    return {**of_family(known, {str(where[-1]) for where in written}), **grid}


def _default_grid(known: _Known, named: Collection[str]) -> Grid:
    """Return the family's own grid for the hyperparameters that the spec does not name."""
    if known.entry is None:
        return {}
    return {name: Choice(freeze(values)) for name, values in known.entry.grid.items() if name not in named}


def _ranges(known: _Known, named: Collection[str]) -> Grid:
    """Return what the family says should be searched where nothing is said; its grid where it says no more."""
    if known.entry is None or not known.entry.ranges:
        return _default_grid(known, named)
    return known.entry.ranges


def _start(entry: ModelFamily) -> Grid:
    """Return the one point that is tried first: the library's defaults, and what the family holds fixed."""
    domains = {name: domain for name, domain in entry.ranges.items() if isinstance(domain, Choice)}
    return {name: domain for name, domain in domains.items() if len(domain.values) == 1}


def _check_made_of(shared: Mapping[str, Any], entry: ModelFamily, family: str, path: Path, findings: Findings) -> None:
    admitted = {"none": (), "one": ("base",), "many": ("members", "meta") if family == "stacking" else ("members",)}
    for key, families in FOR_MEMBERS.items():
        if key in shared and key not in admitted[entry.members]:
            findings.add((*path, key), f"'{key}' is for {families}, not for {family}", "Remove it.", key=True)
    if entry.members != "many" or findings.is_broken(*path, "members"):
        return
    members = shared.get("members", [])
    if len(members) < 2:
        name = path[-1]
        where = (*path, "members") if members else path
        findings.add(where, f"{family} needs two or more members", f"Write {name}: {{members: [a, b]}}.")
    for member in (member for member, times in Counter(members).items() if times > 1):
        findings.add((*path, "members"), f"{quote(member)} is a member twice", "Remove one.")


def _check_together(entry: ModelFamily, space: tuple[Grid, ...], path: Path, findings: Findings) -> None:
    """Tell what the family says of combinations of values, each thing once."""
    said = (entry.check(params) for params in itertools.islice(combinations(space), MANY))
    for message in dict.fromkeys(message for message in said if message):
        findings.add(path, message)
