"""From what a spec says of columns to the role of each: who is withheld from the models, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mlrun.catalog import suggestion
from mlrun.errors import SpecError, UsageError
from mlrun.records import Problem
from mlrun.table.row_conditions import named_columns, select_rows

if TYPE_CHECKING:
    import polars as pl

    from mlrun.spec import Spec

Path = tuple[str | int, ...]


def withheld_columns(spec: Spec, target: str | None) -> dict[str, str]:
    """Return column → why it is no feature, the strongest reason first; columns not named here may be features."""
    reasons: dict[str, str] = {}
    listed = set(spec.data.features)
    for _, name, reason in _named(spec, target):
        if reason and not (reason == "time" and name in listed):
            reasons.setdefault(name, reason)
    return reasons


def refuse_unknown_columns(spec: Spec, target: str | None, columns: Sequence[str]) -> None:
    """Raise SpecError that tells every name in `data`, `split` and `baselines` which is no column, with the nearest."""
    named = [(path, name) for path, name, _ in _named(spec, target)]
    problems = []
    for path, condition in conditions(spec):
        try:
            named.extend((path, name) for name in named_columns(condition))
        except UsageError as error:
            problems.append(Problem(str(error), spec.place(path)))
    for path, name in dict.fromkeys(named):
        if name not in columns:
            message = f"'{name}' is not a column of the data{suggestion(name, columns)}"
            problems.append(Problem(message, spec.place(path)))
    if target is not None and target in spec.data.features:
        problems.append(Problem(f"'{target}' is the target; it cannot be a feature", spec.place(("data", "features"))))
    if problems:
        raise SpecError(problems)


def refuse_bad_conditions(spec: Spec, table: pl.DataFrame) -> None:
    """Raise SpecError for every condition that cannot be evaluated on the columns as they are typed."""
    problems = []
    for path, condition in conditions(spec):
        try:
            select_rows(table.head(1), condition)
        except UsageError as error:
            problems.append(Problem(str(error), spec.place(path)))
    if problems:
        raise SpecError(problems)


def conditions(spec: Spec) -> Iterator[tuple[Path, str]]:
    """Yield every row condition of the spec with its place."""
    if spec.data.where is not None:
        yield ("data", "where"), spec.data.where
    for position, baseline in enumerate(spec.baselines):
        if "when" in baseline.params:
            yield ("baselines", position, baseline.kind, "when"), str(baseline.params["when"])


def _named(spec: Spec, target: str | None) -> Iterator[tuple[Path, str, str]]:
    """Yield every column that the spec names: where, which, and why it is withheld ('' = it may be a feature)."""
    data = spec.data
    roles = (("target", target), ("id", data.id), ("group", data.group), ("time", data.time), ("weight", data.weight))
    for key, name in roles:
        if name is not None:
            yield ("data", key), str(name), key
    yield from _listed("sensitive", data.sensitive, "sensitive" if data.withhold_sensitive else "")
    yield from _of_baselines(spec)
    if spec.split.fold_column is not None:
        yield ("split", "folds"), spec.split.fold_column, "folds"
    yield from _listed("drop", data.drop, "dropped")
    yield from _listed("features", data.features, "")
    yield from _listed("text", data.text, "")
    for name in data.types:
        yield ("data", "types", name), name, ""


def _listed(key: str, names: Sequence[str], reason: str) -> Iterator[tuple[Path, str, str]]:
    for position, name in enumerate(names):
        yield ("data", key, position), name, reason


def _of_baselines(spec: Spec) -> Iterator[tuple[Path, str, str]]:
    for position, baseline in enumerate(spec.baselines):
        if "column" in baseline.params and baseline.params["column"] is not None:
            place: Path = ("baselines", position, baseline.kind, "column")
            yield place, str(baseline.params["column"]), f"baseline {baseline.name}"
    if spec.useful is not None and "column" in spec.useful.human:
        yield ("useful", "human", "column"), str(spec.useful.human["column"]), "people's labels"
