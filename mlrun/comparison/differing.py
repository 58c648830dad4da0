"""From a run's record and what there is today to what makes equal params another trial: data, folds, preparation ..."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlrun.comparison.changes import UNSET, Change, data_changes, value_changes
from mlrun.comparison.origins import Code, Data, Environment, Origins
from mlrun.origin.identity import PACKAGES_THAT_DO_NOT, PACKAGES_THAT_MATTER
from mlrun.store.run_record import RunRecord
from mlrun.wording import as_text, count

# of spec.resolved.json: what enters a trial's identity beside the rows, its model and the split
OF_TASK = ("task", "costs", "anomaly", "target_transform")
OF_COLUMNS = ("target", "positive", "weight")
OF_FOLDS = ("id", "time", "group")
MOST = 4  # places that are named


@dataclass(frozen=True, slots=True)
class Today:
    """What a run would be made of now. spec: as in spec.resolved.json; code_id: '' = no code of the user's."""

    spec: Mapping[str, Any]
    data: Data
    code_id: str
    modules: Mapping[str, str]
    packages: Mapping[str, str]
    architecture: str
    result_version: int
    sampled: int | None = None


def what_differs(record: RunRecord, then: Origins, old_model: str, model: str, today: Today) -> Iterator[str]:
    """Yield what a trial of this model depends on that is not as in a run, each in a few words; nothing for the same.

    What the run's folder does not hold any more is passed over.
    """
    rows = tuple(rows_differ(record, then.data, today))
    yield from rows
    if then.spec is not None:
        seeds = [*value_changes(part(then.spec, "seed"), part(today.spec, "seed"), "seed")]
        yield from (told([change]) for change in seeds)
        if not rows and not seeds:
            yield from folds_differ(then.data, then.spec, today)
        yield from preparation_differs(part(then.spec, "models", old_model), part(today.spec, "models", model))
        yield from task_differs(then.spec, today)
    if then.data is not None:
        yield from features_differ(then.data, today)
    packages = () if then.environment is None else tuple(packages_differ(then.environment, today))
    yield from code_differs(record, then.code, today, packages)
    yield from packages


def rows_differ(record: RunRecord, then: Data | None, today: Today) -> Iterator[str]:
    """Yield the reason for other rows, the plainest that holds."""
    if record.rows_id == today.data.rows_id:
        return
    if record.sampled != today.sampled:
        yield f"{told_rows(record.sampled)} → {told_rows(today.sampled)}"
    elif record.data_id == today.data.data_id:
        yield "the rows are in another order"
    else:
        found = [] if then is None else [*data_changes(then, today.data)]
        yield f"the data differs{places(found)}"


def told_rows(sampled: int | None) -> str:
    return "all rows" if sampled is None else f"a sample of {count(sampled, 'row')}"


def folds_differ(then: Data | None, spec: Mapping[str, Any], today: Today) -> Iterator[str]:
    """Yield that rows are held out otherwise, with what of the spec says so."""
    known = dict(then.folds) if then is not None else {}
    if known and known == dict(today.data.folds):
        return
    found = [*value_changes(part(spec, "split"), part(today.spec, "split"), "split")]
    for name in OF_FOLDS:
        found += value_changes(part(spec, "data", name), part(today.spec, "data", name), f"data.{name}")
    if known or found:
        yield f"folds differ{places(found)}"


def preparation_differs(old: Any, new: Any) -> Iterator[str]:
    """Yield what is learned otherwise before the model sees the columns, and another final family of stacking."""
    if found := [*value_changes(part(old, "prepare"), part(new, "prepare"), "")]:
        yield f"preparation differs{places(found)}"
    if found := [*value_changes(part(old, "meta"), part(new, "meta"), "final family")]:
        yield told(found)


def task_differs(spec: Mapping[str, Any], today: Today) -> Iterator[str]:
    """Yield other costs, another target, weights, a transformation."""
    found = [change for key in OF_TASK for change in value_changes(part(spec, key), part(today.spec, key), key)]
    for name in OF_COLUMNS:
        found += value_changes(part(spec, "data", name), part(today.spec, "data", name), name)
    if found:
        yield told(found)


def part(tree: Any, *path: str) -> Any:
    """Return what stands at a place of a spec as JSON; UNSET where there is nothing."""
    for key in path:
        if not isinstance(tree, Mapping) or key not in tree:
            return UNSET
        tree = tree[key]
    return tree


def features_differ(then: Data, today: Today) -> Iterator[str]:
    """Yield the columns that the models saw and do not see, and the other way round."""
    old = {each.name: (each.kind, each.dtype) for each in then.features}
    new = {each.name: (each.kind, each.dtype) for each in today.data.features}
    if not old:
        return
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    if names:
        yield f"features differ: {listed(names)}"
    elif list(old) != list(new):
        yield "features are in another order"


def code_differs(record: RunRecord, then: Code | None, today: Today, packages: tuple[str, ...]) -> Iterator[str]:
    """Yield which of the user's modules are others; packages: those that differ, which code may bring along."""
    if record.code_id == today.code_id:
        return
    known = {} if then is None else dict(then.modules)
    names = sorted(name for name in {*known, *today.modules} if known.get(name) != today.modules.get(name))
    if names:
        yield f"user code differs: {listed(names)}"
    elif not packages:
        yield "user code differs"


def packages_differ(then: Environment, today: Today) -> Iterator[str]:
    """Yield each package of another version that can change a score, the architecture, mlrun's own way."""
    others = sorted({*then.packages, *today.packages} - {*PACKAGES_THAT_MATTER, *PACKAGES_THAT_DO_NOT})
    for name in (*PACKAGES_THAT_MATTER, *others):
        before, after = then.packages.get(name), today.packages.get(name)
        if before is not None and before != after:
            yield f"{name} {before or 'none'} → {after or 'none'}"
    before = then.machine.get("architecture")
    if before is not None and before != today.architecture:
        yield f"{before} → {today.architecture}"
    if then.result_version is not None and then.result_version != today.result_version:
        yield "this mlrun computes scores otherwise"


def places(changes: list[Change]) -> str:
    """Return where some changes are, after a colon; '' for none."""
    return f": {listed([change.path for change in changes])}" if changes else ""


def told(changes: list[Change]) -> str:
    """Return changes with both values, where they are short."""
    return listed([f"{change.path} {short(change.old)} → {short(change.new)}" for change in changes])


def short(value: Any) -> str:
    text = "none" if value is None or value == UNSET else as_text(value)
    return text if len(text) <= 24 else "another"


def listed(names: list[str]) -> str:
    """Return names with commas, the first few of many."""
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more
