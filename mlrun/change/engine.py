"""From a suite of behaviour tests to one stack of edited rows, and to what each model says of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from mlrun.change.stack import Part, Stack, Suite, make_stack
from mlrun.check_contracts import Subject
from mlrun.errors import DataError, Interrupted, MlrunError, StorageError, UsageError
from mlrun.fit import join, take
from mlrun.records import Dataset, PlannedTest, Prediction
from mlrun.wording import told_error

if TYPE_CHECKING:
    from mlrun.records import Array

CHUNK = 50_000  # rows of one call, so that a wide matrix stays small


@dataclass(frozen=True, slots=True)
class Change:
    """What became of the rows that a variant changed; cases: (n,) positions among the answer's rows.

    old, new: the model's prediction of them before and after.
    """

    variant: str
    level: float | None
    cases: Array
    old: Prediction
    new: Prediction


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model says in one test; ids, base: of the rows before any edit, in the order of the cases.

    truth: class codes or numbers of these rows, None where there is none. own: the test made its rows itself.
    """

    ids: tuple[str | int, ...]
    truth: Array | None
    base: Prediction
    changes: tuple[Change, ...]
    own: bool = False


@dataclass(slots=True)
class Engine:
    """Makes the rows of a suite once, asks each model about them once, and answers for each test.

    cast_rows: what brings edited rows to the types that the models know.
    """

    suite: Suite
    cast_rows: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    _stack: Stack | None = None
    _distinct: dict[tuple[str, ...], tuple[Array, Array]] = field(default_factory=dict)
    _known: dict[str, Prediction | Exception] = field(default_factory=dict)

    @property
    def stack(self) -> Stack:
        """The rows of the whole suite, made when first asked for."""
        if self._stack is None:
            made = make_stack(self.suite)
            self._stack = made if self.cast_rows is None else replace(made, table=self.cast_rows(made.table))
        return self._stack

    def of(self, subject: Subject, test: PlannedTest) -> Answer:
        """Return what a subject says of a test's rows before and after each variant; only changed rows are in it.

        Raises what the test's own edit raised, and what the subject raises when it is asked.
        """
        key = (test.check, test.name)
        if key in self.stack.failures:
            raise self.stack.failures[key]
        part = self.stack.parts[key]
        names = self.columns_of(subject)
        _, distinct = self.distinct(names)
        prediction = self.predicted(subject, part)
        spoken = self.spoken(subject, part)
        kept = np.flatnonzero(spoken)
        position = np.cumsum(spoken) - 1
        changes, base = [], take(prediction, distinct[part.base[kept]])
        for variant in part.variants:
            differs = spoken[variant.cases] & (distinct[variant.places] != distinct[part.base[variant.cases]])
            cases, places = variant.cases[differs], variant.places[differs]
            old = base if len(cases) == len(kept) else take(prediction, distinct[part.base[cases]])
            new = take(prediction, distinct[places])
            changes.append(Change(variant.variant, variant.level, position[cases], old, new))
        return Answer(
            ids=part.ids if len(kept) == len(part.ids) else tuple(part.ids[case] for case in kept),
            truth=None if part.truth is None else part.truth[kept],
            base=base,
            changes=tuple(changes),
            own=part.rows is None,
        )

    def size_of(self, test: PlannedTest) -> int:
        """Return how many rows a test has before any edit; raise what its own edit raised."""
        key = (test.check, test.name)
        if key in self.stack.failures:
            raise self.stack.failures[key]
        return len(self.stack.parts[key].base)

    def columns_of(self, subject: Subject) -> tuple[str, ...]:
        """Return the columns by which rows are told apart: those that the subject reads, all for a baseline."""
        return tuple(self.suite.dataset.table.columns) if subject.features is None else subject.features

    def distinct(self, names: tuple[str, ...]) -> tuple[Array, Array]:
        """Return the first place of each row that differs in these columns, and for every place which of them it is."""
        if names not in self._distinct:
            self._distinct[names] = distinct_rows(self.stack.table.select(names))
        return self._distinct[names]

    def spoken(self, subject: Subject, part: Part) -> Array:
        """Return for which of a test's rows the subject has an answer at all."""
        answered, rows = subject.answered, self.suite.rows
        if answered is None or part.rows is None or len(answered) != len(rows) or answered.all():
            return np.ones(len(part.base), dtype=bool)
        order = np.argsort(rows)
        found: Array = answered[order[np.searchsorted(rows[order], part.rows)]]
        return found

    def predicted(self, subject: Subject, part: Part) -> Prediction:
        """Return the subject's prediction of the distinct rows, asked for once.

        Where it raises, it is asked about each test's rows alone: then only the test that it cannot bear fails.
        """
        first, distinct = self.distinct(self.columns_of(subject))
        if subject.name not in self._known:
            try:
                self._known[subject.name] = asked(subject, rows_at(self.stack.table, first))
            except (Interrupted, StorageError):
                raise
            except Exception as error:  # noqa: BLE001 - a model may raise anything on rows of a user's edit
                self._known[subject.name] = error
        known = self._known[subject.name]
        if isinstance(known, Prediction):
            return known
        if len(self.stack.parts) == 1:
            raise known
        wanted = np.unique(distinct[np.concatenate([part.base, *(variant.places for variant in part.variants)])])
        alone = asked(subject, self.stack.table[first[wanted]])
        spread = np.zeros(len(first), dtype=np.int64)
        spread[wanted] = np.arange(len(wanted))
        return take(alone, spread)


def make_engine(
    dataset: Dataset,
    rows: Array,
    tests: Sequence[PlannedTest],
    sample: int,
    seed: int,
    folder: str,
    cast_rows: Callable[[pl.DataFrame], pl.DataFrame] | None = None,
) -> Engine:
    """Return the engine of a suite; tests that are no behaviour tests are passed over. Nothing is made yet."""
    behaviour = tuple(test for test in tests if "edit" in test.params or {"file", "label"} <= set(test.params))
    return Engine(Suite(replace(dataset, folder=folder), rows, behaviour, sample, seed), cast_rows)


def distinct_rows(table: pl.DataFrame) -> tuple[Array, Array]:
    """Return the place of the first of each kind of equal rows, and for every row which kind it is.

    Rows are told apart by a hash; should two different rows have the same one, no rows are taken for equal.
    """
    every = np.arange(table.height)
    try:
        hashes = table.hash_rows()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):  # of lists and the like, which have none
        return every, every
    if hashes.n_unique() == table.height:
        return every, every
    _, first, inverse = np.unique(hashes.to_numpy(), return_index=True, return_inverse=True)
    order = np.argsort(first)  # in the order of the stack, which is quicker to gather
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    first, inverse = first[order], rank[inverse]
    again = np.flatnonzero(first[inverse] != every)
    if not table[first[inverse[again]]].equals(table[again]):
        return every, every
    return first, inverse


def rows_at(table: pl.DataFrame, places: Array) -> pl.DataFrame:
    """Return the rows at ascending places; the table itself when these are all."""
    return table if len(places) == table.height else table[places]


def asked(subject: Subject, table: pl.DataFrame) -> Prediction:
    """Return a subject's prediction of a table, chunk by chunk."""
    if subject.predict is None:
        raise UsageError(subject.silent or "it cannot be asked about new rows")
    predict = subject.predict
    chunks = [table[begin : begin + CHUNK] for begin in range(0, table.height, CHUNK)] or [table]
    try:
        parts = [predict(chunk) for chunk in chunks]
    except MlrunError:
        raise
    except Exception as error:  # a model may raise anything on rows of a user's edit
        raise DataError(f"the model cannot answer the edited rows: {told_error(error)}") from error
    return parts[0] if len(parts) == 1 else join(parts)
