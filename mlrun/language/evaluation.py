"""From the section `evaluation` as written to the tests that it asks for, every parameter of theirs written out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlrun import catalog
from mlrun.catalog import suggestion
from mlrun.check_contracts import Check, Edit
from mlrun.check_entries import find_check, is_free
from mlrun.errors import UsageError
from mlrun.kinds import MappingOf
from mlrun.language.parameters import Reader
from mlrun.language.problems import Findings, check_shape, dotted, quote
from mlrun.language.sections import EvaluationSpec
from mlrun.language.shape import EvaluationShape
from mlrun.language.space import freeze
from mlrun.language.yaml_reader import Path
from mlrun.records import PlannedTest, TaskKind

SECTION = "evaluation"
LEFT_OUT = ("none", False)
BY_DEFAULT = ("auto", True, None)


def read_evaluation(written: Any, task: TaskKind | None, folder: str, findings: Findings) -> EvaluationSpec:
    """Return the suite; what is wrong with it is told.

    written: in the normal form, a mapping. A suite that names a check runs what it names; without one, or with `auto`,
    those that need no author's knowledge run too.
    """
    if not isinstance(written, Mapping):
        if written not in ("auto", "none"):  # as the definition has it where the spec says nothing
            findings.add((SECTION,), f"'{SECTION}' must be auto, none or a mapping of checks, not {quote(written)}")
        return EvaluationSpec()
    general = tuple(EvaluationShape.model_fields)
    shape = check_shape(EvaluationShape, {key: written[key] for key in general if key in written}, findings, (SECTION,))
    reader = Reader(findings, task)
    tests: list[PlannedTest] = []
    without: list[str] = []
    named = [key for key in written if key not in general]
    for name in named:
        if isinstance(written[name], (str, bool)) and written[name] in LEFT_OUT:
            without.append(str(name))
        check = _find(name, folder, findings)
        if check is not None and name not in without:
            tests += _Suite(name, check, reader).read(written[name])
    if shape is None:
        return EvaluationSpec(tests=tuple(tests))
    return EvaluationSpec(
        auto=shape.auto if shape.auto is not None else not set(named) - set(without),
        sample=shape.sample,
        tests=tuple(tests),
        rope=float(shape.compare.rope),
        confidence=float(shape.compare.confidence),
        without=tuple(without),
    )


def _find(name: Any, folder: str, findings: Findings) -> Check | None:
    """Return the check; one that is not there is told with the nearest name."""
    known = catalog.names("checks")
    if not isinstance(name, str) or (":" not in name and name not in known):
        near = suggestion(str(name), (*known, *EvaluationShape.model_fields))
        findings.add((SECTION, name), f"there is no check {quote(name)}{near}", key=True)
        return None
    try:
        return find_check(name, folder)
    except UsageError as error:
        findings.add((SECTION, name), str(error), key=True)
        return None


@dataclass(frozen=True, slots=True)
class _Suite:
    """What is written of one check."""

    name: str
    check: Check
    reader: Reader

    def read(self, written: Any) -> list[PlannedTest]:
        """Return the check's tests under unique names."""
        path: Path = (SECTION, self.name)
        many = self.check.many or is_free(self.name, self.check)
        if isinstance(written, list) and many:
            parts = [((*path, index), part) for index, part in enumerate(written)]
        elif not isinstance(written, bool) and written not in BY_DEFAULT:
            parts = [(path, written)]
        elif self.check.edits:
            cure = f"Write {self.name}: [{{name: ..., EDIT: ...}}]; with `auto: true` those run that need no author."
            self.reader.findings.add(
                path, f"'{dotted(path)}' needs a list of tests, and only you know which edits", cure
            )
            return []
        else:
            parts = [(path, {})]
        if isinstance(written, list) and not written:
            self.reader.findings.add(path, f"'{dotted(path)}' is an empty list", f"Write {self.name}: none.")
        read = [(where, *self.read_test(where, part)) for where, part in parts if self.is_mapping(where, part)]
        return list(self.named(read))

    def is_mapping(self, path: Path, part: Any) -> bool:
        """Tell what stands where a test should be."""
        if isinstance(part, Mapping):
            return True
        what = "a list of tests, or a mapping" if self.check.many and len(path) == 2 else "a mapping"
        self.reader.findings.add(path, f"'{dotted(path)}' must be {what}, not {quote(part)}")
        return False

    def read_test(self, path: Path, written: Mapping[Any, Any]) -> tuple[str | None, str, dict[str, Any]]:
        """Return the name that is given, the one to take else, and the params."""
        given, rest = written.get("name"), {key: value for key, value in written.items() if key != "name"}
        if given is not None and (not isinstance(given, str) or not given):
            self.reader.findings.add((*path, "name"), f"'name' must be text, not {quote(given)}")
            given = None
        own = self.name.rpartition(":")[2]
        if is_free(self.name, self.check):
            return given, own, {str(key): freeze(value) for key, value in rest.items()}
        if not self.check.many and given is not None:
            self.reader.findings.add((*path, "name"), f"'{own}' is one test, which has no name", "Remove it.", key=True)
        parameters = {key: value for key, value in self.check.parameters.items() if key != "name"}
        if not self.check.edits:
            return given, own, self.reader.read_all(parameters, rest, path)
        edits = [key for key in rest if key in catalog.names("edits") and key not in parameters]
        inner = {key: value for key, value in rest.items() if key in parameters and key not in ("edit", "along")}
        told_before = len(self.reader.findings.problems)
        self.tell_unknown(path, rest, edits)
        taken = {key: value for key, value in parameters.items() if key not in ("edit", "along")}
        params = self.reader.read_all(taken, inner, path)
        if len(edits) != 1 and (edits or len(self.reader.findings.problems) == told_before):
            told = f"names {' and '.join(edits)}" if edits else "names none"
            cure = "Leave one, and put what goes with it under `along`." if edits else ""
            message = f"a test makes exactly one edit, and this one {told}{'' if edits else _known_edits()}"
            self.reader.findings.add(path, message, cure)
        if len(edits) != 1:
            return given, own, params
        edit = self.read_main_edit(edits[0], rest, path)
        along = tuple(self.read_along(edits[0], rest["along"], (*path, "along"))) if "along" in rest else ()
        return given, _called(*edit), {**params, "edit": edit, "along": along}

    def tell_unknown(self, path: Path, written: Mapping[Any, Any], edits: list[str]) -> None:
        """Tell the keys that are neither parameters nor edits."""
        beside = [key for name in edits for key in catalog.find("edits", name).beside]
        own = [key for key in self.check.parameters if key != "edit"]
        known = ("name", "along", *own, *beside, *catalog.names("edits"))
        for key in written:
            if key not in known and key not in edits:
                told = f"there is no key {quote(key)} in '{dotted(path)}'{suggestion(str(key), known)}"
                self.reader.findings.add((*path, key), told, key=True)

    def read_main_edit(self, name: str, written: Mapping[Any, Any], path: Path) -> tuple[str, Any]:
        """Return the test's own edit; keys of the test that belong to its value stand in it."""
        edit: Edit = catalog.find("edits", name)
        if not edit.beside:
            return self.read_edit(name, written[name], (*path, name))
        value = {key: written[key] for key in (name, *edit.beside) if key in written}
        return self.read_edit(name, value, path)

    def read_edit(self, name: str, value: Any, path: Path) -> tuple[str, Any]:
        """Return an edit with its value; keys that are left out, and are nothing by default, stay out."""
        edit: Edit = catalog.find("edits", name)
        read = self.reader.read(value, edit.value, path)
        if isinstance(read, dict) and isinstance(value, Mapping):
            read = {key: inner for key, inner in read.items() if inner is not None or key in value}
        return name, read

    def read_along(self, edit: str, written: Any, path: Path) -> Iterator[tuple[str, Any]]:
        """Yield the edits that go with the first: by their names, or more columns for the first one."""
        if isinstance(written, list):
            for index, item in enumerate(written):
                yield from self.read_along(edit, item, (*path, index))
            return
        if not isinstance(written, Mapping) or not written:
            self.reader.findings.add(path, f"'along' must be a mapping of edits, or of columns, not {quote(written)}")
            return
        if all(_is_edit(name, value) for name, value in written.items()):
            for name, value in written.items():
                yield self.read_edit(name, value, (*path, name))
        else:
            yield self.read_edit(edit, written, path)

    def named(self, read: list[tuple[Path, str | None, str, dict[str, Any]]]) -> Iterator[PlannedTest]:
        """Yield the tests; of two that have no name and do the same, the second is called so with a 2."""
        taken = Counter(given for _, given, _, _ in read if given)
        used = set(taken)
        for path, given, called, params in read:
            name, number = given or called, 1
            while given is None and name in used:
                number += 1
                name = f"{called} {number}"
            used.add(name)
            if taken[name] > 1:
                told = f"{taken[name]} tests of '{self.name}' are called {quote(name)}"
                self.reader.findings.add((*path, "name"), told, "Give each a name of its own.")
                taken[name] = 0
            own = {"name": name} if "name" in self.check.parameters else {}
            yield PlannedTest(self.name, name, {**own, **params})


def _is_edit(name: Any, value: Any) -> bool:
    """Say whether a key of `along` is meant as an edit's name: it is one, and the value is what that edit takes."""
    return name in catalog.names("edits") and bool(catalog.find("edits", name).value.admits(value))


def _known_edits() -> str:
    return f"; there are {', '.join(catalog.names('edits'))}" if catalog.names("edits") else ""


def _called(edit: str, value: Any) -> str:
    """Return what a test is called that has no name: its edit, and the columns that it names."""
    kind = catalog.find("edits", edit).value
    keyed = isinstance(value, Mapping) and isinstance(kind, MappingOf)
    named: Any = tuple(value) if keyed else value if isinstance(value, (str, tuple)) else ()
    if not keyed and isinstance(value, Mapping) and "columns" in value:
        named = value["columns"]
    words = [named] if isinstance(named, str) else [item for item in named if isinstance(item, str)]
    return " ".join([edit, ", ".join(words[:3])]).strip()[:60]
