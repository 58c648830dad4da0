"""What the sections of a spec must agree on; needs the catalog, never the data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import PurePath
from typing import Any

from mlrun import catalog
from mlrun.catalog import suggestion
from mlrun.contracts import Source
from mlrun.errors import UsageError
from mlrun.language.problems import Findings, quote
from mlrun.language.sections import ModelSpec, Spec
from mlrun.language.shape import DataShape
from mlrun.language.yaml_reader import Path
from mlrun.search_contracts import SearchStrategy
from mlrun.searches import grid

ENDINGS = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".gz", ".zip"), "csv"),
    ".parquet": "parquet",
    **dict.fromkeys((".db", ".sqlite", ".sqlite3", ".duckdb"), "sql"),
}
MAX_COMBINATIONS = 100_000


def find_source(data: DataShape, findings: Findings) -> str:
    """Return the name of the source, by the ending of `path` when it is left out; what it takes is checked."""
    params = data.model_extra or {}
    path: Path = ("data",)
    name = data.source or _by_ending(params)
    if findings.is_broken("data", "source"):
        return name
    if not name:
        cure = f"Add `source:`, one of {', '.join(catalog.names('sources'))}, or module:function."
        ending = PurePath(str(params.get("path", ""))).suffix  # what it reads is free data, not yet a record
        told = f"no source is known by the ending '{ending}'" if ending else "'data' names no source"
        findings.add(path, told, cure)
        return name
    entry = _find_source(name, findings)
    if entry is not None:
        general = tuple(DataShape.model_fields)
        _check_parameters(entry, params, path, general, findings)
        for key in entry.required:
            if key not in params:
                findings.add(path, f"source '{name}' needs '{key}': {entry.parameters[key]}")
    return name


def _by_ending(params: Mapping[str, Any]) -> str:
    ending = PurePath(str(params["path"])).suffix.lower() if "path" in params else ""
    return ENDINGS.get(ending, "")


def _find_source(name: str, findings: Findings) -> Source | None:
    if ":" in name:
        return None
    try:
        found: Source = catalog.find("sources", name)
    except UsageError as error:
        findings.add(("data", "source"), str(error))
        return None
    return found


def _check_parameters(
    entry: Source, keys: Iterable[str], path: Path, general: Sequence[str], findings: Findings
) -> None:
    for key in keys:
        if key not in entry.parameters:
            near = suggestion(key, (*general, *entry.parameters))
            findings.add((*path, key), f"there is no key {quote(key)} in '{'.'.join(map(str, path))}'{near}", key=True)


def check_test_file(test: Mapping[str, Any], source: str, findings: Findings) -> None:
    """Tell what a test file of its own may not say; it takes what the source takes."""
    entry = None if ":" in source or source not in catalog.names("sources") else _find_source(source, findings)
    if entry is not None:
        _check_parameters(entry, test, ("split", "test"), (), findings)
    if not test:
        findings.add(("split", "test"), "'split.test' is empty", "Write 0 for no test, or {path: test.csv}.")


def find_strategy(strategy: str, findings: Findings) -> SearchStrategy:
    """Return the strategy's entry; an unknown one is told, and taken for one that can do everything."""
    try:
        entry: SearchStrategy = catalog.find("searches", strategy)
    except UsageError as error:
        if not findings.is_broken("search", "strategy"):
            findings.add(("search", "strategy"), str(error))
        return SearchStrategy(lambda space, history, budget, seed: (), samples=True)
    if missing := [module for module in entry.modules if find_spec(module) is None]:
        cure = f"Install it: pip install 'mlrun-cli[{entry.extra}]'."
        findings.add(("search", "strategy"), f"'{strategy}' needs {', '.join(missing)}, which is not installed", cure)
    return entry


def check_columns(spec: Spec, findings: Findings) -> None:
    """Tell columns that are given two parts at once."""
    data = spec.data
    roles = {"target": data.target, "id": data.id, "time": data.time, "group": data.group, "weight": data.weight}
    for role, column in roles.items():
        if column is not None and role != "time" and column in data.features:
            findings.add(("data", role), f"the column {quote(column)} is '{role}', and in 'features' too")
        if column is not None and role != "target" and column == data.target:
            findings.add(("data", role), f"the column {quote(column)} is '{role}' and 'target' at once")
    for name, columns in {"drop": data.drop, "text": data.text, "sensitive": data.sensitive}.items():
        if data.target in columns:
            findings.add(("data", name), f"the column {quote(data.target)} is 'target', and in '{name}' too")
    for column in sorted(set(data.drop) & set(data.features)):
        findings.add(("data", "drop"), f"the column {quote(column)} is in 'drop', and in 'features' too")
    if data.positive is not None and data.target is None and spec.data.source != "sklearn":
        findings.add(("data", "positive"), "'data.positive' needs 'data.target'")


def check_split(spec: Spec, findings: Findings) -> None:
    """Tell what cannot be had of one split."""
    split = spec.split
    if split.repeats > 1 and spec.data.time is not None:
        findings.add(("split", "repeats"), "with 'data.time' there is one order, so folds cannot be repeated")
    if split.repeats > 1 and split.fold_column is not None:
        findings.add(("split", "repeats"), "a column of folds cannot be drawn again: leave 'repeats' out")
    ngrams = spec.prepare.text.ngrams
    if ngrams is not None and ngrams[0] > ngrams[1]:
        findings.add(("prepare", "text", "ngrams"), f"'ngrams' goes from a longer run to a shorter one: {list(ngrams)}")
    if split.gap and spec.data.time is None:
        findings.add(("split", "gap"), "'split.gap' needs 'data.time'")


def check_task(spec: Spec, findings: Findings) -> None:
    """Tell what does not fit the task that the spec states."""
    _check_cuts(spec, findings)
    task = spec.task
    if task is None:
        return
    known = catalog.names("models")
    for model in spec.models:
        tasks = catalog.find("models", model.family).tasks if model.family in known else (task,)
        if task not in tasks:
            message = f"{model.family} is for {' and '.join(tasks)}, and the task is {task}"
            findings.add(("models", model.name), message, key=True)
    if task != "regression" and spec.target_transform:
        findings.add(("target_transform",), f"'target_transform' is for regression, and the task is {task}")
    if task == "regression" and spec.costs:
        findings.add(("costs",), f"'costs' are for labels, and the task is {task}", key=True)
    if task != "anomaly" and ("anomaly",) in spec.places:
        findings.add(("anomaly",), f"'anomaly' is for that task, and the task is {task}", key=True)


def _check_cuts(spec: Spec, findings: Findings) -> None:
    """Tell cuts by costs that no cut follows from."""
    for model in spec.models:
        if model.threshold == "from_costs" and not any(spec.costs.values()):
            told = "'threshold: from_costs' needs 'costs'" + (" that are not all 0" if spec.costs else "")
            cure = "Write costs: {false_negative: 5, false_positive: 1}."
            findings.add(("models", model.name, "threshold"), told, cure, key=True)


def check_sizes(models: Sequence[ModelSpec], findings: Findings) -> None:
    """Tell grids that nobody could finish; whether a grid is within the budget is seen with the plan."""
    for model in models:
        size = grid.size(model.space)
        if size > MAX_COMBINATIONS:
            cure = "Try fewer values, or say `search: {strategy: random}`."
            findings.add(("models", model.name), f"{size:,} combinations are more than can be tried", cure, key=True)
