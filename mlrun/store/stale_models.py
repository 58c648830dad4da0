"""From a run's record to what must be said of a model that was trained on a person who has been erased since."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlrun.store.run_record import ModelRecord, RunRecord

CONTAINS, INFLUENCED = "contains-", "influenced"
HELD = {"contains-verbatim": "rows", "contains-identifier": "an identifier"}


def find(record: RunRecord, name: str) -> ModelRecord | None:
    """Return a run's stale model of this name; None when there is none, or it is not stale."""
    return next((model for model in record.models if model.name == name and model.stale), None)


def refusal(record: RunRecord, name: str, *, stale: bool = False) -> str:
    """Return why a model may not be used, "" when it may; stale: it may although it holds a person."""
    model = find(record, name)
    if model is None or not model.stale.startswith(CONTAINS):
        return ""
    told = f"{name} of {record.name} held {HELD[model.stale]} of a person who was erased"
    if not model.file:
        return f"{told}, and was deleted with that: train again without these rows, or name another model"
    if stale:
        return ""
    return f"{told}, and was kept nevertheless: train again without these rows, or say --stale to use it"


def warning(record: RunRecord, name: str) -> str:
    """Return what a user of a stale model must know, "" of one that is not."""
    model = find(record, name)
    if model is None:
        return ""
    if model.stale == INFLUENCED:
        return f"{name} was trained on rows of a person who was erased since: it holds none of them, but follows them"
    if not model.file:
        return f"{name} held {HELD[model.stale]} of a person who was erased since, and was deleted with that"
    return f"{name} holds {HELD[model.stale]} of a person who was erased since"


def warnings(record: RunRecord) -> Iterator[str]:
    """Yield what must be known of each stale model of a run."""
    return filter(None, (warning(record, model.name) for model in record.models))
