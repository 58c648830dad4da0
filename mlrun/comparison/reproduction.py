"""What became of a run that was run again: what was not as it was, what was compared, the answer in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlrun.comparison.repetition import Compared
from mlrun.comparison.restoring import Departure
from mlrun.errors import NothingConcluded
from mlrun.wording import count


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What became of it; reproduced: None = nothing could be compared. folder: of the repetition, '' = it is gone."""

    run: str
    reproduced: bool | None
    sentence: str
    departures: tuple[Departure, ...]
    notes: tuple[str, ...]
    compared: tuple[Compared, ...] = ()
    folder: str = ""

    @property
    def exit_code(self) -> int:
        if self.reproduced is None:
            return NothingConcluded.exit_code
        return 0 if self.reproduced else 1


def verdict(compared: Sequence[Compared]) -> tuple[bool | None, str]:
    """Return whether all is equal, and the sentence that says so."""
    scores = [each for each in compared if each.what.startswith("scores")]
    total, equal = sum(each.total for each in scores), sum(each.equal for each in scores)
    if not any(each.total for each in compared):
        return None, "nothing could be compared: the run has neither trials nor scores"
    beside = sum(each.outside for each in compared)
    except_for = f"; {count(beside, 'thing')} outside the promise" if beside else ""
    wrong = [each for each in compared if each.different]
    if not wrong:
        what = f"all {count(equal, 'score')} equal" if total else "all trials end as they did, none with a score"
        return True, f"reproduced: {what}{except_for}"
    parts = ", ".join(f"{each.different:,} of {each.total:,} {each.what}" for each in wrong)
    return (
        False,
        f"not reproduced: {parts} {'differs' if sum(e.different for e in wrong) == 1 else 'differ'}{except_for}",
    )
