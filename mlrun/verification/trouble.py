"""What is wrong with a run folder: which file, what about it, and the way out."""

from __future__ import annotations

from dataclasses import dataclass

RESTORE = "restore the folder from a copy, or run its spec again: mlrun train SPEC --fresh --no-cache"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A file of a run, relative to its folder, what is wrong with it, and what helps."""

    file: str
    text: str
    cure: str = RESTORE
