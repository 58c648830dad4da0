"""From a file and overrides to a Spec; raises one error with all problems, each at its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

from mlrun.errors import SpecError
from mlrun.language import checks
from mlrun.language.canonical import canonical, differing
from mlrun.language.ensembles import check_ensembles
from mlrun.language.evaluation import read_evaluation
from mlrun.language.gates import read_gates
from mlrun.language.hooks import read_hooks
from mlrun.language.lists import read_baselines, read_metrics
from mlrun.language.models import Surroundings, read_models
from mlrun.language.normal import drop_odd_keys, normalise
from mlrun.language.overrides import override
from mlrun.language.preparation import overlay
from mlrun.language.problems import Findings, check_shape, quote
from mlrun.language.schema import json_schema
from mlrun.language.sections import (
    AnomalySpec,
    BaselineSpec,
    CategoryPrepare,
    DataSpec,
    EvaluationSpec,
    FinalSpec,
    GateSpec,
    ModelSpec,
    NumericPrepare,
    PrepareSpec,
    SearchSpec,
    Spec,
    SplitSpec,
    TextPrepare,
    UsefulSpec,
)
from mlrun.language.shape import DataShape, FoldColumnShape, SpecShape, SplitShape
from mlrun.language.space import freeze
from mlrun.language.usefulness import read_useful
from mlrun.language.yaml_reader import MAX_BYTES, Node, Path, read
from mlrun.records import Place, Problem
from mlrun.search_contracts import SAMPLED_TRIALS

__all__ = [
    "AnomalySpec",
    "BaselineSpec",
    "CategoryPrepare",
    "DataSpec",
    "EvaluationSpec",
    "FinalSpec",
    "GateSpec",
    "ModelSpec",
    "NumericPrepare",
    "PrepareSpec",
    "SearchSpec",
    "Spec",
    "SplitSpec",
    "TextPrepare",
    "UsefulSpec",
    "canonical",
    "differing",
    "json_schema",
    "load",
    "parse",
]

SEPARATE = ("source", "sensitive", "types")  # keys of `data` that are not taken as they are


def load(path: FilePath, overrides: Sequence[str] = ()) -> Spec:
    """Read a spec with its overrides (`PATH=VALUE`).

    Raises SpecError with every problem that shows without the data.
    """
    tried = str(FilePath(path).absolute())
    try:
        with FilePath(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise SpecError([Problem(f"there is no file {tried}", Place(str(path)))]) from error
    except IsADirectoryError as error:
        raise SpecError([Problem(f"{tried} is a folder; name the spec's file", Place(str(path)))]) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        told = error.strerror if isinstance(error, OSError) else "not a file's name"
        raise SpecError([Problem(f"{tried} cannot be read: {told}", Place(str(path)))]) from error
    return parse(content, str(path), str(FilePath(tried).parent), overrides)


def parse(content: bytes, path: str, folder: str, overrides: Sequence[str] = ()) -> Spec:
    """Read the bytes of a spec as `load` does; paths in it are relative to `folder`."""
    problems: list[Problem] = []
    try:
        root = read(content, path)
        root = override(normalise(root, problems), overrides, problems)
    except SpecError as error:
        raise SpecError([*problems, *error.problems]) from error
    if not isinstance(root.value, Mapping):
        raise SpecError([*problems, _no_mapping(root)])
    findings = Findings(drop_odd_keys(root, problems), problems)
    shape = check_shape(SpecShape, findings.root.plain, findings)
    if shape is None:
        findings.stop()
        raise SpecError([Problem("the spec cannot be read", Place(path))])
    spec = _assemble(shape, findings, content, path, folder)
    findings.stop()
    return replace(spec, overrides=tuple(overrides))


def _no_mapping(root: Node) -> Problem:
    cure = "Begin with `experiment: NAME`, `data: {path: ..., target: ...}` and `models: [...]`."
    message = "the spec is empty" if root.value is None else f"a spec is a mapping of keys, not {quote(root.plain)}"
    return Problem(message, root.place, cure)


def _assemble(shape: SpecShape, findings: Findings, content: bytes, path: str, folder: str) -> Spec:
    source = checks.find_source(shape.data, findings)
    strategy = checks.find_strategy(shape.search.strategy, findings)
    written = _written_models(findings.root)
    prepare = overlay(PrepareSpec(), shape.prepare)
    around = Surroundings(prepare, shape.task, strategy, written)
    models = () if isinstance(shape.models, str) else read_models(shape.models, around, findings)
    baselines = read_baselines(shape.baselines, written, shape, findings)
    evaluation = read_evaluation(shape.evaluation, shape.task, folder, findings)
    spec = Spec(
        experiment=shape.experiment,
        task=shape.task,
        seed=shape.seed,
        data=_data(shape.data, source),
        split=_split(shape.split),
        metrics=read_metrics(shape, folder, findings),
        costs={} if shape.costs is None else {key: float(cost) for key, cost in shape.costs.model_dump().items()},
        prepare=prepare,
        search=_search(shape, samples=strategy.samples),
        models=models,
        baselines=baselines,
        anomaly=AnomalySpec(shape.anomaly.train_on, float(shape.anomaly.contamination)),
        target_transform=shape.target_transform,
        final=FinalSpec(shape.final.refit_on),
        evaluation=evaluation,
        useful=read_useful(shape, baselines, folder, findings),
        gates=read_gates(shape, baselines, evaluation.tests, folder, findings),
        hooks=read_hooks(shape.hooks, findings),
        folder=folder,
        text=content,
        path=path,
        places=_places(findings.root),
    )
    if spec.split.test_params is not None:
        checks.check_test_file(spec.split.test_params, source, findings)
    check_ensembles(models, written, findings)
    checks.check_columns(spec, findings)
    checks.check_split(spec, findings)
    checks.check_task(spec, findings)
    if not strategy.samples:
        checks.check_sizes(models, findings)
    return spec


def _written_models(root: Node) -> tuple[str, ...]:
    """Return the names that are written, also of models that were refused."""
    models = root.value["models"].value if isinstance(root.value, Mapping) and "models" in root.value else {}
    return tuple(map(str, models)) if isinstance(models, Mapping) else ()


def _data(shape: DataShape, source: str) -> DataSpec:
    given = {name: getattr(shape, name) for name in DataShape.model_fields if name not in SEPARATE}
    same: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    return DataSpec(
        source=source,
        params=freeze(shape.model_extra or {}),
        sensitive=tuple(shape.sensitive.columns),
        withhold_sensitive=shape.sensitive.withhold,
        types=dict(shape.types),
        **same,
    )


def _split(shape: SplitShape) -> SplitSpec:
    split = SplitSpec(repeats=shape.repeats, shuffle=shape.shuffle, gap=shape.gap, seed=shape.seed)
    if isinstance(shape.test, Mapping):
        split = replace(split, test=0.0, test_params=freeze(shape.test))
    else:
        split = replace(split, test=float(shape.test))
    if isinstance(shape.folds, FoldColumnShape):
        return replace(split, fold_column=shape.folds.column)
    return replace(split, folds=shape.folds)


def _search(shape: SpecShape, *, samples: bool) -> SearchSpec:
    budget = shape.search.budget
    trials = None if budget is None else budget.trials
    seconds = None if budget is None or budget.cpu_seconds is None else float(budget.cpu_seconds)
    if samples and trials is None and seconds is None:
        trials = SAMPLED_TRIALS
    timeout = shape.search.timeout
    return SearchSpec(shape.search.strategy, trials, seconds, None if timeout is None else float(timeout))


def _places(root: Node) -> dict[Path, Place]:
    found: dict[Path, Place] = {}
    waiting: list[tuple[Path, Node]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        found[path] = node.place
        if isinstance(node.value, Mapping):
            waiting.extend(((*path, key), below) for key, below in node.value.items())
        elif isinstance(node.value, tuple):
            waiting.extend(((*path, index), below) for index, below in enumerate(node.value))
    return found
