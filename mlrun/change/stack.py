"""From a suite of behaviour tests to one stack of rows: those of the data, and under them every edited one."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mlrun import catalog
from mlrun.change.author_rows import read_author_rows
from mlrun.change.keys import edits_of
from mlrun.check_contracts import Edit, Variant
from mlrun.errors import DataError, UsageError
from mlrun.records import Dataset, Params, PlannedTest
from mlrun.table.row_conditions import select_rows
from mlrun.wording import told_error

if TYPE_CHECKING:
    from mlrun.records import Array

Key = tuple[str, str]  # a test's check and name


@dataclass(frozen=True, slots=True)
class Suite:
    """What behaviour tests are made of; rows: positions of the judged rows.

    Each test takes the first `sample` of them, in one order drawn from the seed, for which its condition holds.
    """

    dataset: Dataset
    rows: Array
    tests: tuple[PlannedTest, ...]
    sample: int
    seed: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A variant on the stack: which cases it changed, and where their edited rows lie."""

    variant: str
    level: float | None
    cases: Array
    places: Array


@dataclass(frozen=True, slots=True)
class Part:
    """A test on the stack; rows: positions in the data, None where the test made its rows; base: where they lie."""

    ids: tuple[str | int, ...]
    rows: Array | None
    truth: Array | None
    base: Array
    variants: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class Stack:
    """All base rows and all edited rows of a suite; failures: tests whose rows could not be made, and why."""

    table: pl.DataFrame
    parts: Mapping[Key, Part]
    failures: Mapping[Key, Exception]


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """The rows of the data that some test takes, ascending positions, and their table, which lies lowest."""

    rows: Array
    table: pl.DataFrame


def make_stack(suite: Suite) -> Stack:
    """Return the rows of all tests, each base row once; a test whose rows cannot be made is kept with its reason."""
    order = np.random.default_rng(suite.seed).permutation(suite.rows)
    chosen: dict[Key, Array | None] = {}
    failures: dict[Key, Exception] = {}
    for test in suite.tests:
        try:
            chosen[test.check, test.name] = rows_of(test, suite, order)
        except Exception as error:  # noqa: BLE001 - one broken test must not hide the others
            failures[test.check, test.name] = error
    drawn = [rows for rows in chosen.values() if rows is not None]
    base = np.unique(np.concatenate(drawn)) if drawn else np.empty(0, dtype=np.int64)
    tables, parts = [suite.dataset.table[base]], {}
    shared = Base(base, tables[0])
    height = len(base)
    for test in suite.tests:
        key = (test.check, test.name)
        if key in failures:
            continue
        try:
            part, made = make_part(test, suite, shared, chosen[key], height)
        except Exception as error:  # noqa: BLE001 - the user's own edit may raise anything
            failures[key] = error
            continue
        parts[key] = part
        tables.extend(made)
        height += sum(table.height for table in made)
    return Stack(pl.concat(tables, how="vertical_relaxed", rechunk=True), parts, failures)


def rows_of(test: PlannedTest, suite: Suite, order: Array) -> Array | None:
    """Return the rows of the data that a test takes, ascending; None where it brings its own."""
    if "file" in test.params or find_edit(test.params["edit"][0]).own_rows is not None:
        return None
    where, size = test.params["where"], test.params["sample"] or suite.sample
    if where is not None:
        order = order[select_rows(suite.dataset.table[order], where)]
    return np.sort(order[:size])


def find_edit(name: str) -> Edit:
    """Return an edit of the shelf; raise UsageError with the nearest name."""
    found: Edit = catalog.find("edits", name)
    return found


def make_part(
    test: PlannedTest, suite: Suite, base: Base, rows: Array | None, begin: int
) -> tuple[Part, list[pl.DataFrame]]:
    """Return a test's place on a stack that is `begin` rows high, and the tables that come on top of it."""
    dataset = suite.dataset
    if rows is not None:
        places, tables = np.searchsorted(base.rows, rows), []
        table = base.table if len(rows) == len(base.rows) else base.table[places]
        ids = tuple(dataset.row_ids[rows].tolist())
        truth = None if dataset.truth is None else dataset.truth[rows]
    else:
        table, ids, truth = own_rows(test, suite)
        places, tables = np.arange(begin, begin + table.height), [table]
        begin += table.height
    variants = []
    for number, variant in enumerate(variants_of(test.params, dataset)):
        seed = [suite.seed, zlib.crc32(f"{test.check} {test.name}".encode()), number]
        try:
            edited, cases = edit_rows(variant, test.params, table, np.random.default_rng(seed), dataset)
        except (pl.exceptions.PolarsError, ArithmeticError) as error:  # a number that the column's type cannot hold
            told = f"the edit cannot be made on these rows: {told_error(error)}"
            raise DataError(told) from error
        variants.append(Placed(variant.name, variant.level, cases, np.arange(begin, begin + edited.height)))
        tables.append(edited)
        begin += edited.height
    return Part(ids, rows, truth, places, tuple(variants)), tables


def own_rows(test: PlannedTest, suite: Suite) -> tuple[pl.DataFrame, tuple[str | int, ...], Array | None]:
    """Return the rows that a test brings, with ids and, where it has them, labels."""
    dataset = suite.dataset
    if "file" in test.params:
        table, truth = read_author_rows(test.params["file"], test.params["label"], dataset)
        return table, tuple(range(1, table.height + 1)), truth
    name, value = test.params["edit"]
    make = find_edit(name).own_rows
    if make is None:
        raise UsageError(f"the edit '{name}' makes no rows of its own")
    table = make(value, dataset)
    size = test.params["sample"] or suite.sample
    if table.height > size:
        kept = np.sort(np.random.default_rng(suite.seed).choice(table.height, size, replace=False))
        table = table[kept]
    (column,) = find_edit(name).columns(value, dataset)
    return table, tuple(table[column].to_list()), None  # the author's own sentences, so they may be shown


def variants_of(params: Params, dataset: Dataset) -> Sequence[Variant]:
    if "edit" not in params:
        return ()
    name, value = params["edit"]
    return find_edit(name).variants(value, dataset)


def edit_rows(
    variant: Variant, params: Params, table: pl.DataFrame, generator: np.random.Generator, dataset: Dataset
) -> tuple[pl.DataFrame, Array]:
    """Return the rows that a variant changed, edited, and their positions; what goes along changes no other rows."""
    name, value = edits_of(params)[0]
    edited = conformed(variant.apply(table, generator), table, name)
    changed = differing(table, edited, find_edit(name).columns(value, dataset))
    for beside, its_value in edits_of(params)[1:]:
        edited = alongside(edited, table, beside, its_value, generator, dataset)
    cases = np.flatnonzero(changed)
    return (edited if len(cases) == edited.height else edited[cases]), cases


def alongside(
    edited: pl.DataFrame, table: pl.DataFrame, name: str, value: Any, generator: np.random.Generator, dataset: Dataset
) -> pl.DataFrame:
    """Return edited rows with one more edit; all of its variants change the rows as they came, none another's work."""
    entry, begun = find_edit(name), edited
    for variant in entry.variants(value, dataset):
        moved = conformed(variant.apply(begun, generator), table, name)
        for column in entry.columns(value, dataset):
            written = begun[column].ne_missing(moved[column])
            edited = edited.with_columns(moved[column].zip_with(written, edited[column].cast(moved.schema[column])))
    return edited


def differing(before: pl.DataFrame, after: pl.DataFrame, columns: Sequence[str]) -> Array:
    """Return (n,) bool: whether a row differs in one of the columns; null equals null."""
    if not columns or not before.height:
        return np.zeros(before.height, dtype=bool)
    changed: Array = np.zeros(before.height, dtype=bool)
    for name in columns:
        changed |= before[name].ne_missing(after[name]).to_numpy()
        if changed.all():  # often by the first column: the others cannot add a row
            break
    return changed


def conformed(edited: pl.DataFrame, table: pl.DataFrame, edit: str) -> pl.DataFrame:
    """Return edited rows in the table's columns and types; numbers may become fractions.

    Raises DataError for another number of rows, missing columns, or values of another type.
    """
    wanted_types = table.schema
    if edited.height == table.height and edited.schema == wanted_types:  # in their order, too
        return edited
    if edited.height != table.height or set(edited.columns) != set(table.columns):
        raise DataError(
            f"the edit '{edit}' gave {edited.height} rows and {edited.width} columns for {table.height} rows and "
            f"{table.width} columns; it must keep both"
        )
    edited = edited.select(table.columns)
    types = edited.schema
    changed = [name for name, dtype in wanted_types.items() if types[name] != dtype]
    for name in changed:
        dtype = wanted_types[name]
        wanted = pl.Float64() if dtype.is_numeric() and types[name].is_numeric() else dtype
        try:
            edited = edited.with_columns(edited[name].cast(wanted))
        except pl.exceptions.PolarsError as error:
            told = f"the edit '{edit}' made column '{name}' {types[name]}, where {dtype} is expected"
            raise DataError(told) from error
    return edited
