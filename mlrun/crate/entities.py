"""From a run's record and files to the entities of an RO-Crate: what was done, by which software, from what, to what.

Source: RO-Crate 1.1 (w3id.org/ro/crate/1.1) with the profile Process Run Crate 0.5 (w3id.org/ro/wfrun/process/0.5).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mlrun.comparison.origins import Code, Environment, read_as
from mlrun.run_schema import FILES
from mlrun.store.run_record import RunRecord

CRATE, PROFILE = "https://w3id.org/ro/crate/1.1", "https://w3id.org/ro/wfrun/process/0.5"
CONTEXT = [f"{CRATE}/context", "https://w3id.org/ro/terms/workflow-run/context"]
METADATA = "ro-crate-metadata.json"
TOOL = "#mlrun"  # of the software, by which a crate of ours is known again
MEDIA = {
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".patch": "text/x-diff",
    ".py": "text/x-python",
    ".skops": "application/zip",
    ".yaml": "application/yaml",
}
INPUTS = ("spec.yaml", "spec.resolved.json", "code.patch")
Entity = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the crate: its path in it, size and digest."""

    name: str
    size_bytes: int
    sha256: str

    @property
    def id(self) -> str:
        return quote(self.name)


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What data.json says of a file that the run read."""

    path: str = ""
    size_bytes: int | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Inputs:
    """data.json, as far as a crate tells it."""

    files: tuple[ReadFile, ...] = ()
    baseline_files: tuple[ReadFile, ...] = ()
    rows: int | None = None
    source: Mapping[str, Any] = field(default_factory=dict)


def metadata(run: Path, record: RunRecord, parts: Sequence[Part]) -> Entity:
    """Return ro-crate-metadata.json; equal for equal run folders."""
    inputs = list(data_entities(run, record))
    software = list(software_entities(run))
    scores = list(score_entities(record))
    code = list(code_entities(run))
    action = action_entity(record, parts, [*inputs, *code], scores)
    graph: list[Entity] = [
        {"@id": METADATA, "@type": "CreativeWork", "conformsTo": ref(CRATE), "about": ref("./")},
        root_entity(record, parts, action),
        {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        action,
        *software,
        *inputs,
        *code,
        *scores,
        *(file_entity(part) for part in parts),
    ]
    return {"@context": CONTEXT, "@graph": graph}


def ref(identity: str) -> Entity:
    return {"@id": identity}


def root_entity(record: RunRecord, parts: Sequence[Part], action: Entity) -> Entity:
    """Return the crate itself."""
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": record.name,
        "description": f"A run of mlrun: {record.verdict.word}"
        + (f", {record.verdict.reason}" if record.verdict.reason else ""),
        "datePublished": record.finished,
        "conformsTo": ref(PROFILE),
        "hasPart": [ref(part.id) for part in parts],
        "mentions": ref(action["@id"]),
    }


def action_entity(
    record: RunRecord, parts: Sequence[Part], inputs: Sequence[Entity], scores: Sequence[Entity]
) -> Entity:
    """Return the run as an action: what used what to make what. No agent: nobody's name is recorded."""
    names = [*INPUTS, *(part.name for part in parts if part.name.startswith("code/"))]
    given = [ref(part.id) for part in parts if part.name in names]
    made = [ref(part.id) for part in parts if part.name not in names]
    overrides = "".join(f" --set {override}" for override in record.overrides)
    return {
        "@id": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{record.name} {record.manifest}')}",
        "@type": "CreateAction",
        "name": record.name,
        "description": f"mlrun train spec.yaml{overrides}",
        "startTime": record.started,
        "endTime": record.finished,
        "instrument": ref(TOOL),
        "object": [*given, *(ref(entity["@id"]) for entity in inputs)],
        "result": [*made, *(ref(entity["@id"]) for entity in scores)],
        "actionStatus": ref(
            f"http://schema.org/{'Completed' if record.status == 'complete' else 'Failed'}ActionStatus"
        ),
    }


def software_entities(run: Path) -> Iterator[Entity]:
    """Yield mlrun, then what it ran on."""
    environment = read_as(Environment, run / "env.json") or Environment()
    packages = {name: version for name, version in environment.packages.items() if version and name != "mlrun"}
    tool: Entity = {"@id": TOOL, "@type": "SoftwareApplication", "name": "mlrun"}
    if "mlrun" in environment.packages:
        tool["softwareVersion"] = environment.packages["mlrun"]
    tool["softwareRequirements"] = [ref(f"#{quote(name)}") for name in packages]
    yield tool
    for name, version in packages.items():
        yield {"@id": f"#{quote(name)}", "@type": "SoftwareApplication", "name": name, "softwareVersion": version}


def data_entities(run: Path, record: RunRecord) -> Iterator[Entity]:
    """Yield what was read: it is described with its digest, and is not in the crate."""
    inputs = read_as(Inputs, run / "data.json") or Inputs()
    for number, file in enumerate((*inputs.files, *inputs.baseline_files), 1):
        entity: Entity = {
            "@id": f"#data-{number}",
            "@type": "CreativeWork",
            "name": Path(file.path).name,
            "description": "rows that the run read; not in this crate",
        }
        if file.sha256:
            entity["sha256"] = file.sha256
        if file.size_bytes is not None:
            entity["contentSize"] = str(file.size_bytes)
        yield entity
    if not inputs.files:
        rows = "" if inputs.rows is None else f"{inputs.rows:,} rows, "
        description = f"{rows}data_id {record.data_id}; not in this crate"
        yield {"@id": "#data", "@type": "CreativeWork", "name": "rows that the run read", "description": description}


def code_entities(run: Path) -> Iterator[Entity]:
    """Yield the commit that the run was made from."""
    code = read_as(Code, run / "code.json")
    if code is None or code.git is None or not code.git.commit:
        return
    dirty = ", with the changes in code.patch" if code.git.dirty else ""
    yield {
        "@id": "#code",
        "@type": "SoftwareSourceCode",
        "name": "the repository of the spec",
        "version": code.git.commit,
        "description": f"commit {code.git.commit}{dirty}",
    }


def score_entities(record: RunRecord) -> Iterator[Entity]:
    """Yield what the best model reached on test."""
    if record.champion is None:
        return
    for metric in record.metrics:
        found = record.champion.test.get(metric.label)
        if found is not None and found.value is not None:
            yield {
                "@id": f"#{quote(metric.label)}",
                "@type": "PropertyValue",
                "name": f"{metric.label} of {record.champion.name} on test",
                "value": str(found.value),
            }


def file_entity(part: Part) -> Entity:
    """Return a file of the run folder."""
    folder, _, name = part.name.rpartition("/")
    suffix = Path(part.name).suffix
    known = part.name if part.name in FILES else f"{folder}/NAME{suffix}"
    entity: Entity = {"@id": part.id, "@type": "File", "name": name}
    if known in FILES:
        entity["description"] = FILES[known]
    if suffix in MEDIA:
        entity["encodingFormat"] = MEDIA[suffix]
    return {**entity, "contentSize": str(part.size_bytes), "sha256": part.sha256}
