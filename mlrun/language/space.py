"""From what a spec says of a hyperparameter to the values that a search may try."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlrun.kinds import Kind
from mlrun.language.problems import Findings, quote
from mlrun.language.yaml_reader import Path
from mlrun.records import Params
from mlrun.search_contracts import Choice, Domain, Range, Space

DISTRIBUTIONS = ("uniform", "log_uniform", "int", "log_int", "choice")
MANY = 2000  # combinations that are looked at before a run; a family says again what it refuses when it is built


def read_domain(value: Any, kind: Kind | None, path: Path, findings: Findings, *, samples: bool) -> Domain | None:
    """Return the values to try; None when there is something wrong with them, which is told.

    value: plain; a list is a choice, a mapping with one key of DISTRIBUTIONS a distribution, anything else fixed.
    kind: what values the hyperparameter admits, None = not known. samples: whether the strategy draws.
    """
    if isinstance(value, list):
        return _read_list(value, kind, path, findings)
    if isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in DISTRIBUTIONS:
        return _read_distribution(value, kind, path, findings, samples=samples)
    return Choice((freeze(value),)) if _admits(value, kind, path, findings) else None


def freeze(value: Any) -> Any:
    """Return a value with tuples for lists, all the way down."""
    if isinstance(value, Mapping):
        return {key: freeze(inner) for key, inner in value.items()}
    return tuple(freeze(item) for item in value) if isinstance(value, (list, tuple)) else value


def combinations(space: Space) -> Iterator[Params]:
    """Yield what a grid tries, in order; of a distribution its lower end."""
    for grid in space:
        values = [domain.values if isinstance(domain, Choice) else (domain.low,) for domain in grid.values()]
        for chosen in itertools.product(*values):
            yield dict(zip(grid, chosen, strict=True))


def _read_list(values: Sequence[Any], kind: Kind | None, path: Path, findings: Findings) -> Choice | None:
    name = path[-1]
    if not values:
        findings.add(path, f"'{name}' is an empty list: there is nothing to try", "Remove it, or give it values.")
        return None
    if kind is not None and kind.admits(values) and not any(kind.admits(value) for value in values):
        flat = ", ".join(map(_written, values))
        message = f"'{name}' takes lists, and a list of lists is what is tried"
        findings.add(path, message, f"Write [[{flat}]] to try this one, or more of them: [[...], [...]].")
        return None
    good = [_admits(value, kind, (*path, index), findings, name) for index, value in enumerate(values)]
    seen: set[str] = set()
    for index, value in enumerate(values):
        if repr(value) in seen:
            findings.add((*path, index), f"'{name}' lists {quote(value)} twice", "Remove one.")
            good.append(False)
        seen.add(repr(value))
    return Choice(freeze(values)) if all(good) else None


def _admits(value: Any, kind: Kind | None, path: Path, findings: Findings, name: Any = None) -> bool:
    if kind is None or kind.admits(value):
        return True
    findings.add(path, f"'{path[-1] if name is None else name}' must be {kind}, not {quote(value)}")
    return False


def _written(value: Any) -> str:
    return str(value) if not isinstance(value, bool) else str(value).lower()


def _read_distribution(
    value: Mapping[str, Any], kind: Kind | None, path: Path, findings: Findings, *, samples: bool
) -> Domain | None:
    (word, inside), *_ = value.items()
    name = path[-1]
    if not samples:
        cure = "Say `search: {strategy: random}`, or list the values to try."
        findings.add(path, f"'{word}' is a distribution, and the strategy tries every value of a grid", cure)
        return None
    if word == "choice":
        if isinstance(inside, list):
            return _read_list(inside, kind, (*path, word), findings)
        findings.add(path, f"'choice' of '{name}' must be a list of values, not {quote(inside)}")
        return None
    wrong = _wrong_ends(word, inside)
    if wrong:
        findings.add(path, f"'{word}' of '{name}' {wrong}, not {quote(inside)}")
        return None
    low, high = inside
    domain = Range(low, high, log=word.startswith("log"), integer=word.endswith("int"))
    outside = None if kind is None else _outside(domain, kind)
    if outside is not None:
        cure = "Use `int` or `log_int`." if kind is not None and kind.admits(low) and kind.admits(high) else ""
        findings.add(path, f"'{name}' must be {kind}, and '{word}' may draw {outside:g}", cure)
        return None
    return domain


def _wrong_ends(word: str, ends: Any) -> str:
    numbers = isinstance(ends, list) and len(ends) == 2
    if not numbers or any(isinstance(end, bool) or not isinstance(end, (int, float)) for end in ends):
        return "must be two numbers, [low, high]"
    low, high = ends
    if not abs(low) < 1e300 or not abs(high) < 1e300 or low >= high:
        return "must go from a lower number to a higher one"
    if word.startswith("log") and low <= 0:
        return "must begin above 0"
    if word.endswith("int") and not all(isinstance(end, int) for end in ends):
        return "must be two whole numbers"
    return ""


def _outside(domain: Range, kind: Kind) -> float | None:
    """Return a number that the distribution may draw and the hyperparameter does not admit."""
    inner = domain.low + 1 if domain.integer else domain.low + (domain.high - domain.low) / 3.14159
    for drawn in (domain.low, domain.high, inner):
        if not kind.admits(drawn):
            return drawn
    return None
