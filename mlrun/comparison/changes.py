"""From the origins of two runs to what changed between them: spec, data, code, packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlrun.comparison.origins import SHORT, Code, Data, Environment, Origins, told_git
from mlrun.wording import as_text, count

UNSET = "(not set)"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not the same: what of (spec, data, code, packages), where, before and after."""

    what: str
    path: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.path}: {as_text(self.old)} → {as_text(self.new)}"


def find_changes(old: Origins, new: Origins) -> tuple[Change, ...]:
    """Return what differs between two runs, in the order spec, data, code, packages; what is missing is left out."""
    return (
        *(spec_changes(old.spec, new.spec) if old.spec is not None and new.spec is not None else ()),
        *(data_changes(old.data, new.data) if old.data is not None and new.data is not None else ()),
        *(code_changes(old.code, new.code) if old.code is not None and new.code is not None else ()),
        *(package_changes(old.environment, new.environment) if old.environment and new.environment else ()),
    )


def spec_changes(old: Mapping[str, Any], new: Mapping[str, Any], place: str = "") -> Iterator[Change]:
    """Yield every key whose value differs; mappings are looked into, and lists of as many mappings."""
    for key in sorted({*old, *new}):
        path = f"{place}.{key}" if place else key
        yield from value_changes(old.get(key, UNSET), new.get(key, UNSET), path)


def value_changes(before: Any, after: Any, path: str) -> Iterator[Change]:
    """Yield what differs between two values at a path."""
    if isinstance(before, dict) and isinstance(after, dict):
        yield from spec_changes(before, after, path)
    elif is_records(before) and is_records(after) and len(before) == len(after):
        for place, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from spec_changes(one, other, f"{path}[{place}]" if len(before) > 1 else path)
    elif before != after:
        yield Change("spec", path, before, after)


def is_records(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def data_changes(old: Data, new: Data) -> Iterator[Change]:
    """Yield rows, order and columns; a digest that both have tells which columns hold other values."""
    if old.rows_id == new.rows_id:
        return
    if old.data_id == new.data_id:
        yield Change("data", "order of rows", old.rows_id[:SHORT], new.rows_id[:SHORT])
        return
    if old.rows != new.rows:
        yield Change("data", "rows", old.rows, new.rows)
    known = old.columns and new.columns  # a run that a person was erased from has none
    if not known:
        yield Change("data", "values", old.data_id[:SHORT] or UNSET, new.data_id[:SHORT] or UNSET)
    for name in sorted({*old.columns, *new.columns}) if known else ():
        before, after = old.columns.get(name), new.columns.get(name)
        if before is None or after is None:
            presence = ["not there" if digest is None else "there" for digest in (before, after)]
            yield Change("data", f"column {name}", *presence)
        elif before != after:
            yield Change("data", f"values of {name}", before[:SHORT], after[:SHORT])
    for name in sorted({*old.schema} & {*new.schema}):
        if old.schema[name] != new.schema[name]:
            yield Change("data", f"type of {name}", old.schema[name], new.schema[name])


def code_changes(old: Code, new: Code) -> Iterator[Change]:
    """Yield another commit, other changes since, other modules of the user."""
    if old.git != new.git:
        before, after = (told_git(code.git) if code.git else "no git repository" for code in (old, new))
        yield (
            Change("code", "git", before, after)
            if before != after
            else Change("code", "changes that are not committed", *(patch_of(code) for code in (old, new)))
        )
    if old.user_code != new.user_code:
        yield Change("code", "own modules", old.user_code[:SHORT] or UNSET, new.user_code[:SHORT] or UNSET)
    files = sorted(name for name in {*old.files} | {*new.files} if old.files.get(name) != new.files.get(name))
    if files:
        shown = ", ".join(files[:5]) + (f" and {len(files) - 5} more" if len(files) > 5 else "")
        yield Change("code", "files that git does not know", count(len(old.files), "file"), f"other: {shown}")


def patch_of(code: Code) -> str:
    return (code.git.patch_sha256 or "")[:SHORT] if code.git and code.git.patch_sha256 else "none"


def package_changes(old: Environment, new: Environment) -> Iterator[Change]:
    """Yield packages with another version, and another architecture."""
    for name in sorted({*old.packages, *new.packages}):
        before, after = old.packages.get(name, "") or UNSET, new.packages.get(name, "") or UNSET
        if before != after:
            yield Change("packages", name, before, after)
    machines = [environment.machine.get("architecture") for environment in (old, new)]
    if machines[0] != machines[1]:
        yield Change("packages", "architecture", *machines)
