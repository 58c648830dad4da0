"""From moving names in a spec (income@latest) to the runs that they mean now; outside the identity of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlrun import runs
from mlrun.errors import SpecError, UsageError
from mlrun.records import Problem
from mlrun.spec import BaselineSpec, Spec
from mlrun.store.run_names import parse_run_name


@dataclass(frozen=True, slots=True)
class References:
    """The spec's baselines with run folders in place of names; known: name → the run that it meant; notes: left out.

    runs: what gates compare with → its folder. missing: a moving name of a gate that means no run yet → why.
    """

    baselines: tuple[BaselineSpec, ...]
    known: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    runs: Mapping[str, Path] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


def resolve_references(spec: Spec, root: Path) -> References:
    """Resolve what baselines and gates say of earlier runs among complete ones.

    A baseline that has no run yet is left out, and said; a gate is not run. Raises SpecError for a gate that names a
    version which is not there: that will not come.
    """
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
    return of_gates(spec, root, References(tuple(kept), known, tuple(notes)))


def of_gates(spec: Spec, root: Path, found: References) -> References:
    """Return the references with those of gates."""
    folders: dict[str, Path] = {}
    missing: dict[str, str] = {}
    known, problems = dict(found.known), []
    for index, gate in enumerate(spec.gates):
        if gate.kind != "drop":
            continue
        name = str(gate.params["against"])
        try:
            folders[name] = runs.resolve(root, name)
            known[name] = runs.read_run(folders[name]).name
        except UsageError as error:
            missing[name] = str(error)
            if parse_run_name(name).version is not None:
                problems.append(Problem(str(error), spec.place(("gates", index, "against"))))
    if problems:
        raise SpecError(problems)
    return replace(found, known=known, runs=folders, missing=missing)
