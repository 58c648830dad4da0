"""From the gates as written to their records: what makes `train` exit 1 where it does not hold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, Tag

from mlrun.catalog import suggestion
from mlrun.language.problems import Findings, check_shape, quote
from mlrun.language.sections import BaselineSpec, GateSpec
from mlrun.language.shape import MARK, Names, Shape, SpecShape, Text, either
from mlrun.language.usefulness import check_baseline, read_metric
from mlrun.language.yaml_reader import Path
from mlrun.records import PlannedTest

KINDS = (
    "{beats: BASELINE}, {metric: NAME, at_least: N}, {metric: NAME, drop_at_most: N}, {suites: pass}, {useful: true}"
)
BOUNDS = ("at_least", "at_most", "drop_at_most")
SELECTOR = r"(latest(~[0-9]{1,9})?|best|[0-9]{1,18}|[A-Za-z][A-Za-z0-9._-]{0,49})"  # the last one: a tag
RUN = re.compile(rf"latest(~[0-9]{{1,9}})?|best|[a-z0-9][a-z0-9_-]{{0,99}}@{SELECTOR}")


class BeatsShape(Shape):
    beats: Text = Field(description="a baseline of this spec")


class MetricGateShape(Shape):
    metric: Any = Field(description="a metric's name, or {NAME: PARAMETERS}")
    at_least: float | None = Field(default=None, description="the lowest score on test")
    at_most: float | None = Field(default=None, description="the highest score on test")
    drop_at_most: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="by how much it may be worse than an earlier run's"
    )
    against: Text | None = Field(default=None, description="latest, best, or EXPERIMENT@VERSION; latest if left out")


class SuitesShape(Shape):
    suites: Annotated[
        Annotated[Literal["pass"], Tag(f"{MARK}text")]
        | Annotated[Annotated[Names, Field(min_length=1)], Tag(f"{MARK}list")],
        either("must be pass, or a list of checks and tests", words=("pass",)),
    ] = Field(description="pass: no test fails; or the checks and tests that must not")


class UsefulGateShape(Shape):
    useful: Literal[True] = Field(description="the verdict says that the best model is useful")


GATES: Mapping[str, type[Shape]] = {
    "beats": BeatsShape,
    "metric": MetricGateShape,
    "suites": SuitesShape,
    "useful": UsefulGateShape,
}


def read_gates(
    around: SpecShape,
    baselines: Sequence[BaselineSpec],
    tests: Sequence[PlannedTest],
    folder: str,
    findings: Findings,
) -> tuple[GateSpec, ...]:
    """Return the gates in the order in which they are written; what is wrong is told."""
    found: list[GateSpec] = []
    for index, written in enumerate(around.gates):
        path: Path = ("gates", index)
        kind = next((key for key in GATES if isinstance(written, Mapping) and key in written), None)
        if kind is None:
            near = suggestion(str(next(iter(written))), GATES) if isinstance(written, Mapping) and written else ""
            near = near if near.startswith("; did") else f"; write one of {KINDS}"
            findings.add(path, f"a gate says what must hold, and this one does not{near}")
            continue
        shape = check_shape(GATES[kind], written, findings, path)
        if shape is None or findings.is_broken(*path):
            continue
        gate = _read(shape, around, path, folder, findings)
        if isinstance(shape, BeatsShape):
            check_baseline(shape.beats, baselines, (*path, "beats"), findings)
        if isinstance(shape, SuitesShape) and not isinstance(shape.suites, str):
            _check_names(shape.suites, tests, path, findings)
        if gate is not None:
            found.append(gate)
    return tuple(found)


def _read(shape: Shape, around: SpecShape, path: Path, folder: str, findings: Findings) -> GateSpec | None:
    if isinstance(shape, BeatsShape):
        return GateSpec("beats", {"baseline": shape.beats})
    if isinstance(shape, SuitesShape):
        return GateSpec("suites", {"names": () if isinstance(shape.suites, str) else tuple(shape.suites)})
    if isinstance(shape, MetricGateShape):
        return _read_bound(shape, around, path, folder, findings)
    if around.useful is None and around.costs is None and not findings.is_broken("useful"):
        cure = "Add `useful:`, or `costs:`."
        findings.add(path, "nothing in the spec says when a model is useful", cure)
    return GateSpec("useful")


def _read_bound(
    shape: MetricGateShape, around: SpecShape, path: Path, folder: str, findings: Findings
) -> GateSpec | None:
    metric = read_metric(shape.metric, around, folder, (*path, "metric"), findings)
    given = [bound for bound in BOUNDS if getattr(shape, bound) is not None]
    if len(given) != 1:
        findings.add(path, f"a gate on a metric needs exactly one of {', '.join(BOUNDS)}; it has {len(given)}")
        return None
    if shape.against is not None and given != ["drop_at_most"]:
        findings.add((*path, "against"), "'against' goes with 'drop_at_most'", "Remove it.", key=True)
    if metric is None:
        return None
    bound = float(getattr(shape, given[0]))
    if given != ["drop_at_most"]:
        return GateSpec("bound", {"metric": metric, given[0]: bound})
    against = shape.against or "latest"
    if not RUN.fullmatch(against):
        message = f"'against' must be latest, best, or a run such as {around.experiment}@3, not {quote(against)}"
        findings.add((*path, "against"), message)
    return GateSpec("drop", {"metric": metric, "drop_at_most": bound, "against": run_name(against, around.experiment)})


def run_name(against: str, experiment: str) -> str:
    """Return the whole name of a run: a bare `latest` or `best` is of the spec's own experiment."""
    return against if "@" in against else f"{experiment}@{against}"


def _check_names(names: Sequence[str], tests: Sequence[PlannedTest], path: Path, findings: Findings) -> None:
    """Tell names that are neither a check nor a test of this spec."""
    from mlrun import catalog

    known = {*catalog.names("checks"), *(test.check for test in tests), *(test.name for test in tests)}
    for index, name in enumerate(names):
        if name not in known and not findings.is_broken("evaluation"):
            told = f"there is no check or test {quote(name)}{suggestion(name, known)}"
            findings.add((*path, "suites", index), told)
