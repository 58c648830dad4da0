"""From the module:function references of a spec to the source files that they bring along."""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import metadata
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import MappingProxyType

LIBRARIES = ("stdlib", "platstdlib", "purelib", "platlib")
PACKAGE_FOLDERS = ("site-packages", "dist-packages")


@dataclass(frozen=True, slots=True)
class UserModule:
    """A source file of the user's: the module's name, where it stands, its bytes."""

    name: str
    path: Path
    source: bytes


def user_modules(references: Sequence[str], folder: str = "") -> tuple[UserModule, ...]:
    """Return the modules that references (module:function, or a module) mean, and all that those import, by name.

    Imports are followed in the source, inside functions too, without running anything. Installed packages, the
    standard library and mlrun itself are left out. folder: the spec's, where modules are looked for first.
    """
    search = ([str(Path(folder).resolve())] if folder else []) + sys.path
    waiting = [reference.partition(":")[0] for reference in references if reference]
    found: dict[str, UserModule] = {}
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        module = find_module(name, search)
        if module is None:
            continue
        found[name] = module
        waiting += [name.rpartition(".")[0]] if "." in name else []
        waiting += imported_names(module)
    return tuple(found[name] for name in sorted(found))


def user_packages(modules: Sequence[UserModule]) -> dict[str, str]:
    """Return distribution → version of what the user's modules import beside the standard library and mlrun."""
    own = {module.name.partition(".")[0] for module in modules}
    names = {name.partition(".")[0] for module in modules for name in imported_names(module)}
    found: dict[str, str] = {}
    for name in sorted(names - own - sys.stdlib_module_names - {"mlrun"}):
        for distribution in distributions_of(name):
            found[distribution] = metadata.version(distribution)
    return found


def distributions_of(name: str) -> Sequence[str]:
    """Return which distributions a module of this name is from; () when it is not installed."""
    try:
        return [metadata.distribution(name).name]
    except (metadata.PackageNotFoundError, ValueError):  # it is called otherwise than its module, as scikit-learn is
        return sorted(set(all_distributions().get(name, ())))


@cache
def all_distributions() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def user_code_digest(modules: Sequence[UserModule], others: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the sha256 over names and sources; '' when there is no code of the user's.

    others: versions of packages that only this code brings along.
    """
    if not modules:
        return ""
    state = sha256()
    for module in sorted(modules, key=lambda module: module.name):
        state.update(f"{module.name}\0{len(module.source)}\0".encode())
        state.update(module.source)
    for name in sorted(others):
        state.update(f"{name}=={others[name]}\0".encode())
    return state.hexdigest()


def find_module(name: str, search: Sequence[str]) -> UserModule | None:
    """Return the user's module of this name, or None when it is a library's, not there, or no Python source."""
    spec = find_spec(name, search)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    path = Path(spec.origin).resolve()
    if is_library(path):
        return None
    try:
        return UserModule(name, path, path.read_bytes())
    except OSError:
        return None


def find_spec(name: str, search: Sequence[str]) -> ModuleSpec | None:
    """Return where a dotted name is, found on the search path without importing its parents."""
    spec: ModuleSpec | None = None
    places: Sequence[str] | None = search
    parts = name.split(".")
    for depth in range(len(parts)):
        if places is None:
            return None
        spec = PathFinder.find_spec(".".join(parts[: depth + 1]), list(places))
        if spec is None:
            return None
        places = spec.submodule_search_locations
    return spec


def is_library(path: Path) -> bool:
    """Say whether a file belongs to an installed package, the standard library or mlrun."""
    if any(part in PACKAGE_FOLDERS for part in path.parts):
        return True
    libraries = [Path(sysconfig.get_path(name)).resolve() for name in LIBRARIES]
    return any(path.is_relative_to(library) for library in (*libraries, Path(__file__).resolve().parents[1]))


def imported_names(module: UserModule) -> Iterator[str]:
    """Yield the names of all modules that a source file may import."""
    try:
        tree = ast.parse(module.source)
    except (SyntaxError, ValueError, RecursionError):  # importing it will say so, better than we could
        return
    is_package = module.path.name == "__init__.py"
    package = module.name if is_package else module.name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".") if package else []
            base = parents[: len(parents) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            if origin:
                yield origin
                yield from (f"{origin}.{alias.name}" for alias in node.names)
