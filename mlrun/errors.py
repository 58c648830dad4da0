"""Every way in which mlrun refuses or stops, as one tree.

MlrunError
├── UsageError          exit  2   the command line, a name, a value
│   ├── SpecError       exit  2   the spec: all of its problems at once, each with its place
│   └── DataError       exit  2   a table, a file of predictions, a model file
│       └── NotTrusted  exit  2   a model file holds code that nobody vouches for
├── NothingConcluded    exit  3   nothing comparable, too few rows
├── StorageError        exit 74   disk full, permission, a damaged folder
└── Interrupted         exit 130 or 143; the run can be resumed

A fit that fails is not an exception here: it is a `records.Failure`, and the run goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlrun.records import Problem


class MlrunError(Exception):
    """A sentence for the user: where, what, and the way out."""

    exit_code: ClassVar[int] = 70


class UsageError(MlrunError):
    """The command line, a name or a value is wrong."""

    exit_code = 2


class SpecError(UsageError):
    """A spec has one or more problems; each is told with its place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class DataError(UsageError):
    """A table or a file cannot be used as the spec says."""


class NotTrusted(DataError):
    """A model file holds types of the author's own, and nobody vouches for them."""


class NothingConcluded(MlrunError):
    """The work was done, but no conclusion can be drawn from it."""

    exit_code = 3


class StorageError(MlrunError):
    """Something could not be written or read back: disk full, permission, damage."""

    exit_code = 74


class Interrupted(MlrunError):
    """The user or the system asked to stop; what is finished is kept."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.signal_number = signal_number
