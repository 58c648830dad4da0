"""From the definitions to the JSON Schema of a spec, for editors."""

from __future__ import annotations

from typing import Any

from mlrun.spec_shape import SpecShape


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a spec as people write it, shorthands included."""
    return SpecShape.model_json_schema()
