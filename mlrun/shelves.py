"""From the shelves to tables of what a spec may name: families, metrics, baselines, searches, checks and the rest."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, get_args

from mlrun import catalog
from mlrun.errors import UsageError
from mlrun.records import TaskKind
from mlrun.screen.pages import Page, Section, show_page
from mlrun.screen.tables import Heading, Row, Table, print_table
from mlrun.search_contracts import as_written
from mlrun.terminal import open_console
from mlrun.wording import ARROWS, NOTHING, as_text

if TYPE_CHECKING:
    from mlrun.baselines import Baseline
    from mlrun.check_contracts import Check, Edit
    from mlrun.contracts import ExecutorKind, ExportKind, Metric, ModelFamily, Source
    from mlrun.kinds import Parameter
    from mlrun.search_contracts import SearchStrategy

KINDS = ("models", "metrics", "baselines", "searches", "sources", "executors", "checks", "edits", "exports")


def show_catalog(kind: str, name: str, form: str) -> None:
    """Print all kinds, one kind's entries, or one entry in full.

    Raises UsageError with the nearest name for an unknown kind or entry.
    """
    if not kind:
        print_table(open_console(), kinds_table(), form)
        return
    if kind not in KINDS:
        raise UsageError(f"there is no kind '{kind}' in the catalog{catalog.suggestion(kind, KINDS)}")
    if not name:
        print_table(open_console(), table_of(kind), form)
        return
    row = row_of(kind, resolved(kind, name))
    show_page(Page(row["name"], entry_sections(row), row, parameters_of(row)), form)


def kinds_table() -> Table:
    """Return the kinds with their names."""
    captions = {**catalog.SHELVES, **catalog.TABLES}
    rows = tuple({"kind": kind, "is": captions[kind], "names": list(catalog.names(kind))} for kind in KINDS)
    headings = (
        Heading("kind", lambda row: row["kind"]),
        Heading("is a", lambda row: row["is"], rank=1),
        Heading("names", lambda row: joined(row["names"]), fold=True),
    )
    return Table(headings, rows, ("mlrun catalog KIND says more; mlrun catalog KIND NAME says all of one.",))


def table_of(kind: str) -> Table:
    """Return the entries of one kind."""
    rows = [row_of(kind, name) for name in catalog.names(kind)]
    if kind == "models":
        rows.sort(key=lambda row: (row["tasks"][0], row["simplicity_rank"], row["name"]))
    return Table(HEADINGS[kind], tuple(rows), NOTES.get(kind, ()), empty="nothing on this shelf")


def resolved(kind: str, name: str) -> str:
    """Return an entry's own name; metrics may be called by their aliases."""
    if kind == "metrics":
        from mlrun.metrics import resolve

        name = resolve(name)
    if name not in catalog.names(kind):
        raise UsageError(catalog.unknown_name(kind, name))
    return name


def row_of(kind: str, name: str) -> dict[str, Any]:
    """Return one entry as plain data."""
    return {"name": name, "kind": kind, **ROWS[kind](name, catalog.find(kind, name))}


def model_row(name: str, entry: ModelFamily) -> dict[str, Any]:
    kinds = entry.hyperparameters or {}
    return {
        "about": caption_of("models", name),
        "tasks": list(entry.tasks),
        "simplicity_rank": entry.simplicity_rank,
        "assumptions": list(entry.assumptions),
        "needs": list(entry.needs),
        "takes": list(entry.takes),
        "gives": entry.gives,
        "weights": entry.weights,
        "members": entry.members,
        "shares_fits_over": list(entry.nested.parameters) if entry.nested else [],
        "grid": {parameter: list(values) for parameter, values in entry.grid.items()},
        "ranges": {parameter: as_written(domain) for parameter, domain in entry.ranges.items()},
        "parameters": {parameter: str(kind) for parameter, kind in kinds.items()},
        "extra": entry.extra,
    }


def metric_row(name: str, entry: Metric) -> dict[str, Any]:
    from mlrun import metrics

    aliases = (alias for alias, canonical in metrics.ALIASES.items() if canonical == name)
    return {
        "about": entry.caption,
        "direction": entry.direction,
        "tasks": list(entry.targets),
        "needs": entry.needs,
        "bounds": [bound if abs(bound) != float("inf") else None for bound in entry.bounds],
        "interval": entry.interval,
        "aliases": sorted({*entry.aliases, *aliases}),
        "parameters": {parameter: f"default {json.dumps(value)}" for parameter, value in entry.parameters.items()},
    }


def baseline_row(_: str, entry: Baseline) -> dict[str, Any]:
    required = list(entry.required)
    return {
        "about": entry.caption,
        "tasks": list(entry.tasks),
        "required": required,
        "parameters": dict(entry.parameters),
    }


def search_row(name: str, entry: SearchStrategy) -> dict[str, Any]:
    about = caption_of("searches", name)
    return {"about": about, "samples": entry.samples, "searches_ranges": entry.ranges, "extra": entry.extra}


def source_row(name: str, entry: Source) -> dict[str, Any]:
    about, required = caption_of("sources", name), list(entry.required)
    return {"about": about, "required": required, "extra": entry.extra, "parameters": dict(entry.parameters)}


def executor_row(name: str, entry: ExecutorKind) -> dict[str, Any]:
    return {"about": caption_of("executors", name), "isolates": entry.isolates, "extra": entry.extra}


def check_row(name: str, entry: Check) -> dict[str, Any]:
    parameters = {key: told_parameter(parameter) for key, parameter in entry.parameters.items()}
    if entry.edits:
        parameters["(an edit)"] = "exactly one of mlrun catalog edits, with what it takes"
        parameters["along"] = "more edits, made with it"
    return {
        "about": caption_of("checks", name),
        "tasks": list(entry.tasks),
        "needs": list(entry.needs),
        "asked_of": "each model and baseline" if entry.of == "each" else "the run",
        "tests": "a list of tests" if entry.many else "one test",
        "parameters": parameters,
    }


def edit_row(name: str, entry: Edit) -> dict[str, Any]:
    about = caption_of("edits", name)
    return {"about": about, "takes": str(entry.value), "columns": "text" if entry.text else "any"}


def export_row(name: str, entry: ExportKind) -> dict[str, Any]:
    about, of = caption_of("exports", name), "a model" if entry.of_model else "the run"
    return {"about": about, "writes": entry.writes, "of": of, "extra": entry.extra}


def told_parameter(parameter: Parameter) -> str:
    """Return what a parameter admits, and its default where it has one."""
    default = "" if parameter.default is None else f"; default {as_text(parameter.default)}"
    caption = f"{parameter.caption}: " if parameter.caption else ""
    return f"{caption}{parameter.kind}{default}"


ROWS: dict[str, Callable[[str, Any], dict[str, Any]]] = {
    "models": model_row,
    "metrics": metric_row,
    "baselines": baseline_row,
    "searches": search_row,
    "sources": source_row,
    "executors": executor_row,
    "checks": check_row,
    "edits": edit_row,
    "exports": export_row,
}


def caption_of(kind: str, name: str) -> str:
    """Return the first line of a shelf file, without the entry's own name in front of it."""
    place = catalog.module_of(kind, name)
    module = sys.modules.get(place) or importlib.import_module(place)
    caption = (module.__doc__ or "").strip().partition("\n")[0].rstrip(".")
    head, colon, rest = caption.partition(": ")
    own = colon and head.lower().replace(" ", "_") == name.replace("-", "_")
    return f"{rest[:1].upper()}{rest[1:]}" if own else caption


def joined(values: Iterable[object]) -> str:
    return ", ".join(map(str, values)) or "—"


def told_tasks(tasks: Collection[str]) -> str:
    """Return the tasks that an entry is for."""
    return "all tasks" if set(tasks) >= set(get_args(TaskKind)) else joined(tasks)


def told_grid(row: Row) -> str:
    return "; ".join(f"{name}: {', '.join(map(as_text, values))}" for name, values in row["grid"].items()) or "—"


NAME = Heading("name", lambda row: row["name"])
ABOUT = Heading("what it is", lambda row: row["about"], fold=True)
TASKS = Heading("for", lambda row: told_tasks(row["tasks"]), rank=1, fold=True)
PARAMETERS = Heading("parameters", lambda row: joined(row["parameters"]), rank=2, fold=True)
HEADINGS: dict[str, tuple[Heading, ...]] = {
    "models": (
        NAME,
        TASKS,
        Heading("rank", lambda row: str(row["simplicity_rank"]), rank=1, right=True),
        Heading("default grid", told_grid, fold=True),
        Heading("assumes", lambda row: joined(row["assumptions"]), rank=3, fold=True),
        Heading("needs", lambda row: joined(row["needs"]), rank=4),
    ),
    "metrics": (
        NAME,
        Heading("better", lambda row: ARROWS[row["direction"]]),
        ABOUT,
        TASKS,
        Heading("also called", lambda row: joined(row["aliases"]), rank=2, fold=True),
    ),
    "baselines": (NAME, ABOUT, TASKS, PARAMETERS),
    "searches": (NAME, ABOUT, Heading("samples", lambda row: "yes" if row["samples"] else "no", rank=1)),
    "sources": (NAME, ABOUT, PARAMETERS),
    "executors": (
        NAME,
        ABOUT,
        Heading("survives a crash of a fit", lambda row: "yes" if row["isolates"] else "no", rank=1),
    ),
    "checks": (NAME, ABOUT, TASKS, PARAMETERS),
    "edits": (NAME, ABOUT, Heading("takes", lambda row: row["takes"], rank=1, fold=True)),
    "exports": (
        NAME,
        ABOUT,
        Heading("of", lambda row: row["of"], rank=1),
        Heading("needs the extra", lambda row: row["extra"] or NOTHING, rank=1),
    ),
}
NOTES = {
    "models": ("rank: the simplest is 1; of equal models the simpler is tried first.",),
    "metrics": ("↑ more is better, ↓ less is better.",),
}


APART = frozenset(("name", "kind", "about", "grid", "ranges", "parameters", "bounds"))  # shown elsewhere, or not at all


def entry_sections(row: Row) -> list[Section]:
    """Return one entry in full: what it is, its facts, its parameters."""
    facts = [
        f"{key.replace('_', ' ')}: {joined(value) if isinstance(value, list) else as_text(value)}"
        for key, value in row.items()
        if key not in {"name", "kind", "about", "grid", "ranges", "parameters", "bounds"}
        and value not in ("", [], None)
    ]
    sections = [Section("", None, (row["about"], *facts))]
    if row.get("parameters"):
        sections.append(Section("parameters", parameters_of(row)))
    return sections


def parameters_of(row: Row) -> Table:
    """Return the parameters of one entry: what each admits, and what is tried when a spec says nothing."""
    grid, ranges = row.get("grid", {}), row.get("ranges", {})
    rows = tuple(
        {"parameter": name, "admits": admits, "default_grid": grid.get(name), "searched_over": ranges.get(name)}
        for name, admits in row.get("parameters", {}).items()
    )
    headings = [
        Heading("name", lambda row: row["parameter"]),
        Heading("what it takes", lambda row: row["admits"], fold=True),
    ]
    if grid:
        headings.append(Heading("default grid", lambda row: joined(map(as_text, row["default_grid"] or ())), fold=True))
    if ranges:
        headings.append(
            Heading("searched over by halving and tpe", lambda row: told_range(row["searched_over"]), fold=True)
        )
    return Table(tuple(headings), rows, empty="no parameters")


def told_range(searched: Mapping[str, list[Any]] | None) -> str:
    """Return what a strategy that looks for itself draws from, as a spec would say it."""
    if searched is None:
        return ""
    (word, values), *_ = searched.items()
    told = joined(map(as_text, values))
    return told if word == "choice" else f"{word} [{told}]"
