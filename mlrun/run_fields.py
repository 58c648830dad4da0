"""What conditions and sorting may name of a run: fields of the index, and the best model's scores by any metric."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from mlrun.catalog import suggestion
from mlrun.errors import UsageError
from mlrun.store.run_row import IndexRow, number_reader, reader_of, scores_of
from mlrun.wording import seconds_between

Kind = Literal["text", "number", "time", "flag", "tags"]
Read = Callable[[IndexRow], Any]
PARTS = ("folds", "test")


@dataclass(frozen=True, slots=True)
class Field:
    """What a name means: of which kind, and how it is read from a row; None = the run has nothing there.

    direction: of a score, which end is better; "" for all else. Times are seconds since 1970, tags a tuple of texts.
    """

    name: str
    kind: Kind
    read: Read
    direction: str = ""
    metric: str = ""
    part: str = ""


def text(field: str) -> Read:
    return lambda row: getattr(row, field) or None


def number(field: str) -> Read:
    return lambda row: getattr(row, field)


def time(field: str) -> Read:
    return lambda row: instant(getattr(row, field))


def instant(written: str) -> float | None:
    """Return an ISO time as seconds since 1970; None where it is none."""
    try:
        return datetime.fromisoformat(written).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def own_fields(*known: Field) -> Mapping[str, Field]:
    return {field.name: field for field in known}


FIELDS: Mapping[str, Field] = own_fields(
    Field("run", "text", lambda row: row.name),
    Field("experiment", "text", text("experiment")),
    Field("version", "number", number("version")),
    Field("status", "text", text("status")),
    Field("started", "time", time("started")),
    Field("finished", "time", time("finished")),
    Field("seconds", "number", lambda row: seconds_between(row.started, row.finished)),
    Field("model", "text", text("best")),
    Field("best", "text", text("best")),
    Field("family", "text", text("family")),
    Field("verdict", "text", text("verdict")),
    Field("gates", "text", text("gates")),
    Field("metric", "text", text("metric")),
    Field("models", "number", number("models")),
    Field("failed_trials", "number", number("failed_trials")),
    Field("exit_code", "number", number("exit_code")),
    Field("sampled", "flag", lambda row: row.sampled is not None),
    Field("tag", "tags", lambda row: tuple(row.tags.split())),
    Field("note", "text", text("note")),
    Field("data", "text", text("data_id")),
    Field("spec", "text", text("spec_id")),
    Field("stale", "text", text("stale")),
    Field("erased", "flag", lambda row: row.erasures > 0),
)


BRIEFLY = {
    "run",
    "experiment",
    "version",
    "status",
    "started",
    "metric",
    "sampled",
    "tag",
    "data",
    "stale",
    "score",
    *PARTS,
}


def is_brief(name: str, rows: Sequence[IndexRow]) -> bool:
    """Say whether the beginnings of rows tell what a name means: a field there, or the first metric of all of them."""
    part, dot, label = name.partition(".")
    metric = label if dot and part in PARTS else name
    return name in BRIEFLY or (name not in FIELDS and {row.metric for row in rows if row.metric} == {metric})


class Names:
    """The fields of some runs by name: those of every run, and the metrics that these runs have."""

    def __init__(self, rows: Sequence[IndexRow]) -> None:
        self._rows = rows
        self._first = {row.metric: row.direction for row in rows if row.metric}

    def find(self, name: str) -> Field:
        """Return what a name means; raise UsageError with the nearest when it means nothing.

        `roc_auc` and `folds.roc_auc` are the mean over folds, `test.roc_auc` the value on test rows; `folds`, `score`
        and `test` alone the same of each run's first metric.
        """
        if name in FIELDS:
            return FIELDS[name]
        if name in ("score", *PARTS):
            read = (lambda row: row.test) if name == "test" else (lambda row: row.cv)
            return Field(name, "number", read, "first", part="test" if name == "test" else "folds")
        part, dot, label = name.partition(".")
        if not dot or part not in PARTS:
            part, label = "folds", name
        return self._metric(name, label, part)

    def _metric(self, name: str, label: str, part: str) -> Field:
        direction = self._first.get(label)
        if direction is None:
            first = next(filter(None, map(reader_of(label), self._rows)), None)
            if first is None:
                raise UsageError(f"there is no field or metric '{name}'{suggestion(name, self.known())}")
            direction = first.direction
        score = number_reader(label, "test" if part == "test" else "mean")

        def read(row: IndexRow) -> float | None:
            if row.metric == label:  # it stands in the row itself
                return row.test if part == "test" else row.cv
            return score(row)

        return Field(name, "number", read, direction or "maximize", label, part)

    def known(self) -> tuple[str, ...]:
        """Return all names, in alphabetical order."""
        return tuple(sorted({*FIELDS, "score", *PARTS, *self.metrics()}))

    def metrics(self) -> set[str]:
        """Return the labels of all metrics that a run has."""
        return {label for row in self._rows for label in scores_of(row)}


def ordered(rows: Iterable[IndexRow], field: Field, *, turned: bool) -> list[IndexRow]:
    """Return rows by a field: the best score first, the newest time, else the smallest; turned: the other way round.

    Runs that have nothing there come last; equal ones stay as they were. Scores of several metrics stay apart.
    """
    given = list(rows)
    values = {id(row): field.read(row) for row in given}
    known = [row for row in given if values[id(row)] not in (None, ())]

    def place(row: IndexRow) -> Any:
        value = values[id(row)]
        if field.direction:
            down = (row.direction if field.direction == "first" else field.direction) == "maximize"
        else:
            down = field.kind == "time"
        return -value if down != turned else value

    if field.kind in ("number", "time"):
        known.sort(key=place)
        if field.direction == "first":
            known.sort(key=lambda row: row.metric)
    else:
        known.sort(key=lambda row: values[id(row)], reverse=turned)
    seen = {id(row) for row in known}
    return [*known, *(row for row in given if id(row) not in seen)]
