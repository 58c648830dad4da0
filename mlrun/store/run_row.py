"""The row that the index keeps of a run: what `list` shows, sorts and chooses by."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from mlrun.store.stale_models import CONTAINS

State = Literal["complete", "failed", "interrupted", "running", "damaged", "newer"]


class IndexRow(NamedTuple):
    """A line of `list`; a tuple, as ten thousand of them must be made in an instant.

    What lists choose and sort by stands first: as far as `BRIEF`, which is all that is read of a run that is not shown.

    metric: the first one's label; cv, sd: the best model's mean and standard deviation over folds; test, low, high:
    its value on test rows with its interval. stale: what the best model still holds of an erased person. scores: the
    same of every metric, as JSON; see `scores_of`. gates: the least of what became of them. tags, refers_to: words
    with a blank between; refers_to: the runs that this one's spec meant. Texts are "" and numbers None where a run
    has nothing to say.
    """

    experiment: str
    version: int
    status: State
    started: str = ""
    metric: str = ""
    direction: str = ""
    cv: float | None = None
    test: float | None = None
    sampled: int | None = None
    data_id: str = ""
    stale: str = ""
    tags: str = ""
    finished: str = ""
    best: str = ""
    family: str = ""
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    verdict: str = ""
    reason: str = ""
    models: int = 0
    failed_trials: int = 0
    spec_id: str = ""
    rows_id: str = ""
    code_id: str = ""
    exit_code: int | None = None
    gates: str = ""
    erasures: int = 0
    refers_to: str = ""
    note: str = ""
    scores: str = ""

    @property
    def name(self) -> str:
        return f"{self.experiment}@{self.version}"


BRIEF = IndexRow._fields[: IndexRow._fields.index("tags") + 1]


class Scores(NamedTuple):
    """The best model's scores by one metric: mean and standard deviation over folds, test with its interval."""

    direction: str = ""
    mean: float | None = None
    sd: float | None = None
    test: float | None = None
    low: float | None = None
    high: float | None = None


def scores_of(row: IndexRow) -> dict[str, Scores]:
    """Return metric label → scores of a run's best model."""
    try:
        return {label: Scores(*values) for label, values in json.loads(row.scores).items()} if row.scores else {}
    except (AttributeError, TypeError, ValueError):  # a cache on a broken disk: nothing is known
        return {}


def reader_of(label: str) -> Callable[[IndexRow], Scores | None]:
    """Return what reads the scores by one metric."""
    words_of = words_reader(label)

    def read(row: IndexRow) -> Scores | None:
        direction, *numbers = words_of(row) or [""]
        try:
            return Scores(direction.strip('"'), *map(number_in, numbers)) if direction else None
        except (TypeError, ValueError):  # a cache on a broken disk: nothing is known
            return None

    return read


def number_reader(label: str, part: Literal["mean", "test"]) -> Callable[[IndexRow], float | None]:
    """Return what reads a single score by one metric."""
    words_of, place = words_reader(label), Scores._fields.index(part)

    def read(row: IndexRow) -> float | None:
        words = words_of(row)
        try:
            return number_in(words[place]) if words else None
        except (IndexError, ValueError):  # a cache on a broken disk: nothing is known
            return None

    return read


def words_reader(label: str) -> Callable[[IndexRow], list[str] | None]:
    """Return what finds a metric's scores in the text of all of them: a tenth of the time of reading that as JSON."""
    key = f"{json.dumps(label)}:["

    def read(row: IndexRow) -> list[str] | None:
        text = row.scores
        at = text.find(key)
        while at > 0 and text[at - 1] not in "{,":  # the end of another label
            at = text.find(key, at + 1)
        return None if at < 0 else text[at + len(key) : text.find("]", at)].split(",")

    return read


def number_in(word: str) -> float | None:
    return None if word == "null" else float(word)


def best_of(rows: Sequence[IndexRow]) -> IndexRow | None:
    """Return what EXPERIMENT@best means among the rows of one experiment, newest first; None where nothing does.

    It is the best mean over folds by the first metric among complete runs on all rows, on the data of the latest of
    these; of equal ones the newest. A run whose best model holds a person who was erased, so that nothing may use it,
    is the best only where no other is.
    """
    complete = [row for row in rows if row.status == "complete" and row.sampled is None]
    complete = [row for row in complete if not row.stale.startswith(CONTAINS)] or complete
    if not complete:
        return None
    latest = complete[0]
    same = (latest.data_id, latest.metric, latest.direction)
    scored = [
        (row.cv if row.direction == "maximize" else -row.cv, row.version, row)
        for row in complete
        if row.cv is not None and (row.data_id, row.metric, row.direction) == same
    ]
    return max(scored)[2] if scored else None
