"""From moving names in a spec (income@latest) to the runs that they mean now; outside the identity of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlrun import runs
from mlrun.errors import UsageError
from mlrun.spec import BaselineSpec, Spec


@dataclass(frozen=True, slots=True)
class References:
    """The spec's baselines with run folders in place of names; known: name → the run that it meant; notes: left out."""

    baselines: tuple[BaselineSpec, ...]
    known: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def resolve_references(spec: Spec, root: Path) -> References:
    """Resolve what baselines say of earlier runs among complete ones; one that has no run yet is left out, and said."""
    kept: list[BaselineSpec] = []
    known: dict[str, str] = {}
    notes: list[str] = []
    for baseline in spec.baselines:
        name = baseline.params.get("run")
        if name is None:
            kept.append(baseline)
            continue
        try:
            path = runs.resolve(root, str(name))
            known[str(name)] = runs.read_run(path).name
        except UsageError as error:
            notes.append(f"baseline {baseline.name} is left out: {error}")
            continue
        kept.append(replace(baseline, params={**baseline.params, "run": str(path)}))
    return References(tuple(kept), known, tuple(notes))
