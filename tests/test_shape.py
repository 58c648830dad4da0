"""The shape of the package: captions, empty __init__ files, no import circle, heavy imports at one door."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from mlrun.catalog import SHELVES

PACKAGE = Path(__file__).parents[1] / "mlrun"
MODULES = sorted(PACKAGE.rglob("*.py"))
BANNED = {"utils", "util", "helpers", "common", "misc", "base", "manager", "handler", "tuner", "runner", "config"}
LONGEST_FILE, LONGEST_FUNCTION = 300, 50
EXCEPTION = re.compile(r"# (ruff: )?noqa|# type: ignore")
REASON = re.compile(r"noqa: [A-Z0-9, ]+ - \w|type: ignore\[[\w-]+\]  # \w")


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_begins_with_its_caption_and_has_no_banned_name(path: Path) -> None:
    text = path.read_text("utf-8")
    if path.name == "__init__.py":
        assert text == ""
        return
    caption = ast.get_docstring(ast.parse(text))
    assert caption, "no caption"
    assert caption.splitlines()[0].endswith((".", ":")), caption
    assert path.stem not in BANNED


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name}: {length} lines"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_what_is_exempt_from_a_check_says_why(path: Path) -> None:
    for line in path.read_text("utf-8").splitlines():
        assert not EXCEPTION.search(line) or REASON.search(line), line


def test_plural_folders_are_the_shelves_and_only_they() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert {name for name in folders if name.endswith("s") and name != "process"} == set(SHELVES)


def imports_of(path: Path, known: set[str]) -> set[str]:
    """Return the modules of the package that a file imports, inside functions and for types too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update({node.module} | {f"{node.module}.{alias.name}" for alias in node.names})
    return {name for name in found if name in known} - {name_of(path), "mlrun"}


def test_no_import_circle() -> None:
    known = {name_of(path) for path in MODULES}
    graph = {name_of(path): imports_of(path, known) for path in MODULES}
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " → ".join((*above[above.index(name) :], name))
        if name in done:
            return
        for imported in sorted(graph.get(name, ())):
            visit(imported, (*above, name))
        done.add(name)

    for name in graph:
        visit(name, ())


def test_every_promise_names_tests_that_are_there() -> None:
    root = PACKAGE.parent
    promised = set(re.findall(r"tests/[\w/]+\.py", (root / "docs" / "promises.md").read_text("utf-8")))
    assert len(promised) > 15
    assert {name for name in promised if not (root / name).is_file()} == set()
