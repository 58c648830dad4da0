"""What a search is told and says: the values that it may try, what was tried, what to try next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlrun.records import Params


@dataclass(frozen=True, slots=True)
class Choice:
    """The values listed in a spec; a fixed value is a choice of one."""

    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """A distribution: uniform or log-uniform between low and high, whole numbers when `integer`."""

    low: float
    high: float
    log: bool = False
    integer: bool = False


Domain = Choice | Range


def as_written(domain: Domain) -> dict[str, list[Any]]:
    """Return what a spec would say for it, in full."""
    if isinstance(domain, Choice):
        return {"choice": list(domain.values)}
    return {f"{'log_' if domain.log else ''}{'int' if domain.integer else 'uniform'}": [domain.low, domain.high]}


Grid = Mapping[str, Domain]
Space = tuple[Grid, ...]  # a union of grids
SAMPLED_TRIALS = 30  # the budget of a strategy that samples, when the spec names none


@dataclass(frozen=True, slots=True)
class Budget:
    """What every family may spend; None = no bound. spent: the CPU seconds that its fits and proposals took so far.

    rows: of training in the smallest fold, for strategies that try first on a part of them; None = not known.
    """

    trials: int | None = None
    cpu_seconds: float | None = None
    spent: float = 0.0
    rows: int | None = None

    @property
    def is_spent(self) -> bool:
        return self.cpu_seconds is not None and self.spent >= self.cpu_seconds


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to try next. fidelity: the share of a fold's training rows; only trials on all of them (1) can win."""

    params: Params
    fidelity: float = 1.0


@dataclass(frozen=True, slots=True)
class Tried:
    """A trial of the history: its params, its mean score turned so that higher is better (None = failed)."""

    params: Params
    score: float | None
    fidelity: float = 1.0


@dataclass(frozen=True, slots=True)
class SearchStrategy:
    """propose: a pure function of the history, so that a run cut off goes on from its journal; () = done.

    samples: draws from distributions. ranges: of a model of which the spec says nothing it searches the family's
    ranges, not its grid. modules: what must be importable for it; extra: of the distribution, which installs that.
    """

    propose: Callable[[Space, Sequence[Tried], Budget, int], Sequence[Proposal]]
    samples: bool
    ranges: bool = False
    extra: str = ""
    modules: tuple[str, ...] = ()
