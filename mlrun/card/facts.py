"""What a model card needs of a run folder, read once: record, findings, spec, data, code, packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlrun.comparison.origins import Code, Environment, read_as
from mlrun.records import Column, Finding, Label
from mlrun.runs import read_findings, read_manifest, read_run
from mlrun.store.run_record import ModelRecord, RunRecord


@dataclass(frozen=True, slots=True)
class Read:
    """The spec's `data:`, as far as a reader of the card should know it."""

    source: str = ""
    target: str | None = None
    positive: Label | None = None
    sensitive: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    where: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Useful:
    """The spec's `useful:`: what outcomes are worth, what must be reached and may be spent."""

    utility: Mapping[str, float] = field(default_factory=dict)
    against: tuple[str, ...] = ()
    budget: Mapping[str, float] = field(default_factory=dict)
    target: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Split:
    folds: int | None = None
    repeats: int | None = None


@dataclass(frozen=True, slots=True)
class Prepare:
    """What was asked of each kind of column; None = what the family needs."""

    numeric: Mapping[str, Any] = field(default_factory=dict)
    category: Mapping[str, Any] = field(default_factory=dict)
    text: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the spec asks of a model beyond its hyperparameters."""

    prepare: Prepare = field(default_factory=Prepare)
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpecFacts:
    """spec.resolved.json, as far as a card tells it; models: name → what was asked of it."""

    data: Read = field(default_factory=Read)
    split: Split = field(default_factory=Split)
    costs: Mapping[str, float] = field(default_factory=dict)
    useful: Useful | None = None
    seed: int = 0
    models: Mapping[str, Asked] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DataFacts:
    """data.json, as far as a card tells it."""

    rows: int | None = None
    train_rows: int | None = None
    test_rows: int | None = None
    data_id: str = ""
    features: tuple[Column, ...] = ()
    withheld: tuple[tuple[str, ...], ...] = ()
    target: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it, about one model; sha256: of its stored file, "" = there is none."""

    record: RunRecord
    model: ModelRecord
    findings: tuple[Finding, ...]
    spec: SpecFacts
    data: DataFacts
    code: Code
    environment: Environment
    sha256: str

    @property
    def mine(self) -> tuple[Finding, ...]:
        """The findings about this model, and those about the run."""
        return tuple(finding for finding in self.findings if finding.model in {"", self.model.name})


def read_facts(run: Path, model: ModelRecord) -> Facts:
    """Return what a run folder says of one of its models; what is missing or damaged is left out."""
    manifest = read_manifest(run)
    return Facts(
        record=read_run(run),
        model=model,
        findings=tuple(read_findings(run)),
        spec=read_as(SpecFacts, run / "spec.resolved.json") or SpecFacts(),
        data=read_as(DataFacts, run / "data.json") or DataFacts(),
        code=read_as(Code, run / "code.json") or Code(),
        environment=read_as(Environment, run / "env.json") or Environment(),
        sha256=manifest.get(model.file, ""),
    )
