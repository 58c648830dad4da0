"""From a kind and a name in a spec to the entry that answers to it, loaded only then."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlrun.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

SHELVES = {
    "models": "model family",
    "searches": "search strategy",
    "sources": "source",
    "executors": "executor",
    "checks": "check",
    "edits": "edit",
    "exports": "export",
}
DASHED = ("exports",)  # kinds that are named on the command line, where a dash joins words: ro-crate is ro_crate.py
TABLES = {"metrics": "metric", "baselines": "baseline"}


@cache
def names(kind: str) -> tuple[str, ...]:
    """Return the names on a shelf or in a table, in alphabetical order, without importing a shelf's entries."""
    if kind in TABLES:
        return tuple(sorted(importlib.import_module(f"mlrun.{kind}").ENTRIES))
    package = find_spec(f"mlrun.{kind}")
    places = package.submodule_search_locations if package else None
    if places is None:
        raise KeyError(kind)
    found = sorted(module.name for module in pkgutil.iter_modules(places))
    return tuple(name.replace("_", "-") for name in found) if kind in DASHED else tuple(found)


def find(kind: str, name: str, folder: str = "") -> Any:
    """Return the entry called `name`; `module:function` is the user's own, looked up from `folder` first.

    Raises UsageError with the nearest name when there is none.
    """
    if ":" in name:
        return load_object(name, folder)
    if name not in names(kind):
        raise UsageError(unknown_name(kind, name))
    if kind in TABLES:
        return importlib.import_module(f"mlrun.{kind}").ENTRIES[name]
    return importlib.import_module(module_of(kind, name)).ENTRY


def module_of(kind: str, name: str) -> str:
    """Return the module in which an entry of a shelf stands."""
    return f"mlrun.{kind}.{name.replace('-', '_') if kind in DASHED else name}"


def unknown_name(kind: str, name: str) -> str:
    """Say that nothing on the shelf is called so, with the nearest name."""
    caption = {**SHELVES, **TABLES}[kind]
    return f"there is no {caption} '{name}'{suggestion(name, names(kind))}"


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return '; did you mean X?' when a known name is near, else the few that there are."""
    options = sorted(map(str, known))
    near = difflib.get_close_matches(name, options, n=1, cutoff=0.6) or difflib.get_close_matches(
        name.lower(), options, n=1, cutoff=0.6
    )
    if near:
        return f"; did you mean '{near[0]}'?"
    shown = ", ".join(options[:12]) + (", ..." if len(options) > 12 else "")
    return f"; known: {shown}" if options else ""


def load_object(reference: str, folder: str = "") -> Any:
    """Import `module:attribute`, modules of `folder` (the spec's) first.

    Raises UsageError when the module or the attribute is missing, or the module fails on import.
    """
    module_name, _, attribute = reference.partition(":")
    if not module_name or not attribute:
        raise UsageError(f"'{reference}' must be module:function, such as my_models:build")
    if folder and str(Path(folder).resolve()) not in sys.path:
        sys.path.insert(0, str(Path(folder).resolve()))
    try:
        found: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        raise UsageError(f"'{reference}': no module '{missing}' beside the spec or installed") from error
    except AttributeError as error:
        raise UsageError(f"'{reference}': module '{module_name}' has no '{attribute}'") from error
    except (Exception, SystemExit) as error:  # the module is the user's: what it raises on import is an answer
        raise UsageError(f"'{reference}': importing it failed with {type(error).__name__}: {error}") from error
    return found
