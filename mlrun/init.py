"""From a table to a commented spec that runs as it is, and what to do next."""

from __future__ import annotations

import re
import shlex
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun.draft import SCHEMA_FILE, Choices, write_draft
from mlrun.errors import DataError, StorageError, UsageError
from mlrun.terminal import printable
from mlrun.wording import count

if TYPE_CHECKING:
    import polars as pl

    from mlrun.records import Column, Dataset
    from mlrun.table.sniffing import Origin

MANY = 5_000  # rows from which on a try-out is worth a word
TRY_OUT = 1_000
NAME_LENGTH = 60
FEW_AMOUNTS = 10  # distinct numbers up to which a column may hold codes


def init(data: str, output: str | None = None, target: str | None = None) -> str:
    """Look at a table, write a spec for it, and return what to tell the user.

    data: a file, `sklearn:NAME` or `module:function`; output: the spec's file; target: the column to predict.
    Raises UsageError when the file is already there, DataError when the table is none to learn from.
    """
    from mlrun.table.sniffing import find_origin

    place = _free_place(output) if output else None
    folder = str(place.parent if place else Path.cwd())
    origin = find_origin(data, folder)
    place = place or _free_place(f"{experiment_name(origin.title)}.yaml")
    command = " ".join(["mlrun init", shlex.quote(data), *([f"--target {shlex.quote(target)}"] if target else [])])
    choices, dataset = choose(origin, folder, target, printable(command))
    text = write_draft(choices)
    check(text, str(place), dataset)
    return _told(choices, place, with_schema=_write(place, text))


def experiment_name(title: str) -> str:
    """Return a file's name as an experiment may be called: small letters, digits, - and _."""
    name = re.sub(r"[^a-z0-9_]+", "-", title.lower()).strip("-_")[:NAME_LENGTH].strip("-_")
    return name or "experiment"


def choose(origin: Origin, folder: str, asked: str | None, command: str) -> tuple[Choices, Dataset]:
    """Look at the table; return what its spec is to say, and the dataset that such a spec gives."""
    from mlrun.dataset import load
    from mlrun.spec import DataSpec, Spec
    from mlrun.suggest import chosen_metrics, suggest_families
    from mlrun.table.column_types import settle_column, settle_table
    from mlrun.table.guesses import guess_roles, guess_target
    from mlrun.table.loading import find_source, load_table
    from mlrun.table.target_choice import choose_for_target

    source = find_source(origin.source, folder)
    raw = load_table(origin.source, origin.params, folder)
    table = settle_table(raw, {}, None, "")[0]
    name, why = guess_target(table, asked, source.target)
    spec = Spec("init", DataSpec(origin.source, origin.params, target=name), folder=folder)
    column = settle_column(raw[name])  # with its infinities: in a target they are an error
    if column is None:
        raise DataError(f"the target '{name}' is of type {raw[name].dtype}; a target is a class or a number.")
    chosen = replace(choose_for_target(spec, column, source.task(origin.params)), reason=why)
    spec = replace(spec, task=chosen.task, data=replace(spec.data, where=chosen.where, positive=chosen.positive))
    roles = guess_roles(table, name)
    dataset = load(replace(spec, data=replace(spec.data, id=roles.id)))
    choices = Choices(
        command=command,
        experiment=experiment_name(origin.title),
        origin=origin,
        rows=table.height,
        target=chosen,
        roles=roles,
        features=dataset.features,
        withheld=dataset.withheld,
        metrics=tuple(metric.name for metric in chosen_metrics(spec, dataset)),
        models=suggest_families(dataset),
        steps=tuple((column.name, spread_of(table[column.name])) for column in dataset.features if is_amount(column)),
    )
    return choices, dataset


def is_amount(column: Column) -> bool:
    """Say whether a feature is a number of which there can be more."""
    return column.kind == "numeric" and column.distinct > FEW_AMOUNTS


def spread_of(column: pl.Series) -> float:
    """Return a round number near a column's standard deviation: its first digit; 1 where that is nothing."""
    spread = column.cast(float).fill_nan(None).std()
    return float(f"{spread:.1g}") if isinstance(spread, float) and 0 < spread < float("inf") else 1.0


def check(text: str, path: str, dataset: Dataset) -> None:
    """Raise SpecError or DataError where the spec would not run; what was loaded is not loaded again."""
    from mlrun.plan import plan_models
    from mlrun.spec import parse
    from mlrun.splits import split

    spec = parse(text.encode(), path, str(Path(path).parent))
    plan_models(spec, dataset)
    split(dataset, spec)


# -- files ------------------------------------------------------------------------------------------------------------


def _free_place(output: str) -> Path:
    place = Path(output).expanduser().absolute()
    if place.exists():
        raise UsageError(f"{place} is already there; name another file with -o, or remove it first")
    if not place.parent.is_dir():
        raise UsageError(f"{place.parent} is no folder: make it first, or name another file with -o")
    return place


def _write(place: Path, text: str) -> bool:
    """Write the spec, and beside it the schema that its first line names, where there is none yet; say whether."""
    from mlrun.screen.tables import to_json
    from mlrun.spec import json_schema

    schema = place.with_name(SCHEMA_FILE)
    try:
        with place.open("x", encoding="utf-8") as file:
            file.write(text)
        if schema.exists():
            return False
        with schema.open("x", encoding="utf-8") as file:
            file.write(to_json(json_schema()))
    except FileExistsError as error:
        raise UsageError(f"{error.filename} is already there; name another file with -o, or remove it first") from error
    except OSError as error:
        raise StorageError(f"{error.filename or place} cannot be written: {error.strerror}") from error
    return True


def _told(choices: Choices, place: Path, *, with_schema: bool) -> str:
    """Return what was found, in a few lines, and what to run next."""
    target, shown = choices.target, _shown(place)
    found = f"{count(choices.rows, 'row')}, {target.task} of '{target.name}' ({target.reason})"
    tried = f"{count(len(choices.features), 'feature')}; models: {', '.join(choices.models)}"
    lines = [
        f"wrote {shown}" + (f", and {SCHEMA_FILE} so that editors check it" if with_schema else ""),
        *(line for text in (found, tried) for line in _wrapped(printable(text))),
        "look through it, then:",
        f"  mlrun plan {shown}",
    ]
    if choices.rows >= MANY:
        lines.append(f"  mlrun train {shown} --sample {TRY_OUT}  # a try-out: rows are many")
    return "\n".join([*lines, f"  mlrun train {shown}", ""])


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 80, initial_indent="  ", subsequent_indent="    ", break_long_words=False)


def _shown(place: Path) -> str:
    """Return the path as a user would type it here."""
    here = Path.cwd()
    return shlex.quote(printable(place.relative_to(here) if place.is_relative_to(here) else place))
