"""From the definitions to the table of every key of a spec: its default, and whether it enters the identity."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

from pydantic_core import PydanticUndefined

from mlrun import catalog
from mlrun.contracts import Source
from mlrun.language.baselines import BASELINES
from mlrun.language.canonical import KEPT, OUTSIDE
from mlrun.language.evaluation_schema import check_rows
from mlrun.language.gates import GATES
from mlrun.language.hooks import HookShape, HooksShape
from mlrun.language.shape import EvaluationShape, FoldColumnShape, ModelShape, Shape, SpecShape

if typing.TYPE_CHECKING:
    from pydantic.fields import FieldInfo

HEADER = "| key | default | identity | what it says |\n|---|---|---|---|"
Row = tuple[str, str, str, str]


def table() -> str:
    """Return the table of keys, in Markdown."""
    rows = [*_rows(SpecShape, ""), *_rows(ModelShape, "models.NAME.")]
    rows.append(("models.NAME.HYPERPARAMETER", "the library's", "yes", "a list is a grid; see `mlrun catalog models`"))
    for name in catalog.names("sources"):
        rows += _of_source(name)
    for name, shape in BASELINES.items():
        rows += _rows(shape, f"baselines.{name}.")
    rows += _rows(EvaluationShape, "evaluation.")
    rows += check_rows()
    rows += [row for gate in GATES.values() for row in _rows(gate, "gates[].")]
    rows += _rows_of_hooks()
    lines = [f"| `{key}` | {default} | {identity} | {_cell(meaning)} |" for key, default, identity, meaning in rows]
    return "\n".join([HEADER, *lines])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _of_source(name: str) -> Iterator[Row]:
    entry: Source = catalog.find("sources", name)
    for key, meaning in entry.parameters.items():
        yield f"data.{key}", "required" if key in entry.required else "—", "yes", f"source {name}: {meaning}"


def _rows(shape: type[Shape], around: str) -> Iterator[Row]:
    for name, field in shape.model_fields.items():
        key = f"{around}{field.alias or name}"
        inner = _section(field)
        if inner is None or key == "models.NAME.prepare":
            yield key, _default(field), _identity(key), field.description or ""
        else:
            if field.description:
                yield key, _default(field), _identity(key), field.description
            yield from _rows(inner, f"{key}.")


def _rows_of_hooks() -> Iterator[Row]:
    for event, field in HooksShape.model_fields.items():
        yield f"hooks.{event}[]", _default(field), "no", field.description or ""
    yield from _rows(HookShape, "hooks.EVENT[].")


def _section(field: FieldInfo) -> type[Shape] | None:
    """Return the definition of a field that is a mapping with keys of its own."""
    found = [shape for shape in _shapes_in(field.annotation) if shape not in (FoldColumnShape, ModelShape)]
    return found[0] if found else None


def _shapes_in(annotation: Any) -> list[type[Shape]]:
    if isinstance(annotation, type) and issubclass(annotation, Shape):
        return [annotation]
    return [shape for part in typing.get_args(annotation) for shape in _shapes_in(part)]


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, Shape):
        return ""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list):
        return f"`[{', '.join(str(*entry) if isinstance(entry, dict) else str(entry) for entry in value)}]`"
    return f"`{value or '{}'}`" if isinstance(value, dict) else f"`{value}`"


def _identity(key: str) -> str:
    return "no" if key.partition(".")[0] in OUTSIDE or key == f"data.{KEPT}" else "yes"
