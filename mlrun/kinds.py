"""What values a hyperparameter admits, as plain data: checked and shown without its library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlrun.records import TaskKind


@dataclass(frozen=True, slots=True)
class Number:
    """A float (integers too): low ≤ value ≤ high, `above` and `below` strictly."""

    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None
    integer: bool = False

    def admits(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int if self.integer else (int, float)):
            return False
        return (
            value == value  # noqa: PLR0124 - not a number is no number
            and (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        bounds = [
            f"{sign} {bound:.12g}"
            for sign, bound in (("≥", self.low), (">", self.above), ("≤", self.high), ("<", self.below))
            if bound is not None
        ]
        return " ".join([f"{'an integer' if self.integer else 'a number'}", " and ".join(bounds)]).strip()


def Integer(low: int | None = None, high: int | None = None) -> Number:  # noqa: N802 - reads as a kind, like Number
    """Return the kind of whole numbers from low to high."""
    return Number(low=low, high=high, integer=True)


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""

    def admits(self, value: object) -> bool:
        return isinstance(value, bool)

    def __str__(self) -> str:
        return "true or false"


@dataclass(frozen=True, slots=True, init=False)
class OneOf:
    """One of a few fixed values (strings or null)."""

    values: tuple[object, ...]

    def __init__(self, *values: object) -> None:
        object.__setattr__(self, "values", values)

    def admits(self, value: object) -> bool:
        return any(value == known and type(value) is type(known) for known in self.values)

    def __str__(self) -> str:
        return " | ".join("null" if value is None else str(value) for value in self.values)


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list; in a spec's grid it is written inside brackets of its own."""

    of: Kind

    def admits(self, value: object) -> bool:
        return isinstance(value, (list, tuple)) and len(value) > 0 and all(self.of.admits(item) for item in value)

    def __str__(self) -> str:
        return f"a list, each {self.of}"


@dataclass(frozen=True, slots=True)
class MappingOf:
    """A mapping, such as class weights by label."""

    of: Kind

    def admits(self, value: object) -> bool:
        return isinstance(value, Mapping) and all(self.of.admits(item) for item in value.values())

    def __str__(self) -> str:
        return f"a mapping to {self.of}"


@dataclass(frozen=True, slots=True, init=False)
class AnyOf:
    """Any of several kinds."""

    kinds: tuple[Kind, ...]

    def __init__(self, *kinds: Kind) -> None:
        object.__setattr__(self, "kinds", kinds)

    def admits(self, value: object) -> bool:
        return any(kind.admits(value) for kind in self.kinds)

    def __str__(self) -> str:
        return ", or ".join(str(kind) for kind in self.kinds)


@dataclass(frozen=True, slots=True, init=False)
class ByTask:
    """A kind that depends on the task; a task that is not named does not have the parameter."""

    kinds: tuple[tuple[str, Kind], ...]

    def __init__(self, **kinds: Kind) -> None:
        object.__setattr__(self, "kinds", tuple(kinds.items()))

    def of(self, task: TaskKind) -> Kind | None:
        return dict(self.kinds).get(task)

    def admits(self, value: object) -> bool:
        return any(kind.admits(value) for _, kind in self.kinds)

    def __str__(self) -> str:
        return ", or ".join(f"{kind} ({task})" for task, kind in self.kinds)


@dataclass(frozen=True, slots=True)
class Word:
    """Any text that is not empty."""

    def admits(self, value: object) -> bool:
        return isinstance(value, str) and value != ""

    def __str__(self) -> str:
        return "text"


@dataclass(frozen=True, slots=True)
class ColumnName:
    """The name of a column of the data, which is looked for once the data is known."""

    def admits(self, value: object) -> bool:
        return isinstance(value, str) and value != ""

    def __str__(self) -> str:
        return "a column"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition over the columns, in SQL."""

    def admits(self, value: object) -> bool:
        return isinstance(value, str) and value != ""

    def __str__(self) -> str:
        return "a SQL condition"


@dataclass(frozen=True, slots=True)
class Anything:
    """A value that only its reader can judge: a label, a number, text."""

    def admits(self, value: object) -> bool:
        return value is not None

    def __str__(self) -> str:
        return "a value"


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a key admits, what it is when left out, and one line on it."""

    kind: Kind
    default: object = None
    caption: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping with known keys, each with its kind and default."""

    fields: Mapping[str, Parameter]

    def admits(self, value: object) -> bool:
        return isinstance(value, Mapping) and all(
            key in self.fields and self.fields[key].kind.admits(inner) for key, inner in value.items()
        )

    def __str__(self) -> str:
        return "{" + ", ".join(f"{name}: {field.kind}" for name, field in self.fields.items()) + "}"


Kind = Number | Flag | OneOf | ListOf | MappingOf | AnyOf | ByTask | Word | ColumnName | Condition | Anything | Fields
