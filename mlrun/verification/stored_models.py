"""From the models of a run to those that can be loaded, each tried in a child process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun.errors import DataError, NotTrusted
from mlrun.verification.trouble import Trouble

if TYPE_CHECKING:
    from mlrun.foreign import Room
    from mlrun.store.run_record import RunRecord
    from mlrun.verification.bytes_written import Bytes


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many models could be loaded, what is wrong with others, and what was not tried."""

    count: int = 0
    troubles: tuple[Trouble, ...] = ()
    notes: tuple[str, ...] = ()


def check_models(folder: Path, record: RunRecord, found: Bytes, room: Room, trust: Sequence[str]) -> Loaded:
    """Load each stored model of a run in the room's child; what is missing or changed was told before."""
    from mlrun.foreign import open_foreign

    count, troubles, notes = 0, [], []
    for model in record.models:
        if model.file and model.file not in found.vouched:
            troubles.append(Trouble(model.file, f"the model {model.name} is not in the manifest"))
        if not model.file or not found.is_good(model.file):
            continue
        try:
            open_foreign(folder / model.file, found.vouched[model.file], trust, record.spec_folder, room)
            count += 1
        except NotTrusted as refusal:
            notes.append(f"{model.name} is not tried: {str(refusal).partition(': ')[2]}")
        except DataError as error:
            told = str(error).removeprefix(str(folder / model.file)).strip()
            troubles.append(Trouble(model.file, f"it cannot be loaded: it {told}"))
    return Loaded(count, tuple(troubles), tuple(notes))
