"""From what a spec says of preparation to its record; a model's own lies over the spec's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from mlrun.language.sections import CategoryPrepare, NumericPrepare, PrepareSpec, TextPrepare

if TYPE_CHECKING:
    from mlrun.language.shape import PrepareShape, Shape

P = TypeVar("P", bound=NumericPrepare | CategoryPrepare | TextPrepare)


def overlay(below: PrepareSpec, above: PrepareShape) -> PrepareSpec:
    """Return what `above` says, and where it is silent what `below` says."""
    return PrepareSpec(
        _overlay(below.numeric, above.numeric),
        _overlay(below.category, above.category),
        _overlay(below.text, above.text),
    )


def _overlay(below: P, above: Shape) -> P:
    said = above.model_dump(exclude_none=True)
    changes: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}
    return replace(below, **changes)
