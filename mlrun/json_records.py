"""From frozen records to plain JSON and back, driven by the types of their fields."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Record = TypeVar("Record")
NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def encode(value: object) -> Any:
    """Return a record, or what stands inside one, as JSON knows it: objects, lists, strings, finite numbers.

    NaN and infinities become the strings 'NaN', 'Infinity', '-Infinity'. Raises TypeError on anything else.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str_of_not_finite(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): encode(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(inner) for inner in value]
    if hasattr(value, "tolist"):  # a number or array of numpy's, without importing it
        return encode(value.tolist())
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def str_of_not_finite(value: float) -> str:
    """Return the word for NaN or an infinity."""
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def decode(kind: type[Record], value: object, where: str = "") -> Record:
    """Return JSON as a record of `kind`; fields that are missing take their defaults, unknown ones are left out.

    Raises ValueError naming the field that does not fit.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{where or 'the content'} is not a JSON object")  # noqa: TRY004 - one error for all damage
    given: dict[str, Any] = {}
    for name, hint, required in shape(kind):
        place = f"{where}.{name}" if where else name
        if name in value:
            given[name] = decode_value(hint, value[name], place)
        elif required:
            raise ValueError(f"{place} is missing")
    return kind(**given)


@cache
def shape(kind: type) -> tuple[tuple[str, Any, bool], ...]:
    """Return (name, type, whether it must be there) of each field of a record."""
    hints = get_type_hints(kind)
    return tuple(
        (field.name, hints[field.name], field.default is MISSING and field.default_factory is MISSING)
        for field in fields(kind)
    )


def decode_value(hint: Any, value: object, where: str) -> Any:
    """Return a JSON value as what `hint` says; raise ValueError when it does not fit."""
    if hint is Any:
        return frozen(value)
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return decode_union(inside, value, where)
    if origin is Literal and value in inside:
        return value
    if origin is tuple and isinstance(value, list):
        return tuple(decode_value(inside[0], item, f"{where}[{at}]") for at, item in enumerate(value))
    if isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(value, dict):
        return {key: decode_value(inside[1], item, f"{where}.{key}") for key, item in value.items()}
    if is_dataclass(hint) and isinstance(hint, type):
        return decode(hint, value, where)
    if fits(hint, value):
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is float and isinstance(value, str) and value in NOT_FINITE:
        return NOT_FINITE[value]
    raise ValueError(f"{where} is not what it should be")


def decode_union(options: tuple[Any, ...], value: object, where: str) -> Any:
    """Return the value as the first of several types that it fits; exact scalars go first (1 is no 1.0, no true)."""
    if any(fits(option, value) for option in options):
        return value
    for option in options:
        try:
            return decode_value(option, value, where)
        except ValueError:
            continue
    raise ValueError(f"{where} is not what it should be")


def fits(hint: Any, value: object) -> bool:
    """Say whether a JSON scalar is exactly of this type."""
    return hint in (str, int, float, bool, NoneType) and type(value) is hint


def frozen(value: object) -> Any:
    """Return free JSON with tuples for lists."""
    if isinstance(value, list):
        return tuple(frozen(item) for item in value)
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    return value
